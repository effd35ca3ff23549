/** The packets of `-d` as mosquitto's programs show them, on standard output. */
import { type Packet, PacketType } from '@mqtt-kit/packet';
import type { MosquittoName } from './parse-arguments.ts';

/** The lines of a packet, without their ends. */
export class MosquittoTrace {
  #clientId: string | undefined;
  /** Messages and requests sent: all of them are numbered. */
  #sent = 0;
  readonly #name: MosquittoName;

  constructor(name: MosquittoName) {
    this.#name = name;
  }

  lines(direction: 'sent' | 'received', packet: Packet): readonly string[] {
    if (packet.type === PacketType.connect) this.#clientId = packet.clientId || undefined;
    if (packet.type === PacketType.connack) {
      this.#clientId = packet.properties.assignedClientIdentifier ?? this.#clientId;
    }
    const start = `Client ${this.#clientId ?? '(null)'} ${direction === 'sent' ? 'sending' : 'received'}`;
    const lines = this.#texts(packet, direction).map((text) => `${start} ${text}`);
    if (packet.type === PacketType.suback && this.#name === 'mosquitto_sub') {
      lines.push(`Subscribed (mid: ${packet.packetIdentifier}): ${packet.reasonCodes.join(', ')}`);
    }
    return lines;
  }

  #texts(packet: Packet, direction: 'sent' | 'received'): readonly string[] {
    switch (packet.type) {
      case PacketType.connect:
        return ['CONNECT'];
      case PacketType.connack:
        return [`CONNACK (${packet.reasonCode})`];
      case PacketType.publish: {
        const { dup, qos, retain, packetIdentifier, topic, payload } = packet;
        if (direction === 'sent') this.#sent += 1;
        // They number their messages of QoS 0, too.
        const id = packetIdentifier ?? (direction === 'sent' ? this.#sent : 0);
        return [
          `PUBLISH (d${Number(dup)}, q${qos}, r${Number(retain)}, m${id}, '${topic}', ... (${payload.length} bytes))`,
        ];
      }
      case PacketType.puback:
      case PacketType.pubcomp: {
        const name = packet.type === PacketType.puback ? 'PUBACK' : 'PUBCOMP';
        return [`${name} (Mid: ${packet.packetIdentifier}, RC:${packet.reasonCode})`];
      }
      case PacketType.pubrec:
        return [`PUBREC (Mid: ${packet.packetIdentifier})`];
      case PacketType.pubrel:
        return [`PUBREL (m${packet.packetIdentifier})`];
      case PacketType.subscribe:
        this.#sent += 1;
        return packet.subscriptions.map(
          ({ topicFilter, qos, noLocal, retainAsPublished, retainHandling }) => {
            const options =
              (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | ((retainHandling ?? 0) << 4);
            return `SUBSCRIBE (Mid: ${packet.packetIdentifier}, Topic: ${topicFilter}, QoS: ${qos}, Options: 0x${options.toString(16).padStart(2, '0')})`;
          },
        );
      case PacketType.suback:
        return ['SUBACK'];
      case PacketType.unsubscribe:
        return packet.topicFilters.map(
          (filter) => `UNSUBSCRIBE (Mid: ${packet.packetIdentifier}, Topic: ${filter})`,
        );
      case PacketType.unsuback:
        return ['UNSUBACK'];
      case PacketType.pingreq:
        return ['PINGREQ'];
      case PacketType.pingresp:
        return ['PINGRESP'];
      case PacketType.disconnect:
        return this.#name === 'mosquitto_rr' ? [] : ['DISCONNECT'];
      case PacketType.auth:
        return ['AUTH'];
    }
  }
}
