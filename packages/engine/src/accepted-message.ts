/** One message that `publish` took: the record it has until it is done, queued or on its way. */
import { noProperties, type Properties, type QoS } from '@mqtt-kit/packet';
import { never } from './deadlines.ts';
import type { Linked } from './linked-list.ts';
import type { Now, OutgoingMessage, Ticket } from './request.ts';

export interface AcceptedMessage extends Linked<AcceptedMessage> {
  readonly sequence: Ticket;
  readonly topic: string;
  /** Empty once PUBREC came: from then on the identifier is all there is to know. Empty, too, while it is in `encoded`. */
  payload: Uint8Array;
  /** The bytes of the encoder in which the payload lies, from `payloadStart` to `payloadEnd`. See `kept-payloads.ts`. */
  encoded: Uint8Array | undefined;
  payloadStart: number;
  payloadEnd: number;
  readonly qos: QoS;
  readonly retain: boolean;
  /** As they were sent, once they were: Message Expiry Interval is then less the time that the message waited. */
  properties: Properties;
  readonly expiresAtEpochMs: number;
  /** When it was queued, by the monotonic clock; only while the queue has a bound for that. */
  readonly queuedMs: number | undefined;
  /**
   * `queued`: never on a wire. `sent`: PUBLISH may be on a wire. `released`: PUBREC came, PUBREL may be on a wire.
   * `lost`: PUBLISH may have been on a wire, but the server forgot its session: it goes out as a new message.
   */
  state: 'queued' | 'sent' | 'released' | 'lost';
  /** 0 while it has none. */
  packetIdentifier: number;
  /** The connection on which its PUBLISH or PUBREL went out last. */
  connection: number;
  /** How often PUBLISH was put on a wire. */
  attempts: number;
  /** Whether it was sent in a session that the server forgot: whatever is sent now may double it. */
  resentAsNew: boolean;
  /** What PUBREC said: PUBCOMP has no say in whether the server took the message. */
  reasonCode: number;
  /** The place of its PUBREC among all. */
  releaseOrder: number;
}

/** Payloads up to this size are copied when they are kept; larger ones are the caller's until settled. */
export const largestCopiedPayload = 16_384;

/** In one place, so that all have one shape. */
export function acceptedMessage(
  topic: string,
  payload: Uint8Array,
  { qos, retain, properties }: Pick<OutgoingMessage, 'qos' | 'retain' | 'properties'>,
  sequence: Ticket,
  expiresAtEpochMs: number,
  queuedMs: number | undefined,
): AcceptedMessage {
  return {
    sequence,
    topic,
    payload,
    encoded: undefined,
    payloadStart: 0,
    payloadEnd: 0,
    qos,
    retain,
    properties,
    expiresAtEpochMs,
    queuedMs,
    state: 'queued',
    packetIdentifier: 0,
    connection: 0,
    attempts: 0,
    resentAsNew: false,
    reasonCode: 0,
    releaseOrder: 0,
    previous: undefined,
    next: undefined,
  };
}

/** When a message that is accepted now expires, by the wall clock. */
export function expiryOf({ properties }: OutgoingMessage, now: Now): number {
  const interval = properties.messageExpiryInterval;
  return interval === undefined ? never : now.epochMs + interval * 1000;
}

/** What is kept of a payload: a copy, if it is small. */
export function keptPayload(payload: Uint8Array): Uint8Array {
  return payload.length <= largestCopiedPayload ? copyOf(payload) : payload;
}

/** Not by `slice`: a subclass may take that for a view. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** Payload, topic and properties. Strings count by their UTF-16 units: this bounds memory, not the wire. */
export function messageBytes(message: OutgoingMessage): number {
  let bytes = message.payload.length + message.topic.length;
  if (message.properties !== noProperties) {
    for (const value of Object.values(message.properties)) bytes += valueBytes(value);
  }
  return bytes;
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length;
  if (!Array.isArray(value)) return 4;
  let bytes = 0;
  for (const part of value) bytes += valueBytes(part);
  return bytes;
}
