/**
 * What a row of the hostile server's tables says: bytes to send, and what a correct client does with them.
 */
import type { ConnectOptions } from 'mqtt-kit';
import type { Part } from '../support/bytes.ts';

/** A request of the client that is under way when the bytes arrive. */
export type Pending =
  /** A QoS 1 PUBLISH awaits PUBACK. */
  | 'publish1'
  /** A QoS 2 PUBLISH awaits PUBREC. */
  | 'publish2'
  /** A QoS 2 PUBLISH had its PUBREC and awaits PUBCOMP. */
  | 'released'
  /** A SUBSCRIBE of one filter awaits SUBACK. */
  | 'subscribe'
  /** An UNSUBSCRIBE of one filter awaits UNSUBACK. */
  | 'unsubscribe';

/** A message as the handler must get it; what is left out is absent. */
export interface Delivered {
  readonly topic: string;
  readonly payload?: Uint8Array;
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly packetIdentifier?: number;
  readonly payloadFormatIndicator?: number;
  readonly messageExpirySeconds?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: readonly (readonly [string, string])[];
  readonly subscriptionIdentifiers?: readonly number[];
}

/** An acknowledgement that the client sends: type, Packet Identifier, reason code. */
export type Reply = readonly [type: number, id: number, reasonCode: number];

/** What becomes of the pending request. */
export type Outcome =
  | { readonly resolves: true }
  | { readonly rejects: readonly string[]; readonly reasonCode?: number };

export type Expected =
  /** Under 5.0 a DISCONNECT with one of the reasons, under 3.1.1 none; then the client closes and reconnects. */
  | {
      readonly kind: 'breach';
      readonly reasons: readonly number[];
      readonly delivered?: readonly Delivered[];
      /** Sent before the breach is answered, or not: it depends on how packets are gathered into writes. */
      readonly optionalReplies?: readonly Reply[];
    }
  /** The connection stays and everything arrives. */
  | {
      readonly kind: 'open';
      readonly delivered: readonly Delivered[];
      readonly replies: readonly Reply[];
      readonly outcome?: Outcome;
    }
  /** The server said goodbye: the client closes without a word and tells the reason. */
  | { readonly kind: 'disconnected'; readonly reasonCode: number }
  /** The specification leaves it open: breach or delivery, nothing else. */
  | {
      readonly kind: 'either';
      readonly reasons: readonly number[];
      readonly delivered?: readonly Delivered[];
      readonly replies?: readonly Reply[];
    };

export interface Row {
  readonly name: string;
  readonly options?: ConnectOptions;
  /** Properties of CONNACK. */
  readonly connack?: readonly Part[];
  readonly pending?: Pending;
  /** The handler never settles, so nothing is acknowledged. */
  readonly stuck?: boolean;
  /** Only the bytes, no message behind them: for packets that are announced and never completed. */
  readonly alone?: boolean;
  /** Sent one after the other, each once the client has answered the one before with so many packets. */
  readonly before?: readonly { readonly send: Uint8Array; readonly replies: number }[];
  readonly send: Uint8Array | ((known: Known) => Uint8Array);
  readonly expected: Expected;
}

/** What only the client's own packets tell. */
export interface Known {
  /** Packet Identifier of the pending request. */
  readonly id: number;
  /** Subscription Identifier of the client's `#`, where it gave one. */
  readonly subscription: number | undefined;
}

export const malformed = 0x81;
export const protocolError = 0x82;
/** Where it is a matter of reading order, or where both are defensible. */
export const malformedOrProtocolError: readonly number[] = [malformed, protocolError];

export function breach(...reasons: readonly number[]): Expected {
  return { kind: 'breach', reasons };
}

export function open(
  delivered: readonly Delivered[] = [],
  replies: readonly Reply[] = [],
  outcome?: Outcome,
): Expected {
  return outcome === undefined
    ? { kind: 'open', delivered, replies }
    : { kind: 'open', delivered, replies, outcome };
}

export const puback = 4;
export const pubrec = 5;
export const pubrel = 6;
export const pubcomp = 7;
