import type { Now } from '@mqtt-kit/engine';

/** Ends what `schedule` started. */
export type Cancel = () => void;

/** Time and chance, so that a simulation can replace both. */
export interface Clock {
  now(): Now;
  /** Calls back once at, or soon after, a monotonic time. */
  schedule(atMonotonicMs: number, callback: () => void): Cancel;
  /** At least 0, below 1. */
  random(): number;
}

/** What one timer can wait for at most, by a 32 bit limit of every platform: above it fires at once. */
const longestTimeoutMs = 2 ** 31 - 1;

/** The platform's time and chance. */
export const systemClock: Clock = {
  now(): Now {
    return { monotonicMs: performance.now(), epochMs: Date.now() };
  },

  schedule(atMonotonicMs: number, callback: () => void): Cancel {
    const wait = new Wait(atMonotonicMs, callback);
    return () => wait.end();
  },

  random(): number {
    return Math.random();
  },
};

/** Timers may fire early by a part of a millisecond, and long waits are made of several. */
class Wait {
  readonly #atMs: number;
  readonly #callback: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(atMs: number, callback: () => void) {
    this.#atMs = atMs;
    this.#callback = callback;
    this.goOn();
  }

  goOn(): void {
    const waitMs = Math.ceil(this.#atMs - performance.now());
    if (waitMs <= 0 && this.#timer !== undefined) this.#callback();
    else this.#timer = setTimeout(goOn, Math.min(Math.max(waitMs, 0), longestTimeoutMs), this);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function goOn(wait: Wait): void {
  wait.goOn();
}
