/** A moment at which a signal is asked for its value. */
export interface Moment {
  /** Milliseconds since the start of the run; whole. */
  readonly elapsedMs: number;
  /** The same as milliseconds since 1970. */
  readonly epochMs: number;
  /** What the device's clock shows: `epochMs`, unless a fault has put it wrong. */
  readonly clockMs: number;
  /** Number of this reading on its schedule, from 0. */
  readonly reading: number;
}

/** The same moment at another time. */
export function atElapsed(moment: Moment, elapsedMs: number): Moment {
  const shift = elapsedMs - moment.elapsedMs;
  return {
    elapsedMs,
    epochMs: moment.epochMs + shift,
    clockMs: moment.clockMs + shift,
    reading: moment.reading,
  };
}
