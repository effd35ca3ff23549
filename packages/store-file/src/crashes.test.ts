import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { SessionIdentity, SessionStore } from '@mqtt-kit/core';
import { Prng } from '@mqtt-kit/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CrashingDisk } from './crashing-disk.test-support.ts';
import { type FileStoreOptions, fileStore } from './index.ts';
import { doneOperation, outOperation } from './operations.test-support.ts';

const hoisted = vi.hoisted(() => ({ disk: undefined as CrashingDisk | undefined }));

vi.mock('node:fs', async (original) => {
  const { CrashingDisk } = await import('./crashing-disk.test-support.ts');
  hoisted.disk = new CrashingDisk(await original<typeof import('node:fs')>());
  return hoisted.disk.functions();
});

const disk = hoisted.disk as CrashingDisk;

const identity: SessionIdentity = { clientId: 'gateway', serverKey: 'mqtt://localhost:1883' };
let root: string;
let machines = 0;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'crashes-'));
});

afterEach(() => {
  disk.watch(root);
  rmSync(root, { recursive: true, force: true });
});

function freshDirectory(): string {
  const directory = join(root, `machine ${++machines}`);
  mkdirSync(directory);
  return directory;
}

async function open(directory: string, options?: FileStoreOptions): Promise<Opened> {
  const store = fileStore(directory, options);
  const operations = await store.load(identity);
  const kept = operations.flatMap((one) => (one.type === 'out' ? [one.sequence] : []));
  return { store, kept };
}

interface Opened {
  readonly store: SessionStore;
  readonly kept: readonly number[];
}

/** The process is gone, and its files stand. Its lock names this process, which lives. */
async function openAgain(directory: string): Promise<readonly number[]> {
  disk.watch(directory);
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.lock')) rmSync(join(directory, name), { recursive: true });
  }
  const { store, kept } = await open(directory);
  await store.close();
  return kept;
}

describe('a process that is killed', () => {
  it('loses no commit, at whatever step of a journal written anew', {
    timeout: 120_000,
  }, async () => {
    let steps = 0;
    for (let step = 1, more = true; more; step++) {
      const directory = freshDirectory();
      disk.watch(directory);
      const { store } = await open(directory);
      await store.commit([outOperation(1)]);
      for (const sequence of [2, 3, 4]) {
        await store.commit([outOperation(sequence, 250_000)]);
        await store.commit([doneOperation(sequence)]);
      }
      disk.killIn(step);
      let done = false;
      try {
        // This one fills the first mebibyte.
        await store.commit([outOperation(5, 350_000)]);
        done = true;
      } catch {
        // Killed.
      }
      more = disk.isKilled;
      if (more) steps += 1;
      const kept = await openAgain(directory);
      if (done) expect(kept, `killed at step ${step}`).toEqual([1, 5]);
      else expect([[1], [1, 5]], `killed at step ${step}`).toContainEqual(kept);
      expect(readdirSync(directory), `killed at step ${step}`).toHaveLength(1);
    }
    expect(steps).toBeGreaterThan(8);
  });

  it('has no half session, at whatever step of its first opening', async () => {
    for (let step = 1, more = true; more; step++) {
      const directory = freshDirectory();
      disk.watch(directory);
      disk.killIn(step);
      await open(directory).catch(() => {});
      more = disk.isKilled;
      expect(await openAgain(directory), `killed at step ${step}`).toEqual([]);
    }
  });

  it('may lose the last commits with durability none, and only these', async () => {
    const directory = freshDirectory();
    disk.watch(directory);
    const { store } = await open(directory, { durability: 'none' });
    await store.commit([outOperation(1)]);
    await turn();
    await store.commit([outOperation(2)]);
    disk.killIn(0);
    expect(await openAgain(directory)).toEqual([1]);
  });
});

/** Commits of one life, of which some wait while others come, until the power goes. */
async function live(
  { store }: Opened,
  prng: Prng,
  sequences: { last: number },
): Promise<{ safe: number; asked: number }> {
  let safe = sequences.last;
  const steps = prng.integer(0, 60);
  const first = disk.steps;
  while (disk.steps - first < steps) {
    const many = prng.integer(1, 4);
    for (let count = 0; count < many; count++) {
      const sequence = ++sequences.last;
      const size = prng.chance(0.05) ? 400_000 : prng.integer(0, 3_000);
      Promise.resolve(store.commit([outOperation(sequence, size)])).then(
        () => {
          safe = Math.max(safe, sequence);
        },
        () => {},
      );
    }
    if (prng.chance(0.6)) await turn();
    // Without a turn nothing reaches the disk.
    if (disk.steps === first) await turn();
  }
  return { safe, asked: sequences.last };
}

describe('a loss of power', () => {
  // The time is for machines that have much else to do.
  it('takes nothing that was committed with durability power, through many lives', {
    timeout: 120_000,
  }, async () => {
    const crashes = Number(process.env['MQTT_KIT_POWER_LOSSES'] ?? 80);
    let between = 0;
    for (let seed = 1, count = 0; count < crashes; seed++) {
      const prng = new Prng(seed);
      let directory = freshDirectory();
      const sequences = { last: 0 };
      for (let life = 0; life < 4; life++, count++) {
        disk.watch(directory);
        const opened = await open(directory, { durability: 'power' });
        const { safe, asked } = await live(opened, prng, sequences);
        const after = freshDirectory();
        disk.losePower(after, prng);
        disk.killIn(0);
        const { kept } = await (async () => {
          disk.watch(after);
          const again = await open(after, { durability: 'power' });
          await again.store.close();
          return again;
        })();
        const expected = Array.from({ length: kept.length }, (_, index) => index + 1);
        expect(kept, `seed ${seed}, life ${life}`).toEqual(expected);
        expect(kept.length, `seed ${seed}, life ${life}`).toBeGreaterThanOrEqual(safe);
        expect(kept.length).toBeLessThanOrEqual(asked);
        if (safe < asked) between += 1;
        sequences.last = kept.length;
        rmSync(directory, { recursive: true });
        directory = after;
      }
    }
    expect(between).toBeGreaterThan(crashes / 10);
  });
});
