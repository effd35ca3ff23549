import type { SessionOperation, SessionSnapshot } from '@mqtt-kit/engine';

/** Whose session it is: a store that holds several finds the right one by it. */
export interface SessionIdentity {
  readonly clientId: string;
  /** Names the server: the first URL without user name and password. */
  readonly serverKey: string;
}

/** Keeps a session beyond a connection, or beyond the process. One store belongs to one client at a time. */
export interface SessionStore {
  /**
   * Whether it outlives the process: it then implies a persistent session and delivery after commit. A store that finds
   * out in `load` that it cannot be durable says so here; what follows from it is then decided anew.
   */
  readonly durable: boolean;
  /** The client identifier to use, where `load` took another than it was asked for. */
  readonly clientId?: string | undefined;
  /**
   * The operations that rebuild the session, in order; empty for a new one. Locks the store for this client. One that
   * waits for another owner to go rejects with the reason of `signal` when that aborts.
   */
  load(identity: SessionIdentity, signal?: AbortSignal): SessionSnapshot | Promise<SessionSnapshot>;
  /** Keeps all of the operations or none, after all earlier ones. Returns nothing when that is done already. */
  commit(operations: readonly SessionOperation[]): void | Promise<void>;
  /** Forgets everything. */
  clear(): void | Promise<void>;
  /** Unlocks the store. What it holds stays. */
  close(): void | Promise<void>;
}
