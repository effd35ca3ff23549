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
