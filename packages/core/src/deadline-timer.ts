import type { Cancel, Clock } from './clock.ts';

export interface DeadlineOwner {
  /** The deadline has come, or nearly. */
  onDeadline(): void;
}

/**
 * One timer for all deadlines of an engine. One that comes too early is harmless, so it is not moved when the deadline
 * moves away.
 */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #owner: DeadlineOwner;
  #atMs = Number.POSITIVE_INFINITY;
  #cancel: Cancel | undefined;

  constructor(clock: Clock, owner: DeadlineOwner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  /** Comes at the deadline or before. `Infinity`: not at all. */
  arm(deadlineMs: number): void {
    if (deadlineMs >= this.#atMs && deadlineMs !== Number.POSITIVE_INFINITY) return;
    this.cancel();
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#atMs = deadlineMs;
    this.#cancel = this.#clock.schedule(deadlineMs, this.#due);
  }

  cancel(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
  }

  readonly #due = (): void => {
    this.#cancel = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
    this.#owner.onDeadline();
  };
}
