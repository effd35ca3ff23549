/** Packets in the form of mqtt-packet 9, for tests that compare. */
import { PacketType } from './packet-type.ts';
import type { Packet } from './packets.ts';
import type { Properties, UserProperty } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';

/** It reads and takes these Bytes as booleans. */
const booleans: readonly string[] = [
  'payloadFormatIndicator',
  'requestProblemInformation',
  'requestResponseInformation',
  'retainAvailable',
  'wildcardSubscriptionAvailable',
  'subscriptionIdentifiersAvailable',
  'sharedSubscriptionAvailable',
];

function theirProperties(properties: Properties): Record<string, unknown> {
  const entries = Object.entries(properties).map(([key, value]): [string, unknown] => {
    if (booleans.includes(key)) return [key, value === 1];
    if (key === 'maximumQos') return ['maximumQoS', value];
    if (value instanceof Uint8Array) return [key, Buffer.from(value)];
    if (key === 'subscriptionIdentifiers') {
      const identifiers = value as number[];
      return ['subscriptionIdentifier', identifiers.length === 1 ? identifiers[0] : identifiers];
    }
    if (key === 'userProperties') return [key, merged(value as UserProperty[])];
    return [key, value];
  });
  return Object.fromEntries(entries);
}

/** User Properties as an object without prototype: what has one name becomes a list. */
function merged(pairs: readonly UserProperty[]): Record<string, string | string[]> {
  const found: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of pairs) {
    const earlier = found[name];
    if (earlier === undefined) found[name] = value;
    else found[name] = [earlier, value].flat();
  }
  return found;
}

function withProperties(version: ProtocolVersion, properties: Properties): object {
  return version === '5.0' ? { properties: theirProperties(properties) } : {};
}

/** What its generator takes, and its parser gives. */
export function theirsOf(packet: Packet, version: ProtocolVersion): Record<string, unknown> {
  const name = Object.entries(PacketType).find(([, type]) => type === packet.type)![0];
  const cmd = { cmd: name };
  switch (packet.type) {
    case PacketType.connect: {
      const { will } = packet;
      return {
        ...cmd,
        protocolId: 'MQTT',
        protocolVersion: version === '5.0' ? 5 : 4,
        clientId: packet.clientId,
        clean: packet.cleanStart,
        keepalive: packet.keepAliveSeconds,
        ...(packet.username === undefined ? {} : { username: packet.username }),
        ...(packet.password === undefined ? {} : { password: Buffer.from(packet.password) }),
        ...(will === undefined
          ? {}
          : {
              will: {
                topic: will.topic,
                payload: Buffer.from(will.payload),
                qos: will.qos,
                retain: will.retain,
                ...withProperties(version, will.properties),
              },
            }),
        ...withProperties(version, packet.properties),
      };
    }
    case PacketType.connack: {
      const returnCode = [0x00, 0x84, 0x85, 0x88, 0x86, 0x87].indexOf(packet.reasonCode);
      return {
        ...cmd,
        sessionPresent: packet.sessionPresent,
        ...(version === '5.0' ? { reasonCode: packet.reasonCode } : { returnCode }),
        ...withProperties(version, packet.properties),
      };
    }
    case PacketType.publish:
      return {
        ...cmd,
        topic: packet.topic,
        payload: Buffer.from(packet.payload),
        qos: packet.qos,
        retain: packet.retain,
        dup: packet.dup,
        ...(packet.packetIdentifier === undefined ? {} : { messageId: packet.packetIdentifier }),
        ...withProperties(version, packet.properties),
      };
    case PacketType.subscribe:
      return {
        ...cmd,
        messageId: packet.packetIdentifier,
        subscriptions: packet.subscriptions.map(({ topicFilter, qos, ...options }) => ({
          topic: topicFilter,
          qos,
          ...(version === '5.0'
            ? { nl: options.noLocal, rap: options.retainAsPublished, rh: options.retainHandling }
            : {}),
        })),
        ...withProperties(version, packet.properties),
      };
    case PacketType.unsubscribe:
      return {
        ...cmd,
        messageId: packet.packetIdentifier,
        unsubscriptions: packet.topicFilters,
        ...withProperties(version, packet.properties),
      };
    case PacketType.suback:
    case PacketType.unsuback:
      return {
        ...cmd,
        messageId: packet.packetIdentifier,
        granted: packet.reasonCodes,
        ...withProperties(version, packet.properties),
      };
    case PacketType.pingreq:
    case PacketType.pingresp:
      return cmd;
    case PacketType.disconnect:
    case PacketType.auth:
      return {
        ...cmd,
        ...(version === '5.0' ? { reasonCode: packet.reasonCode } : {}),
        ...withProperties(version, packet.properties),
      };
    default:
      return {
        ...cmd,
        messageId: packet.packetIdentifier,
        ...(version === '5.0' ? { reasonCode: packet.reasonCode } : {}),
        ...withProperties(version, packet.properties),
      };
  }
}

/** What its parser should give: empty properties are left out, and 3.1.1 has no codes in UNSUBACK. */
export function withoutEmpty(theirs: Record<string, unknown>): Record<string, unknown> {
  const isEmpty = (value: unknown) =>
    typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  const entries = Object.entries(theirs)
    .filter(([key, value]) => !(key === 'properties' && isEmpty(value)))
    .filter(([key, value]) => !(key === 'granted' && isEmpty(value)))
    .map(([key, value]) =>
      key === 'will' ? [key, withoutEmpty(value as Record<string, unknown>)] : [key, value],
    );
  return Object.fromEntries(entries);
}
