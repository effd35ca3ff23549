/**
 * A session in IndexedDB: what was committed is there again after the page was reloaded, the tab killed, the browser
 * closed.
 *
 * The same state runs in memory. What a commit changes there is put and removed in one transaction, under the key
 * `[server, client identifier, position]`: the position, a number that only grows, gives the order back. Commits are
 * written one after the other, and those that come while one is written share the next. When the database had to be
 * opened anew, the session is written anew as a whole, since it may have been deleted in between.
 */

import type {
  MemoryStore,
  SessionIdentity,
  SessionOperation,
  SessionSnapshot,
  SessionStore,
} from '@mqtt-kit/core';
import { MqttError, memoryStore, memoryStoreOver } from '@mqtt-kit/core';
import { promisifyRequest } from 'idb-keyval';
import { SessionDatabase, whenComplete } from './session-database.ts';
import { tryLock, type Unlock, waitForLock } from './session-lock.ts';
import { SessionRecords } from './session-records.ts';
import { storable } from './storable.ts';

/** How careful an IndexedDB store is, and what it does when another tab has the session. */
export interface IndexedDbStoreOptions {
  /**
   * What a commit waits for. `process` (default): the browser has handed it to the operating system, so that it
   * outlives a killed tab or browser. `power`: the browser says that the disk has it. `none`: nothing; the last commits
   * of a killed tab may be missing.
   */
  readonly durability?: 'process' | 'power' | 'none';
  /**
   * When another tab or worker uses the client identifier. `wait` (default): `connect` waits until that one is closed,
   * then goes on with its session; `onStatus` tells, and the `signal` of `connect` ends it. `suffix`: takes the
   * identifier with `-2`, `-3` and so on behind it, each a session of its own. `error`: rejects with `storeLocked`.
   */
  readonly onConflict?: 'wait' | 'suffix' | 'error';
  /**
   * `memory`: where there is no IndexedDB, or it does not open, goes on without keeping anything, as another client (the
   * identifier with something random behind it). Default: `connect` rejects with `storeFailed`.
   */
  readonly fallback?: 'memory';
  /** How long the database may take to open. Default 5000. */
  readonly openTimeoutMs?: number;
  /** Called when it changes whether this client has the session. */
  readonly onStatus?: (status: IndexedDbStoreStatus) => void;
}

/** Where a store stands. */
export type IndexedDbStoreStatus =
  /** Another tab or worker has the session. */
  | { readonly state: 'waiting'; readonly clientId: string }
  | { readonly state: 'open'; readonly clientId: string }
  /** With `fallback: 'memory'`: nothing is kept, and why. */
  | { readonly state: 'memory'; readonly clientId: string; readonly reason: MqttError };

/**
 * A store that keeps sessions in a database of the page's origin, `mqtt-kit` unless named otherwise. For
 * `connect({ store: indexedDbStore(), clientId })` in pages and workers; each client wants an `indexedDbStore` of its
 * own, and several may use one database.
 *
 * Errors of the client then: `storeLocked` with `onConflict: 'error'`; `storeCorrupt` for a database of a newer format;
 * `storeFailed` when there is no IndexedDB, it does not open, or has no room. After a failed commit nothing more is
 * accepted: what was committed before stands.
 */
export function indexedDbStore(
  name: string = 'mqtt-kit',
  options: IndexedDbStoreOptions = {},
): SessionStore {
  return new IndexedDbSessionStore(name, options);
}

const defaultOpenTimeoutMs = 5_000;

class IndexedDbSessionStore implements SessionStore {
  readonly #options: IndexedDbStoreOptions;
  readonly #database: SessionDatabase;
  #clientId: string | undefined;
  #serverKey = '';
  #loaded = false;
  #unlock: Unlock | undefined;
  /** In place of the database. */
  #memory: MemoryStore | undefined;
  #records = new SessionRecords();
  #state = memoryStoreOver(this.#records);
  /** The opening of the database that has the records. */
  #writtenIn = 0;
  #failure: MqttError | undefined;
  #failureTold = false;
  /** The write that what is committed now will be part of, and the one under way. */
  #nextWrite: Promise<void> | undefined;
  #write: Promise<void> = Promise.resolve();

