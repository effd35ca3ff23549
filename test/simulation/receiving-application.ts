/**
 * The application's receiving side at the client level: handlers that are slow, throw, want a message again or refuse
 * it, loops over iterators, acknowledgements by hand, and a record of its own that is as durable as the client's store.
 * It judges what each way of delivery promises (9).
 */
import type { Message, MqttError, SubscribeOptions } from '@mqtt-kit/core';
import type { ClientWorld, Life } from './client-world.ts';
import type { InboundMessage } from './ledger.ts';
import { payloadNumber } from './payloads.ts';
import { hold } from './violation.ts';

interface Unacknowledged {
  readonly message: Message;
  readonly known: InboundMessage;
}

export class ReceivingApplication {
  /** Handlers and loops that are at work on a message. */
  atWork = 0;
  /** Messages that come again only after the next start. */
  waitsForStart = false;
  readonly #world: ClientWorld;
  /** Deliveries whose effect is recorded, with the number of the message, and how often each number had one. */
  readonly #effects = new Map<number, number>();
  readonly #effectsOf = new Map<number, number>();
  /** Deliveries that were handed over, as long as the store lives. */
  readonly #handed = new Set<number>();
  #unacknowledged: Unacknowledged[] = [];

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  /** Messages that were handed over and not acknowledged by hand. */
  get unacknowledged(): number {
    return this.#unacknowledged.length;
  }

