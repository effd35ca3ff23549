/**
 * Judges the delays between attempts (20) by a model of its own: exponential with full jitter, from the minimum again
 * only after progress or a connection that stood for 10 s.
 */
import { hold } from './violation.ts';

const stableMs = 10_000;

export class BackOffWitness {
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  /** Rounds in which it may be: delays of different rounds can be the same. */
  #rounds: ReadonlySet<number> = new Set([0]);
  /** Something came that may count as progress. */
  #progress = false;
  #connectedAtMs: number | undefined;

  constructor(minDelayMs: number, maxDelayMs: number) {
    this.#minDelayMs = minDelayMs;
    this.#maxDelayMs = maxDelayMs;
  }

  connected(nowMs: number): void {
    this.#connectedAtMs = nowMs;
  }

  progress(): void {
    this.#progress = true;
  }

  /** A delay is announced, drawn with this random number. */
  waits(delayMs: number, random: number, nowMs: number): void {
    const stood = this.#connectedAtMs !== undefined && nowMs - this.#connectedAtMs >= stableMs;
    // Progress may be suspended, or what came may not have counted.
    const rounds = stood || this.#progress ? new Set([0, ...this.#rounds]) : this.#rounds;
    const fitting = [...rounds].filter((round) => this.#delay(round, random) === delayMs);
    hold(
      fitting.length > 0,
      20,
      () => `a delay of ${delayMs} ms in round ${[...rounds]}, drawn with ${random}`,
    );
    this.#rounds = new Set(fitting.map((round) => round + 1));
    this.#progress = false;
    this.#connectedAtMs = undefined;
  }

  #delay(round: number, random: number): number {
    return Math.floor(random * Math.min(this.#minDelayMs * 2 ** round, this.#maxDelayMs));
  }
}
