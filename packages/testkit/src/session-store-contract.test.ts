import { type MemoryStore, memoryStore, type SessionStore } from '@mqtt-kit/core';
import type { SessionOperation } from '@mqtt-kit/engine';
import { describe, expect, it } from 'vitest';
import { sessionStoreContract } from './session-store-contract.ts';

type Change = (store: MemoryStore) => Partial<SessionStore>;

/** Names of the cases that a store fails, when it is the memory store with a change. */
async function failures(change: Change): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of sessionStoreContract) {
    const places = new Map<string, MemoryStore>();
    const open = (place: string): SessionStore => {
      const store = places.get(place) ?? memoryStore();
      places.set(place, store);
      const sound: SessionStore = {
        durable: false,
        load: () => store.load(),
        commit: (operations) => store.commit(operations),
        clear: () => store.clear(),
        close: () => store.close(),
      };
      return { ...sound, ...change(store) };
    };
    await run({ open }).catch(() => failed.push(name));
  }
  return failed;
}

const isDone = ({ type }: SessionOperation): boolean => type === 'outDone' || type === 'inDone';

describe('the contract of session stores', () => {
  it('is kept by the memory store', async () => {
    expect(await failures(() => ({}))).toEqual([]);
  });

  it.each<[string, Change, RegExp]>([
    ['keeps nothing', () => ({ commit: () => {} }), /what the memory store gives/],
    [
      'leaves out the last operation of a commit',
      (store) => ({ commit: (operations) => store.commit(operations.slice(0, -1)) }),
      /what the memory store gives/,
    ],
    [
      'turns the operations of a commit round',
      (store) => ({ commit: (operations) => store.commit(operations.toReversed()) }),
      /what the memory store gives/,
    ],
    [
      'never forgets what is done',
      (store) => ({
        commit: (operations) => store.commit(operations.filter((one) => !isDone(one))),
      }),
      /what the memory store gives/,
    ],
    [
      'lets a later commit overtake an earlier one',
      (store) => ({
        commit: (operations) =>
          new Promise<void>((resolve) => {
            const keep = (): void => resolve(store.commit(operations));
            if (operations.length % 2 === 0) queueMicrotask(keep);
            else setImmediate(keep);
          }),
      }),
      /order of commits/,
    ],
    ['clears nothing', () => ({ clear: () => {} }), /cleared/],
    [
      'takes a second owner',
      (store) => ({
        load: () => {
          store.close();
          return store.load();
        },
      }),
      /one owner/,
    ],
    ['never lets go of its lock', () => ({ close: () => {} }), /loaded again/],
    [
      'gives payloads as Buffers',
      (store) => ({
        load: () =>
          store.load().map((one) => {
            if (one.type !== 'out') return one;
            return {
              ...one,
              message: { ...one.message, payload: Buffer.from(one.message.payload) },
            };
          }),
      }),
      /byte by byte/,
    ],
  ])('finds a store that %s', async (_what, change, name) => {
    expect((await failures(change)).join('\n')).toMatch(name);
  });
});
