import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { programPath } from './processes.mjs';

/**
 * Bundles a program of this folder that measures parts which no package exports, from the sources.
 *
 * @param {string} name @returns {Promise<string>} where the bundle is
 */
export async function bundleProgram(name) {
  const outfile = fileURLToPath(
    new URL(`../../../node_modules/.bench/${name.replace(/\.ts$/, '.mjs')}`, import.meta.url),
  );
  await build({
    entryPoints: [programPath(name)],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['mqtt-kit-source'],
    external: ['mqtt-packet'],
    outfile,
    logLevel: 'silent',
  });
  return outfile;
}
