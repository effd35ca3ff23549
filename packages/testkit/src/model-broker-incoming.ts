/**
 * The messages that the client publishes on one connection of the model broker: what may come, what is owned, and the
 * answers, up to PUBCOMP.
 */
import { encodeAck } from './model-broker-encoder.ts';
import type { ModelLink } from './model-broker-link.ts';
import {
  type AckFromClient,
  ClientBreach,
  numberOf,
  type PublishFromClient,
} from './model-broker-packets.ts';
import type { ModelSession } from './model-broker-session.ts';

export class ModelIncoming {
  readonly #link: ModelLink;
  /** Topics by the client's aliases. */
  readonly #aliases = new Map<number, string>();
  /** Identifiers of QoS 1 and 2 messages without their last answer on this connection. */
  readonly #unanswered = new Set<number>();
  /** Identifiers for which PUBREL has to come, in this order. */
  readonly #pubrelsDue: number[] = [];
  #lastResumedRelease = 0;
  /** Identifiers that a test sent PUBRECs for of which no client can know. */
  readonly #strays = new Set<number>();

  constructor(link: ModelLink) {
    this.#link = link;
  }

  /** Quota that the client has used up. */
  get unanswered(): number {
    return this.#unanswered.size;
  }

  publish(packet: PublishFromClient, session: ModelSession): void {
    const { hooks, plan, version } = this.#link;
    if (hooks.closesAt?.(packet) === true) {
      hooks.count('closed at a message');
      this.#link.leave(0x99);
      return;
    }
    const topic = this.#topicOf(packet);
    const { packetIdentifier, qos, dup } = packet;
    if (version === '5.0' && qos > plan.maximumQos) throw new ClientBreach(`PUBLISH at QoS ${qos}`);
    if (packet.retain && version === '5.0' && !plan.retainAvailable)
      throw new ClientBreach('PUBLISH with RETAIN, which is not available');
    if (qos === 0) {
      hooks.onOwned(packet, topic, session);
      return;
    }
    if (this.#unanswered.has(packetIdentifier)) {
      throw new ClientBreach(
        `PUBLISH ${packetIdentifier} again on one connection, or its identifier`,
      );
    }
    this.#unanswered.add(packetIdentifier);
    if (version === '5.0' && this.#unanswered.size > plan.receiveMaximum) {
      throw new ClientBreach(`more than ${plan.receiveMaximum} unanswered messages`);
    }
    if (qos === 1) {
      if (session.received.has(packetIdentifier))
        throw new ClientBreach('a QoS 2 identifier at QoS 1');
      const reason = hooks.reasonFor('puback', version, packet);
      if (reason < 0x80) hooks.onOwned(packet, topic, session);
      this.#link.owe(() => this.#answerPublish('puback', packetIdentifier, reason));
      return;
    }
    if (session.received.has(packetIdentifier)) {
      if (!dup) throw new ClientBreach(`PUBLISH ${packetIdentifier} with DUP 0 is known already`);
      hooks.count('known QoS 2 message again');
      this.#link.owe(() => this.#answerPubrec(packetIdentifier, session));
      return;
    }
    const reason = hooks.reasonFor('pubrec', version, packet);
    if (reason >= 0x80) {
      this.#link.owe(() => this.#answerPublish('pubrec', packetIdentifier, reason));
      return;
    }
    session.received.add(packetIdentifier);
    hooks.onOwned(packet, topic, session);
    this.#link.owe(() => this.#answerPubrec(packetIdentifier, session));
  }

  #topicOf(packet: PublishFromClient): string {
    const alias = numberOf(packet.properties, 0x23, 0);
    if (alias === 0) return packet.topic;
    if (alias > this.#link.plan.topicAliasMaximum) throw new ClientBreach(`topic alias ${alias}`);
    if (packet.topic !== '') {
      this.#aliases.set(alias, packet.topic);
      return packet.topic;
    }
    this.#link.hooks.count('topic by alias');
    const topic = this.#aliases.get(alias);
    if (topic === undefined) throw new ClientBreach(`topic alias ${alias} stands for nothing`);
    return topic;
  }

  #answerPublish(kind: 'puback' | 'pubrec', packetIdentifier: number, reason: number): void {
    this.#unanswered.delete(packetIdentifier);
    this.#link.write(encodeAck(this.#link.version, kind, packetIdentifier, reason));
  }

  #answerPubrec(packetIdentifier: number, session: ModelSession): void {
    session.lastReceivedOrder += 1;
    session.receivedOrder.set(packetIdentifier, session.lastReceivedOrder);
    this.#pubrelsDue.push(packetIdentifier);
    this.#link.write(encodeAck(this.#link.version, 'pubrec', packetIdentifier, 0));
  }

  /** A PUBREC that belongs to nothing is sent: its PUBREL is no breach. */
  expectStray(packetIdentifier: number): void {
    this.#strays.add(packetIdentifier);
  }

  pubrel(packet: AckFromClient, session: ModelSession): void {
    const { packetIdentifier } = packet;
    if (this.#strays.has(packetIdentifier)) {
      this.#link.owe(() =>
        this.#link.write(encodeAck(this.#link.version, 'pubcomp', packetIdentifier, 0)),
      );
      return;
    }
    const place = this.#pubrelsDue.indexOf(packetIdentifier);
    if (place > 0)
      throw new ClientBreach(`PUBREL ${packetIdentifier} before that of an earlier PUBREC`);
    if (place === 0) this.#pubrelsDue.shift();
    const known = session.received.delete(packetIdentifier);
    if (place < 0 && known) this.#checkResumedRelease(packetIdentifier, session);
    if (packet.reasonCode !== 0 && known) throw new ClientBreach('PUBREL 0x92 for a known message');
    this.#link.owe(() => {
      this.#unanswered.delete(packetIdentifier);
      const reason = known || this.#link.version === '3.1.1' ? 0 : 0x92;
      this.#link.write(encodeAck(this.#link.version, 'pubcomp', packetIdentifier, reason));
    });
  }

  /** PUBREL for a PUBREC of an earlier connection: in the order of those. */
  #checkResumedRelease(packetIdentifier: number, session: ModelSession): void {
    const order = session.receivedOrder.get(packetIdentifier);
    if (order === undefined) throw new ClientBreach(`PUBREL ${packetIdentifier} without a PUBREC`);
    if (order < this.#lastResumedRelease)
      throw new ClientBreach('PUBREL out of the order of PUBREC');
    this.#lastResumedRelease = order;
    this.#link.hooks.count('PUBREL of an earlier connection');
  }
}
