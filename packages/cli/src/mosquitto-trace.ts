/** The packets of `-d` as mosquitto's programs show them, on standard output. */
import { PacketType } from '@mqtt-kit/packet';
import type { Message } from 'mqtt-kit';
import type { MosquittoName } from './mosquitto-name.ts';
import { readProperties, readVariable, textEnd } from './property-bytes.ts';

/** Tells packets, given as bytes; its lines come without their ends. */
export class MosquittoTrace {
  /** As the server knows it, or will: nothing before it is named. */
  clientId: string | undefined;
  readonly #name: MosquittoName;
  readonly #version50: boolean;
  readonly #quiet: boolean;

  constructor(name: MosquittoName, version50: boolean, quiet: boolean) {
    this.#name = name;
    this.#version50 = version50;
    this.#quiet = quiet;
  }

  /** What is told when a message is taken: there each is told with its answer before it is printed. */
  taken({ dup, qos, retain, packetIdentifier = 0, topic, payload }: Message): readonly string[] {
    const received = `received ${publishText(dup, qos, retain, packetIdentifier, topic, payload.length)}`;
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

  /** What is told of CONNACK: there a client without an identifier goes by another name. */
  accepted(code: number): string {
    return `Client ${this.clientId ?? '(null)'} received CONNACK (${code})`;
  }

  /** What is told of a packet that is sent; `mid`: the number that its message has, identifier or not. */
  sent(packet: Uint8Array, mid: number): readonly string[] {
    return this.#sentTexts(packet, mid).map((text) => this.#line(`sending ${text}`));
  }

  /** What is told of a packet that comes. Messages are told when they are taken. */
  received(packet: Uint8Array): readonly string[] {
    const start = readVariable(packet, 1)[1];
    const mid = twoBytes(packet, start);
    const reasonCode = packet[start + 2] ?? 0;
    switch (packet[0]! >> 4) {
      case PacketType.puback:
        return [this.#line(`received PUBACK (Mid: ${mid}, RC:${reasonCode})`)];
      case PacketType.pubcomp:
        return [this.#line(`received PUBCOMP (Mid: ${mid}, RC:${reasonCode})`)];
      case PacketType.pubrec:
        return [this.#line(`received PUBREC (Mid: ${mid})`)];
      case PacketType.suback:
        return [this.#line('received SUBACK'), ...this.#subscribed(packet, start, mid)];
      case PacketType.unsuback:
        return [this.#line('received UNSUBACK')];
      case PacketType.pingresp:
        return [this.#line('received PINGRESP')];
      case PacketType.auth:
        return [this.#line('received AUTH')];
      default:
        return [];
    }
  }

  #subscribed(packet: Uint8Array, start: number, mid: number): readonly string[] {
    if (this.#name !== 'mosquitto_sub' || this.#quiet) return [];
    const codes = packet.subarray(
      this.#version50 ? readProperties(packet, start + 2)[1] : start + 2,
    );
    return [`Subscribed (mid: ${mid}): ${codes.join(', ')}`];
  }

  #sentTexts(packet: Uint8Array, mid: number): readonly string[] {
    const start = readVariable(packet, 1)[1];
    const flags = packet[0]! & 0x0f;
    switch (packet[0]! >> 4) {
      case PacketType.connect:
        return ['CONNECT'];
      case PacketType.publish:
        return [this.#published(packet, start, flags, mid)];
      case PacketType.pubrel:
        return [`PUBREL (m${twoBytes(packet, start)})`];
      case PacketType.subscribe:
        return this.#filters(packet, start, 1).map(
          ([filter, options]) =>
            `SUBSCRIBE (Mid: ${twoBytes(packet, start)}, Topic: ${filter}, QoS: ${options & 3}, Options: 0x${(options & 0xfc).toString(16).padStart(2, '0')})`,
        );
      case PacketType.unsubscribe:
        return this.#filters(packet, start, 0).map(
          ([filter]) => `UNSUBSCRIBE (Mid: ${twoBytes(packet, start)}, Topic: ${filter})`,
        );
      case PacketType.pingreq:
        return ['PINGREQ'];
      case PacketType.disconnect:
        return ['DISCONNECT'];
      default:
        // Acknowledgements of messages are told with them.
        return [];
    }
  }

  #published(packet: Uint8Array, start: number, flags: number, mid: number): string {
    const topicEnd = textEnd(packet, start);
    const topic = text(packet.subarray(start + 2, topicEnd));
    const qos = (flags >> 1) & 3;
    const at = topicEnd + (qos === 0 ? 0 : 2);
    const end = this.#version50 ? readProperties(packet, at)[1] : at;
    const shown = topic === '' ? '(null)' : topic;
    return publishText((flags & 8) !== 0, qos, (flags & 1) !== 0, mid, shown, packet.length - end);
  }

  /** The topic filters of a request, with the byte that may follow each. */
  #filters(packet: Uint8Array, start: number, more: 0 | 1): readonly (readonly [string, number])[] {
    const found: (readonly [string, number])[] = [];
    let at = this.#version50 ? readProperties(packet, start + 2)[1] : start + 2;
    while (at < packet.length) {
      const end = textEnd(packet, at);
      found.push([text(packet.subarray(at + 2, end)), packet[end] ?? 0]);
      at = end + more;
    }
    return found;
  }

  #line(what: string): string {
    return `Client ${this.clientId ?? 'null'} ${what}`;
  }
}

function publishText(
  dup: boolean,
  qos: number,
  retain: boolean,
  mid: number,
  topic: string,
  bytes: number,
): string {
  return `PUBLISH (d${Number(dup)}, q${qos}, r${Number(retain)}, m${mid}, '${topic}', ... (${bytes} bytes))`;
}

function twoBytes(packet: Uint8Array, at: number): number {
  return ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
