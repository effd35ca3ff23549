/**
 * Which tests prove which normative statement. A test names what it asserts at the beginning of its title:
 * `[MQTT-3.3.1-2]` is a statement of 5.0, `[MQTT3-3.3.1-2]` one of 3.1.1. The statements stand in `mqtt-5.0.json`
 * and `mqtt-3.1.1.json`; what binds a client only through something it does not offer is in `not-applicable.json`,
 * with the reason.
 *
 * Run as a program it prints the table and fails while a statement is open. `--tests` names the tests of each
 * statement; `--run` runs them first and counts only what passes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { literalsOf } from './manifest-literals.mjs';

/** @typedef {{ id: string, side: 'client' | 'server' | 'both', area: string, says: string, test: string }} Statement */
/** @typedef {{ tags: string[], title: string, file: string, line: number, problem: string | undefined }} TaggedTitle */
/** @typedef {{ tag: string, statement: Statement, state: 'proved' | 'not applicable' | 'open', tests: TaggedTitle[], reason: string | undefined }} Row */

const folder = fileURLToPath(new URL('./', import.meta.url));
const root = fileURLToPath(new URL('../../', import.meta.url));

export const versions = /** @type {const} */ (['5.0', '3.1.1']);
const prefixes = { '5.0': 'MQTT', '3.1.1': 'MQTT3' };

/** @param {'5.0' | '3.1.1'} version @returns {Statement[]} */
export function statementsOf(version) {
  return JSON.parse(readFileSync(join(folder, `mqtt-${version}.json`), 'utf8')).statements;
}

/** @param {'5.0' | '3.1.1'} version @param {string} id as the list has it */
function tagOf(version, id) {
  return id.replace('MQTT', prefixes[version]);
}

/** Every tag that there may be. */
export function knownTags() {
  return new Set(
    versions.flatMap((version) => statementsOf(version).map(({ id }) => tagOf(version, id))),
  );
}

/** @returns {Record<'5.0' | '3.1.1', Record<string, string>>} reasons by id */
export function notApplicable() {
  return JSON.parse(readFileSync(join(folder, 'not-applicable.json'), 'utf8'));
}

/** The titles of all tests that carry tags. */
export function taggedTitles() {
  return testFiles().flatMap((path) =>
    taggedTitlesIn(readFileSync(path, 'utf8'), relative(root, path)),
  );
}

/**
 * The tagged titles of a file: tags at the beginning of a title, or of a name in the rows of a table.
 * @param {string} text
 * @param {string} file
 * @returns {TaggedTitle[]}
 */
