/**
 * When to connect again: exponential back-off with full jitter, once for each round through the servers.
 *
 * It starts again from the minimum after *progress* on a connection, or when one has stood for 10 s; a CONNACK alone
 * proves nothing, since servers accept and close.
 *
 * Two clients with one client identifier take the session from each other at once and for ever, and each makes progress
 * in between. A silent take-over is a close in order by the server soon after CONNACK. Five in a row therefore suspend
 * the reset by progress, until a connection has stood for 10 s, or ended otherwise after progress. While they make
 * progress the delay grows to a second and no further: a load balancer that closes each connection as soon looks the
 * same. A network that breaks each second looks different, since it resets connections: it delays nobody.
 */

export interface ReconnectSettings {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  /** Attempts in a row after which to give up. */
  readonly maxAttempts: number;
  /** Whether the first attempt, too, is followed by others. */
  readonly initial: boolean;
}

/** How long a connection stands before it counts as good. */
export const stableAfterMs = 10_000;
/** A connection that closes so soon after CONNACK counts as short. */
const shortLifeMs = 1_000;
/** So many short ones in a row, ended by the server, are no accident. */
const takeOversThatSuspend = 5;
/** The longest delay while connections make progress. */
const longestDelayInProgressMs = 1_000;

export class ReconnectPolicy {
  readonly #settings: ReconnectSettings;
  /** Attempts in a row that did not lead to a connection, or to one that closed at once. */
  #attempts = 0;
  /** Rounds since then, which the delay grows with. */
  #backOffs = 0;
  #shortLives = 0;
  /** Those of them, the latest in a row, that the server ended in order. */
  #takeOvers = 0;
  #progressed = false;
  #progressSuspended = false;
  #connectedAtMs: number | undefined;

  constructor(settings: ReconnectSettings) {
    this.#settings = settings;
  }

  /** Attempts in a row without a good connection. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Whether another attempt may be made. */
  get mayTry(): boolean {
    return this.#attempts < this.#settings.maxAttempts;
  }

  /** Connections in a row that the server closed within 1 s of CONNACK: from 3 on, somebody may use the same client identifier. */
  get takeOvers(): number {
    return this.#takeOvers;
  }

  /** An attempt begins. */
  attempt(): void {
    this.#attempts += 1;
    this.#progressed = false;
  }

  /** CONNACK came. */
  connected(nowMs: number): void {
    this.#connectedAtMs = nowMs;
  }

  /** An acknowledgement or a live message came. */
  progress(): void {
    this.#progressed = true;
    if (!this.#progressSuspended) this.#reset();
  }

  /** The connection, or the attempt, is over. Tells whether it was a good one. */
  disconnected(nowMs: number, byServer: boolean): boolean {
    const connectedAtMs = this.#connectedAtMs;
    if (connectedAtMs === undefined) return false;
    this.#connectedAtMs = undefined;
    const lifeMs = nowMs - connectedAtMs;
    const short = lifeMs < shortLifeMs;
    this.#shortLives = short ? this.#shortLives + 1 : 0;
    this.#takeOvers = short && byServer ? this.#takeOvers + 1 : 0;
    // The server took us: what follows is a new outage, unless it goes on like that.
    if (this.#shortLives <= 1) this.#attempts = 0;
    if (this.#takeOvers >= takeOversThatSuspend) this.#progressSuspended = true;
    const stable = lifeMs >= stableAfterMs;
    if (stable || (this.#progressed && !byServer)) {
      this.#progressSuspended = false;
      this.#reset();
    }
    return stable || this.#progressed;
  }

  /** How long to wait before the next attempt: not at all within a round. `random` is at least 0 and below 1. */
  nextDelayMs(random: number, sameRound = false): number {
    if (sameRound) return 0;
    const { minDelayMs, maxDelayMs, factor } = this.#settings;
    const grownMs = Math.min(minDelayMs * factor ** this.#backOffs, maxDelayMs);
    const ceilingMs = this.#progressed
      ? Math.min(grownMs, Math.max(longestDelayInProgressMs, minDelayMs))
      : grownMs;
    this.#backOffs += 1;
    return Math.floor(random * ceilingMs);
  }

  #reset(): void {
    this.#attempts = 0;
    this.#backOffs = 0;
  }
}
