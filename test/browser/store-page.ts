/** The program of the page that tries the IndexedDB store. */
import type { SessionIdentity, SessionOperation } from '@mqtt-kit/core';
import { type IndexedDbStoreOptions, indexedDbStore } from '@mqtt-kit/store-indexeddb';
import { sessionStoreContract } from '../../packages/testkit/src/session-store-contract.ts';

const identity: SessionIdentity = { clientId: 'client', serverKey: 'ws://localhost/mqtt' };

/** Runs one case of the contract. Rejects with what the store does not do. */
async function runCase(name: string, durability: 'process' | 'power' | 'none'): Promise<void> {
  const found = sessionStoreContract.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no case ${name}`);
  await found.run({
    open: (place) =>
      indexedDbStore(`${durability} ${name} ${place}`, { durability, onConflict: 'error' }),
  });
}

/** Commits that a test asks for, one store at a time. */
function openStore(name: string, options: IndexedDbStoreOptions = {}) {
  const store = indexedDbStore(name, options);
  return {
    store,
    load: () => Promise.resolve(store.load(identity)),
    commit: async (operations: readonly SessionOperation[]) => store.commit(operations),
  };
}

/** A message of so many bytes that are part of a larger buffer. */
function outOperation(
  sequence: number,
  bytes: Uint8Array = new Uint8Array(1),
): SessionOperation & { readonly type: 'out' } {
  const message = {
    topic: 'topic',
    payload: bytes,
    qos: 1,
    retain: false,
    properties: {},
  } as const;
  return { type: 'out', sequence, message, expiresAtEpochMs: undefined };
}

function sequences(operations: readonly SessionOperation[]): number[] {
  return operations.flatMap((operation) => (operation.type === 'out' ? [operation.sequence] : []));
}

/** How an action fails. */
async function failure(
  action: () => unknown,
): Promise<{ code: string; message: string; hint: string | undefined }> {
  try {
    await action();
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint?: string };
    return { code, message, hint };
  }
  throw new Error('it did not fail');
}

/** Everything that a database holds, as its own API tells. */
async function rawContents(name: string): Promise<{ keys: unknown[]; values: unknown[] }> {
  const database = await request(indexedDB.open(name));
  const objects = database.transaction('sessions').objectStore('sessions');
  const [keys, values] = await Promise.all([
    request(objects.getAllKeys()),
    request(objects.getAll()),
  ]);
  database.close();
  return { keys, values };
}

function request<T>(asked: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

export const storePage = {
  runCase,
  openStore,
  outOperation,
  sequences,
  failure,
  rawContents,
  request,
  indexedDbStore,
  identity,
};
export type StorePage = typeof storePage;
Object.assign(globalThis, { storePage });
