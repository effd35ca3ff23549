import type { SessionOperation } from '@mqtt-kit/engine';
import { describe, expect, it } from 'vitest';
import { FaultyStore } from './faulty-store.ts';

type Manner = 'now' | 'late' | 'fail';

function out(sequence: number): SessionOperation {
  const message = {
    topic: 't',
    payload: Uint8Array.of(sequence),
    qos: 1 as const,
    retain: false,
    properties: {},
  };
  return { type: 'out', sequence, message, expiresAtEpochMs: undefined };
}

function done(sequence: number): SessionOperation {
  return {
    type: 'outDone',
    sequence,
    packetIdentifier: undefined,
    reasonCode: 0,
    cause: undefined,
  };
}

function sequences(operations: readonly SessionOperation[]): number[] {
  return operations.flatMap((operation) => (operation.type === 'out' ? [operation.sequence] : []));
}

/** A store that takes commits in these manners, then at once; and what became durable in it. */
function storeWith(...manners: Manner[]) {
  const durable: number[] = [];
  const store = new FaultyStore({
    manner: () => manners.shift() ?? 'now',
    onDurable: (operations) => durable.push(...sequences(operations)),
  });
  store.load();
  return { store, durable };
}

const noSpace = { code: 'ENOSPC' };

describe('a faulty store', () => {
  it('keeps what it takes at once, and loads it in order', () => {
    const { store, durable } = storeWith();
    expect(store.commit([out(1), out(2)])).toBe(undefined);
    expect(store.commit([out(3)])).toBe(undefined);
    expect(durable).toEqual([1, 2, 3]);
    expect(sequences(store.load())).toEqual([1, 2, 3]);
  });

  it('takes late what is asked for behind a late commit, one after the other', async () => {
    const { store, durable } = storeWith('late');
    const first = store.commit([out(1)]);
    const second = store.commit([out(2)]);
    expect([first, second].every((commit) => commit instanceof Promise)).toBe(true);
    expect(store.pending).toBe(2);
    expect(durable).toEqual([]);
    expect(store.settle()).toBe('done');
    await first;
    expect(durable).toEqual([1]);
    expect(store.settle()).toBe('done');
    await second;
    expect(durable).toEqual([1, 2]);
    expect(store.settle()).toBe('nothing');
  });

  it('throws when a commit fails, and takes nothing more until it is loaded again', () => {
    const { store, durable } = storeWith('fail');
    expect(() => store.commit([out(1)])).toThrow(expect.objectContaining(noSpace));
    expect(() => store.commit([out(2)])).toThrow(expect.objectContaining(noSpace));
    expect(durable).toEqual([]);
    store.load();
    void store.commit([out(3)]);
    expect(sequences(store.journal)).toEqual([3]);
  });

  it('fails late commits, and with one those behind it', async () => {
    const { store, durable } = storeWith('late');
    const commits = [store.commit([out(1)]), store.commit([out(2)])];
    expect(store.settle(true)).toBe('failed');
    expect(store.settle()).toBe('failed');
    for (const commit of commits) await expect(commit).rejects.toMatchObject(noSpace);
    expect(durable).toEqual([]);
  });

  it.each([0, 1, 2, 3])('keeps the first %i operations of those not synced at a crash', (kept) => {
    const { store, durable } = storeWith('now', 'late');
    void store.commit([out(1)]);
    void store.commit([out(2), out(3)]);
    void store.commit([out(4)]);
    const asked: number[] = [];
    store.crash((unsynced) => {
      asked.push(unsynced);
      return kept;
    });
    expect(asked).toEqual([3]);
    expect(durable).toEqual([1, 2, 3, 4].slice(0, 1 + kept));
    expect(sequences(store.load())).toEqual(durable);
  });

  it('answers nobody who asks after the crash', async () => {
    const { store, durable } = storeWith('late');
    const before = store.commit([out(1)]);
    store.crash(() => 0);
    const after = store.commit([out(2)]);
    const settled = Promise.race([before, after]).then(() => 'settled');
    expect(await Promise.race([settled, Promise.resolve('open')])).toBe('open');
    expect(store.settle()).toBe('nothing');
    expect(durable).toEqual([]);
  });

  it('compacts to what means the same', () => {
    const { store } = storeWith();
    void store.commit([out(1), out(2), done(1)]);
    store.compact();
    expect(sequences(store.journal)).toEqual([2]);
    expect(sequences(store.load())).toEqual([2]);
  });

  it('says whether it outlives the process, and forgets when it is cleared', () => {
    const { store } = storeWith();
    void store.commit([out(1)]);
    store.clear();
    expect(store.load()).toEqual([]);
    expect(store.durable).toBe(true);
    expect(new FaultyStore({ durable: false, manner: () => 'now' }).durable).toBe(false);
  });
});
