/**
 * The file of a program that Node starts. The program itself lies beside it, with what V8 made of its sources when it
 * was bundled: reading that takes a third of the time of compiling them, which is most of what a run of a tenth of a
 * second does. V8 takes it in the very version that made it alone; any other compiles as ever.
 */

/** Put in by the bundler. `ids` are the files that have been compiled, as the program asks for them. */
declare const COMPILED: {
  readonly v8: string;
  readonly arch: string;
  readonly ids: readonly string[];
};

const fits = process.versions.v8 === COMPILED.v8 && process.arch === COMPILED.arch;

load('./main.js');

/** What the program asks for: a file beside it, or a module of Node. */
function load(id: string): unknown {
  return fits && COMPILED.ids.includes(id)
    ? loadCompiled(`${__dirname}${id.slice(1)}`)
    : require(id);
}

/** Each of these is asked for once. */
function loadCompiled(path: string): unknown {
  const { readFileSync } = require('node:fs') as typeof import('node:fs');
  const { Script } = require('node:vm') as typeof import('node:vm');
  const source = `(function(exports,require,module){${readFileSync(path, 'utf8')}\n})`;
  const script = new Script(source, {
    filename: path,
    cachedData: compiledCode(path, readFileSync),
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, load, module);
  return module.exports;
}

/** Nothing where there is none, and what does not fit is of no use to V8: then it compiles. */
function compiledCode(
  path: string,
  readFileSync: typeof import('node:fs').readFileSync,
): Uint8Array | undefined {
  try {
    return readFileSync(`${path}.compiled`);
  } catch {
    return undefined;
  }
}
