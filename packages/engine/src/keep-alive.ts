/**
 * Keep-alive and liveness of one connection, as numbers.
 *
 * Two clocks run. The one since the last byte *sent* keeps our promise to the server: some packet in every Keep Alive
 * interval [MQTT-3.1.2-20], whatever comes in. The one since the last byte *received* tells whether the link lives,
 * whatever goes out: a client that only publishes at QoS 0 receives nothing else, so a PINGREQ is due after an
 * interval without receiving, too.
 *
 * The link is dead after one and a half intervals without a byte, or when a PINGREQ had no answer for `pingTimeoutMs`;
 * every byte received starts that time anew, since a large packet on a slow link delays PINGRESP.
 *
 * A timer that comes late proves nothing: the process slept, and the answer may lie unread in the socket. Then there is
 * one more PINGREQ and a short time for it, once in a row. While reading is paused liveness is not judged at all, but
 * the promise to the server still holds.
 */
import { lateAfterMs, never } from './deadlines.ts';

export class KeepAlive {
  readonly #deadAfterMs: number;
  readonly #pingAfterMs: number;
  readonly #pingTimeoutMs: number;
  #lastSentMs: number;
  #lastReceivedMs: number;
  /** When the unanswered PINGREQ left; `undefined` while none is out. */
  #pingSentMs: number | undefined;
  /** The end of the short time after a late timer. */
  #graceUntilMs: number | undefined;
  #paused: boolean;

  constructor(
    keepAliveSeconds: number,
    pingTimeoutMs: number,
    lastSentMs: number,
    nowMs: number,
    paused: boolean,
  ) {
    const intervalMs = keepAliveSeconds === 0 ? never : keepAliveSeconds * 1000;
    this.#deadAfterMs = intervalMs * 1.5;
    // Some time before the interval ends, so that the PINGREQ is on the wire within it. [MQTT3-3.1.2-23]
    this.#pingAfterMs = intervalMs === never ? never : intervalMs - Math.min(intervalMs / 10, 5000);
    this.#pingTimeoutMs = pingTimeoutMs;
    this.#lastSentMs = lastSentMs;
    this.#lastReceivedMs = nowMs;
    this.#paused = paused;
  }

  get deadlineMs(): number {
    return Math.min(this.#pingDueMs(), this.#deadAtMs());
  }

  sent(nowMs: number): void {
    this.#lastSentMs = nowMs;
  }

  received(nowMs: number): void {
    this.#lastReceivedMs = nowMs;
    this.#graceUntilMs = undefined;
  }

  pingAnswered(): void {
    this.#pingSentMs = undefined;
  }

  silentMs(nowMs: number): number {
    return nowMs - this.#lastReceivedMs;
  }

  readingPaused(paused: boolean, nowMs: number): void {
    if (this.#paused && !paused) {
      // What came meanwhile is about to be read: judge from here on.
      this.received(nowMs);
      if (this.#pingSentMs !== undefined) this.#pingSentMs = nowMs;
    }
    this.#paused = paused;
  }

  /**
   * Something happened that a connection may not have outlived, as sleep. True: a PINGREQ is to be sent now, and has
   * left; its answer, or any byte, has the short time.
   */
  probe(nowMs: number): boolean {
    if (this.#paused || this.#graceUntilMs !== undefined) return false;
    this.#graceUntilMs = nowMs + Math.min(this.#pingTimeoutMs, graceMs);
    this.#pingSentMs ??= nowMs;
    this.#lastSentMs = nowMs;
    return true;
  }

  /** What is due: `ping` counts the PINGREQ as sent. */
  check(nowMs: number): 'nothing' | 'ping' | 'dead' {
    const deadAtMs = this.#deadAtMs();
    if (nowMs >= deadAtMs) {
      const late = nowMs - deadAtMs > lateAfterMs;
      if (!late || this.#graceUntilMs !== undefined) return 'dead';
      this.#graceUntilMs = nowMs + Math.min(this.#pingTimeoutMs, graceMs);
    } else if (nowMs < this.#pingDueMs()) {
      return 'nothing';
    }
    // A second PINGREQ does not give the answer to the first one more time.
    this.#pingSentMs ??= nowMs;
    this.#lastSentMs = nowMs;
    return 'ping';
  }

  #pingDueMs(): number {
    const bySendingMs = this.#lastSentMs + this.#pingAfterMs;
    // One PINGREQ asks for both; a second is only needed to keep our promise.
    if (this.#pingSentMs !== undefined || this.#paused) return bySendingMs;
    return Math.min(bySendingMs, this.#lastReceivedMs + this.#pingAfterMs);
  }

  #deadAtMs(): number {
    if (this.#paused) return never;
    if (this.#graceUntilMs !== undefined) return this.#graceUntilMs;
    const bySilenceMs = this.#lastReceivedMs + this.#deadAfterMs;
    if (this.#pingSentMs === undefined) return bySilenceMs;
    return Math.min(
      bySilenceMs,
      Math.max(this.#pingSentMs, this.#lastReceivedMs) + this.#pingTimeoutMs,
    );
  }
}

const graceMs = 5000;
