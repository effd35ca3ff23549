/**
 * Puts PUBLISH packets of ours on the wire: whether the server takes a message, what it looks like there, and under
 * which alias its topic goes.
 */
import {
  clientPacketSize,
  noProperties,
  PacketType,
  type Properties,
  type PublishPacket,
} from '@mqtt-kit/packet';
import type { Connection } from './connection.ts';
import { never } from './deadlines.ts';
import { noPayload } from './kept-payloads.ts';
import { largestPacketSize } from './negotiated.ts';
import type { OutgoingMessage } from './request.ts';
import type { Shared } from './shared.ts';
import type { OutgoingTopicAlias } from './topic-alias.ts';

/** What an alias adds: property identifier and two bytes. */
const aliasBytes = 3;
/** Fixed header, topic length, packet identifier, property length. */
const longestHeaderBytes = 5 + 2 + 2 + 4;

/** One packet for all messages of all clients: the encoder keeps nothing of it. */
const packet: { -readonly [K in keyof PublishPacket]: PublishPacket[K] } = {
  type: PacketType.publish,
  topic: '',
  payload: noPayload,
  qos: 0,
  retain: false,
  dup: false,
  packetIdentifier: undefined,
  properties: noProperties,
};

export class PublishEncoding {
  readonly #shared: Shared;
  readonly #tracing: boolean;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#tracing = shared.output.tracing;
  }

  /**
   * Appends PUBLISH to the connection's bytes. Sent again it has DUP 1 and its full topic.
   * @param packetIdentifier 0 at QoS 0
   * @param properties those of the message, or with what is left of its expiry
   * @returns whether the payload was copied to the end of what the encoder has written
   * @throws InvalidPacketError when it cannot be put on the wire: then nothing has changed
   */
  encode(
    message: OutgoingMessage,
    packetIdentifier: number,
    again: boolean,
    properties: Properties,
    connection: Connection,
  ): boolean {
    const { topic, payload, qos, retain } = message;
    const dup = again;
    // Nearly all go this way: no object is filled in, and nothing is to be put back when it throws.
    const plain =
      properties === noProperties &&
      connection.outgoingAliases === undefined &&
      !this.#tracing &&
      connection.encoder.encodePlainPublish(topic, payload, qos, retain, dup, packetIdentifier) > 0;
    if (!plain) this.#encodeUnusual(message, packetIdentifier, dup, properties, connection);
    connection.poisonWatch.encoded(qos);
    return plain;
  }

  /** Why the server would not take a message, or `undefined`: it then fails alone, and the connection goes on. */
  limitProblem(message: OutgoingMessage, connection: Connection): string | undefined {
    const { maximumQos, retainAvailable, maximumPacketSize } = connection.negotiated;
    // [MQTT-3.2.2-11]
    if (message.qos > maximumQos) {
      return `QoS ${message.qos} for "${message.topic}": the server takes at most QoS ${maximumQos}`;
    }
    // [MQTT-3.2.2-14]
    if (message.retain && !retainAvailable) {
      return `retain for "${message.topic}": the server keeps no retained messages`;
    }
    if (message.qos === 2 && this.#shared.session.standing === 'adopted') {
      return (
        `QoS 2 for "${message.topic}": the session was taken over from an unknown past, ` +
        'in which packet identifiers may still be in use'
      );
    }
    // [MQTT-3.2.2-15]
    if (maximumPacketSize === largestPacketSize || upperBound(message) <= maximumPacketSize) {
      return undefined;
    }
    const size = this.#size(message, connection);
    if (size <= maximumPacketSize) return undefined;
    return `PUBLISH of ${size} bytes to "${message.topic}": the server takes at most ${maximumPacketSize}`;
  }

  #encodeUnusual(
    message: OutgoingMessage,
    packetIdentifier: number,
    dup: boolean,
    properties: Properties,
    connection: Connection,
  ): void {
    this.#fill(message, packetIdentifier, properties);
    packet.dup = dup;
    try {
      const alias = dup ? undefined : this.#alias(connection);
      connection.encoder.encode(packet);
      // Only now does the server learn what it stands for.
      if (alias !== undefined && packet.topic !== '') {
        connection.outgoingAliases!.assign(alias, packet.topic);
      }
      if (this.#tracing) this.#shared.output.tracePacket('sent', { ...packet });
    } finally {
      packet.payload = noPayload;
      packet.properties = noProperties;
    }
  }

  #fill(message: OutgoingMessage, packetIdentifier: number, properties: Properties): void {
    packet.topic = message.topic;
    packet.payload = message.payload;
    packet.qos = message.qos;
    packet.retain = message.retain;
    packet.packetIdentifier = packetIdentifier === 0 ? undefined : packetIdentifier;
    packet.properties = properties;
  }

  /** Puts an alias into the packet if it pays: in place of the topic, or together with it to make it known. */
  #alias(connection: Connection): OutgoingTopicAlias | undefined {
    const aliases = connection.outgoingAliases;
    if (aliases === undefined || packet.topic.length <= aliasBytes) return undefined;
    const known = aliases.find(packet.topic);
    if (known !== undefined) packet.topic = '';
    else if (!this.#hasRoomForAlias(connection)) return undefined;
    const alias = known ?? aliases.candidate();
    packet.properties =
      packet.properties === noProperties
        ? alias.properties
        : { ...packet.properties, topicAlias: alias.alias };
    return alias;
  }

  #hasRoomForAlias(connection: Connection): boolean {
    const { maximumPacketSize } = connection.negotiated;
    if (maximumPacketSize === largestPacketSize) return true;
    // Two lengths in front of it may need a byte more each.
    const size = clientPacketSize(packet, connection.request.version);
    return size + aliasBytes + 2 <= maximumPacketSize;
  }

  #size(message: OutgoingMessage, connection: Connection): number {
    this.#fill(message, message.qos === 0 ? 0 : 1, message.properties);
    packet.dup = false;
    try {
      return clientPacketSize(packet, connection.request.version);
    } catch {
      return 0; // It cannot be encoded at all, and encoding will say why.
    } finally {
      packet.payload = noPayload;
      packet.properties = noProperties;
    }
  }
}

/** No packet of this message is larger; cheap, and near enough for nearly all. */
function upperBound(message: OutgoingMessage): number {
  const bound = message.payload.length + 3 * message.topic.length + longestHeaderBytes;
  return message.properties === noProperties ? bound : never;
}
