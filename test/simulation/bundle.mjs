/** Makes one file of the simulation and the sources that it tests: those of this tree, or of a copy. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder of this run alone. */
export function makeFolder() {
  return mkdtempSync(join(tmpdir(), 'mqtt-kit-simulation-'));
}

/**
 * @param {string} folder where the bundle goes
 * @param {string} sources the folder that has `packages`
 * @returns {Promise<string>} its path
 */
export async function bundle(folder, sources = root) {
  const outfile = join(folder, 'simulation.mjs');
  await build({
    entryPoints: [join(root, 'test/simulation/runner.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    sourcemap: 'inline',
    conditions: ['mqtt-kit-source'],
    alias: Object.fromEntries(
      ['packet', 'engine', 'core', 'testkit'].map((name) => [
        `@mqtt-kit/${name}`,
        join(sources, 'packages', name, 'src', 'index.ts'),
      ]),
    ),
    logLevel: 'warning',
  });
  return outfile;
}
