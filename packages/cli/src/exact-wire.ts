/**
 * Packets exactly as the command line asks for them, where the client chooses by itself: the number of a topic alias
 * and of a Subscription Identifier, and in place of mosquitto's programs the order of properties and what CONNECT says.
 * It stands between the client and its transport, and is loaded when it is needed.
 *
 * The client is told that the server knows no Subscription Identifiers, so that it puts all filters into one SUBSCRIBE
 * and tells by the topic whom a message concerns; and it uses no topic aliases.
 */
import { PacketType } from '@mqtt-kit/packet';
import type { OpenTransport, Transport, TransportHandlers } from 'mqtt-kit';
import type { ConnectionPlan } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import type { MosquittoName } from './parse-arguments.ts';
import {
  inOrder,
  type PropertyBytes,
  propertiesSection,
  propertyIdentifiers,
  readProperties,
  readVariable,
  textEnd,
  twoByteProperty,
  variableBytes,
  variableProperty,
} from './property-bytes.ts';

/** What is sent as it was asked for. */
export interface ExactWire {
  readonly topicAlias: number | undefined;
  readonly subscriptionIdentifier: number | undefined;
  /** In place of mosquitto's programs: identifiers of properties by packet, in the order of the command line. */
  readonly mosquitto: Readonly<Record<string, readonly number[]>> | undefined;
  /** Whether DISCONNECT is left out. */
  readonly farewell: { readonly isOmitted: boolean };
  /** Told when the server does not take what was asked for. */
  readonly onRefused: (text: string) => void;
}

const identifierOf = {
  subscriptionIdentifier: 0x0b,
  sessionExpiryInterval: 0x11,
  authenticationMethod: 0x15,
  receiveMaximum: 0x21,
  topicAliasMaximum: 0x22,
  topicAlias: 0x23,
  maximumPacketSize: 0x27,
  subscriptionIdentifiersAvailable: 0x29,
} as const;

/** What the command line asks for. */
export function exactWire(
  { properties, farewell }: ConnectionPlan,
  diagnostics: Diagnostics,
  mosquitto: MosquittoName | undefined,
): ExactWire {
  const { topicAlias, subscriptionIdentifier, names } = properties;
  const identifiers = Object.entries(names).map(
    ([packet, given]) => [packet, given.map((name) => propertyIdentifiers[name] ?? 0)] as const,
  );
  return {
    topicAlias,
    subscriptionIdentifier,
    mosquitto: mosquitto === undefined ? undefined : Object.fromEntries(identifiers),
    farewell,
    onRefused: (text) => diagnostics.note({ text }),
  };
}

/** `open`, with a transport that sends and receives as `wire` says. */
export function exactTransport(open: OpenTransport, wire: ExactWire): OpenTransport {
  return async (target, handlers, signal) => {
    const exact = new ExactConnection(handlers, wire);
    return exact.over(await open(target, exact, signal));
  };
}

