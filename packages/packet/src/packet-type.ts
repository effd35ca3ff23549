import type { ProtocolVersion } from './protocol-version.ts';

/** The fifteen Control Packet types, by their names in the specification (2.1.2). */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** The packets' names, in lower case. */
export type PacketTypeName = keyof typeof PacketType;
/** One of the values of `PacketType`. */
export type PacketType = (typeof PacketType)[PacketTypeName];

/** The end of the connection that a packet comes from. Some packets, properties and reason codes are for one end only. */
export type PacketSender = 'client' | 'server';

const names = Object.keys(PacketType) as PacketTypeName[];

/** The key of a type in `PacketType`. */
export function packetTypeName(type: PacketType): PacketTypeName {
  return names[type - 1]!;
}

/** The name of a packet as the specification writes it: "PUBACK". */
export function packetTitle(type: PacketType): string {
  return packetTypeName(type).toUpperCase();
}

/** Bits 3-0 of the first byte, which are fixed for all packets but PUBLISH. [MQTT-2.1.3-1] [MQTT3-2.2.2-1] */
export function fixedFlags(type: number): number {
  return type === PacketType.pubrel ||
    type === PacketType.subscribe ||
    type === PacketType.unsubscribe
    ? 0b0010
    : 0b0000;
}

/** Whether a packet of this type comes from that end: the directions of flow (2.1.2). */
export function maySend(sender: PacketSender, type: PacketType, version: ProtocolVersion): boolean {
  switch (type) {
    case PacketType.connect:
    case PacketType.subscribe:
    case PacketType.unsubscribe:
    case PacketType.pingreq:
      return sender === 'client';
    case PacketType.connack:
    case PacketType.suback:
    case PacketType.unsuback:
    case PacketType.pingresp:
      return sender === 'server';
    case PacketType.disconnect:
      return sender === 'client' || version === '5.0';
    default:
      return true;
  }
}
