import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionIdentity, SessionStore } from '@mqtt-kit/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fileStore } from './index.ts';
import { doneOperation, outOperation } from './operations.test-support.ts';

/** What the disk refuses from now on, and how: the store sees no difference to a real one. */
const disk: { writes?: string; syncs?: string; renames?: string; bytesLeft: number } = {
  bytesLeft: Number.POSITIVE_INFINITY,
};

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const refusal = (code: string) => Object.assign(new Error(`${code}: refused`), { code });
  return {
    ...real,
    writeSync(descriptor: number, bytes: Buffer, offset: number, length: number, at: number) {
      if (disk.writes === undefined) return real.writeSync(descriptor, bytes, offset, length, at);
      const part = Math.min(length, disk.bytesLeft);
      if (part === 0) throw refusal(disk.writes);
      disk.bytesLeft -= part;
      return real.writeSync(descriptor, bytes, offset, part, at);
    },
    fdatasync(descriptor: number, done: (error: Error | null) => void) {
      if (disk.syncs === undefined) real.fdatasync(descriptor, done);
      else setImmediate(done, refusal(disk.syncs));
    },
    renameSync(from: string, to: string) {
      if (disk.renames !== undefined) throw refusal(disk.renames);
      real.renameSync(from, to);
    },
  };
});

const identity: SessionIdentity = { clientId: 'gateway', serverKey: 'mqtt://localhost:1883' };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'disk-failure-'));
});

afterEach(() => {
  heal();
  rmSync(directory, { recursive: true, force: true });
});

function heal(): void {
  delete disk.writes;
  delete disk.syncs;
  delete disk.renames;
  disk.bytesLeft = Number.POSITIVE_INFINITY;
}

async function kept(): Promise<number[]> {
  heal();
  const store = fileStore(directory);
  const operations = await store.load(identity);
  await store.close();
  return operations.flatMap((operation) => (operation.type === 'out' ? [operation.sequence] : []));
}

async function attempt(store: SessionStore, sequence: number): Promise<void> {
  await store.commit([outOperation(sequence)]);
}

describe('a disk that is full', () => {
  it.each([0, 1, 13, 14, 40])(
    'keeps what was committed before, when %i bytes of the next commit still fit',
    async (bytesLeft) => {
      const store = fileStore(directory);
      await store.load(identity);
      await attempt(store, 1);
      Object.assign(disk, { writes: 'ENOSPC', bytesLeft });
      await expect(attempt(store, 2)).rejects.toMatchObject({
        code: 'storeFailed',
        hint: expect.stringContaining('disk is full'),
      });
      await store.close();
      expect(await kept()).toEqual([1]);
    },
  );

  it('is not tried again: the store takes nothing more until it is opened again', async () => {
    const store = fileStore(directory);
    await store.load(identity);
    Object.assign(disk, { writes: 'ENOSPC', bytesLeft: 5 });
    await expect(attempt(store, 1)).rejects.toMatchObject({ code: 'storeFailed' });
    heal();
    await expect(attempt(store, 2)).rejects.toMatchObject({ code: 'storeFailed' });
    await store.close();
    await store.load(identity);
    await attempt(store, 3);
    await store.close();
    expect(await kept()).toEqual([3]);
  });

  it('does not fail a commit by having no room for compaction', async () => {
    const store = fileStore(directory);
    await store.load(identity);
    disk.renames = 'ENOSPC';
    await store.commit([outOperation(1)]);
    for (let sequence = 2; sequence < 40; sequence += 1) {
      await store.commit([outOperation(sequence, 100_000)]);
      await store.commit([doneOperation(sequence)]);
    }
    await store.close();
    expect(readdirSync(directory)).toHaveLength(1);
    expect(await kept()).toEqual([1]);
  });
});

describe('a disk that breaks', () => {
  it('rejects every commit of the group that was not synced, and all later ones', async () => {
    const store = fileStore(directory, { durability: 'power' });
    await store.load(identity);
    await attempt(store, 1);
    disk.syncs = 'EIO';
    const group = await Promise.allSettled([attempt(store, 2), attempt(store, 3)]);
    expect(group.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    delete disk.syncs;
    await expect(attempt(store, 4)).rejects.toMatchObject({ code: 'storeFailed' });
    await store.close();
    expect(await kept()).toContain(1);
  });

  it('is told at the latest by close, with durability none', async () => {
    const store = fileStore(directory, { durability: 'none' });
    await store.load(identity);
    await attempt(store, 1);
    disk.writes = 'EIO';
    disk.bytesLeft = 0;
    await expect(store.close()).rejects.toMatchObject({ code: 'storeFailed' });
    expect(await kept()).toEqual([]);
  });
});
