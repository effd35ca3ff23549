// @ts-check
/**
 * Bundles a program into `dist/NAME.js` of its package: one CommonJS file without dependencies, since a program that
 * runs for a tenth of a second is mostly its own loading. Everything that is not always needed (TLS, WebSocket, chalk)
 * lies in the file as a module that is set up when it is first asked for.
 *
 *   node ../../packages/cli/bundle.mjs          in the folder of the program's package
 */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const cli = dirname(fileURLToPath(import.meta.url));
const root = join(cli, '..', '..');

/**
 * @param {string} folder The program's package.
 * @param {string} [outdir] Where the program goes, `dist` unless given.
 * @returns {Promise<string>} The path of the program.
 */
export async function bundleProgram(folder, outdir = join(folder, 'dist')) {
  const description = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const name = /** @type {'mqtt-pub' | 'mqtt-sub'} */ (Object.keys(description.bin)[0]);
  const help = await renderedHelp(name);
  const outfile = join(outdir, `${name}.js`);
  const result = await build({
    ...common,
    entryPoints: [join(folder, 'src', `${name}.ts`)],
    outfile,
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    define: {
      PROGRAM_VERSION: JSON.stringify(description.version),
      RENDERED_HELP_SHORT: JSON.stringify(help.short),
      RENDERED_HELP_ALL: JSON.stringify(help.all),
    },
    // The parser's entry for Node can read configuration files, which takes modules that nothing here needs.
    alias: { 'yargs-parser': browserEntry('yargs-parser') },
    metafile: true,
  });
  // The package is ESM; this file alone is not.
  writeFileSync(join(outdir, 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(join(outdir, 'LICENSES.txt'), licenses(Object.keys(result.metafile.inputs)));
  chmodSync(outfile, 0o755);
  return outfile;
}

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  conditions: ['mqtt-kit-source'],
  // ws uses these when they are installed.
  external: ['bufferutil', 'utf-8-validate'],
  absWorkingDir: root,
  logLevel: 'warning',
};

/**
 * The help texts, rendered by yargs from the option table.
 * @param {'mqtt-pub' | 'mqtt-sub'} name
 */
async function renderedHelp(name) {
  const { outputFiles } = await build({
    ...common,
    entryPoints: [join(cli, 'src', 'render-help.ts')],
    format: 'esm',
    // yargs itself stays a package: it finds its texts beside its own files.
    external: ['yargs'],
    write: false,
  });
  const source = /** @type {{ text: string }} */ (outputFiles[0]).text;
  const yargs = pathToFileURL(createRequire(join(cli, 'package.json')).resolve('yargs')).href;
  const url = `data:text/javascript,${encodeURIComponent(source.replace('"yargs"', JSON.stringify(yargs)))}`;
  const { renderHelp } = await import(url);
  return { short: await renderHelp(name, false), all: await renderHelp(name, true) };
}

/** @param {string} name */
function browserEntry(name) {
  return createRequire(join(cli, 'package.json')).resolve(`${name}/browser`);
}

/**
 * The licences of the packages that are in the bundle.
 * @param {readonly string[]} inputs
 */
function licenses(inputs) {
  const folders = new Set(
    inputs.flatMap((input) => input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence text to go with the bundle`);
    return `${name} ${version}\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  });
  return `This program contains the following packages.\n\n${texts.join('\n----\n\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundleProgram(process.cwd());
}
