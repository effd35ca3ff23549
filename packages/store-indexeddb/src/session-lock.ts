/**
 * One owner for each client identifier at a server, among all tabs and workers of an origin: a Web Lock, which the
 * browser gives back by itself when a tab closes, crashes or is put aside.
 */
import { MqttError } from '@mqtt-kit/core';

/** Gives the lock back. Resolves when another owner can have it. */
export type Unlock = () => Promise<void>;

/** Takes a lock if it is free, and returns `undefined` if it is not. */
export function tryLock(name: string): Promise<Unlock | undefined> {
  return request(name, { ifAvailable: true });
}

/** Waits for a lock as long as it takes; rejects with the reason of `signal` when that aborts. */
export function waitForLock(name: string, signal: AbortSignal | undefined): Promise<Unlock> {
  return request(name, signal === undefined ? {} : { signal }) as Promise<Unlock>;
}

function request(name: string, options: LockOptions): Promise<Unlock | undefined> {
  const { locks } = globalThis.navigator ?? {};
  if (locks === undefined) return Promise.reject(noLocks());
  return new Promise((resolve, reject) => {
    const over = locks.request(name, options, (lock) => {
      if (lock === null) {
        resolve(undefined);
        return undefined;
      }
      return new Promise<void>((release) => {
        resolve(() => {
          release();
          return over.then(nothing);
        });
      });
    });
    over.catch(reject);
  });
}

function noLocks(): MqttError {
  return new MqttError('storeFailed', 'there are no Web Locks here to keep two tabs apart', {
    hint: "Browsers have them on pages from https:// and localhost. fallback: 'memory' goes on without a store.",
  });
}

function nothing(): void {}
