import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectWith, type SessionIdentity, type SessionStore } from '@mqtt-kit/core';
import { ScriptedBroker, VirtualClock, VirtualLink } from '@mqtt-kit/testkit';
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

describe('a store that is opened again by the client that it failed', () => {
  it('writes everything anew after a failed sync, since what it reads may not be on the disk', async () => {
    const store = fileStore(directory, { durability: 'power' });
    const inode = (): number => statSync(join(directory, journalName())).ino;
    await store.load(identity);
    await attempt(store, 1);
    disk.syncs = 'EIO';
    await expect(attempt(store, 2)).rejects.toMatchObject({ code: 'storeFailed' });
    await store.close();
    delete disk.syncs;
    const before = inode();
    disk.renames = 'EIO';
    expect(() => store.load(identity)).toThrow('EIO');
    delete disk.renames;
    const operations = await store.load(identity);
    expect(operations.map(({ type }) => type)).toEqual(['out', 'out']);
    expect(inode()).not.toBe(before);
    await store.close();
    const again = inode();
    await store.load(identity);
    await store.close();
    expect(inode()).toBe(again);
  });

  it.each([
    ['process', { writes: 'ENOSPC', bytesLeft: 20 }],
    ['power', { writes: 'ENOSPC', bytesLeft: 20 }],
    ['power', { syncs: 'EIO' }],
  ] as const)('goes on with durability %s after %j', async (durability, failure) => {
    const clock = new VirtualClock();
    const link = new VirtualLink({ clock });
    const sent: string[] = [];
    new ScriptedBroker({
      link,
      automatic: {
        sessionPresent: false,
        onPacket(packet) {
          if (packet.type === 3) sent.push(new TextDecoder().decode(packet.payload));
        },
      },
    });
    const environment = {
      transports: { mqtt: link.open },
      missingTransports: {},
      clock,
      defaultStore: () => fileStore(directory),
    };
    const client = await connectWith(environment, 'mqtt://h', {
      clientId: 'me',
      store: fileStore(directory, { durability }),
      onStoreFailure: 'rebuild',
      keepAliveSeconds: 0,
    });
    const errors: string[] = [];
    const failed = new Promise<void>((resolve) => {
      client.on('error', ({ code }) => {
        errors.push(code);
        resolve();
      });
    });
    await client.publish('t', 'before', { qos: 1 });
    Object.assign(disk, failure);
    const during = client.publish('t', 'during', { qos: 1 }).then(
      () => 'sent',
      ({ code }) => code,
    );
    await failed;
    heal();
    const connected = new Promise<void>((resolve) => {
      client.on('status', ({ state }) => {
        if (state === 'connected') resolve();
      });
    });
    await clock.advance(1_000);
    await connected;
    // What was written and not synced is there all the same.
    expect(await during).toBe('syncs' in failure ? 'sent' : 'storeFailed');
    await client.publish('t', 'after', { qos: 1 });
    expect(sent).toEqual('syncs' in failure ? ['before', 'during', 'after'] : ['before', 'after']);
    expect(errors).toEqual(['storeFailed']);
    const closing = client.close();
    await clock.advance(5_000);
    expect(await closing).toEqual({ unsent: 0, unacknowledged: 0, kept: 0 });
  });
});

function journalName(): string {
  return readdirSync(directory).find((name) => name.endsWith('.journal')) as string;
}
