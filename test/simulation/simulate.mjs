/**
 * Runs simulations from the command line.
 *
 *   pnpm simulate                          the standard run: what the tests run
 *   pnpm simulate --seeds 100000           more of them
 *   pnpm simulate --seed 17 --level engine one run, with its trace when it fails
 *   pnpm simulate --mutants                planted bugs, each of which has to be found
 *
 * Ctrl-C ends a run with a summary of what was done.
 *
 * Options: --level engine|client (default both), --seeds N, --from N (first seed, default 1), --steps N (default
 * 1,000), --without fault,fault, --keep 3,7-9 (only these steps), --trace (show it whatever happens), --processes N.
 */
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { bundle, makeFolder } from './bundle.mjs';
import { showMutants } from './mutants.mjs';
import { runSeeds } from './run-seeds.mjs';

/** @typedef {import('./run-seeds.mjs').Failure} Failure */

/** How many seeds of each level the standard run has. */
export const standardSeeds = { engine: 1_750, client: 250 };

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
    // The options, and what happened last.
    ...failure.trace.slice(0, 1).map((line) => `    ${line}`),
    ...failure.trace
      .slice(1)
      .slice(-60)
      .map((line) => `    ${line}`),
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
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const program = await bundle(folder);
    let failed = false;
    for (const level of values.level === undefined ? ['engine', 'client'] : [values.level]) {
      if (interrupted.signal.aborted) break;
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
      const outcome = await runSeeds(program, assignment, Math.min(processes, seeds), {
        onProgress: (sofar) => showProgress(level, seeds, sofar),
        onFailure: (failure) => {
          process.stderr.write('\r');
          console.log(describeFailure(level, assignment.steps, failure));
        },
        signal: interrupted.signal,
      });
      process.stderr.write('\r');
      failed ||= outcome.failures.length > 0;
      const rate = Math.round((outcome.steps / outcome.ms) * 1000).toLocaleString('en');
      const seconds = (outcome.ms / 1000).toFixed(1);
      const asked = outcome.seeds < seeds ? ` of ${seeds}` : '';
      console.log(
        `${level}: ${outcome.seeds}${asked} seeds, ${outcome.steps.toLocaleString('en')} steps in ${seconds} s (${rate} steps/s), ` +
          `${outcome.failures.length} violations${seeds === 1 ? `, trace ${outcome.hash}` : ''}`,
      );
      if (values.counts || (seeds > 1 && outcome.failures.length === 0)) showCounts(outcome.counts);
    }
    if (failed) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} level @param {number} seeds @param {import('./run-seeds.mjs').Outcome} outcome */
function showProgress(level, seeds, { seeds: done, ms, failures }) {
  const minutes = Math.ceil(((ms / done) * (seeds - done)) / 60_000);
  const found = failures.length === 0 ? '' : `, ${failures.length} violations`;
  process.stderr.write(`\r${level}: ${done} of ${seeds} seeds, ${minutes} min left${found}   `);
}

/** How often each transition happened, for both versions. @param {Record<string, number>} counts */
function showTransitions(counts) {
  /** @type {Map<string, Record<string, number>>} */
  const rows = new Map();
  for (const [name, times] of Object.entries(counts)) {
    const [, version = '', state, packet] = /^transition (\S+) (.*), (.*)$/.exec(name) ?? [];
    if (packet === undefined) continue;
    const key = `${state?.padEnd(18)} ${packet}`;
    rows.set(key, { ...rows.get(key), [version]: times });
  }
  if (rows.size === 0) return;
  console.log(
    `  ${'state'.padEnd(18)} ${'packet'.padEnd(18)} ${'5.0'.padStart(10)} ${'3.1.1'.padStart(10)}`,
  );
  for (const [key, row] of [...rows].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const cells = ['5.0', '3.1.1'].map((version) => String(row[version] ?? '-').padStart(10));
    console.log(`  ${key.padEnd(37)} ${cells.join(' ')}`);
  }
}

/** @param {Record<string, number>} counts */
function showCounts(counts) {
  showTransitions(counts);
  for (const [name, times] of Object.entries(counts).sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    if (!name.startsWith('transition ')) console.log(`  ${String(times).padStart(10)}  ${name}`);
  }
}

if (import.meta.url === new URL(process.argv[1] ?? '', 'file:').href) await main();
