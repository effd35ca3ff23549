/**
 * A session store that fails the ways disks do: it commits late, it fails, and at a crash it keeps any prefix of what
 * was not yet synced. It keeps the operations as a journal does, one after the other. It belongs to a simulation,
 * which says when a commit is done and what becomes of it.
 */
import { memoryStore, type SessionStore } from '@mqtt-kit/core';
import type { SessionOperation, SessionSnapshot } from '@mqtt-kit/engine';

interface PendingCommit {
  readonly operations: readonly SessionOperation[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export interface FaultyStoreOptions {
  /** Whether it outlives the process. Default true. */
  readonly durable?: boolean;
  /** Asked at each commit: `now` returns nothing at once, `late` waits for `settle`. */
  readonly manner: () => 'now' | 'late' | 'fail';
  /** Asked about a commit that fails: whether it is kept all the same, as a disk may that fails to tell. */
  readonly keepsFailed?: () => boolean;
  /** Called with what has become durable, in order. */
  readonly onDurable?: (operations: readonly SessionOperation[]) => void;
}

export class FaultyStore implements SessionStore {
  readonly durable: boolean;
  /** Everything that survives a crash, in order. */
  journal: SessionOperation[] = [];
  readonly #options: FaultyStoreOptions;
  #pending: PendingCommit[] = [];
  #failed = false;
  /** Grows with each owner: what an earlier one still asks for goes nowhere. */
  #broken = false;

  constructor(options: FaultyStoreOptions) {
    this.durable = options.durable ?? true;
    this.#options = options;
  }

  /** Commits that wait for `settle`. */
  get pending(): number {
    return this.#pending.length;
  }

  load(): SessionSnapshot {
    this.#failed = false;
    this.#broken = false;
    return [...this.journal];
  }

  commit(operations: readonly SessionOperation[]): void | Promise<void> {
    if (this.#broken) return new Promise(() => {});
    const manner = this.#failed ? 'fail' : this.#options.manner();
    if (manner === 'fail') {
      this.#fail(operations);
      throw noSpace();
    }
    if (manner === 'now' && this.#pending.length === 0) {
      this.#keep(operations);
      return undefined;
    }
    return new Promise((resolve, reject) => {
      this.#pending.push({ operations, resolve, reject });
    });
  }

  /** The oldest late commit is done, or fails. Tells which, at once, besides settling its promise. */
  settle(fails = false): 'done' | 'failed' | 'nothing' {
    const commit = this.#pending.shift();
    if (commit === undefined) return 'nothing';
    if (fails || this.#failed) {
      this.#fail(commit.operations);
      commit.reject(noSpace());
      return 'failed';
    }
    this.#keep(commit.operations);
    commit.resolve();
    return 'done';
  }

  /**
   * The process dies. Of the operations that were not synced the first few may have reached the disk all the same.
   * @param survivors asked with the number of those operations: how many of them are kept
   */
  crash(survivors: (unsynced: number) => number): void {
    const unsynced = this.#pending.flatMap(({ operations }) => [...operations]);
    this.#pending = [];
    this.#broken = true;
    const kept = unsynced.slice(0, survivors(unsynced.length));
    if (kept.length > 0) this.#keep(kept);
  }

  /** What a store that compacts would load in place of the journal. It has to mean the same. */
  compact(): void {
    const compacted = memoryStore();
    compacted.load();
    compacted.commit(this.journal);
    compacted.close();
    this.journal = [...(compacted.load() as SessionSnapshot)];
  }

  clear(): void {
    this.journal = [];
  }

  close(): void {
    this.#failed = false;
  }

  /** After a failed write nothing is known of what lies behind it: the store takes nothing more. */
  #fail(operations: readonly SessionOperation[]): void {
    if (!this.#failed && this.#options.keepsFailed?.()) this.#keep(operations);
    this.#failed = true;
  }

  #keep(operations: readonly SessionOperation[]): void {
    for (const operation of operations) this.journal.push(operation);
    this.#options.onDurable?.(operations);
  }
}

function noSpace(): Error {
  return Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
}
