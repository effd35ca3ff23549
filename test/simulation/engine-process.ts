/**
 * One life of a client process at the engine level: an engine, and a driver of a few lines that does its duty in the
 * order in which batches demand it. At each boundary between two duties the process may die.
 */
import {
  type Batch,
  ClientEngine,
  type EngineEvent,
  type EngineOptions,
  type Now,
} from '@mqtt-kit/engine';
import type { FaultyStore } from '@mqtt-kit/testkit';
import type { EngineLink } from './engine-link.ts';
import { Violation } from './violation.ts';

/** The process dies here. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface ProcessOwner {
  now(): Now;
  onEvent(event: EngineEvent): void;
  onWrite(bytes: readonly Uint8Array[]): void;
  /** The driver closes the connection, in order. */
  onClose(): void;
  onStoreFailed(): void;
  /** QoS 0 messages that were to leave with a batch left, or did not. */
  onFlushed(written: boolean): void;
}

export class EngineProcess {
  readonly engine: ClientEngine;
  /** Boundaries to pass until the process dies; `Infinity`: it lives. */
  diesIn: number = Number.POSITIVE_INFINITY;
  link: EngineLink | undefined;
  linkNumber = 0;
  readonly #store: FaultyStore | undefined;
  readonly #owner: ProcessOwner;
  #committing: Batch | undefined;
  #pumping = false;
  #again = false;
  stopped = false;

  constructor(options: EngineOptions, store: FaultyStore | undefined, owner: ProcessOwner) {
    this.engine = new ClientEngine(options);
    this.#store = store;
    this.#owner = owner;
  }

  get isCommitting(): boolean {
    return this.#committing !== undefined;
  }

  /** Takes all output there is. Harmless at any time. */
  pump(): void {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    do {
      this.#again = false;
      this.#takeUrgent();
      while (this.#committing === undefined && !this.stopped) {
        const batch = this.engine.takeBatch();
        if (batch === undefined) break;
        this.#commit(batch);
      }
    } while (this.#again && !this.stopped);
    this.#pumping = false;
  }

  /** The commit that was under way is done. */
  committed(): void {
    const batch = this.#committing;
    this.#committing = undefined;
    if (batch === undefined) return;
    // Whatever the events lead to comes after all of them.
    this.#pumping = true;
    this.#finish(batch);
    this.#pumping = false;
    this.pump();
  }

  #takeUrgent(): void {
    for (let urgent = this.engine.takeUrgent(); urgent; urgent = this.engine.takeUrgent()) {
      if (urgent.connection !== this.linkNumber || this.link === undefined) continue;
      if (urgent.bytes.length > 0) this.#write(urgent.bytes);
      if (urgent.close) this.#owner.onClose();
    }
  }

  #commit(batch: Batch): void {
    this.#boundary();
    if (batch.operations.length === 0 || this.#store === undefined) {
      this.#finish(batch);
      return;
    }
    let committed: void | Promise<void>;
    try {
      committed = this.#store.commit(batch.operations);
    } catch (error) {
      if (error instanceof Violation) throw error;
      this.stopped = true;
      this.#owner.onStoreFailed();
      return;
    }
    if (committed === undefined) {
      this.#boundary();
      this.#finish(batch);
      return;
    }
    this.#committing = batch;
    committed.catch(() => {});
  }

  #finish(batch: Batch): void {
    const current = this.link !== undefined && batch.connection === this.linkNumber;
    const written = current && batch.bytes.length > 0 && !this.link?.clientEnded;
    if (written) {
      this.#write(batch.bytes);
      this.#boundary();
    }
    this.#owner.onFlushed(written);
    for (const event of batch.events) this.#owner.onEvent(event);
    this.#boundary();
    if (batch.close && this.linkNumber === batch.connection && this.link !== undefined) {
      this.#owner.onClose();
    }
  }

  #write(bytes: readonly Uint8Array[]): void {
    this.#owner.onWrite(bytes);
    this.engine.written(this.#owner.now());
  }

  #boundary(): void {
    this.diesIn -= 1;
    if (this.diesIn <= 0) throw new Crash();
  }
}
