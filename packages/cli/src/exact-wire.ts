/**
 * Packets with the numbers that the command line asks for, where the client chooses by itself: of a topic alias and of
 * a Subscription Identifier. It stands between the client and its transport, and is loaded when it is needed. The
 * client keeps no Subscription Identifiers of its own and uses no topic aliases.
 */
import { PacketType } from '@mqtt-kit/packet';
import type { OpenTransport, Transport, TransportHandlers } from 'mqtt-kit';
import type { ConnectionPlan } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { PacketStream, packetOf } from './packet-stream.ts';
import {
  type PropertyBytes,
  propertiesSection,
  readProperties,
  readVariable,
  textEnd,
  twoByteProperty,
  variableProperty,
} from './property-bytes.ts';

/** What is sent as it was asked for. */
export interface ExactWire {
  readonly topicAlias: number | undefined;
  readonly subscriptionIdentifier: number | undefined;
  /** Told when the server does not take what was asked for. */
  readonly onRefused: (text: string) => void;
  /** Whether the server takes Subscription Identifiers, as far as it is known. */
  takesIdentifiers: boolean;
}

const identifierOf = {
  subscriptionIdentifier: 0x0b,
  topicAliasMaximum: 0x22,
  topicAlias: 0x23,
  maximumPacketSize: 0x27,
  subscriptionIdentifiersAvailable: 0x29,
} as const;

/** What the command line asks for. */
export function exactWire({ properties }: ConnectionPlan, diagnostics: Diagnostics): ExactWire {
  const { topicAlias, subscriptionIdentifier } = properties;
  return {
    topicAlias,
    subscriptionIdentifier,
    onRefused: (text) => diagnostics.note({ text }),
    takesIdentifiers: true,
  };
}

/** `open`, with a transport that sends as `wire` says. */
export function exactTransport(open: OpenTransport, wire: ExactWire): OpenTransport {
  return async (target, handlers, signal) => {
    const exact = new ExactConnection(handlers, wire);
    return exact.over(await open(target, exact, signal));
  };
}

class ExactConnection implements TransportHandlers {
  readonly #handlers: TransportHandlers;
  readonly #wire: ExactWire;
  readonly #sent = new PacketStream();
  /** What comes until CONNACK is whole. */
  #received: PacketStream | undefined = new PacketStream();
  #version50 = false;
  /** What the server takes; before CONNACK anything. */
  #largestAlias = 65_535;
  #largestPacket = Number.POSITIVE_INFINITY;
  /** The topic that the alias stands for on this connection. */
  #aliased: Uint8Array | undefined;

  constructor(handlers: TransportHandlers, wire: ExactWire) {
    this.#handlers = handlers;
    this.#wire = wire;
  }

  over(transport: Transport): Transport {
    return {
      write: (chunks) => {
        for (const chunk of chunks) this.#sent.push(chunk);
        return transport.write([...this.#sent.packets()].map((packet) => this.#outgoing(packet)));
      },
      ...(transport.pause === undefined ? {} : { pause: () => transport.pause?.() }),
      ...(transport.resume === undefined ? {} : { resume: () => transport.resume?.() }),
      close: () => transport.close(),
      destroy: () => transport.destroy(),
    };
  }

  /** The answer to CONNECT is looked at; everything goes through as it came. */
  onData(chunk: Uint8Array): void {
    this.#received?.push(chunk);
    const first = this.#received?.next();
    if (first !== undefined) {
      this.#received = undefined;
      if (this.#version50) this.#answered(first);
    }
    this.#handlers.onData(chunk);
  }

  onDrain(): void {
    this.#handlers.onDrain();
  }

  onClosed(error?: Error): void {
    this.#handlers.onClosed(error);
  }

  #answered(packet: Uint8Array): void {
    const start = readVariable(packet, 1)[1];
    if (packet[0] !== PacketType.connack << 4 || packet[start + 1] !== 0) return;
    const [properties, end] = readProperties(packet, start + 2);
    if (end !== packet.length) return;
    const value = (identifier: number): number | undefined => {
      const found = properties.find((property) => property.identifier === identifier);
      return found?.bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    };
    this.#wire.takesIdentifiers = value(identifierOf.subscriptionIdentifiersAvailable) !== 0;
    this.#largestAlias = value(identifierOf.topicAliasMaximum) ?? 0;
    this.#largestPacket = value(identifierOf.maximumPacketSize) ?? Number.POSITIVE_INFINITY;
    this.#tellRefused();
  }

  #tellRefused(): void {
    const { topicAlias = 0, subscriptionIdentifier, onRefused, takesIdentifiers } = this.#wire;
    if (topicAlias > this.#largestAlias) {
      onRefused(`the topic alias ${topicAlias} is not sent: ${this.#aliasesTaken()}`);
    }
    if (subscriptionIdentifier !== undefined && !takesIdentifiers) {
      onRefused('the server takes no subscription identifiers');
    }
  }

  #aliasesTaken(): string {
    return this.#largestAlias === 0
      ? 'the server takes none'
      : `the server takes 1 to ${this.#largestAlias}`;
  }

  #outgoing(packet: Uint8Array): Uint8Array {
    const type = packet[0]! >> 4;
    const start = readVariable(packet, 1)[1];
    if (type === PacketType.connect) this.#version50 = packet[textEnd(packet, start)] === 5;
    if (!this.#version50) return packet;
    if (type === PacketType.publish) return this.#publish(packet, start);
    if (type === PacketType.subscribe) return this.#subscribe(packet, start);
    return packet;
  }

  #publish(packet: Uint8Array, start: number): Uint8Array {
    const { topicAlias: alias = 0 } = this.#wire;
    if (alias === 0 || alias > this.#largestAlias) return packet;
    const topicEnd = textEnd(packet, start);
    const at = topicEnd + ((packet[0]! & 0x06) === 0 ? 0 : 2);
    const [properties, end] = readProperties(packet, at);
    const topic = packet.subarray(start, topicEnd);
    const known = this.#aliased !== undefined && Buffer.compare(this.#aliased, topic) === 0;
    const withAlias = packetOf(packet[0]!, [
      known ? Uint8Array.of(0, 0) : topic,
      packet.subarray(topicEnd, at),
      propertiesSection([...properties, twoByteProperty(identifierOf.topicAlias, alias)]),
      packet.subarray(end),
    ]);
    if (withAlias.length > this.#largestPacket) return packet;
    this.#aliased = Uint8Array.from(topic);
    return withAlias;
  }

  #subscribe(packet: Uint8Array, start: number): Uint8Array {
    const { subscriptionIdentifier: asked, takesIdentifiers } = this.#wire;
    if (asked === undefined || !takesIdentifiers) return packet;
    const [properties, end] = readProperties(packet, start + 2);
    const identifier: PropertyBytes = variableProperty(identifierOf.subscriptionIdentifier, asked);
    return packetOf(packet[0]!, [
      packet.subarray(start, start + 2),
      propertiesSection([identifier, ...properties]),
      packet.subarray(end),
    ]);
  }
}
