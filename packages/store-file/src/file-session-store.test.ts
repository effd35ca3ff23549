import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
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
import { type FileStoreOptions, fileStore, type RepairReport } from './index.ts';
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
    await store.commit(everyOperation.filter(({ type }) => type !== 'session'));
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
    expect(
      readdirSync(directory).every((name) => /^[0-9a-f]{32}\.(journal|lock)$/.test(name)),
    ).toBe(true);
  });

  it.each([0, 0o022, 0o777])('is readable by its owner alone, with umask %i', async (umask) => {
    const inner = join(directory, 'made', 'for', 'us');
    const before = process.umask(umask);
    try {
      const store = fileStore(inner);
      await store.load(gateway);
      opened.push(store);
      await store.commit([outOperation(1)]);
      await store.clear();
    } finally {
      process.umask(before);
    }
    const modes = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => {
      const found = statSync(join(directory, name));
      return [name, found.mode & 0o777, found.isDirectory() ? 0o700 : 0o600] as const;
    });
    expect(modes.length).toBeGreaterThan(5);
    for (const [name, mode, expected] of modes) expect(mode, name).toBe(expected);
  });

  it('closes a journal to others that was copied open', async () => {
    const { store } = open();
    await store.close();
    chmodSync(journal(), 0o644);
    open();
    expect(statSync(journal()).mode & 0o777).toBe(0o600);
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

  it('is kept as it was when it is repaired, and what was left out is told', async () => {
    const { store } = open();
    const ends = [statSync(journal()).size];
    for (const sequence of [1, 2, 3, 4, 5]) {
      await store.commit([outOperation(sequence)]);
      ends.push(statSync(journal()).size);
    }
    await store.close();
    const [, one, two, three, four] = ends as [number, number, number, number, number];
    const bytes = readFileSync(journal());
    bytes[one + 3] = (bytes[one + 3] ?? 0) ^ 0xff;
    bytes.fill(0, three + 1, four - 1);
    writeFileSync(journal(), bytes);
    const reports: RepairReport[] = [];
    const again = open({ repair: (report) => reports.push(report) });
    expect(sequences(again.operations)).toEqual([1, 3, 5]);
    const dropped = [
      { at: one, bytes: two - one },
      { at: three, bytes: four - three },
    ];
    const damagedFile = `${journal()}.damaged-1`;
    expect(reports).toEqual([{ file: journal(), damagedFile, dropped, keptOperations: 3 }]);
    expect(readFileSync(damagedFile).equals(bytes)).toBe(true);
    // A sound journal is not repaired.
    await reopen(again.store, { repair: (report) => reports.push(report) });
    expect(reports).toHaveLength(1);
  });

  it('is repaired a second time without losing the first damaged file', async () => {
    for (const number of [1, 2]) {
      const { store } = open();
      for (const sequence of [1, 2]) await store.commit([outOperation(sequence)]);
      await store.close();
      const bytes = readFileSync(journal());
      bytes[60] = (bytes[60] ?? 0) ^ 0xff;
      writeFileSync(journal(), bytes);
      const { store: repaired } = open({ repair: true });
      await repaired.close();
      expect(readFileSync(`${journal()}.damaged-${number}`).equals(bytes)).toBe(true);
    }
  });

  it('is repaired when only the text of its header is damaged', async () => {
    const { store } = open();
    await store.commit([outOperation(1)]);
    await store.close();
    const bytes = readFileSync(journal());
    bytes[3] = 0;
    writeFileSync(journal(), bytes);
    expect(() => open()).toThrow(/27 bytes from byte 0/);
    const { operations } = open({ repair: true });
    expect(sequences(operations)).toEqual([1]);
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
    for (const repair of [false, true]) {
      expect(() => open({ repair })).toThrow(
        expect.objectContaining({
          code: 'storeCorrupt',
          message: expect.stringContaining('format 2'),
          hint: expect.stringContaining('newer mqtt-kit'),
        }),
      );
    }
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
    rmSync(file);
    symlinkSync(tmpdir(), file.replace('.journal', '.lock'));
    expect(() => open()).toThrow(/symbolic link, expected a directory/);
    rmSync(file.replace('.journal', '.lock'));
    mkdirSync(file);
    expect(() => open()).toThrow(/no file, expected a file/);
  });
});

