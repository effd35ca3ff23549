import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SessionIdentity, SessionStore } from '@mqtt-kit/core';
import type { SessionOperation } from '@mqtt-kit/engine';
import { sessionStoreContract } from '@mqtt-kit/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FileStoreOptions, fileStore } from './index.ts';
import { doneOperation, everyOperation, outOperation } from './operations.test-support.ts';

const gateway: SessionIdentity = { clientId: 'gateway-7', serverKey: 'mqtt://localhost:1883' };

let directory: string;
const opened: SessionStore[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'store-file-'));
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(directory, { recursive: true, force: true });
});

function open(
  options?: FileStoreOptions,
  identity = gateway,
): { store: SessionStore; operations: readonly SessionOperation[] } {
  const store = fileStore(directory, options);
  const operations = store.load(identity) as readonly SessionOperation[];
  opened.push(store);
  return { store, operations };
}

async function reopen(store: SessionStore, options?: FileStoreOptions) {
  await store.close();
  return open(options);
}

function journal(): string {
  const name = readdirSync(directory).find((file) => file.endsWith('.journal'));
  if (name === undefined) throw new Error('no journal was made');
  return join(directory, name);
}

function sequences(operations: readonly SessionOperation[]): number[] {
  return operations.flatMap((operation) => (operation.type === 'out' ? [operation.sequence] : []));
}

