/**
 * The Control Packets as plain objects: one model for both versions.
 *
 * 3.1.1 has no properties and no reason codes; its packets carry `properties: noProperties`, and its
 * return codes are mapped to reason codes by the codec, so that nothing above sees which version spoke.
 * Every packet of one type has the same fields in the same order: absent values are `undefined`, never missing.
 */
import type { PacketType } from './packet-type.ts';
import type { Properties } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import type { QoS } from './qos.ts';

/** The message that the server publishes for a client that went away without a word (3.1.2.5). */
export interface WillPacketPart {
  readonly topic: string;
  /** At most 65,535 bytes. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties;
}

/** Opens a connection and names the client and its session (3.1). From the client, first of all packets. */
export interface ConnectPacket {
  readonly type: typeof PacketType.connect;
  readonly version: ProtocolVersion;
  readonly clientId: string;
  /** Clean Start of 5.0, Clean Session of 3.1.1. */
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly will: WillPacketPart | undefined;
  readonly properties: Properties;
}

/** The answer to CONNECT, with the limits that the server sets (3.2). */
export interface ConnackPacket {
  readonly type: typeof PacketType.connack;
  readonly sessionPresent: boolean;
  /** A reason code of 5.0 in either version: a 3.1.1 return code is mapped. */
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** `dup`, `packetIdentifier` and `topic` may change between two sendings of one message, the rest may not. */
export interface PublishPacket {
  readonly type: typeof PacketType.publish;
  topic: string;
  /** A view on the received bytes, or the bytes to send. */
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  dup: boolean;
  /** `undefined` at QoS 0. */
  packetIdentifier: number | undefined;
  properties: Properties;
}

/**
 * PUBACK answers a QoS 1 PUBLISH; PUBREC, PUBREL and PUBCOMP are the three steps after a QoS 2 PUBLISH (3.4 to 3.7).
 * Under 3.1.1 the reason code is always 0x00.
 */
export interface AcknowledgePacket {
  readonly type:
    | typeof PacketType.puback
    | typeof PacketType.pubrec
    | typeof PacketType.pubrel
    | typeof PacketType.pubcomp;
  readonly packetIdentifier: number;
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** What a SUBSCRIBE asks for one topic filter (3.8.3.1). Under 3.1.1 only `qos` reaches the wire. */
export interface SubscriptionRequest {
  readonly topicFilter: string;
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: send retained messages, 1: only when the subscription is new, 2: never. */
  readonly retainHandling: 0 | 1 | 2;
}

/** Asks for the messages of one or more topic filters (3.8). From the client. */
export interface SubscribePacket {
  readonly type: typeof PacketType.subscribe;
  readonly packetIdentifier: number;
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly properties: Properties;
}

/** The answer to SUBSCRIBE: one reason code for each topic filter, in their order (3.9). */
export interface SubackPacket {
  readonly type: typeof PacketType.suback;
  readonly packetIdentifier: number;
  readonly reasonCodes: readonly number[];
  readonly properties: Properties;
}

/** Ends the subscriptions to one or more topic filters (3.10). From the client. */
export interface UnsubscribePacket {
  readonly type: typeof PacketType.unsubscribe;
  readonly packetIdentifier: number;
  readonly topicFilters: readonly string[];
  readonly properties: Properties;
}

/** The answer to UNSUBSCRIBE: one reason code for each topic filter, in their order (3.11). */
export interface UnsubackPacket {
  readonly type: typeof PacketType.unsuback;
  readonly packetIdentifier: number;
  /** Empty under 3.1.1, which has none. */
  readonly reasonCodes: readonly number[];
  readonly properties: Properties;
}

/** A sign of life that wants one back (3.12). From the client. */
export interface PingreqPacket {
  readonly type: typeof PacketType.pingreq;
}

/** The answer to PINGREQ (3.13). */
export interface PingrespPacket {
  readonly type: typeof PacketType.pingresp;
}

/** The last packet of a connection, with the reason for its end (3.14). Under 3.1.1 from the client alone, and always 0x00. */
export interface DisconnectPacket {
  readonly type: typeof PacketType.disconnect;
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** One step of enhanced authentication (3.15). 5.0 only. */
export interface AuthPacket {
  readonly type: typeof PacketType.auth;
  readonly reasonCode: number;
  readonly properties: Properties;
}

/** Any Control Packet; `type` tells which. */
export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AcknowledgePacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket;
