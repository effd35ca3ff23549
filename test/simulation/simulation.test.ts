import { randomBytes, randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as setTimer } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, makeFolder } from './bundle.mjs';
import { expectedClientCounts, expectedEngineCounts } from './expected-counts.ts';
import { withoutTimeAndChance } from './forbidden-globals.ts';
import { allMutants, hunt, placesOf } from './mutants.mjs';
import { runSeeds } from './run-seeds.mjs';
import { describeFailure, standardSeeds } from './simulate.mjs';

const steps = 1_000;
const readings: [string, () => unknown][] = [
  ['Date.now', () => Date.now()],
  ['new Date', () => new Date()],
  ['Date()', () => Date()],
  ['performance.now', () => performance.now()],
  ['performance.timeOrigin', () => performance.timeOrigin],
  ['process.hrtime', () => process.hrtime()],
  ['process.hrtime.bigint', () => process.hrtime.bigint()],
  ['process.uptime', () => process.uptime()],
  ['Math.random', () => Math.random()],
  ['crypto.getRandomValues', () => crypto.getRandomValues(new Uint8Array(1))],
  ['crypto.randomUUID', () => crypto.randomUUID()],
  ['randomBytes of node:crypto', () => randomBytes(1)],
  ['randomInt of node:crypto', () => randomInt(2)],
  ['setTimeout', () => clearTimeout(setTimeout(() => {}, 0))],
  ['setInterval', () => clearInterval(setInterval(() => {}, 1))],
  ['setImmediate', () => clearImmediate(setImmediate(() => {}))],
  ['setTimeout of node:timers', () => clearTimeout(setTimer(() => {}, 0))],
  ['setTimeout of node:timers/promises', () => void sleep(0)],
  ['AbortSignal.timeout', () => AbortSignal.timeout(1)],
];

let folder = '';
let program = '';

beforeAll(async () => {
  folder = makeFolder();
  program = await bundle(folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(level: string, from: number, seeds: number, processes = availableParallelism()) {
  const assignment = { level, from, seeds, steps, without: [], minimise: true };
  return runSeeds(program, assignment, processes);
}

describe('simulation', () => {
  it('holds every invariant at the engine level, and gets everywhere', async () => {
    const { failures, counts, steps: done } = await run('engine', 1, standardSeeds.engine);
    expect(failures.map((failure) => describeFailure('engine', steps, failure))).toEqual([]);
    expect(done).toBe(standardSeeds.engine * steps);
    expect(expectedEngineCounts.filter((name) => !((counts[name] ?? 0) > 0))).toEqual([]);
  }, 600_000);

  it('holds every invariant at the level of the client, and gets everywhere', async () => {
    const { failures, counts, steps: done } = await run('client', 1, standardSeeds.client);
    expect(failures.map((failure) => describeFailure('client', steps, failure))).toEqual([]);
    expect(done).toBe(standardSeeds.client * steps);
    expect(expectedClientCounts.filter((name) => !((counts[name] ?? 0) > 0))).toEqual([]);
  }, 600_000);

  it.each(['engine', 'client'])('gives the same run for the same seed, %s', async (level) => {
    const [one, other] = await Promise.all([run(level, 7, 1, 1), run(level, 7, 1, 1)]);
    const next = await run(level, 8, 1, 1);
    expect(one.hash).toBe(other.hash);
    expect(one.hash).not.toBe(next.hash);
  });

  it('finds the place of every planted bug', () => {
    const misplaced = allMutants().filter((mutant) => placesOf(mutant) !== 1);
    expect(misplaced.map(({ name, file }) => `${name} in ${file}`)).toEqual([]);
  });

  it('has a planted bug for every invariant', () => {
    const planted = new Set(allMutants().map(({ invariant }) => invariant));
    const numbers = Array.from({ length: 26 }, (_, index) => index + 1);
    expect(numbers.filter((number) => !planted.has(number))).toEqual([]);
  });

  it('cuts a failing run down to few steps, and tells the command that runs these', async () => {
    const mutant = allMutants().find(({ name }) => name === 'publish-after-pubrel');
    const found = mutant && (await hunt(mutant, 1, true));
    expect(found?.keep?.length).toBeLessThanOrEqual(50);
    expect(found && describeFailure('engine', steps, found)).toMatch(
      /pnpm simulate --seed \d+ --level engine --steps 1000 --keep [\d,-]+/,
    );
  }, 300_000);

  it('finds a bug that fails in every run, and the ones that a few runs find', async () => {
    const mutants = allMutants();
    expect(mutants.length).toBeGreaterThanOrEqual(50);
    const quick = ['canary', 'dup-missing', 'identifier-not-recorded', 'never-synced'];
    for (const name of quick) {
      const mutant = mutants.find((one) => one.name === name);
      expect(mutant && (await hunt(mutant, 1))?.seed, name).toBeLessThanOrEqual(10);
    }
  }, 300_000);

  it.each(readings)('forbids %s while it runs', async (_name, read) => {
    const thrown = await withoutTimeAndChance(() => {
      try {
        read();
        return 'allowed';
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(thrown).toMatch(/ was called while a simulation runs$/);
  });

  it('gives time and chance back', async () => {
    const { random } = Math;
    const { now } = performance;
    const { hrtime } = process;
    await withoutTimeAndChance(() => {});
    expect(Math.random).toBe(random);
    expect(performance.now).toBe(now);
    expect(process.hrtime).toBe(hrtime);
    for (const [, read] of readings) expect(read).not.toThrow();
  });

  it('lets microtasks run, and times be told that are given', async () => {
    const seen = await withoutTimeAndChance(async () => {
      const ran = await new Promise((resolve) => queueMicrotask(() => resolve('ran')));
      return `${ran} ${new Date(0).toISOString()} ${Date.UTC(2024, 0, 1)}`;
    });
    expect(seen).toBe('ran 1970-01-01T00:00:00.000Z 1704067200000');
  });
});
