/** The database that keeps sessions: opened when it is first needed, and again when it was closed. */
import { MqttError } from '@mqtt-kit/core';
import { promisifyRequest, type UseStore } from 'idb-keyval';

/** A database of a later format has a later version, and does not open here. */
const version = 1;
const objectStore = 'sessions';

export class SessionDatabase {
  readonly #name: string;
  readonly #durability: IDBTransactionDurability;
  readonly #openTimeoutMs: number;
  #database: Promise<IDBDatabase> | undefined;
  /** Grows with each opening: what was seen in one need not be there in the next. */
  #opened = 0;

  constructor(name: string, durability: IDBTransactionDurability, openTimeoutMs: number) {
    this.#name = name;
    this.#durability = durability;
    this.#openTimeoutMs = openTimeoutMs;
  }

  /** How often it was opened: another number than before means that it may have been deleted in between. */
  get opened(): number {
    return this.#opened;
  }

  /**
   * Runs a callback in a transaction of its own, as every `UseStore` does. One that the callback does not survive keeps
   * nothing: the transaction is aborted.
   */
  readonly use: UseStore = async (mode, callback) => {
    const database = await this.#open();
    const transaction = database.transaction(objectStore, mode, { durability: this.#durability });
    try {
      return await callback(transaction.objectStore(objectStore));
    } catch (error) {
      abort(transaction);
      throw error;
    }
  };

  close(): void {
    this.#database?.then((database) => database.close()).catch(nothing);
    this.#database = undefined;
  }

  #forget(): void {
    this.#database = undefined;
  }

  #open(): Promise<IDBDatabase> {
    this.#database ??= this.#opening();
    return this.#database;
  }

  async #opening(): Promise<IDBDatabase> {
    try {
      const database = await openDatabase(this.#name, this.#openTimeoutMs);
      this.#opened += 1;
      database.onclose = () => this.#forget();
      // Whoever deletes the database, or opens a later version of it, waits for us to close.
      database.onversionchange = () => {
        this.#forget();
        database.close();
      };
      return database;
    } catch (error) {
      this.#forget();
      throw error;
    }
  }
}

/** Resolves when everything that was asked of a transaction is kept, rejects when nothing of it is. */
export function whenComplete(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () =>
      reject(
        transaction.error ?? new DOMException('the browser aborted the transaction', 'AbortError'),
      );
  });
}

async function openDatabase(name: string, timeoutMs: number): Promise<IDBDatabase> {
  const factory = globalThis.indexedDB as IDBFactory | undefined;
  if (!factory) throw new MqttError('storeFailed', 'there is no IndexedDB here');
  const request = factory.open(name, version);
  request.onupgradeneeded = () => request.result.createObjectStore(objectStore);
  let blocked = false;
  request.onblocked = () => {
    blocked = true;
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  let late = false;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(openTimeout(name, timeoutMs, blocked));
    }, timeoutMs);
  });
  const opening = promisifyRequest(request);
  opening
    .then((database) => {
      if (late) database.close();
    })
    .catch(nothing);
  try {
    return await Promise.race([opening, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

function openTimeout(name: string, timeoutMs: number, blocked: boolean): MqttError {
  return new MqttError(
    'storeFailed',
    `the database "${name}" did not open within ${timeoutMs} ms${blocked ? ': another tab holds an older version of it' : ''}`,
    {
      hint: blocked
        ? 'Close or reload the other tabs of this site.'
        : "Private windows of some browsers never open one. fallback: 'memory' goes on without.",
    },
  );
}

function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It is over already.
  }
}

function nothing(): void {}
