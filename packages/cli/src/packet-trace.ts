import { type Packet, PacketType, type Properties, reasonCodeName } from '@mqtt-kit/packet';

/**
 * One line for a packet, as `-d` shows it: `-> PUBLISH 'a/b' QoS 1 id 3, 5 bytes`. Passwords and authentication data
 * are never shown, payloads by their size alone.
 */
export function packetLine(direction: 'sent' | 'received', packet: Packet): string {
  return `${direction === 'sent' ? '->' : '<-'} ${describe(packet)}`;
}

function describe(packet: Packet): string {
  switch (packet.type) {
    case PacketType.connect:
      return join([
        `CONNECT MQTT ${packet.version} client '${packet.clientId}'`,
        packet.cleanStart ? 'clean start' : 'keep session',
        `keep-alive ${packet.keepAliveSeconds} s`,
        packet.username === undefined ? '' : `user '${packet.username}'`,
        packet.password === undefined ? '' : 'password (hidden)',
        packet.will === undefined ? '' : `will ${message(packet.will)}`,
        packet.will === undefined ? '' : properties(packet.will.properties, 'will '),
        properties(packet.properties),
      ]);
    case PacketType.connack:
      return join([
        `CONNACK ${reason(packet.reasonCode)}`,
        packet.sessionPresent ? 'session present' : '',
        properties(packet.properties),
      ]);
    case PacketType.publish:
      return join([
        `PUBLISH ${message(packet)}`,
        packet.dup ? 'dup' : '',
        properties(packet.properties),
      ]);
    case PacketType.puback:
      return acknowledgement('PUBACK', packet);
    case PacketType.pubrec:
      return acknowledgement('PUBREC', packet);
    case PacketType.pubrel:
      return acknowledgement('PUBREL', packet);
    case PacketType.pubcomp:
      return acknowledgement('PUBCOMP', packet);
    case PacketType.subscribe: {
      const filters = packet.subscriptions.map((one) => `'${one.topicFilter}' QoS ${one.qos}`);
      return join([
        `SUBSCRIBE id ${packet.packetIdentifier}`,
        ...filters,
        properties(packet.properties),
      ]);
    }
    case PacketType.suback:
      return join([
        `SUBACK id ${packet.packetIdentifier}`,
        ...packet.reasonCodes.map(grant),
        properties(packet.properties),
      ]);
    case PacketType.unsubscribe:
      return join([
        `UNSUBSCRIBE id ${packet.packetIdentifier}`,
        ...packet.topicFilters.map((filter) => `'${filter}'`),
        properties(packet.properties),
      ]);
    case PacketType.unsuback:
      return join([
        `UNSUBACK id ${packet.packetIdentifier}`,
        ...packet.reasonCodes.map(reason),
        properties(packet.properties),
      ]);
    case PacketType.pingreq:
      return 'PINGREQ';
    case PacketType.pingresp:
      return 'PINGRESP';
    case PacketType.disconnect:
      return join([`DISCONNECT ${reason(packet.reasonCode)}`, properties(packet.properties)]);
    case PacketType.auth:
      return join([`AUTH ${reason(packet.reasonCode)}`, properties(packet.properties)]);
  }
}

function join(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}

function message(part: {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly retain: boolean;
  readonly packetIdentifier?: number | undefined;
}): string {
  const id = part.packetIdentifier === undefined ? '' : ` id ${part.packetIdentifier}`;
  const retain = part.retain ? ' retain' : '';
  return `'${part.topic}' QoS ${part.qos}${id}${retain}, ${size(part.payload)}`;
}

function acknowledgement(
  name: string,
  packet: {
    readonly packetIdentifier: number;
    readonly reasonCode: number;
    readonly properties: Properties;
  },
): string {
  const why = packet.reasonCode === 0 ? '' : reason(packet.reasonCode);
  return join([`${name} id ${packet.packetIdentifier}`, why, properties(packet.properties)]);
}

function reason(reasonCode: number): string {
  return `${reasonCodeName(reasonCode)} (0x${reasonCode.toString(16).padStart(2, '0')})`;
}

function grant(reasonCode: number): string {
  return reasonCode < 0x80 ? `granted QoS ${reasonCode}` : reason(reasonCode);
}

function size(bytes: Uint8Array): string {
  return bytes.length === 1 ? '1 byte' : `${bytes.length} bytes`;
}

/** Their names and values; bytes by their size, which hides authentication data. */
function properties(all: Properties, prefix = ''): string {
  return join(
    Object.entries(all).map(([name, value]) =>
      value === undefined ? '' : `${prefix}${name} ${shown(value)}`,
    ),
  );
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `(${size(value)})`;
  if (Array.isArray(value)) {
    return value
      .map((one) => (Array.isArray(one) ? one.map(String).join('=') : String(one)))
      .join(' ');
  }
  return typeof value === 'string' ? `'${value}'` : String(value);
}
