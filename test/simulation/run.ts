/** What a run is asked for, and what it gives. */
import { Prng } from '@mqtt-kit/testkit';

export type Level = 'engine' | 'client';

export interface RunRequest {
  readonly seed: number;
  readonly level: Level;
  readonly steps: number;
  /** Actions that never happen. */
  readonly without: readonly string[];
  /** Steps that are left out: those that remain draw the same as before. */
  readonly skipped: ReadonlySet<number> | undefined;
  /** Whether the trace is kept in words. */
  readonly traced: boolean;
}

export interface RunResult {
  readonly hash: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly failure: Error | undefined;
  /** The step in which it failed, or the number of steps. */
  readonly step: number;
  readonly trace: readonly string[];
}

/** The draws of one step: of its own, so that leaving another out does not change them. */
export function stepPrng(seed: number, step: number): Prng {
  return new Prng(Math.imul(seed, 0x9e3779b1) ^ Math.imul(step + 2, 0x85ebca6b));
}
