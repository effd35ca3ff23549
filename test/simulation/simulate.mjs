/**
 * Runs simulations from the command line.
 *
 *   pnpm simulate                          the standard run: what the tests run
 *   pnpm simulate --seeds 100000           more of them
 *   pnpm simulate --seed 17 --level engine one run, with its trace when it fails
 *   pnpm simulate --mutants                planted bugs, each of which has to be found
 *
 * Options: --level engine|client (default both), --seeds N, --from N (first seed, default 1), --steps N (default
 * 1,000), --without fault,fault, --keep 3,7-9 (only these steps), --trace (show it whatever happens), --processes N.
 */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { bundle, makeFolder } from './bundle.mjs';
import { showMutants } from './mutants.mjs';

/** How many seeds of each level the standard run has. */
export const standardSeeds = { engine: 1_850, client: 150 };

/**
 * @typedef {{ seed: number, step: number, invariant: string, message: string, stack: string,
 *   keep?: number[], trace: string[] }} Failure
 * @typedef {{ failures: Failure[], counts: Record<string, number>, steps: number, ms: number, hash: string }} Outcome
 */

/**
 * Runs seeds of one level in several processes.
 *
 * @param {string} program the bundle
 * @param {{ level: string, from: number, seeds: number, steps: number, without: string[], keep?: number[],
 *   traced?: boolean, first?: boolean, minimise?: boolean }} assignment
 * @param {number} processes
 * @param {(done: number) => void} onProgress
 * @returns {Promise<Outcome>}
 */
export async function runSeeds(program, assignment, processes, onProgress = () => {}) {
  const start = performance.now();
  /** @type {Outcome} */
  const outcome = { failures: [], counts: {}, steps: 0, ms: 0, hash: '' };
  const share = Math.ceil(assignment.seeds / processes);
  const dones = new Map();
  await Promise.all(
    Array.from({ length: processes }, (_, index) => {
      const from = assignment.from + index * share;
      const seeds = Math.min(share, assignment.from + assignment.seeds - from);
      if (seeds <= 0) return undefined;
      return runProcess(program, { ...assignment, from, seeds }, (line) => {
        if (line.failure) outcome.failures.push(line.failure);
        if (line.trace) console.log(line.trace.join('\n'));
        if (line.done) {
          dones.set(index, line.done);
          onProgress([...dones.values()].reduce((sum, done) => sum + done, 0));
        }
        if (!line.counts) return;
        outcome.steps += line.steps;
        outcome.hash = line.hash;
        for (const [name, times] of Object.entries(line.counts)) {
          outcome.counts[name] = (outcome.counts[name] ?? 0) + Number(times);
        }
      });
    }),
  );
  outcome.ms = performance.now() - start;
  return outcome;
}

/**
 * @param {string} program
 * @param {object} assignment
 * @param {(line: any) => void} onLine
 */
function runProcess(program, assignment, onLine) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, JSON.stringify(assignment)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) onLine(JSON.parse(line));
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(undefined);
      else reject(new Error(`a process of the simulation ended with ${code}`));
    });
  });
}

/** What to type to see a failure again. @param {string} level @param {number} steps @param {Failure} failure */
export function replayCommand(level, steps, failure) {
  const keep = failure.keep === undefined ? '' : ` --keep ${ranges(failure.keep)}`;
  return `pnpm simulate --seed ${failure.seed} --level ${level} --steps ${steps}${keep}`;
}

/** @param {string} level @param {number} steps @param {Failure} failure */
export function describeFailure(level, steps, failure) {
  const kept = failure.keep === undefined ? '' : `, needs ${failure.keep.length} steps`;
  return [
    `seed ${failure.seed}, step ${failure.step}${kept}: invariant ${failure.invariant}: ${failure.message}`,
    `  ${replayCommand(level, steps, failure)}`,
    ...failure.trace.slice(-60).map((line) => `    ${line}`),
    ...failure.stack.split('\n').slice(1, 8),
  ].join('\n');
}

/** `1,2,3,7` as `1-3,7`. @param {number[]} numbers */
function ranges(numbers) {
  /** @type {number[][]} */
  const found = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** @param {string} text */
function parseRanges(text) {
  return text.split(',').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      from: { type: 'string', default: '1' },
      steps: { type: 'string', default: '1000' },
      level: { type: 'string' },
      without: { type: 'string', default: '' },
      keep: { type: 'string' },
      trace: { type: 'boolean', default: false },
      counts: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      only: { type: 'string' },
      processes: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const processes = Number(values.processes);
  if (values.mutants) {
    process.exitCode = await showMutants(processes, values.only);
    return;
  }
  const folder = makeFolder();
  try {
    const program = await bundle(folder);
    let failed = false;
    for (const level of values.level === undefined ? ['engine', 'client'] : [values.level]) {
      const seeds = Number(
        values.seed === undefined
          ? (values.seeds ?? standardSeeds[/** @type {'engine'} */ (level)])
          : 1,
      );
      const assignment = {
        level,
        from: Number(values.seed ?? values.from),
        seeds,
        steps: Number(values.steps),
        without: values.without.split(',').filter((name) => name !== ''),
        ...(values.keep !== undefined && { keep: parseRanges(values.keep) }),
        traced: values.trace,
        minimise: values.keep === undefined,
      };
      const outcome = await runSeeds(program, assignment, Math.min(processes, seeds), (done) => {
        process.stderr.write(`\r${level}: ${done} of ${seeds} seeds`);
      });
      process.stderr.write('\r');
      for (const failure of outcome.failures) {
        console.log(describeFailure(level, assignment.steps, failure));
      }
      failed ||= outcome.failures.length > 0;
      const rate = Math.round((outcome.steps / outcome.ms) * 1000).toLocaleString('en');
      const seconds = (outcome.ms / 1000).toFixed(1);
      console.log(
        `${level}: ${seeds} seeds, ${outcome.steps.toLocaleString('en')} steps in ${seconds} s (${rate} steps/s), ` +
          `${outcome.failures.length} violations${seeds === 1 ? `, trace ${outcome.hash}` : ''}`,
      );
      if (values.counts || (seeds > 1 && outcome.failures.length === 0)) showCounts(outcome.counts);
    }
    if (failed) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {Record<string, number>} counts */
function showCounts(counts) {
  for (const [name, times] of Object.entries(counts).sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    console.log(`  ${String(times).padStart(10)}  ${name}`);
  }
}

if (import.meta.url === new URL(process.argv[1] ?? '', 'file:').href) await main();
