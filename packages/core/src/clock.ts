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
    let timer: ReturnType<typeof setTimeout>;
    const arm = (): void => {
      const waitMs = Math.ceil(atMonotonicMs - performance.now());
      timer = setTimeout(fire, Math.min(Math.max(waitMs, 0), longestTimeoutMs));
    };
    const fire = (): void => {
      // Timers may fire early by a part of a millisecond, and long waits are made of several.
      if (performance.now() < atMonotonicMs) arm();
      else callback();
    };
    arm();
    return () => clearTimeout(timer);
  },

  random(): number {
    return Math.random();
  },
};