  constructor(name: string, options: IndexedDbStoreOptions) {
    this.#options = options;
    this.#database = new SessionDatabase(
      name,
      options.durability === 'power' ? 'strict' : 'relaxed',
      options.openTimeoutMs ?? defaultOpenTimeoutMs,
    );
  }

  get durable(): boolean {
    return this.#memory === undefined;
  }

  get clientId(): string | undefined {
    return this.#clientId;
  }

  async load(identity: SessionIdentity, signal?: AbortSignal): Promise<SessionSnapshot> {
    if (this.#loaded) throw locked(identity.clientId, 'another client of this page');
    this.#loaded = true;
    this.#failure = undefined;
    this.#failureTold = false;
    this.#serverKey = identity.serverKey;
    try {
      this.#clientId = await this.#own(identity, signal);
      const snapshot = await this.#read();
      this.#options.onStatus?.({ state: 'open', clientId: this.#clientId });
      return snapshot;
    } catch (thrown) {
      await this.#release();
      if (signal?.aborted) throw signal.reason;
      const error = asStoreError('cannot open the session', thrown);
      if (this.#options.fallback !== 'memory' || error.code === 'storeLocked') throw error;
      return this.#fallBack(identity, error);
    }
  }

  commit(operations: readonly SessionOperation[]): void | Promise<void> {
    if (this.#failure !== undefined) {
      this.#failureTold = true;
      throw this.#failure;
    }
    if (this.#memory !== undefined) return this.#memory.commit(operations);
    if (!this.#loaded) throw new MqttError('storeFailed', 'the session store is not open');
    this.#state.commit(operations);
    const write = this.#writeSoon();
    if (this.#options.durability !== 'none') return write;
    // Nobody waits for it: the next commit, or `close`, throws what went wrong.
    write.catch(nothing);
    return undefined;
  }

  async clear(): Promise<void> {
    this.#memory?.clear();
    this.#state.clear();
    if (this.#memory !== undefined) return;
    if (this.#failure !== undefined) throw this.#failure;
    await this.#writeSoon();
  }

  async close(): Promise<void> {
    await this.#nextWrite?.catch(nothing);
    await this.#write;
    await this.#release();
    const failure = this.#failureTold ? undefined : this.#failure;
    this.#failureTold = true;
    if (failure !== undefined) throw failure;
  }

  /** Takes the lock of an identifier, and returns that. */
  async #own(identity: SessionIdentity, signal: AbortSignal | undefined): Promise<string> {
    const { clientId } = identity;
    const { onConflict = 'wait', onStatus } = this.#options;
    const most = onConflict === 'suffix' ? Number.POSITIVE_INFINITY : 1;
    for (let count = 1; count <= most; count++) {
      const candidate = count === 1 ? clientId : `${clientId}-${count}`;
      this.#unlock = await tryLock(lockName(identity.serverKey, candidate));
      if (this.#unlock !== undefined) return candidate;
    }
    if (onConflict === 'error') throw locked(clientId, 'another tab or worker');
    onStatus?.({ state: 'waiting', clientId });
    this.#unlock = await waitForLock(lockName(identity.serverKey, clientId), signal);
    return clientId;
  }

  async #read(): Promise<SessionSnapshot> {
    const [keys, operations] = await this.#database.use('readonly', (store) =>
      Promise.all([
        promisifyRequest(store.getAllKeys(this.#range())),
        promisifyRequest<SessionOperation[]>(store.getAll(this.#range())),
      ]),
    );
    this.#records = new SessionRecords();
    this.#state = memoryStoreOver(this.#records);
    this.#state.commit(operations);
    const positions = keys.map((key) => (key as readonly IDBValidKey[])[2] as number);
    this.#writtenIn = this.#records.standAt(positions) ? this.#database.opened : 0;
    return [...this.#records.values()];
  }

  #writeSoon(): Promise<void> {
    this.#nextWrite ??= this.#write.then(() => {
      this.#nextWrite = undefined;
      const write = this.#written();
      this.#write = write.catch(nothing);
      return write;
    });
    return this.#nextWrite;
  }

  async #written(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#records.changed) return;
    try {
      await this.#putChanges().catch((error: Error) => {
        // Browsers close a database without a word (after sleep, on some systems) or lose it under a transaction:
        // nothing of that is kept, and one more has it all.
        if (!/^(Abort|Unknown|InvalidState)Error$/.test(error.name)) throw error;
        this.#database.close();
        return this.#putChanges();
      });
    } catch (thrown) {
      this.#failure = asStoreError('cannot write the session', thrown);
      this.#failureTold = this.#options.durability !== 'none';
      throw this.#failure;
    }
  }

  /** One transaction: all of it is kept, or nothing. */
  #putChanges(): Promise<void> {
    return this.#database.use('readwrite', async (store) => {
      const whole = this.#writtenIn !== this.#database.opened;
      if (whole) store.delete(this.#range());
      const changes = whole ? this.#records.takeAll() : this.#records.takeChanges();
      for (const [position, operation] of changes) {
        const key = [this.#serverKey, this.#clientId as string, position];
        if (operation !== undefined) store.put(storable(operation), key);
        else if (!whole) store.delete(key);
      }
      const opened = this.#database.opened;
      await whenComplete(store.transaction);
      this.#writtenIn = opened;
    });
  }

  /** All positions of the session: an array stands behind every number. */
  #range(): IDBKeyRange {
    const session = [this.#serverKey, this.#clientId as string];
    return IDBKeyRange.bound(session, [...session, []]);
  }

  #fallBack({ clientId }: SessionIdentity, reason: MqttError): SessionSnapshot {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
    this.#loaded = true;
    this.#memory = memoryStore();
    this.#clientId = `${clientId}-${random.toString(36)}`;
    this.#options.onStatus?.({ state: 'memory', clientId: this.#clientId, reason });
    return [];
  }

  async #release(): Promise<void> {
    const unlock = this.#unlock;
    this.#unlock = undefined;
    this.#loaded = false;
    this.#memory = undefined;
    this.#database.close();
    await unlock?.();
  }
}

function lockName(serverKey: string, clientId: string): string {
  return `mqtt-kit ${JSON.stringify([serverKey, clientId])}`;
}

function locked(clientId: string, who: string): MqttError {
  return new MqttError('storeLocked', `the session of ${clientId} is in use by ${who}`, {
    hint: "Close the other one, give this one its own client id, or set onConflict: 'wait' or 'suffix'.",
  });
}

function asStoreError(what: string, thrown: unknown): MqttError {
  if (thrown instanceof MqttError) return thrown;
  const { name, message } = thrown as Error;
  const code = name === 'VersionError' ? 'storeCorrupt' : 'storeFailed';
  return new MqttError(code, `${what}: ${message || name}`, { cause: thrown, hint: hints[name] });
}

const hints: Readonly<Record<string, string | undefined>> = {
  QuotaExceededError:
    'The browser gives this site no more room: nothing that was accepted before is lost.',
  SecurityError: 'The browser keeps nothing for this page: cookies and site data are blocked.',
  VersionError: 'A newer version of mqtt-kit made the database: reload the page.',
};

function nothing(): void {}
