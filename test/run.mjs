/**
 * The test command: every check of the project, one after the other, in one process tree.
 *
 *   pnpm test                     everything
 *   pnpm test packages/packet     only the tests whose path contains one of the arguments
 *   pnpm test --only types,lint   only these steps
 *
 * A step that fails does not stop the others: whoever reads the end of the output sees all that is wrong. The tests
 * of vitest count one by one, every other step counts as one. The last line is for machines.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pnpmCommand } from './pnpm.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const report = join(root, '.scratch', 'vitest.json');
const minutes = 60_000;

/**
 * @typedef {{ name: string, command: readonly string[], limitMs: number, counts?: boolean }} Step
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {Counts & { name: string, ms: number, why: string | undefined }} Outcome
 */

/** A program of node_modules/.bin. @param {string} name */
const tool = (name) => join(root, 'node_modules', '.bin', name);

/** @param {readonly string[]} filters @returns {readonly string[]} */
const vitest = (filters) => [
  tool('vitest'),
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...filters,
];

/** @type {readonly Step[]} */
const everything = [
  {
    name: 'debian',
    command: [process.execPath, 'test/setup/debian-packages.mjs'],
    limitMs: 8 * minutes,
  },
  { name: 'build', command: [...pnpmCommand(), 'run', 'build'], limitMs: 3 * minutes },
  { name: 'types', command: [tool('tsc'), '-p', 'test/tsconfig.json'], limitMs: 2 * minutes },
  {
    name: 'lint',
    command: [tool('biome'), 'ci', '--error-on-warnings', '--colors=off'],
    limitMs: 1 * minutes,
  },
  { name: 'unused', command: [tool('knip')], limitMs: 1 * minutes },
  { name: 'tests', command: vitest([]), limitMs: 13 * minutes, counts: true },
  { name: 'size', command: [process.execPath, 'test/browser/size.mjs'], limitMs: 1 * minutes },
];

/** @param {readonly string[]} words @returns {readonly Step[]} */
function chosenSteps(words) {
  if (words.length === 0) return everything;
  if (words[0] === '--only') {
    const names = (words[1] ?? '').split(',');
    const unknown = names.filter((name) => !everything.some((step) => step.name === name));
    if (unknown.length > 0) {
      const known = everything.map((step) => step.name).join(', ');
      console.error(`No step is called "${unknown.join('", "')}": the steps are ${known}.`);
      process.exit(64);
    }
    return everything.filter((step) => names.includes(step.name));
  }
  const filters = words.filter((word) => word !== '--');
  return [{ name: 'tests', command: vitest(filters), limitMs: 13 * minutes, counts: true }];
}

/** Runs one step with its output shown. @param {Step} step @returns {Promise<Outcome>} */
async function run(step) {
  console.log(paint('1', `\n── ${step.name}: ${readable(step.command)}`));
  if (step.counts) rmSync(report, { force: true });
  const start = performance.now();
  const why = await failureOf(step);
  const ms = performance.now() - start;
  const counts = step.counts
    ? countsOfReport(why)
    : { passed: why ? 0 : 1, failed: why ? 1 : 0, skipped: 0 };
  return { name: step.name, ms, why: why ?? (counts.failed > 0 ? 'failed' : undefined), ...counts };
}

/**
 * Resolves with the reason of the failure, or `undefined`. The step leads a process group of its own, so that past
 * its time limit nothing it started stays behind.
 *
 * @param {Step} step @returns {Promise<string | undefined>}
 */
function failureOf(step) {
  const [program = '', ...args] = step.command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const end = () => child.pid !== undefined && endGroup(child.pid);
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      end();
    }, step.limitMs);
    const interrupted = () => {
      end();
      process.exit(130);
    };
    process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
    /** @param {string | undefined} why */
    const done = (why) => {
      clearTimeout(limit);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      resolve(late ? `not done after ${step.limitMs / minutes} minutes` : why);
    };
    child.once('error', (error) => done(error.message));
    child.once('exit', (code, signal) =>
      done(code === 0 ? undefined : `exit ${signal ?? code ?? 'unknown'}`),
    );
  });
}

/** @param {number} pid */
function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the meantime.
  }
}

/**
 * What vitest counted. A file that could not even be loaded has no tests to count: it is one failure, as is a run
 * that failed for a reason outside all tests (an unhandled rejection, for instance).
 *
 * @param {string | undefined} why @returns {Counts}
 */
function countsOfReport(why) {
  /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, testResults: { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  let result;
  try {
    result = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  let failed = result.numFailedTests;
  for (const file of result.testResults) {
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'))
      failed += 1;
    for (const test of file.assertionResults) {
      if (test.status === 'pending' || test.status === 'skipped' || test.status === 'todo')
        console.log(`skipped: ${relative(root, file.name)}: ${test.fullName}`);
    }
  }
  if (why !== undefined && failed === 0) failed = 1;
  const skipped = result.numPendingTests + result.numTodoTests;
  return { passed: result.numPassedTests, failed, skipped };
}

/** The command as somebody at the root would type it. @param {readonly string[]} command */
function readable(command) {
  return command
    .map((word) => (word === process.execPath ? 'node' : word))
    .map((word) => (word.startsWith(root) ? relative(root, word) : word))
    .join(' ');
}

/** @param {string} code @param {string} text */
function paint(code, text) {
  return process.stdout.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text;
}

mkdirSync(join(root, '.scratch'), { recursive: true });
/** @type {Outcome[]} */
const outcomes = [];
for (const step of chosenSteps(process.argv.slice(2))) outcomes.push(await run(step));

console.log();
for (const { name, ms, why } of outcomes) {
  const mark = why ? paint('31', '✗') : paint('32', '✓');
  const seconds = `${(ms / 1000).toFixed(1)} s`.padStart(8);
  console.log(`${mark} ${name.padEnd(8)} ${seconds}${why ? `   ${paint('31', why)}` : ''}`);
}
/** @param {keyof Counts} what */
const sum = (what) => outcomes.reduce((total, outcome) => total + outcome[what], 0);
process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
