/**
 * Runs seeds and finds out what a failure needs. `simulate.mjs` bundles this file together with the sources it is to
 * test, and starts it as a process of its own: a simulation forbids time and chance to everything in its process.
 */
import { runClient } from './client-run.ts';
import { Counts } from './counts.ts';
import { runEngine } from './engine-run.ts';
import { withoutTimeAndChance } from './forbidden-globals.ts';
import type { Level, RunRequest, RunResult } from './run.ts';
import { Violation } from './violation.ts';

/** What a process of the runner is asked for, as JSON in its first argument. */
interface Assignment {
  readonly level: Level;
  readonly from: number;
  readonly seeds: number;
  readonly steps: number;
  readonly without: readonly string[];
  /** Steps to keep, all others are left out. */
  readonly keep?: readonly number[];
  readonly traced?: boolean;
  /** Failures after which no further seed is run. Default: any number. */
  readonly mostFailures?: number;
  readonly minimise?: boolean;
}

export interface ReportedFailure {
  readonly seed: number;
  readonly step: number;
  readonly invariant: string;
  readonly message: string;
  readonly stack: string;
  /** Steps that it needs, where they were looked for. */
  readonly keep: readonly number[] | undefined;
  readonly trace: readonly string[];
}

/** One seed in so many is run twice: both have to have one trace (24). */
const everySeedTwice = 50;

function run(request: RunRequest): Promise<RunResult> {
  return withoutTimeAndChance(() =>
    request.level === 'engine' ? runEngine(request) : runClient(request),
  );
}

function invariantOf(error: Error): string {
  if (error instanceof Violation) return String(error.invariant);
  return 'code' in error ? `${error.name} ${error.code}` : error.name;
}

/** The steps without which a run does not fail that way any more. */
async function minimised(request: RunRequest, failure: Error, step: number): Promise<number[]> {
  const wanted = invariantOf(failure);
  let kept = Array.from({ length: Math.min(step + 1, request.steps) }, (_, index) => index);
  let budget = 600;
  const fails = async (steps: readonly number[]): Promise<boolean> => {
    budget -= 1;
    const result = await run({ ...request, ...leavingOut(steps) });
    return result.failure !== undefined && invariantOf(result.failure) === wanted;
  };
  for (
    let size = Math.ceil(kept.length / 2);
    size >= 1 && budget > 0;
    size = Math.floor(size / 2)
  ) {
    for (let start = 0; start < kept.length && budget > 0; ) {
      const fewer = [...kept.slice(0, start), ...kept.slice(start + size)];
      if (await fails(fewer)) kept = fewer;
      else start += size;
    }
  }
  return kept;
}

function leavingOut(kept: readonly number[]): { steps: number; skipped: Set<number> } {
  const steps = (kept.at(-1) ?? -1) + 1;
  const wanted = new Set(kept);
  const skipped = new Set<number>();
  for (let step = 0; step < steps; step++) if (!wanted.has(step)) skipped.add(step);
  return { steps, skipped };
}

async function report(
  request: RunRequest,
  result: RunResult,
  minimise: boolean,
): Promise<ReportedFailure> {
  const failure = result.failure as Error;
  const keep = minimise ? await minimised(request, failure, result.step) : undefined;
  const shown = await run({ ...request, ...(keep && leavingOut(keep)), traced: true });
  return {
    seed: request.seed,
    step: result.step,
    invariant: invariantOf(failure),
    message: failure.message,
    stack: failure.stack ?? '',
    keep,
    trace: shown.trace,
  };
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(assignment: Assignment): Promise<void> {
  const { level, from, seeds, without, keep, traced = false } = assignment;
  let counts = new Counts();
  let steps = 0;
  let done = 0;
  let hash = '';
  let failures = 0;
  // What happened since it was told last: whoever stops this process has all before that.
  const tell = (): void => {
    say({ done, steps, hash, counts: counts.toRecord() });
    counts = new Counts();
    steps = 0;
    done = 0;
  };
  for (let seed = from; seed < from + seeds; seed++) {
    const request: RunRequest = {
      level,
      seed,
      without,
      traced,
      steps: assignment.steps,
      skipped: undefined,
      ...(keep && leavingOut(keep)),
    };
    let result = await run(request);
    if (seed % everySeedTwice === 0 && result.failure === undefined) {
      const again = await run(request);
      if (again.hash !== result.hash) {
        const failure = new Violation(24, `traces ${result.hash} and ${again.hash} of one seed`);
        result = { ...result, failure };
      }
    }
    done += 1;
    steps += request.steps;
    hash = result.hash;
    counts.merge(result.counts);
    if (result.failure !== undefined) {
      say({ failure: await report(request, result, assignment.minimise ?? false) });
      failures += 1;
      if (failures >= (assignment.mostFailures ?? Number.POSITIVE_INFINITY)) break;
    } else if (traced) {
      say({ trace: result.trace });
    }
    if (done === 10) tell();
  }
  tell();
}

await main(JSON.parse(process.argv[2] ?? '{}') as Assignment);
