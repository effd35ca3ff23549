/** The packets of `-d` as mosquitto's programs show them, on standard output. */
import { type Packet, PacketType, type ProtocolVersion } from '@mqtt-kit/packet';
import type { Message } from 'mqtt-kit';
import type { MosquittoName } from './parse-arguments.ts';

/** The lines of a packet, without their ends. */
export class MosquittoTrace {
  #clientId: string | undefined;
  /** Messages and requests sent: all of them are numbered. */
  #sent = 0;
  #version: ProtocolVersion = '5.0';
  readonly #name: MosquittoName;
  readonly #quiet: boolean;

  constructor(name: MosquittoName, quiet: boolean) {
    this.#name = name;
    this.#quiet = quiet;
  }

  /** What is told when a message is taken: there each is told with its answer before it is printed. */
  taken({ dup, qos, retain, packetIdentifier = 0, topic, payload }: Message): readonly string[] {
    const bytes = payload.length;
    const received = `received PUBLISH (d${Number(dup)}, q${qos}, r${Number(retain)}, m${packetIdentifier}, '${topic}', ... (${bytes} bytes))`;
    const answer = qos === 1 ? 'PUBACK' : 'PUBREC';
    const sent = `sending ${answer} (m${packetIdentifier}, rc0)`;
    return (qos === 0 ? [received] : [received, sent]).map((text) => this.#line(text));
  }

  /** What is told when a message of QoS 2 is released. */
  released(packetIdentifier: number): readonly string[] {
    return [
      this.#line(`received PUBREL (Mid: ${packetIdentifier})`),
      this.#line(`sending PUBCOMP (m${packetIdentifier})`),
    ];
  }

  #line(text: string): string {
    return `Client ${this.#clientId ?? '(null)'} ${text}`;
  }

  lines(direction: 'sent' | 'received', packet: Packet): readonly string[] {
    if (packet.type === PacketType.connect) {
      this.#clientId = packet.clientId || undefined;
      this.#version = packet.version;
    }
    if (packet.type === PacketType.disconnect && direction === 'received') {
      return [`Received DISCONNECT (${packet.reasonCode})`];
    }
    if (isExchange(packet, direction)) return [];
    if (packet.type === PacketType.connack) {
      this.#clientId = packet.properties.assignedClientIdentifier ?? this.#clientId;
    }
    const verb = direction === 'sent' ? 'sending' : 'received';
    const lines = this.#texts(packet, direction).map((text) => this.#line(`${verb} ${text}`));
    if (packet.type === PacketType.suback && this.#name === 'mosquitto_sub' && !this.#quiet) {
      lines.push(`Subscribed (mid: ${packet.packetIdentifier}): ${packet.reasonCodes.join(', ')}`);
    }
    return lines;
  }

  #texts(packet: Packet, direction: 'sent' | 'received'): readonly string[] {
    switch (packet.type) {
      case PacketType.connect:
        return ['CONNECT'];
      case PacketType.connack:
        return [`CONNACK (${connackCode(packet.reasonCode, this.#version)})`];
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

/** What belongs to a message that comes: `taken` and `released` tell it. */
function isExchange({ type }: Packet, direction: 'sent' | 'received'): boolean {
  if (direction === 'received') return type === PacketType.publish || type === PacketType.pubrel;
  return type === PacketType.puback || type === PacketType.pubrec || type === PacketType.pubcomp;
}

/** The return codes of 3.1.1, in place of the reason codes that stand for them. */
function connackCode(reasonCode: number, version: ProtocolVersion): number {
  if (version !== '3.1.1' || reasonCode === 0) return reasonCode;
  return [0x84, 0x85, 0x88, 0x86, 0x87].indexOf(reasonCode) + 1;
}
