/**
 * When to connect again: exponential back-off with full jitter, each server of a list tried once before anybody waits.
 *
 * It starts again from the minimum after *progress* on a connection, or when one has stood for 10 s; a CONNACK alone
 * proves nothing, since servers accept and close. Two clients with one client identifier take the session from each
 * other at once and for ever, and each makes progress in between: five connections in a row that closed within 1 s of
 * their CONNACK therefore suspend the reset by progress, until a connection has stood for 10 s.
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
/** So many short ones in a row are no accident. */
const shortLivesThatSuspend = 5;

export class ReconnectPolicy {
  readonly #settings: ReconnectSettings;
  readonly #servers: number;
  /** Attempts in a row that did not lead to a connection, or to one that closed at once. */
  #attempts = 0;
  /** Full rounds of the server list since then, which the delay grows with. */
  #backOffs = 0;
  /** Servers that can be tried without waiting. */
  #untried: number;
  #shortLives = 0;
  #progressSuspended = false;
  #connectedAtMs: number | undefined;

  constructor(settings: ReconnectSettings, servers: number) {
    this.#settings = settings;
    this.#servers = servers;
    this.#untried = servers;
  }

  /** Attempts in a row without a good connection. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Whether another attempt may be made. */
  get mayTry(): boolean {
    return this.#attempts < this.#settings.maxAttempts;
  }

  /** Whether a server that has not been tried yet comes next. */
  get hasUntried(): boolean {
    return this.#untried > 0;
  }

  /** Connections in a row that closed within 1 s of CONNACK: from 3 on, somebody may use the same client identifier. */
  get shortLives(): number {
    return this.#shortLives;
  }

  /** An attempt begins. */
  attempt(): void {
    this.#attempts += 1;
    this.#untried = Math.max(this.#untried - 1, 0);
  }

  /** CONNACK came. */
  connected(nowMs: number): void {
    this.#connectedAtMs = nowMs;
  }

  /** An acknowledgement or a live message came. */
  progress(): void {
    if (!this.#progressSuspended) this.#reset();
  }

  /** The connection, or the attempt, is over. */
  disconnected(nowMs: number): void {
    const connectedAtMs = this.#connectedAtMs;
    if (connectedAtMs === undefined) return;
    this.#connectedAtMs = undefined;
    const lifeMs = nowMs - connectedAtMs;
    this.#shortLives = lifeMs < shortLifeMs ? this.#shortLives + 1 : 0;
    // The server took us: what follows is a new outage, unless it goes on like that.
    if (this.#shortLives <= 1) this.#attempts = 0;
    if (this.#shortLives >= shortLivesThatSuspend) this.#progressSuspended = true;
    if (lifeMs >= stableAfterMs) {
      this.#progressSuspended = false;
      this.#reset();
    }
  }

  /** How long to wait before the next attempt. `random` is at least 0 and below 1. */
  nextDelayMs(random: number): number {
    const { minDelayMs, maxDelayMs, factor } = this.#settings;
    if (this.#untried > 0) return 0;
    this.#untried = this.#servers;
    const ceilingMs = Math.min(minDelayMs * factor ** this.#backOffs, maxDelayMs);
    this.#backOffs += 1;
    return Math.floor(random * ceilingMs);
  }

  #reset(): void {
    this.#attempts = 0;
    this.#backOffs = 0;
    this.#untried = 0;
  }
}
