/**
 * The messages that go to the client on one connection of the model broker: sent as its window has room, acknowledged
 * in order, resumed where an earlier connection left off.
 */
import { encodeAck, encodePublish } from './model-broker-encoder.ts';
import type { ModelLink } from './model-broker-link.ts';
import { type AckFromClient, ClientBreach } from './model-broker-packets.ts';
import type { ModelSession, Outbound } from './model-broker-session.ts';

/** What the client's CONNECT allows. */
export interface ModelClientLimits {
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
}

export class ModelOutgoing {
  readonly #link: ModelLink;
  readonly #limits: ModelClientLimits;
  readonly #session: ModelSession;
  /** Our aliases by topic. */
  readonly #aliases = new Map<string, number>();
  /** Identifiers for which PUBACK and PUBREC have to come, in this order. */
  readonly #pubacksDue: number[] = [];
  readonly #pubrecsDue: number[] = [];
  /** Identifiers that a test sent PUBRELs for of which no client can know. */
  readonly #strays = new Set<number>();

  constructor(link: ModelLink, session: ModelSession, limits: ModelClientLimits) {
    this.#link = link;
    this.#session = session;
    this.#limits = limits;
  }

  /** Sends what the client's window has room for, first what it may not have got on an earlier connection. */
  pump(): void {
    if (!this.#link.isConnected) return;
    for (const message of [...this.#session.outbound]) {
      if (message.state === 'released') {
        if (message.connection !== this.#link.number) this.#release(message);
      } else if (message.connection !== this.#link.number) {
        if (!this.#hasRoom()) return;
        this.#send(message);
      }
    }
  }

  publishUnkept(topic: string, payload: Uint8Array): void {
    this.#write(topic, payload, 0, 0, false);
  }

  /** A PUBREL that belongs to nothing is sent: its PUBCOMP is no breach. */
  expectStray(packetIdentifier: number): void {
    this.#strays.add(packetIdentifier);
  }

  puback(packet: AckFromClient): void {
    const { packetIdentifier } = packet;
    if (this.#pubacksDue[0] !== packetIdentifier) {
      throw new ClientBreach(`PUBACK ${packetIdentifier}, due is ${this.#pubacksDue[0]}`);
    }
    this.#pubacksDue.shift();
    this.#finish(packetIdentifier);
  }

  pubrec(packet: AckFromClient): void {
    const { packetIdentifier } = packet;
    if (this.#pubrecsDue[0] !== packetIdentifier) {
      throw new ClientBreach(`PUBREC ${packetIdentifier}, due is ${this.#pubrecsDue[0]}`);
    }
    this.#pubrecsDue.shift();
    if (packet.reasonCode >= 0x80) {
      this.#finish(packetIdentifier);
      return;
    }
    const message = this.#session.find(packetIdentifier);
    if (message === undefined || message.state !== 'sent') return;
    message.state = 'released';
    this.#link.hooks.onTaken(message.payload, 2, this.#session);
    this.#link.owe(() => this.#release(message));
  }

  pubcomp(packet: AckFromClient): void {
    const { packetIdentifier } = packet;
    if (this.#strays.has(packetIdentifier)) return;
    const message = this.#session.find(packetIdentifier);
    if (message?.state !== 'released' || message.connection !== this.#link.number) {
      throw new ClientBreach(`PUBCOMP ${packetIdentifier} for no PUBREL of this connection`);
    }
    this.#session.remove(message);
    this.pump();
  }

  #finish(packetIdentifier: number): void {
    const message = this.#session.find(packetIdentifier);
    if (message === undefined) return;
    this.#session.remove(message);
    this.#link.hooks.onTaken(message.payload, message.qos, this.#session);
    this.pump();
  }

  #hasRoom(): boolean {
    let held = 0;
    for (const message of this.#session.outbound) {
      if (message.connection === this.#link.number && message.holdsPlace) held += 1;
    }
    return held < this.#limits.receiveMaximum;
  }

  #send(message: Outbound): void {
    const again = message.state === 'sent';
    if (!again) message.packetIdentifier = this.#session.freeIdentifier();
    message.state = 'sent';
    message.connection = this.#link.number;
    message.holdsPlace = true;
    const { topic, payload, qos, packetIdentifier } = message;
    (qos === 1 ? this.#pubacksDue : this.#pubrecsDue).push(packetIdentifier);
    if (again) this.#link.hooks.count('message to the client again');
    this.#write(topic, payload, qos, packetIdentifier, again);
  }

  #release(message: Outbound): void {
    // Released before: the client counts it as an exchange of an earlier connection, if it was one.
    message.connection = this.#link.number;
    this.#link.write(encodeAck(this.#link.version, 'pubrel', message.packetIdentifier, 0));
  }

  #write(
    topic: string,
    payload: Uint8Array,
    qos: 0 | 1 | 2,
    packetIdentifier: number,
    dup: boolean,
  ): void {
    const properties: [number, number][] = [];
    let name = topic;
    const identifier = this.#session.match(topic)?.identifier ?? 0;
    if (identifier !== 0) properties.push([0x0b, identifier]);
    if (
      this.#link.plan.useAliases &&
      this.#limits.topicAliasMaximum > 0 &&
      this.#link.version === '5.0'
    ) {
      const known = this.#aliases.get(topic);
      const alias = known ?? this.#aliases.size + 1;
      if (alias <= this.#limits.topicAliasMaximum) {
        if (known !== undefined) name = '';
        this.#aliases.set(topic, alias);
        properties.push([0x23, alias]);
      }
    }
    const bytes = encodePublish(this.#link.version, {
      topic: name,
      payload,
      qos,
      dup,
      packetIdentifier,
      properties,
    });
    if (bytes.length > this.#limits.maximumPacketSize) {
      throw new RangeError(`a packet of ${bytes.length} bytes is more than the client takes`);
    }
    this.#link.write(bytes);
  }
}