export function taggedTitlesIn(text, file) {
  return literalsOf(text)
    .filter(({ value }) => /\[MQTT3?-\d/.test(value))
    .map(({ value, before, line }) => {
      const [head = ''] = /^(\[MQTT3?-[\d.]+-\d+\] ?)+/.exec(value) ?? [];
      return {
        tags: [...value.matchAll(/\[(MQTT3?-[\d.]+-\d+)\]/g)].map(([, tag = '']) => tag),
        title: value,
        file,
        line,
        problem: problemOf(head, value, before),
      };
    });
}

/**
 * Why a tagged text proves nothing.
 * @param {string} head the tags at its beginning
 * @param {string} value
 * @param {string} before the code before it
 */
function problemOf(head, value, before) {
  if (head === '') return 'its tags do not stand at the beginning';
  if (/\[MQTT3?-\d/.test(value.slice(head.length))) return 'it has tags behind other words';
  if (value.length - head.length < 4) return 'it says nothing besides its tags';
  const code = before.trimEnd();
  if (/\b(?:describe|suite)(?:\.\w+)*\($/.test(code)) return 'a group is no test';
  if (/\b(?:it|test)\.(?:skip|todo|fails)\w*\($/.test(code)) return 'its test does not run';
  // A test, a table of tests (`it.each(...)(`), or the first word of a row.
  if (/(?:\b(?:it|test)(?:\.concurrent)?\(|\)\(|\brow\(|\[|\{ name:)$/.test(code)) return undefined;
  return 'it is no title of a test';
}

/** @returns {string[]} absolute paths */
function testFiles() {
  return ['packages', 'apps', 'test'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.test.ts') && !/(^|\/)(node_modules|dist)\//.test(path))
      .map((path) => join(root, top, path)),
  );
}

/**
 * What is known of each statement that binds a client.
 * @param {'5.0' | '3.1.1'} version
 * @param {readonly TaggedTitle[]} titles
 * @returns {Row[]}
 */
export function rowsOf(version, titles) {
  const reasons = notApplicable()[version];
  return statementsOf(version)
    .filter(({ side }) => side !== 'server')
    .map((statement) => {
      const tag = tagOf(version, statement.id);
      const tests = titles.filter(
        ({ tags, problem }) => problem === undefined && tags.includes(tag),
      );
      const reason = reasons[statement.id];
      const state = tests.length > 0 ? 'proved' : reason === undefined ? 'open' : 'not applicable';
      return { tag, statement, state, tests, reason };
    });
}

/**
 * Runs every tagged test.
 * @returns {{ title: string, file: string, passed: boolean }[]}
 */
function runTagged() {
  const scratch = mkdtempSync(join(tmpdir(), 'conformance-'));
  const outputFile = join(scratch, 'results.json');
  try {
    spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/vitest/vitest.mjs'),
        'run',
        '--testNamePattern=\\[MQTT3?-\\d',
        '--reporter=json',
        `--outputFile=${outputFile}`,
      ],
      { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    /** @type {{ testResults: { name: string, assertionResults: { title: string, status: string }[] }[] }} */
    const results = JSON.parse(readFileSync(outputFile, 'utf8'));
    return results.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === 'passed' || status === 'failed')
        .map(({ title, status }) => ({
          title,
          file: relative(root, name),
          passed: status === 'passed',
        })),
    );
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/**
 * The titles of which a test ran, all with success.
 * @param {readonly TaggedTitle[]} titles
 * @returns {TaggedTitle[]}
 */
function passing(titles) {
  const runs = runTagged();
  for (const { title, file } of runs.filter(({ passed }) => !passed)) {
    console.log(`failed: ${file}: ${title}`);
  }
  return titles.filter(({ title, file }) => {
    // What a table puts in for %s is not known here.
    const start = title.split('%')[0] ?? '';
    const own = runs.filter((run) => run.file === file && run.title.includes(start));
    return own.length > 0 && own.every(({ passed }) => passed);
  });
}

/** @param {Row} row @param {boolean} namesTests */
function printRow({ tag, statement, state, tests, reason }, namesTests) {
  const what = state === 'proved' ? `${tests.length} test${tests.length > 1 ? 's' : ''}` : state;
  console.log(`  ${tag.padEnd(17)} ${what.padEnd(14)} ${statement.says}`);
  if (reason !== undefined) console.log(`${' '.repeat(20)}${reason}`);
  if (!namesTests) return;
  for (const { file, line, title } of tests) {
    console.log(`${' '.repeat(20)}${file}:${line} ${title}`);
  }
}

/** @param {readonly string[]} given */
function main(given) {
  const unknown = given.find((word) => word !== '--tests' && word !== '--run');
  if (unknown !== undefined) {
    console.error(`conformance: unknown argument ${unknown}, expected --tests or --run`);
    return 2;
  }
  const all = taggedTitles();
  const titles = given.includes('--run') ? passing(all) : all;
  let isOpen = false;
  for (const version of versions) {
    const rows = rowsOf(version, titles);
    console.log(`MQTT ${version}`);
    for (const row of rows) printRow(row, given.includes('--tests'));
    /** @param {Row['state']} state */
    const count = (state) => rows.filter((row) => row.state === state).length;
    console.log(
      `MQTT ${version}: ${rows.length} statements bind a client: ${count('proved')} proved, ` +
        `${count('not applicable')} not applicable, ${count('open')} open\n`,
    );
    isOpen ||= count('open') > 0;
  }
  return isOpen ? 1 : 0;
}

if (pathToFileURL(process.argv[1] ?? '').href === import.meta.url) {
  process.exitCode = main(process.argv.slice(2));
}
