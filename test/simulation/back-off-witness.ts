/**
 * Judges the delays between attempts (20) by a model of its own: exponential with full jitter, from the minimum again
 * only after progress or a connection that stood for 10 s.
 */
import { hold } from './violation.ts';

const stableMs = 10_000;
/** The longest delay while connections make progress and the server ends them at once. */
const longestInProgressMs = 1_000;

export class BackOffWitness {
  readonly #minDelayMs: number;
  readonly #maxDelayMs: number;
  /** Rounds in which it may be: delays of different rounds can be the same. */
  #rounds: ReadonlySet<number> = new Set([0]);
  /** Something came that may count as progress, since a delay was announced, and since the attempt began. */
  #progress = false;
  #progressOfAttempt = false;
  #connectedAtMs: number | undefined;

  constructor(minDelayMs: number, maxDelayMs: number) {
    this.#minDelayMs = minDelayMs;
    this.#maxDelayMs = maxDelayMs;
  }

  connected(nowMs: number): void {
    this.#connectedAtMs = nowMs;
  }

  attempt(): void {
    this.#progressOfAttempt = false;
  }

  progress(): void {
    this.#progress = true;
    this.#progressOfAttempt = true;
  }

  /** The server sent the client elsewhere: it goes there without delay, and what it had before counts as ever. */
  redirected(nowMs: number): void {
    this.#rounds = this.#roundsAt(nowMs);
    this.#progress = false;
    this.#connectedAtMs = undefined;
  }

  /** A delay is announced, drawn with this random number. */
  waits(delayMs: number, random: number, nowMs: number): void {
    const rounds = this.#roundsAt(nowMs);
    const fitting = [...rounds].filter(
      (round) =>
        this.#delay(round, random) === delayMs ||
        (this.#progressOfAttempt && this.#delay(round, random, longestInProgressMs) === delayMs),
    );
    hold(
      fitting.length > 0,
      20,
      () => `a delay of ${delayMs} ms in round ${[...rounds]}, drawn with ${random}`,
    );
    this.#rounds = new Set(fitting.map((round) => round + 1));
    this.#progress = false;
    this.#connectedAtMs = undefined;
  }

  #roundsAt(nowMs: number): ReadonlySet<number> {
    const stood = this.#connectedAtMs !== undefined && nowMs - this.#connectedAtMs >= stableMs;
    // What came may not have counted, or progress is suspended: then the delay grows to a second at most.
    return stood || this.#progress ? new Set([0, ...this.#rounds]) : this.#rounds;
  }

  #delay(round: number, random: number, longestMs: number = Number.POSITIVE_INFINITY): number {
    const grownMs = Math.min(this.#minDelayMs * 2 ** round, this.#maxDelayMs);
    return Math.floor(random * Math.min(grownMs, Math.max(longestMs, this.#minDelayMs)));
  }
}
