import type { SessionSnapshot } from '@mqtt-kit/engine';
import { closeStore, reloadSession } from './client-session.ts';
import type { SessionIdentity, SessionStore } from './session-store.ts';

/** The store of a client: opened again after a failure, closed once. */
export class ClientStore {
  readonly #store: SessionStore | undefined;
  readonly #identity: SessionIdentity;
  /** A store that failed is being opened again. */
  #reopening: Promise<void> | undefined;
  #abort: AbortController | undefined;
  #closed: Promise<void> | undefined;

  /** @param identity the name under which the store has the session */
  constructor(store: SessionStore | undefined, identity: SessionIdentity) {
    this.#store = store;
    this.#identity = identity;
  }

  /** Attempts share it: one that gave up waiting does not end it. */
  reopen(use: (snapshot: SessionSnapshot) => void): Promise<void> {
    this.#reopening ??= this.#reload()
      .then(use)
      .finally(() => {
        this.#reopening = undefined;
      });
    return this.#reopening;
  }

  /** Rejects with an `MqttError`. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #reload(): Promise<SessionSnapshot> {
    this.#abort = new AbortController();
    return reloadSession(this.#store as SessionStore, this.#identity, this.#abort.signal);
  }

  async #close(): Promise<void> {
    this.#abort?.abort();
    await this.#reopening?.catch(() => {});
    await closeStore(this.#store);
  }
}