describe('compaction', () => {
  /** For machines that have much else to do. */
  const timeout = 120_000;

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

  it('carries 20,000 messages through a journal written anew, in order', { timeout }, async () => {
    const { store } = open();
    const first = Array.from({ length: 20_000 }, (_, index) => outOperation(index + 1, 40));
    for (let at = 0; at < first.length; at += 1_000) {
      await store.commit(first.slice(at, at + 1_000));
    }
    const large = statSync(journal()).size;
    // Settled ones pile up until it is worth while.
    let last = 0;
    for (let length = large; length >= large; length = statSync(journal()).size) {
      last += 1;
      await store.commit([doneOperation(last), outOperation(20_000 + last, 200_000)]);
      await store.commit([doneOperation(20_000 + last)]);
    }
    const kept = sequences((await reopen(store)).operations);
    expect(kept).toHaveLength(20_000 - last);
    expect(kept.every((sequence, index) => sequence === last + 1 + index)).toBe(true);
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

describe('a session that somebody else has', () => {
  it('is refused', () => {
    open();
    expect(() => open()).toThrow(expect.objectContaining({ code: 'storeLocked' }));
  });

  it('is refused late when its owner has to be asked, and given when that one is gone', async () => {
    open();
    const lock = readdirSync(directory).find((name) => name.endsWith('.lock')) ?? '';
    const owner = join(directory, lock, 'owner');
    const elsewhere = { ...JSON.parse(readFileSync(owner, 'utf8')), namespace: 'pid:[1]' };
    writeFileSync(owner, JSON.stringify(elsewhere));
    const store = fileStore(directory);
    await expect(store.load(gateway)).rejects.toMatchObject({ code: 'storeLocked' });
    writeFileSync(owner, JSON.stringify({ ...elsewhere, nonce: '0123456789abcdef' }));
    expect(await store.load(gateway)).toEqual([]);
    opened.push(store);
  });

  it('is refused when its journal is that of another client or server', async () => {
    const { store } = open();
    const { clientId } = gateway;
    await store.commit([
      {
        type: 'session',
        clientId,
        serverKey: 'mqtt://other:1883',
        storeEpoch: 1,
        version: '5.0',
        standing: 'established',
      },
    ]);
    await store.close();
    expect(() => open()).toThrow(
      expect.objectContaining({
        code: 'storeCorrupt',
        message: expect.stringMatching(
          /session of "gateway-7" at mqtt:\/\/other:1883, expected .*"gateway-7" at mqtt:\/\/localhost:1883/,
        ),
      }),
    );
    // The refusal has given the lock back.
    rmSync(journal());
    open();
  });
});

describe('arguments that cannot be', () => {
  it.each([
    [undefined, undefined, 'the directory of a file store must be a path; got undefined'],
    ['', undefined, "the directory of a file store must be a path; got ''"],
    ['a\0b', undefined, 'the directory of a file store must be a path'],
    ['x', null, 'the options of a file store must be an object; got null'],
    ['x', { durable: true }, "no option 'durable'; it has durability and repair"],
    ['x', { durability: 'disk' }, "durability must be 'process', 'power' or 'none'; got 'disk'"],
    ['x', { repair: 'yes' }, "repair must be true, false or a function; got 'yes'"],
  ])('are refused at once: %j, %j', (path, options, message) => {
    expect(() => fileStore(path as string, options as FileStoreOptions)).toThrow(
      expect.objectContaining({
        code: 'invalidArgument',
        message: expect.stringContaining(message),
      }),
    );
    expect(existsSync('x')).toBe(false);
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
