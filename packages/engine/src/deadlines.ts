import type { Now } from './request.ts';

/** A deadline that is not set. Deadlines are numbers: there is nothing to cancel and nothing to forget. */
export const never: number = Number.POSITIVE_INFINITY;

/** A timer that comes later than this was held up: the process slept, was throttled or had its event loop blocked. */
export const lateAfterMs = 1000;

/** The monotonic time of a wall time, as far as one can tell now. */
export function monotonicDeadlineMs(epochMs: number, now: Now): number {
  return now.monotonicMs + (epochMs - now.epochMs);
}
