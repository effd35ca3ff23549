// @ts-check
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles a program for browsers from the sources of the packages, minified as a page would have it. In one file: a
 * further chunk would have to be counted and served as well, so it is an error.
 *
 * @param {string} program TypeScript; its imports are resolved from this folder.
 * @param {Readonly<Record<string, string>>} [alias] Modules to take in place of others.
 * @returns {Promise<{ code: string, metafile: import('esbuild').Metafile }>}
 */
export async function bundle(program, alias = {}) {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: program,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    absWorkingDir: fileURLToPath(new URL('../..', import.meta.url)),
    alias: { ...alias },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['mqtt-kit-source', 'browser'],
    logLevel: 'silent',
  });
  const [file, ...more] = outputFiles;
  if (file === undefined || more.length > 0) throw new Error('one file was expected');
  return { code: file.text, metafile };
}
