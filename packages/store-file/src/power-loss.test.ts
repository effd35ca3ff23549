import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionIdentity } from '@mqtt-kit/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fileStore } from './index.ts';
import { outOperation } from './operations.test-support.ts';

/** What the disk was asked for, in order: by the name that a file had when it was opened. */
const asked: string[] = [];

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const names = new Map<number, string>();
  const note = (action: string, descriptor: number): void => {
    asked.push(`${action} ${names.get(descriptor)}`);
  };
  return {
    ...real,
    openSync(path: string, flags: string | number, mode: number) {
      const descriptor = real.openSync(path, flags, mode);
      names.set(descriptor, path.replace(/^.*\.journal/, 'journal'));
      return descriptor;
    },
    writeSync(descriptor: number, bytes: Buffer, offset: number, length: number, at: number) {
      note('write', descriptor);
      return real.writeSync(descriptor, bytes, offset, length, at);
    },
    fdatasyncSync(descriptor: number) {
      note('sync', descriptor);
      real.fdatasyncSync(descriptor);
    },
    renameSync(from: string, to: string) {
      if (to.endsWith('.journal')) asked.push('rename');
      real.renameSync(from, to);
    },
  };
});

const identity: SessionIdentity = { clientId: 'gateway', serverKey: 'mqtt://localhost:1883' };
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'power-loss-'));
  asked.length = 0;
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('a loss of power', () => {
  it('leaves no half of a header: a new journal gets its name when it is on the disk', async () => {
    const store = fileStore(directory);
    await store.load(identity);
    expect(asked).toEqual(['write journal.new', 'sync journal.new', 'rename']);
    await store.close();
    expect(readdirSync(directory).some((name) => name.endsWith('.new'))).toBe(false);
  });

  it('takes nothing that was read: what a killed process did not sync is synced first', async () => {
    const killed = fileStore(directory);
    await killed.load(identity);
    await killed.commit([outOperation(1)]);
    await killed.close();
    asked.length = 0;
    const store = fileStore(directory, { durability: 'power' });
    expect(await store.load(identity)).toHaveLength(1);
    expect(asked).toEqual(['sync journal']);
    await store.close();
  });
});
