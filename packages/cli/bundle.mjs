// @ts-check
/**
 * Bundles a program into the folder `dist` of its package, without dependencies: a program that runs for a tenth of
 * a second is mostly its own loading, so what is read counts. `main.js` understands the command line and shows help;
 * everything that the sources import dynamically lies in a file of its own beside it and is read when it is needed:
 * the client, TLS, WebSocket, chalk.
 *
 * The files are CommonJS, which Node starts in less time than modules. Each holds all it needs, so that few are read;
 * what several of them hold is small. `NAME.js` is the launcher: it loads `main.js`, and what each run needs, as V8
 * has compiled it here and now, which saves half of what a run costs beyond Node itself (docs/adr/0018).
 *
 *   node ../../packages/cli/bundle.mjs          in the folder of the program's package
 */
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { compileByRunning } from './compiled-code.mjs';

const cli = dirname(fileURLToPath(import.meta.url));
const root = join(cli, '..', '..');
const requireFromCli = createRequire(join(cli, 'package.json'));

/** @typedef {'mqtt-pub' | 'mqtt-sub'} ProgramName */

/**
 * @param {string} folder The program's package.
 * @param {string} [outdir] Where the program goes, `dist` unless given.
 * @returns {Promise<string>} The path of the program.
 */
export async function bundleProgram(folder, outdir = join(folder, 'dist')) {
  const description = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const name = /** @type {ProgramName} */ (Object.keys(description.bin)[0]);
  removeBundle(outdir);
  const define = {
    PROGRAM_VERSION: JSON.stringify(description.version),
    ...(await renderedHelp(name)),
  };
  const main = { name: 'main', path: join(folder, 'src', `${name}.ts`) };
  const inputs = await buildFiles(main, outdir, define);
  const program = await buildLauncher(name, outdir);
  // The package is made of modules; these files are not.
  writeFileSync(join(outdir, 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(join(outdir, 'LICENSES.txt'), licenses(inputs));
  for (const words of shortRuns[name].runs) await compileByRunning(program, words);
  return program;
}

/**
 * The runs whose code is kept, and the files that it is kept of. What the usual run needs is the last to be kept: of
 * files that several of them load that is the code that stays. The one before it has an option that takes the client.
 * @type {Readonly<Record<ProgramName, { runs: readonly (readonly string[])[], ids: readonly string[] }>>}
 */
const shortRuns = {
  'mqtt-pub': {
    runs: [
      ['-t', 't', '-m', 'm', '-k', '60'],
      ['-t', 't', '-m', 'm'],
    ],
    ids: ['./main.js', './plain-publish.js', './publish-program.js'],
  },
  'mqtt-sub': {
    runs: [
      ['-t', 't', '-C', '1', '-k', '60'],
      ['-t', 't', '-C', '1'],
    ],
    ids: ['./main.js', './plain-subscribe.js', './subscribe-program.js'],
  },
};

/**
 * @param {ProgramName} name
 * @param {string} outdir
 */
async function buildLauncher(name, outdir) {
  const program = join(outdir, `${name}.js`);
  const { v8 } = process.versions;
  await build({
    ...common,
    entryPoints: [join(cli, 'src', 'launcher.ts')],
    outfile: program,
    format: 'cjs',
    minify: true,
    banner: { js: '#!/usr/bin/env node' },
    define: { COMPILED: JSON.stringify({ v8, arch: process.arch, ids: shortRuns[name].ids }) },
  });
  chmodSync(program, 0o755);
  return program;
}

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  conditions: ['mqtt-kit-source'],
  absWorkingDir: root,
  logLevel: 'warning',
};

/** @typedef {{ name: string, path: string }} Entry A file to make, and the source that it begins with. */

/**
 * Makes the entry's file, and one for everything that it, or one of these, imports dynamically.
 * @param {Entry} entry
 * @param {string} outdir
 * @param {Record<string, string>} define
 * @returns {Promise<ReadonlySet<string>>} All sources.
 */
async function buildFiles(entry, outdir, define) {
  /** @type {Set<string>} */
  const inputs = new Set();
  const entries = new Map([[entry.name, entry.path]]);
  for (const [name, path] of entries) {
    /** @type {Map<string, string>} */
    const lazy = new Map();
    const { metafile } = await build({
      ...common,
      entryPoints: [{ in: path, out: name }],
      outdir,
      format: 'cjs',
      minify: true,
      define: { ...define, 'performance.now': 'monotonicTimeMs' },
      inject: [join(cli, 'src', 'monotonic-time.ts')],
      // What is imported dynamically is another file of this folder, to be had by require().
      supported: { 'dynamic-import': false },
      plugins: [dynamicImports(lazy)],
      // ws uses these when they are installed.
      external: ['bufferutil', 'utf-8-validate'],
      metafile: true,
    });
    for (const input of Object.keys(metafile.inputs)) inputs.add(input);
    for (const output of Object.values(metafile.outputs)) {
      // What was left out with code that is never run is not among these.
      const used = new Set(output.imports.map((one) => basename(one.path, '.js')));
      for (const [file, source] of lazy) if (used.has(file)) entries.set(file, source);
    }
  }
  return inputs;
}

/**
 * Makes dynamic imports of our sources and of packages refer to files beside the importing one, and notes which.
 * @param {Map<string, string>} found
 * @returns {import('esbuild').Plugin}
 */
function dynamicImports(found) {
  return {
    name: 'dynamic-imports',
    setup({ onResolve, resolve }) {
      onResolve({ filter: /.*/ }, async ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import' || path.startsWith('node:')) return undefined;
        const source = await resolve(path, { kind: 'import-statement', resolveDir });
        const name = basename(path, '.ts');
        found.set(name, source.path);
        return { path: `./${name}.js`, external: true };
      });
    },
  };
}

/**
 * The help texts, rendered by yargs from the option table, as constants of the bundle.
 * @param {ProgramName} name
 */
async function renderedHelp(name) {
  const { outputFiles } = await build({
    ...common,
    entryPoints: [join(cli, 'src', 'render-help.ts')],
    format: 'esm',
    // yargs itself stays a package: it finds its texts beside its own files.
    alias: { yargs: pathToFileURL(requireFromCli.resolve('yargs')).href },
    external: ['file:*'],
    write: false,
  });
  const source = outputFiles[0]?.text ?? '';
  const { renderHelp } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  // mqtt-sub --request is a program of its own in all but its file.
  const names = name === 'mqtt-sub' ? [name, 'mqtt-request'] : [name];
  /** @type {Record<string, readonly string[]>} */
  const texts = {};
  for (const one of names) texts[one] = [await renderHelp(one, false), await renderHelp(one, true)];
  return { RENDERED_HELP: JSON.stringify(JSON.stringify(texts)) };
}

/**
 * The licences of the packages that are in the bundle.
 * @param {ReadonlySet<string>} inputs
 */
function licenses(inputs) {
  const packageFolder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;
  const folders = new Set([...inputs].flatMap((input) => input.match(packageFolder)?.[0] ?? []));
  const texts = [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence text to go with the bundle`);
    return `${name} ${version}\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  });
  return `This program contains the following packages.\n\n${texts.join('\n----\n\n')}`;
}

/**
 * Removes the files of an earlier bundle, but not the folder that the compiler keeps beside them.
 * @param {string} outdir
 */
function removeBundle(outdir) {
  if (!existsSync(outdir)) return;
  for (const entry of readdirSync(outdir, { withFileTypes: true })) {
    if (entry.isFile()) rmSync(join(outdir, entry.name));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundleProgram(process.cwd());
}
