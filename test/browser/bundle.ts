import { fileURLToPath } from 'node:url';
import { type BuildResult, build, type Metafile } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Bundle {
  readonly code: string;
  readonly metafile: Metafile;
}

/** Bundles a program for browsers from the sources of the packages, minified as a page would have it. */
export async function bundle(program: string): Promise<Bundle> {
  const result: BuildResult<{ write: false; metafile: true }> = await build({
    stdin: {
      contents: program,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      loader: 'ts',
    },
    absWorkingDir: root,
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
  const [file] = result.outputFiles;
  if (result.outputFiles.length !== 1 || file === undefined) {
    throw new Error('one file was expected: further chunks would have to be counted and served');
  }
  return { code: file.text, metafile: result.metafile };
}
