/**
 * Watches what becomes durable, in order: every operation has to fit those before it. It is a model of the session of
 * its own: each accepted message is in exactly one state, each packet identifier has one owner, each delivery ends
 * once.
 */
import type { SessionOperation } from '@mqtt-kit/engine';
import { payloadNumber } from './payloads.ts';
import { hold } from './violation.ts';

export interface JournalledMessage {
  readonly sequence: number;
  readonly number: number;
  readonly qos: number;
  state: 'queued' | 'sent' | 'released' | 'lost' | 'done';
  packetIdentifier: number;
  /** How it ended. */
  end: string | undefined;
}

export interface JournalledDelivery {
  readonly delivery: number;
  readonly number: number;
  readonly qos: number;
  readonly packetIdentifier: number;
  done: boolean;
}

export class JournalWitness {
  readonly messages: Map<number, JournalledMessage> = new Map();
  readonly deliveries: Map<number, JournalledDelivery> = new Map();
  /** Live ones by packet identifier. */
  readonly sent: Map<number, JournalledMessage> = new Map();
  /** Received QoS 2 messages whose identifier is not released. */
  readonly received: Map<number, JournalledDelivery> = new Map();
  /** Each received message's first delivery. */
  readonly firstDeliveries: Map<number, number> = new Map();
  /** Numbers of all messages received and stored. */
  readonly stored: Set<number> = new Set();
  /** Numbers of those whose handler has durably done with them. */
  readonly ended: Set<number> = new Set();
  /** Numbers of all messages accepted. */
  readonly numbers: Set<number> = new Set();
  readonly #retired = new Set<number>();
  #lastSequence = 0;
  #lastDelivery = 0;

  take(operations: readonly SessionOperation[]): void {
    for (const operation of operations) this.#take(operation);
  }

  /** Packet identifiers that are out of use until the session ends. */
  get retired(): number {
    return this.#retired.size;
  }

  /** Messages that are accepted and not done. */
  get unfinished(): JournalledMessage[] {
    return [...this.messages.values()].filter((message) => message.state !== 'done');
  }

  /** A delivery whose handler has not durably done with it. */
  get undone(): JournalledDelivery | undefined {
    for (const delivery of this.deliveries.values()) if (!delivery.done) return delivery;
    return undefined;
  }

  #take(operation: SessionOperation): void {
    switch (operation.type) {
      case 'out': {
        const { sequence, message } = operation;
        hold(sequence > this.#lastSequence, 1, () => `out ${sequence} is not a new sequence`);
        this.#lastSequence = sequence;
        const number = payloadNumber(message.payload);
        this.numbers.add(number);
        this.messages.set(sequence, {
          sequence,
          number,
          qos: message.qos,
          state: 'queued',
          packetIdentifier: 0,
          end: undefined,
        });
        return;
      }
      case 'outIdentifier':
        this.#identified(operation.sequence, operation.packetIdentifier);
        return;
      case 'outReceived': {
        const message = this.sent.get(operation.packetIdentifier);
        const fits = message?.state === 'sent' && message.qos === 2;
        hold(
          fits,
          1,
          () => `outReceived ${operation.packetIdentifier} for a message ${message?.state}`,
        );
        message.state = 'released';
        return;
      }
      case 'outDone':
        this.#done(operation);
        return;
      case 'in':
        this.#in(operation);
        return;
      case 'inDone': {
        const delivery = this.deliveries.get(operation.delivery);
        hold(
          delivery !== undefined && !delivery.done,
          9,
          () => `delivery ${operation.delivery} is done twice`,
        );
        delivery.done = true;
        this.ended.add(delivery.number);
        return;
      }
      case 'inReleased': {
        const known = this.received.delete(operation.packetIdentifier);
        hold(known, 7, () => `inReleased ${operation.packetIdentifier}, which is not received`);
        return;
      }
      case 'reset':
        this.#reset();
        return;
      default:
        return;
    }
  }

  #identified(sequence: number, packetIdentifier: number): void {
    const message = this.messages.get(sequence);
    const fits = message?.state === 'queued' || message?.state === 'lost';
    hold(
      message !== undefined && fits,
      1,
      () => `outIdentifier for message ${sequence}: ${message?.state}`,
    );
    const free = !this.sent.has(packetIdentifier) && !this.#retired.has(packetIdentifier);
    hold(
      free && packetIdentifier > 0,
      2,
      () => `packet identifier ${packetIdentifier} has an owner`,
    );
    message.state = 'sent';
    message.packetIdentifier = packetIdentifier;
    this.sent.set(packetIdentifier, message);
  }

  #done(operation: Extract<SessionOperation, { type: 'outDone' }>): void {
    const { sequence, packetIdentifier, reasonCode, cause } = operation;
    const message = this.messages.get(sequence);
    hold(
      message !== undefined && message.state !== 'done',
      1,
      () => `message ${sequence} is done twice`,
    );
    if (message.packetIdentifier !== 0) {
      hold(
        message.packetIdentifier === packetIdentifier,
        2,
        () => `message ${sequence} done as ${packetIdentifier}`,
      );
      this.sent.delete(message.packetIdentifier);
      if (cause === 'serverLimit' || cause === 'invalidArgument')
        this.#retired.add(message.packetIdentifier);
    }
    message.state = 'done';
    message.end = cause ?? `reason ${reasonCode}`;
  }

  #in(operation: Extract<SessionOperation, { type: 'in' }>): void {
    const { delivery, packetIdentifier, message } = operation;
    hold(delivery > this.#lastDelivery, 9, () => `delivery ${delivery} is not a new one`);
    this.#lastDelivery = delivery;
    hold(message.topic !== '', 22, () => `delivery ${delivery} is stored without its topic`);
    const stored = {
      delivery,
      number: payloadNumber(message.payload),
      qos: message.qos,
      packetIdentifier,
      done: false,
    };
    this.deliveries.set(delivery, stored);
    if (!this.stored.has(stored.number)) this.firstDeliveries.set(stored.number, delivery);
    this.stored.add(stored.number);
    if (message.qos !== 2) return;
    hold(
      !this.received.has(packetIdentifier),
      7,
      () => `in ${packetIdentifier}, which is received already`,
    );
    this.received.set(packetIdentifier, stored);
  }

  #reset(): void {
    for (const message of this.sent.values()) {
      // What PUBREC acknowledged may not go out as new.
      hold(
        message.state === 'sent',
        1,
        () => `message ${message.sequence} is ${message.state} at reset`,
      );
      message.state = 'lost';
      message.packetIdentifier = 0;
    }
    this.sent.clear();
    this.received.clear();
    this.#retired.clear();
  }
}
