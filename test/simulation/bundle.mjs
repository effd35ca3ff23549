/** Makes one file of the simulation and the sources that it tests: those of this tree, or of a copy. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A folder of this run alone. */
export function makeFolder() {
  return mkdtempSync(join(tmpdir(), 'mqtt-kit-simulation-'));
}

/** Packages whose sources are under test, or judge. */
export const packages = ['packet', 'engine', 'core', 'store-file', 'testkit'];

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
      packages.map((name) => [
        `@mqtt-kit/${name}`,
        join(sources, 'packages', name, 'src', 'index.ts'),
      ]),
    ),
    plugins: [overSimulatedDisk],
    logLevel: 'warning',
  });
  return outfile;
}

/**
 * The file store as it is, but over the disk of the simulation. One constant is another one: what a run writes would
 * never be worth a compaction.
 *
 * @type {import('esbuild').Plugin}
 */
const overSimulatedDisk = {
  name: 'over simulated disk',
  setup(build) {
    build.onResolve({ filter: /^node:(fs|crypto)$/ }, ({ path, importer }) => {
      if (!importer.includes('/packages/store-file/src/')) return undefined;
      return { path: join(root, `test/simulation/simulated-${path.slice('node:'.length)}.ts`) };
    });
    build.onResolve({ filter: /^\.\/session-lock\.ts$/ }, () => ({
      path: join(root, 'test/simulation/simulated-lock.ts'),
    }));
    build.onLoad({ filter: /\/store-file\/src\/file-session-store\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const small = source.replace(/(?<=const smallestCompactionBytes = ).*(?=;)/, '2048');
      if (small === source) throw new Error(`${path} has no smallestCompactionBytes`);
      return { contents: small, loader: 'ts' };
    });
  },
};
