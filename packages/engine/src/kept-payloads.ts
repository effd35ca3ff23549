/**
 * Payloads of messages that may have to be sent again.
 *
 * The caller may change its bytes as soon as `publish` returns, so they are copied. Those of a message that leaves at
 * once are copied already, into the encoder's memory, where nothing is ever written twice: the message remembers where,
 * and holds that memory. So publishing at QoS 1 makes no copy of its own, which took 8 % at 64 bytes and more above that.
 *
 * That memory is in pieces of 64 KiB, shared by many messages. One that is not acknowledged while two pieces are filled
 * takes its payload out of there, and so do all when the connection is idle or ends: what is held is never much more than
 * what is kept.
 */
import type { ClientPacketEncoder } from '@mqtt-kit/packet';
import type { AcceptedMessage } from './accepted-message.ts';
import type { LinkedList } from './linked-list.ts';
import type { Ticket } from './request.ts';

export class KeptPayloads {
  readonly #inFlight: LinkedList<AcceptedMessage>;
  /** What was encoded into last, and before that. */
  #latest: Uint8Array | undefined = undefined;
  #previous: Uint8Array | undefined = undefined;
  /** Messages up to this one have no payload in the encoder's memory. */
  #takenUpTo: Ticket = 0;

  constructor(inFlight: LinkedList<AcceptedMessage>) {
    this.#inFlight = inFlight;
  }

  /** The message was encoded last, and its payload copied at the end of that. */
  leaveIn(encoder: ClientPacketEncoder, message: AcceptedMessage): void {
    const { writtenTo, writtenEnd } = encoder;
    message.payloadStart = writtenEnd - message.payload.length;
    message.payloadEnd = writtenEnd;
    message.encoded = writtenTo;
    message.payload = noPayload;
    if (writtenTo !== this.#latest) this.#goOn(writtenTo);
  }

  /** Takes all payloads out of the encoder's memory. */
  takeAll(): void {
    this.#latest = undefined;
    this.#previous = undefined;
    this.#takeOlder();
  }

  #goOn(bytes: Uint8Array): void {
    this.#previous = this.#latest;
    this.#latest = bytes;
    this.#takeOlder();
  }

  /** From the newest on, so that those that were taken before are not looked at again, however many they are. */
  #takeOlder(): void {
    let takenUpTo = this.#takenUpTo;
    let message = this.#inFlight.last;
    for (
      ;
      message !== undefined && message.sequence > this.#takenUpTo;
      message = message.previous
    ) {
      const { encoded } = message;
      if (encoded === undefined || encoded === this.#latest || encoded === this.#previous) continue;
      message.payload = new Uint8Array(encoded.subarray(message.payloadStart, message.payloadEnd));
      message.encoded = undefined;
      if (message.sequence > takenUpTo) takenUpTo = message.sequence;
    }
    this.#takenUpTo = takenUpTo;
  }
}

/** What stands for a payload that is elsewhere, or needed no more. */
export const noPayload: Uint8Array = new Uint8Array(0);
