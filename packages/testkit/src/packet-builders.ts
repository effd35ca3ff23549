/** Packets in one line: only what a test is about needs to be said. Version independent, as the packet model is. */
import {
  type AcknowledgePacket,
  type AuthPacket,
  type ConnackPacket,
  type ConnectPacket,
  type DisconnectPacket,
  noProperties,
  PacketType,
  type PingreqPacket,
  type PingrespPacket,
  type Properties,
  type PublishPacket,
  type QoS,
  ReasonCode,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubackPacket,
  type UnsubscribePacket,
  type WillPacketPart,
} from '@mqtt-kit/packet';

/** A CONNECT: 5.0, client id `client`, clean start, keep-alive off, unless `fields` say otherwise. */
export function connectPacket(fields: Partial<Omit<ConnectPacket, 'type'>> = {}): ConnectPacket {
  return {
    type: PacketType.connect,
    version: fields.version ?? '5.0',
    clientId: fields.clientId ?? 'client',
    cleanStart: fields.cleanStart ?? true,
    keepAliveSeconds: fields.keepAliveSeconds ?? 0,
    username: fields.username,
    password: fields.password,
    will: fields.will,
    properties: fields.properties ?? noProperties,
  };
}

/** The will of a CONNECT. */
export function will(
  topic: string,
  payload: string | Uint8Array = '',
  fields: Partial<Omit<WillPacketPart, 'topic' | 'payload'>> = {},
): WillPacketPart {
  return {
    topic,
    payload: bytesOf(payload),
    qos: fields.qos ?? 0,
    retain: fields.retain ?? false,
    properties: fields.properties ?? noProperties,
  };
}

/** A CONNACK: success, no session present. */
export function connack(fields: Partial<Omit<ConnackPacket, 'type'>> = {}): ConnackPacket {
  return {
    type: PacketType.connack,
    sessionPresent: fields.sessionPresent ?? false,
    reasonCode: fields.reasonCode ?? ReasonCode.success,
    properties: fields.properties ?? noProperties,
  };
}

export interface PublishFields {
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly dup?: boolean;
  /** Default 1 at QoS 1 and 2. */
  readonly packetIdentifier?: number;
  readonly properties?: Properties;
}

/** A PUBLISH: QoS 0 unless `fields` say otherwise. */
export function publish(
  topic: string,
  payload: string | Uint8Array = '',
  fields: PublishFields = {},
): PublishPacket {
  const qos = fields.qos ?? 0;
  return {
    type: PacketType.publish,
    topic,
    payload: bytesOf(payload),
    qos,
    retain: fields.retain ?? false,
    dup: fields.dup ?? false,
    packetIdentifier: fields.packetIdentifier ?? (qos === 0 ? undefined : 1),
    properties: fields.properties ?? noProperties,
  };
}

type AcknowledgeBuilder = (
  packetIdentifier: number,
  reasonCode?: number,
  properties?: Properties,
) => AcknowledgePacket;

const acknowledgement =
  (type: AcknowledgePacket['type']): AcknowledgeBuilder =>
  (packetIdentifier, reasonCode = ReasonCode.success, properties = noProperties) => ({
    type,
    packetIdentifier,
    reasonCode,
    properties,
  });

export const puback: AcknowledgeBuilder = acknowledgement(PacketType.puback);
export const pubrec: AcknowledgeBuilder = acknowledgement(PacketType.pubrec);
export const pubrel: AcknowledgeBuilder = acknowledgement(PacketType.pubrel);
export const pubcomp: AcknowledgeBuilder = acknowledgement(PacketType.pubcomp);

/** What a SUBSCRIBE asks for one filter: QoS 0, no options. */
export function subscription(
  topicFilter: string,
  fields: Partial<Omit<SubscriptionRequest, 'topicFilter'>> = {},
): SubscriptionRequest {
  return {
    topicFilter,
    qos: fields.qos ?? 0,
    noLocal: fields.noLocal ?? false,
    retainAsPublished: fields.retainAsPublished ?? false,
    retainHandling: fields.retainHandling ?? 0,
  };
}

export function subscribe(
  packetIdentifier: number,
  subscriptions: readonly (SubscriptionRequest | string)[],
  properties: Properties = noProperties,
): SubscribePacket {
  return {
    type: PacketType.subscribe,
    packetIdentifier,
    subscriptions: subscriptions.map((one) => (typeof one === 'string' ? subscription(one) : one)),
    properties,
  };
}

/** A SUBACK for a packet identifier, or one that grants what a SUBSCRIBE asked for. */
export function suback(
  to: number | SubscribePacket,
  reasonCodes?: readonly number[],
  properties: Properties = noProperties,
): SubackPacket {
  if (typeof to === 'number' && reasonCodes === undefined) {
    throw new TypeError('expected the reason codes of a SUBACK that answers a packet identifier');
  }
  return {
    type: PacketType.suback,
    packetIdentifier: typeof to === 'number' ? to : to.packetIdentifier,
    reasonCodes: reasonCodes ?? (to as SubscribePacket).subscriptions.map(({ qos }) => qos),
    properties,
  };
}

export function unsubscribe(
  packetIdentifier: number,
  topicFilters: readonly string[],
  properties: Properties = noProperties,
): UnsubscribePacket {
  return { type: PacketType.unsubscribe, packetIdentifier, topicFilters, properties };
}

/** An UNSUBACK for a packet identifier, or one that says "success" to each filter of an UNSUBSCRIBE. */
export function unsuback(
  to: number | UnsubscribePacket,
  reasonCodes?: readonly number[],
  properties: Properties = noProperties,
): UnsubackPacket {
  if (typeof to === 'number') {
    return {
      type: PacketType.unsuback,
      packetIdentifier: to,
      reasonCodes: reasonCodes ?? [],
      properties,
    };
  }
  return {
    type: PacketType.unsuback,
    packetIdentifier: to.packetIdentifier,
    reasonCodes: reasonCodes ?? to.topicFilters.map(() => ReasonCode.success),
    properties,
  };
}

export function pingreq(): PingreqPacket {
  return { type: PacketType.pingreq };
}

export function pingresp(): PingrespPacket {
  return { type: PacketType.pingresp };
}

export function disconnect(
  reasonCode: number = ReasonCode.success,
  properties: Properties = noProperties,
): DisconnectPacket {
  return { type: PacketType.disconnect, reasonCode, properties };
}

export function auth(
  reasonCode: number = ReasonCode.continueAuthentication,
  properties: Properties = noProperties,
): AuthPacket {
  return { type: PacketType.auth, reasonCode, properties };
}

/** UTF-8 bytes of a text; bytes as they are. */
export function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
}
