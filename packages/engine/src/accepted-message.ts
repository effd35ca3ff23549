/** One message that `publish` took: the record it has until it is done, queued or on its way. */
import { noProperties, type Properties, type QoS } from '@mqtt-kit/packet';
import { never } from './deadlines.ts';
import type { Linked } from './linked-list.ts';
import type { Now, OutgoingMessage, Ticket } from './request.ts';

export interface AcceptedMessage extends Linked<AcceptedMessage> {
  readonly sequence: Ticket;
  readonly topic: string;
  /** Empty once PUBREC came: from then on the identifier is all there is to know. */
  payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** As they were sent, once they were: Message Expiry Interval is then less the time that the message waited. */
  properties: Properties;
  readonly expiresAtEpochMs: number;
  /** Payload, topic and properties; what the queue's bound counts. */
  readonly bytes: number;
  /** When it was queued, by the monotonic clock. */
  queuedMs: number;
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
const largestCopiedPayload = 16_384;

/** @param bytes what it takes of the queue's bound; 0 for a message that never sees the queue */
export function acceptMessage(
  message: OutgoingMessage,
  sequence: Ticket,
  bytes: number,
  now: Now,
): AcceptedMessage {
  const interval = message.properties.messageExpiryInterval;
  return acceptedMessage(
    message,
    sequence,
    interval === undefined ? never : now.epochMs + interval * 1000,
    bytes,
    now,
    message.payload.length <= largestCopiedPayload ? copyOf(message.payload) : message.payload,
  );
}

/** A message that a store kept: its expiry counts from its first acceptance, its time in the queue from now. */
export function restoreMessage(
  message: OutgoingMessage,
  sequence: Ticket,
  expiresAtEpochMs: number | undefined,
  now: Now,
): AcceptedMessage {
  const bytes = messageBytes(message);
  return acceptedMessage(message, sequence, expiresAtEpochMs ?? never, bytes, now, message.payload);
}

function acceptedMessage(
  message: OutgoingMessage,
  sequence: Ticket,
  expiresAtEpochMs: number,
  bytes: number,
  now: Now,
  payload: Uint8Array,
): AcceptedMessage {
  return {
    sequence,
    topic: message.topic,
    payload,
    qos: message.qos,
    retain: message.retain,
    properties: message.properties,
    expiresAtEpochMs,
    bytes,
    queuedMs: now.monotonicMs,
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