  /** A new life of the process: what is not on disk is gone. */
  restarted(storeSurvives: boolean): void {
    this.atWork = 0;
    this.waitsForStart = false;
    this.#unacknowledged = [];
    // A memory store does not record what came at QoS 1: its names may come again when the clock is set back.
    if (storeSurvives && this.#world.options.mode === 'durable') return;
    this.#handed.clear();
    this.#effects.clear();
  }

  optionsFor(life: Life): SubscribeOptions {
    const { delivery, handlerFailure, manual, iterates } = this.#world.options;
    return {
      delivery,
      ...(delivery === 'transactional' && { seen: (id: number) => this.#seen(id, life) }),
      ...(manual && { acknowledge: 'manual' as const }),
      ...(!manual && !iterates && { handlerFailure }),
    };
  }

  async iterate(messages: AsyncIterable<Message>, life: Life): Promise<void> {
    for await (const message of messages) {
      if (life.dead) return new Promise(() => {});
      this.#world.counts.add('message by iterator');
      const known = this.#take(message);
      if (this.#world.faults && this.#world.prng.chance(0.3)) await this.#workSlowly(life);
      this.#finish(message, known);
    }
  }

  async handle(message: Message, life: Life): Promise<void> {
    if (life.dead) return;
    const known = this.#take(message);
    const { prng, faults } = this.#world;
    const manner = faults ? prng.integer(0, 9) : 0;
    if (manner >= 8) {
      this.#failed(message, known);
      throw new Error('the handler throws');
    }
    if (manner >= 6) await this.#workSlowly(life);
    this.#finish(message, known);
  }

  /** The application acknowledges one of the messages that it holds. */
  acknowledge(index: number): void {
    const [held] = this.#unacknowledged.splice(index, 1);
    if (held === undefined) return;
    const { message, known } = held;
    const { options, faults, prng, counts } = this.#world;
    const mayRefuse = options.version === '5.0' && options.mode === 'memory';
    const refuses = faults && mayRefuse && prng.chance(0.3);
    counts.add(refuses ? 'refused by hand' : 'acknowledged by hand');
    known.handled = true;
    if (refuses) known.refused = true;
    message.acknowledge(refuses ? 0x83 : 0);
    if (!prng.chance(0.1)) return;
    this.#world.guard(() => {
      let code = 'nothing';
      try {
        message.acknowledge();
      } catch (error) {
        code = (error as MqttError).code;
      }
      hold(code === 'invalidArgument', 10, () => `a second acknowledgement throws ${code}`);
    });
  }

  /** Judges a message that is handed over. */
  #take(message: Message): InboundMessage | undefined {
    let known: InboundMessage | undefined;
    this.#world.guard(() => {
      known = this.#world.deliver(message);
      this.#checkDelivery(message, known);
    });
    return known;
  }

  #checkDelivery(message: Message, known: InboundMessage): void {
    const { deliveryId, qos, redelivered } = message;
    hold(
      (deliveryId === undefined) === (qos === 0),
      9,
      () => `message ${known.number} at QoS ${qos} is delivery ${deliveryId}`,
    );
    if (deliveryId === undefined) return;
    const { delivery, mode } = this.#world.options;
    const before = this.#handed.has(deliveryId);
    if (redelivered) this.#world.counts.add('message redelivered');
    hold(!before || redelivered, 9, () => `delivery ${deliveryId} comes again as a new one`);
    this.#handed.add(deliveryId);
    if (delivery !== 'at-most-once') return;
    hold(!before, 9, () => `delivery ${deliveryId} is handed over a second time`);
    const settled = mode === 'memory' || this.#world.journal.ended.has(known.number);
    hold(settled, 9, () => `delivery ${deliveryId} is handed over before it is settled`);
    known.handled = true;
  }

  #finish(message: Message, known: InboundMessage | undefined): void {
    if (known === undefined) return;
    const { manual, delivery } = this.#world.options;
    if (delivery === 'transactional') this.#record(message, known);
    if (manual && message.qos > 0) this.#unacknowledged.push({ message, known });
    else known.handled = true;
  }

  #failed(message: Message, known: InboundMessage | undefined): void {
    const { options, counts } = this.#world;
    counts.add('fault handler throws');
    if (known === undefined) return;
    // Who acknowledges by hand may do so although the handler failed.
    if (options.manual && message.qos > 0) {
      this.#unacknowledged.push({ message, known });
      return;
    }
    if (options.handlerFailure === 'redeliver' && message.qos > 0) {
      counts.add('left for redelivery');
      this.#leave(known);
      return;
    }
    if (options.handlerFailure === 'reject') known.refused = true;
    known.handled = true;
  }

  #leave(known: InboundMessage): void {
    known.left = true;
    if (this.#world.options.mode === 'durable') this.waitsForStart = true;
  }

  /** The effect of a message and its delivery's name are stored in one transaction. */
  #record({ deliveryId }: Message, known: InboundMessage): void {
    if (deliveryId === undefined) return;
    const times = (this.#effectsOf.get(known.number) ?? 0) + 1;
    this.#effects.set(deliveryId, known.number);
    this.#effectsOf.set(known.number, times);
    const once = known.qos === 2 && this.#world.options.mode === 'durable';
    this.#world.guard(() =>
      hold(!once || times === 1, 9, () => `message ${known.number} has its effect ${times} times`),
    );
  }

  async #seen(deliveryId: number, life: Life): Promise<boolean> {
    // A process that dies in the middle of a write runs on to the end of its turn.
    if (life.dead) return new Promise(() => {});
    const world = this.#world;
    const { prng, counts } = world;
    if (world.faults && prng.chance(0.2)) await this.#workSlowly(life);
    const seen = this.#effects.get(deliveryId);
    // The time of faults may have ended meanwhile, and with it the starts that bring such a message again.
    if (world.faults && prng.chance(0.1)) {
      counts.add('fault seen() throws');
      const number = this.#world.journal.deliveries.get(deliveryId)?.number ?? 0;
      const known = this.#world.ledger.inbound.get(number);
      if (known !== undefined) this.#leave(known);
      throw new Error('the database of the application is away');
    }
    counts.add(seen === undefined ? 'not seen before' : 'seen before');
    const known = seen === undefined ? undefined : this.#world.ledger.inbound.get(seen);
    if (known !== undefined) known.handled = true;
    return seen !== undefined;
  }

  async #workSlowly(life: Life): Promise<void> {
    const world = this.#world;
    world.counts.add('fault slow handler');
    this.atWork += 1;
    await new Promise<void>((resolve) => {
      world.clock.schedule(world.nowMs + world.prng.pick([1, 100, 5_000]), resolve);
    });
    if (life.dead) return new Promise(() => {});
    this.atWork -= 1;
  }
}

/** The number of a message that is handed over. */
export function numberOfMessage(message: Message): number {
  const number = payloadNumber(message.payload);
  hold(number > 0, 18, () => 'a message whose payload nobody sent');
  return number;
}
