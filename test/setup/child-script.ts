import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { type Child, type ChildOptions, startChild } from './child-process.ts';
import { temporaryFolder } from './temporary-folder.ts';

let folder: string | undefined;
const bundles = new Map<string, Promise<string>>();

/**
 * Runs a TypeScript file in a process of its own, with the packages taken from their sources: a test must not depend
 * on what was built last.
 */
export async function startScript(
  path: string,
  words: readonly string[] = [],
  options: ChildOptions = {},
): Promise<Child> {
  return startChild(process.execPath, [await bundledScript(path), ...words], options);
}

/** The same file as JavaScript, for whoever starts it himself. */
export function bundledScript(path: string): Promise<string> {
  let bundled = bundles.get(path);
  if (bundled === undefined) {
    bundled = bundle(path);
    bundles.set(path, bundled);
  }
  return bundled;
}

async function bundle(path: string): Promise<string> {
  folder ??= temporaryFolder('scripts');
  const outfile = join(folder, `${basename(path, '.ts')}.mjs`);
  await build({
    entryPoints: [path],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['mqtt-kit-source'],
    logLevel: 'error',
    // Parts of ws are CommonJS and ask for Node's modules by require.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return outfile;
}
