import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, makeFolder } from './bundle.mjs';
import { expectedClientCounts, expectedEngineCounts } from './expected-counts.ts';
import { withoutTimeAndChance } from './forbidden-globals.ts';
import { allMutants, hunt, placesOf } from './mutants.mjs';
import { runSeeds } from './run-seeds.mjs';
import { describeFailure, standardSeeds } from './simulate.mjs';

const steps = 1_000;
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
  }, 120_000);

  it('holds every invariant at the level of the client, and gets everywhere', async () => {
    const { failures, counts, steps: done } = await run('client', 1, standardSeeds.client);
    expect(failures.map((failure) => describeFailure('client', steps, failure))).toEqual([]);
    expect(done).toBe(standardSeeds.client * steps);
    expect(expectedClientCounts.filter((name) => !((counts[name] ?? 0) > 0))).toEqual([]);
  }, 180_000);

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

  it('finds a bug that fails in every run, and the ones that a few runs find', async () => {
    const mutants = allMutants();
    expect(mutants.length).toBeGreaterThanOrEqual(26);
    const quick = ['canary', 'dup-missing', 'identifier-not-recorded', 'in-recorded-without-qos-1'];
    for (const name of quick) {
      const mutant = mutants.find((one) => one.name === name);
      expect(mutant && (await hunt(mutant, 1))?.seed, name).toBeLessThanOrEqual(10);
    }
  }, 60_000);

  it('forbids time and chance while it runs, and gives them back', async () => {
    const { random } = Math;
    const read = [() => Date.now(), () => Math.random(), () => performance.now(), () => new Date()];
    const thrown = await withoutTimeAndChance(() =>
      [...read, () => setTimeout(() => {}, 0), () => setImmediate(() => {})].map((call) => {
        try {
          call();
          return 'allowed';
        } catch (error) {
          return (error as Error).message.replace(/^.* was called/, 'was called');
        }
      }),
    );
    expect(new Set(thrown)).toEqual(new Set(['was called while a simulation runs']));
    expect(Math.random).toBe(random);
    expect(Date.now()).toBeGreaterThan(0);
  });
});
