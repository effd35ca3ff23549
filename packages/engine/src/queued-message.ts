/**
 * A message that waits, in less than half of the bytes that it has on its way: 100,000 of them, with an array for each
 * payload, held 420 bytes apiece beyond it, which the garbage collector moved about before they were sent. Small payloads
 * stand one behind the other in slabs, what nearly all messages have in common is there once, and the rest is made when
 * the message leaves: 130 bytes.
 *
 * A slab lives as long as a message in it waits, and so is small.
 */
import { noProperties, type Properties, type QoS } from '@mqtt-kit/packet';
import { type AcceptedMessage, acceptedMessage, keptPayload } from './accepted-message.ts';
import { never } from './deadlines.ts';
import type { Linked } from './linked-list.ts';
import type { OutgoingMessage, Ticket } from './request.ts';

export interface QueuedMessage extends Linked<QueuedMessage> {
  readonly sequence: Ticket;
  readonly topic: string;
  /** The slab that the payload is in, or the payload itself. */
  readonly bytes: Uint8Array;
  /** Where it begins in the slab, and above that its length; -1 for a payload that is in none. */
  readonly span: number;
  readonly rest: Rest;
}

interface Rest {
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties;
  readonly expiresAtEpochMs: number;
  /** Since when it waits, by the monotonic clock, where that matters. */
  readonly queuedMs: number | undefined;
}

const slabBytes = 8192;
const lengthShift = 13;
/** Larger payloads have an array of their own: what is left at the end of a slab is little then. */
const largestInSlab = 512;

const noSlab = new Uint8Array(0);
/** Those of messages that never expire and have no properties, by QoS and retain. */
const plainRests: (Rest | undefined)[] = [];

/** Makes them. The payloads of a queue stand together. */
export class QueuedMessages {
  #slab: Uint8Array = noSlab;
  #used = 0;

  /** @param own whether the payload is ours already, so that it need not be copied */
  make(
    { topic, payload, qos, retain, properties }: OutgoingMessage,
    sequence: Ticket,
    expiresAtEpochMs: number,
    queuedMs: number | undefined,
    own: boolean,
  ): QueuedMessage {
    let rest: Rest = { qos, retain, properties, expiresAtEpochMs, queuedMs };
    if (properties === noProperties && expiresAtEpochMs === never && queuedMs === undefined) {
      rest = plainRests[retain ? 3 + qos : qos] ??= rest;
    }
    let bytes = payload;
    let span = -1;
    if (!own && payload.length <= largestInSlab) {
      const { length } = this.#slab;
      if (this.#used + payload.length > length) {
        this.#slab = new Uint8Array(Math.min(2 * length || largestInSlab, slabBytes));
        this.#used = 0;
      }
      bytes = this.#slab;
      span = this.#used | (payload.length << lengthShift);
      bytes.set(payload, this.#used);
      this.#used += payload.length;
    } else if (!own) {
      bytes = keptPayload(payload);
    }
    return { sequence, topic, bytes, span, rest, previous: undefined, next: undefined };
  }

  /** None waits any more. */
  clear(): void {
    this.#slab = noSlab;
    this.#used = 0;
  }
}

/** The message as it goes on its way. */
export function messageOf({ sequence, topic, bytes, span, rest }: QueuedMessage): AcceptedMessage {
  const begin = span & (slabBytes - 1);
  return acceptedMessage(
    topic,
    span < 0 ? bytes : bytes.slice(begin, begin + (span >> lengthShift)),
    rest,
    sequence,
    rest.expiresAtEpochMs,
    rest.queuedMs,
  );
}
