/**
 * Finds the message at which the server closes the connection each time: sent again and again, it would keep everything
 * behind it from ever arriving.
 *
 * A connection ends *abruptly* when it is closed or breaks right after messages were written, or while they are, and none
 * of them was acknowledged since. Once may be an accident. After some in a row the next connection begins with care: one message alone,
 * then, with each acknowledgement, one more at a time; what is left flows when an acknowledgement fails to come for
 * a while. An abrupt end with one message alone on the wire speaks against that message, at the first connection as at
 * any other: most when the server closed in order after all of it was written. A reset, or a close in the middle of it, is
 * what a server does that refuses a message by its size, but also what a bad network does, and weighs half as much:
 * three closes, or six breaks, and it is poison. Acknowledgements of PUBLISH take everything back, nothing else does.
 *
 * A message at QoS 0 is never sent again, so it cannot be poison; but it can be to blame, and so it makes a message
 * beside it less than alone. SUBSCRIBE and UNSUBSCRIBE do so too: while one message is tried alone they wait for its answer.
 */
import type { QoS } from '@mqtt-kit/packet';
import { never } from './deadlines.ts';

/** What an end in order and any other weigh, and the sum at which a message is given up. */
export const suspicionOfClose = 2;
export const suspicionOfBreak = 1;
export const suspicionOfPoison = 6;
/** What abrupt ends in a row weigh for the next connection to begin with care: two in order, or three breaks. */
const suspicionToBeCareful = 3;
/** `right after`; also how long an acknowledgement may take before the rest flows. */
const promptMs = 2_000;

/** What one connection knows of it. */
export class PoisonWatch {
  /** Most messages of QoS 1 and 2 that may be unacknowledged. */
  allowance: number = never;
  /** When the rest flows all the same. */
  deadlineMs: number = never;
  #encoded = 0;
  #taken = 0;
  #written = 0;
  #writtenMs = 0;
  /** QoS 0 messages since the last acknowledgement. */
  #unanswerable = 0;

  /** Whether QoS 0 messages wait, so that they are not beside a message that is to be alone. */
  get holdsQos0(): boolean {
    return this.allowance === 1;
  }

  /** CONNACK came, after abrupt ends in a row of that weight. */
  begin(abruptness: number, nowMs: number): void {
    if (abruptness < suspicionToBeCareful) return;
    this.allowance = 1;
    this.deadlineMs = nowMs + promptMs;
  }

  /** PUBLISH is in the bytes of the connection. */
  encoded(qos: QoS): void {
    this.#encoded += 1;
    if (qos === 0) this.#unanswerable += 1;
  }

  /** Those bytes are in a batch. */
  taken(): void {
    this.#taken = this.#encoded;
  }

  /** Batches taken so far went out. */
  written(nowMs: number): void {
    if (this.#written === this.#taken) return;
    this.#written = this.#taken;
    this.#writtenMs = nowMs;
    if (this.deadlineMs !== never) this.deadlineMs = nowMs + promptMs;
  }

  /** PUBACK or PUBREC. */
  acknowledged(): void {
    this.allowance += 1;
    this.#unanswerable = 0;
  }

  /** Whether the wait for an acknowledgement is over, from now on for good. */
  isOver(nowMs: number): boolean {
    if (nowMs < this.deadlineMs) return false;
    this.allowance = never;
    this.deadlineMs = never;
    return true;
  }

  /** Whether everything left, and only just. */
  wroteJustNow(nowMs: number): boolean {
    return (
      this.#encoded > 0 && this.#written === this.#encoded && nowMs - this.#writtenMs <= promptMs
    );
  }

  /** Whether no message without an answer is among what the server may have closed at. */
  get onlyAnswerable(): boolean {
    return this.#unanswerable === 0;
  }
}