describe('a file store', () => {
  it('is empty for a session that nobody had', () => {
    expect(open().operations).toEqual([]);
  });

  it.each(['process', 'power', 'none'] as const)(
    'gives back what was committed, with durability %s',
    async (durability) => {
      const { store } = open({ durability });
      await store.commit([outOperation(1), outOperation(2)]);
      await store.commit([doneOperation(1), outOperation(3)]);
      const { operations } = await reopen(store);
      expect(sequences(operations)).toEqual([2, 3]);
    },
  );

  it('takes operations of every type', async () => {
    const { store } = open();
    await store.commit(everyOperation);
    const again = await reopen(store);
    expect(again.operations.map(({ type }) => type)).toContain('reset');
  });

  it('commits synchronously unless it waits for the disk', () => {
    expect(open().store.commit([outOperation(1)])).toBeUndefined();
    const powerful = open({ durability: 'power' }, { ...gateway, clientId: 'other' });
    expect(powerful.store.commit([outOperation(1)])).toBeInstanceOf(Promise);
  });

  it('keeps the sessions of several clients and servers apart', async () => {
    const { store } = open();
    await store.commit([outOperation(1)]);
    expect(open(undefined, { ...gateway, clientId: 'gateway-8' }).operations).toEqual([]);
    expect(open(undefined, { ...gateway, serverKey: 'mqtt://other:1883' }).operations).toEqual([]);
  });

  it('never lets a client identifier name a path', () => {
    open(undefined, { ...gateway, clientId: '../../escaped' });
    expect(readdirSync(directory).every((name) => /^[0-9a-f]{32}\.journal/.test(name))).toBe(true);
  });

  it('is readable by its owner alone', () => {
    const inner = join(directory, 'made', 'for', 'us');
    const store = fileStore(inner);
    store.load(gateway);
    opened.push(store);
    expect(statSync(inner).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(inner)) {
      expect(statSync(join(inner, name)).mode & 0o777, name).toBe(0o600);
    }
  });

  it('forgets everything when it is cleared', async () => {
    const { store } = open();
    await store.commit([outOperation(1)]);
    await store.clear();
    await store.commit([outOperation(2)]);
    expect(sequences((await reopen(store)).operations)).toEqual([2]);
  });

  it('commits in groups while the disk is busy, each in its order', async () => {
    const { store } = open({ durability: 'power' });
    const commits = Array.from({ length: 50 }, (_, index) =>
      store.commit([outOperation(index + 1)]),
    );
    await Promise.all(commits);
    expect(sequences((await reopen(store)).operations)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });
});

describe.each(['process', 'power', 'none'] as const)(
  'a file store with durability %s',
  (durability) => {
    it.each(sessionStoreContract)('$name', async ({ run }) => {
      await run({
        open: (place) => fileStore(join(directory, place), { durability }),
        tear(place) {
          directory = join(directory, place);
          truncateSync(journal(), statSync(journal()).size - 1);
          directory = dirname(directory);
        },
      });
    });
  },
);

describe('a journal that was cut or damaged', () => {
  it('gives, cut at any byte, exactly the commits that are whole', async () => {
    const { store } = open();
    const ends: number[] = [statSync(journal()).size];
    for (let sequence = 1; sequence <= 4; sequence += 1) {
      await store.commit([outOperation(sequence), outOperation(sequence + 100)]);
      ends.push(statSync(journal()).size);
    }
    await store.close();
    const file = journal();
    const whole = readFileSync(file);
    for (let length = 0; length <= whole.byteLength; length += 1) {
      writeFileSync(file, whole.subarray(0, length));
      const { store: cut, operations } = open();
      const commits = Math.max(
        ends.findLastIndex((end) => end <= length),
        0,
      );
      expect(sequences(operations).length, `cut at ${length}`).toBe(commits * 2);
      await cut.close();
    }
  });

  it('takes further commits after a torn one was cut off', async () => {
    const { store } = open();
    await store.commit([outOperation(1)]);
    await store.commit([outOperation(2)]);
    await store.close();
    truncateSync(journal(), statSync(journal()).size - 1);
    const { store: again } = open();
    await again.commit([outOperation(3)]);
    expect(sequences((await reopen(again)).operations)).toEqual([1, 3]);
  });

  it('is refused with its place when sound frames follow the damage, and repaired when asked', async () => {
    const { store } = open();
    for (const sequence of [1, 2, 3]) await store.commit([outOperation(sequence)]);
    await store.close();
    const bytes = readFileSync(journal());
    bytes[60] = (bytes[60] ?? 0) ^ 0xff;
    writeFileSync(journal(), bytes);
    expect(() => open()).toThrow(expect.objectContaining({ code: 'storeCorrupt' }));
    const { store: repaired, operations } = open({ repair: true });
    expect(sequences(operations)).toEqual([2, 3]);
    expect(sequences((await reopen(repaired)).operations)).toEqual([2, 3]);
  });

  it('takes nothing from a payload, though that holds a whole journal', async () => {
    const { store } = open(undefined, { ...gateway, clientId: 'other' });
    await store.commit([outOperation(1), outOperation(2)]);
    await store.close();
    const payload = readFileSync(journal());
    rmSync(journal());
    const { store: ours } = open();
    const message = { topic: 't', payload, qos: 1, retain: false, properties: {} } as const;
    await ours.commit([outOperation(7)]);
    await ours.commit([{ type: 'out', sequence: 8, message, expiresAtEpochMs: undefined }]);
    await ours.close();
    truncateSync(journal(), statSync(journal()).size - 1);
    expect(sequences(open().operations)).toEqual([7]);
  });

  it('survives zeros behind its end, as a loss of power may leave them', async () => {
    const { store } = open();
    await store.commit([outOperation(1)]);
    await store.close();
    appendFileSync(journal(), Buffer.alloc(5000));
    expect(sequences(open().operations)).toEqual([1]);
  });

  it('is refused when it is of a newer format, or no journal at all', async () => {
    const { store } = open();
    await store.close();
    writeFileSync(journal(), 'mqtt-kit session journal 2\nwhatever');
    expect(() => open()).toThrow(/format 2/);
    writeFileSync(journal(), 'a diary of something else altogether');
    expect(() => open()).toThrow(/not a session journal/);
  });

  it('is refused as a symbolic link', async () => {
    const { store } = open();
    await store.close();
    const file = journal();
    rmSync(file);
    symlinkSync('/etc/hostname', file);
    expect(() => open()).toThrow(/symbolic link/);
  });
});

describe('compaction', () => {
  it('keeps the journal at the size of what is live', async () => {
    const { store } = open();
    await store.commit([outOperation(1)]);
    for (let round = 0; round < 40; round += 1) {
      const sequence = round + 2;
      await store.commit([outOperation(sequence, 100_000)]);
      await store.commit([doneOperation(sequence)]);
    }
    expect(statSync(journal()).size).toBeLessThan(1_300_000);
    expect(sequences((await reopen(store)).operations)).toEqual([1]);
  });

  it('leaves no other file behind', async () => {
    const { store } = open();
    for (let sequence = 1; sequence < 30; sequence += 1) {
      await store.commit([outOperation(sequence, 100_000), doneOperation(sequence)]);
    }
    await store.close();
    expect(readdirSync(directory)).toHaveLength(1);
  });
});

describe('the lock', () => {
  it('refuses a second client of this process', () => {
    open();
    expect(() => open()).toThrow(
      expect.objectContaining({
        code: 'storeLocked',
        message: expect.stringContaining('another client of this process'),
      }),
    );
  });

  it('refuses another process, naming it', () => {
    const { store } = open();
    const lock = `${journal()}.lock`;
    const held = JSON.parse(readFileSync(lock, 'utf8')) as { pid: number };
    // The parent of this process lives as long as the test does.
    const parent = { ...held, pid: process.ppid, startedAt: '', boot: '', nonce: 'x' };
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    parent.startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    parent.boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    store.close();
    writeFileSync(lock, JSON.stringify(parent));
    expect(() => open()).toThrow(new RegExp(`process ${process.ppid}\\b`));
    rmSync(lock);
  });

  it('is taken over from a process that is gone', async () => {
    const { store } = open();
    const lock = `${journal()}.lock`;
    const held = readFileSync(lock, 'utf8');
    await store.close();
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    writeFileSync(lock, JSON.stringify({ ...JSON.parse(held), pid, nonce: 'gone' }));
    expect(open().operations).toEqual([]);
  });

  it('is taken over when its pid belongs to a later process now', async () => {
    const { store } = open();
    const lock = `${journal()}.lock`;
    const held = readFileSync(lock, 'utf8');
    await store.close();
    writeFileSync(lock, JSON.stringify({ ...JSON.parse(held), startedAt: '1', nonce: 'reused' }));
    expect(open().operations).toEqual([]);
  });

  it('is taken over when it is no lock at all', async () => {
    const { store } = open();
    const lock = `${journal()}.lock`;
    await store.close();
    writeFileSync(lock, '');
    expect(open().operations).toEqual([]);
  });
});

describe('a disk that refuses', () => {
  it('fails the commit, and every later one, with storeFailed', () => {
    const store = fileStore('/dev/full/sessions');
    expect(() => store.load(gateway)).toThrow(expect.objectContaining({ code: 'storeFailed' }));
    expect(() => store.commit([outOperation(1)])).toThrow(
      expect.objectContaining({ code: 'storeFailed' }),
    );
  });

  it('does not open what it may not write', () => {
    if (process.getuid?.() === 0) {
      // Root may write anywhere: a file in place of the directory refuses everybody.
      writeFileSync(join(directory, 'taken'), '');
      const store = fileStore(join(directory, 'taken'));
      expect(() => store.load(gateway)).toThrow(expect.objectContaining({ code: 'storeFailed' }));
      return;
    }
    chmodSync(directory, 0o500);
    expect(() => open()).toThrow(expect.objectContaining({ code: 'storeFailed' }));
  });
});