class ExactConnection implements TransportHandlers {
  readonly #handlers: TransportHandlers;
  readonly #wire: ExactWire;
  /** The authentication method of CONNECT: mosquitto's programs do not miss it in CONNACK. */
  #method: readonly PropertyBytes[] = [];
  readonly #sent = new WholePackets();
  readonly #received = new WholePackets();
  #version50 = false;
  #accepted = false;
  /** What the server takes; before CONNACK anything. */
  #takesIdentifiers = true;
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
        this.#sent.push(Buffer.concat(chunks));
        return transport.write([...this.#sent.packets()].map((packet) => this.#outgoing(packet)));
      },
      ...(transport.pause === undefined ? {} : { pause: () => transport.pause?.() }),
      ...(transport.resume === undefined ? {} : { resume: () => transport.resume?.() }),
      close: () => transport.close(),
      destroy: () => transport.destroy(),
    };
  }

  /** Only the answer to CONNECT is looked at: everything after it goes through as it came. */
  onData(chunk: Uint8Array): void {
    if (this.#accepted || !this.#version50) {
      this.#handlers.onData(chunk);
      return;
    }
    this.#received.push(chunk);
    const first = this.#received.next();
    if (first === undefined) {
      // What is no CONNACK is the client's to judge.
      if (this.#received.pending[0] !== PacketType.connack << 4) this.#passPending();
      return;
    }
    this.#accepted = true;
    this.#handlers.onData(this.#connack(first));
    this.#passPending();
  }

  onDrain(): void {
    this.#handlers.onDrain();
  }

  onClosed(error?: Error): void {
    if (!this.#accepted) this.#passPending();
    this.#handlers.onClosed(error);
  }

  #passPending(): void {
    this.#accepted = true;
    const rest = this.#received.giveUp();
    if (rest.length > 0) this.#handlers.onData(rest);
  }

  #connack(packet: Uint8Array): Uint8Array {
    const start = readVariable(packet, 1)[1];
    if (packet[0] !== PacketType.connack << 4 || packet[start + 1] !== 0) return packet;
    const [properties, end] = readProperties(packet, start + 2);
    if (end !== packet.length) return packet;
    const value = (identifier: number): number | undefined => {
      const found = properties.find((property) => property.identifier === identifier);
      return found?.bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
    };
    this.#takesIdentifiers = value(identifierOf.subscriptionIdentifiersAvailable) !== 0;
    this.#largestAlias = value(identifierOf.topicAliasMaximum) ?? 0;
    this.#largestPacket = value(identifierOf.maximumPacketSize) ?? Number.POSITIVE_INFINITY;
    this.#tellRefused();
    const { subscriptionIdentifiersAvailable: available } = identifierOf;
    const method = value(identifierOf.authenticationMethod) === undefined ? this.#method : [];
    const others = properties.filter(({ identifier }) => identifier !== available);
    const none = { identifier: available, bytes: Uint8Array.of(available, 0) };
    return packetOf(packet[0]!, [
      packet.subarray(start, start + 2),
      propertiesSection([...others, ...method, none]),
    ]);
  }

  #tellRefused(): void {
    // mosquitto's programs ask nobody.
    if (this.#wire.mosquitto !== undefined) return;
    const { topicAlias = 0, subscriptionIdentifier, onRefused } = this.#wire;
    if (topicAlias > this.#largestAlias) {
      onRefused(`the topic alias ${topicAlias} is not sent: ${this.#aliasesTaken()}`);
    }
    if (subscriptionIdentifier !== undefined && !this.#takesIdentifiers) {
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
    if (type === PacketType.connect) {
      this.#version50 = packet[textEnd(packet, start)] === 5;
      return this.#version50 ? this.#connect(packet, start) : packet;
    }
    if (type === PacketType.disconnect && this.#wire.farewell.isOmitted) return new Uint8Array(0);
    if (!this.#version50) return packet;
    switch (type) {
      case PacketType.publish:
        return this.#publish(packet, start);
      case PacketType.subscribe:
        return this.#changed(packet, start, start + 2, (properties) =>
          this.#ordered('subscribe', this.#identified(properties)),
        );
      case PacketType.unsubscribe:
        return this.#changed(packet, start, start + 2, (properties) =>
          this.#ordered('unsubscribe', properties),
        );
      case PacketType.disconnect:
        return packet.length < start + 2
          ? packet
          : this.#changed(packet, start, start + 1, (properties) =>
              this.#ordered('disconnect', properties),
            );
      default:
        return packet;
    }
  }

  #connect(packet: Uint8Array, start: number): Uint8Array {
    const { mosquitto } = this.#wire;
    if (mosquitto === undefined) return packet;
    const at = textEnd(packet, start) + 4;
    const hasWill = (packet[at - 3]! & 0x04) !== 0;
    const named = mosquitto['connect'] ?? [];
    const withoutOurs = (properties: readonly PropertyBytes[]): readonly PropertyBytes[] =>
      properties.filter(
        ({ identifier }) =>
          identifier !== identifierOf.maximumPacketSize || named.includes(identifier),
      );
    const connect = this.#changed(packet, start, at, (properties) => {
      this.#method = properties.filter(
        ({ identifier }) => identifier === identifierOf.authenticationMethod,
      );
      return inOrder(withoutOurs(properties), [...named, identifierOf.sessionExpiryInterval]);
    });
    if (!hasWill) return connect;
    const changedStart = readVariable(connect, 1)[1];
    const clientId = readProperties(connect, at - start + changedStart)[1];
    return this.#changed(connect, changedStart, textEnd(connect, clientId), (properties) =>
      this.#ordered('will', properties),
    );
  }

  #publish(packet: Uint8Array, start: number): Uint8Array {
    const topicEnd = textEnd(packet, start);
    const at = topicEnd + ((packet[0]! & 0x06) === 0 ? 0 : 2);
    const { topicAlias, mosquitto } = this.#wire;
    const alias = topicAlias ?? 0;
    if (alias === 0 || (mosquitto === undefined && alias > this.#largestAlias)) {
      return this.#changed(packet, start, at, (properties) => this.#ordered('publish', properties));
    }
    const topic = packet.subarray(start, topicEnd);
    const known = this.#aliased !== undefined && Buffer.compare(this.#aliased, topic) === 0;
    const withAlias = this.#changed(
      packet,
      start,
      at,
      (properties) =>
        this.#ordered('publish', [...properties, twoByteProperty(identifierOf.topicAlias, alias)]),
      known ? Uint8Array.of(0, 0) : topic,
      topicEnd,
    );
    if (withAlias.length > this.#largestPacket && mosquitto === undefined) return packet;
    this.#aliased = Uint8Array.from(topic);
    return withAlias;
  }

  /** The one that was asked for in place of the client's own. */
  #identified(properties: readonly PropertyBytes[]): readonly PropertyBytes[] {
    const { subscriptionIdentifier: identifier } = identifierOf;
    const others = properties.filter((property) => property.identifier !== identifier);
    const { subscriptionIdentifier: asked, mosquitto } = this.#wire;
    if (asked === undefined || (mosquitto === undefined && !this.#takesIdentifiers)) return others;
    return [variableProperty(identifier, asked), ...others];
  }

  #ordered(packet: string, properties: readonly PropertyBytes[]): readonly PropertyBytes[] {
    return inOrder(properties, this.#wire.mosquitto?.[packet] ?? []);
  }

  /**
   * The packet with other properties in the section at `at`, and with `head` in place of what stands before `headEnd`.
   */
  #changed(
    packet: Uint8Array,
    start: number,
    at: number,
    change: (properties: readonly PropertyBytes[]) => readonly PropertyBytes[],
    head: Uint8Array = packet.subarray(start, at),
    headEnd: number = at,
  ): Uint8Array {
    const [properties, end] = readProperties(packet, at);
    return packetOf(packet[0]!, [
      head,
      packet.subarray(headEnd, at),
      propertiesSection(change(properties)),
      packet.subarray(end),
    ]);
  }
}

function packetOf(firstByte: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.of(firstByte), variableBytes(length), ...parts]);
}

/** Cuts a stream of bytes into packets. (2.1.4) */
class WholePackets {
  pending: Uint8Array = new Uint8Array(0);

  push(bytes: Uint8Array): void {
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
  }

  /** The next one, when it is whole. */
  next(): Uint8Array | undefined {
    const size = this.#size();
    if (size === 0) return undefined;
    const packet = this.pending.subarray(0, size);
    this.pending = this.pending.subarray(size);
    return packet;
  }

  /** Those that are whole. */
  *packets(): Generator<Uint8Array, void> {
    for (let packet = this.next(); packet !== undefined; packet = this.next()) yield packet;
  }

  giveUp(): Uint8Array {
    const rest = this.pending;
    this.pending = new Uint8Array(0);
    return rest;
  }

  /** Of the packet that stands first; 0: it is not whole yet. */
  #size(): number {
    const { pending } = this;
    const lastOfLength = pending.subarray(1, 5).findIndex((byte) => byte < 0x80);
    if (lastOfLength < 0) return 0;
    const [remaining, start] = readVariable(pending, 1);
    return pending.length >= start + remaining ? start + remaining : 0;
  }
}
