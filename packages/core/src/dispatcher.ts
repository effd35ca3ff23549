/**
 * Brings received messages to the subscriptions they concern, and sees to it that each is acknowledged once.
 *
 * A message that its handler left for redelivery is not acknowledged. With a durable store it stays there until the
 * next start. With a memory store it is handed out again with the next connection: at QoS 2 from here, since the
 * server's repetition is known as one, unless nobody has seen it, when the engine hands out that repetition; at QoS 1 the server sends it again, or if it has forgotten the session, it is
 * handed out from here, too.
 *
 * A resumed session delivers right after CONNACK, before the application had a chance to subscribe again. While
 * a resume is fresh, messages without a handler are therefore held, unacknowledged, for one to come. After that, and
 * in any other situation, they are acknowledged, as the protocol demands, and reported.
 *
 * A durable store changes this: it has the message, and the server has its answer. One that matches a filter which an
 * earlier life of the session subscribed to waits for its handler without limit of time; the inbox bounds how many.
 */
import { type Delivery, type MessageEvent, NumberMap } from '@mqtt-kit/engine';
import { noProperties, type PublishPacket } from '@mqtt-kit/packet';
import type { Cancel, Clock } from './clock.ts';
import type { Waiting } from './delivery.ts';
import type { Driver } from './driver.ts';
import { type Message, ReceivedMessage } from './message.ts';
import { ManualReceipt, Receipt, type ReceiptOwner, type RefusalRules } from './receipt.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import type { Route } from './topic-filter-entry.ts';

/** How long a resume is fresh, and how many messages are held meanwhile. */
const holdMs = 5_000;
const maximumHeld = 1_000;

const noRoutes: readonly Route[] = [];

/** Whom messages concern. */
export interface RouteSource {
  readonly tree: SubscriptionTree<Route>;
  /** Whether this Subscription Identifier belonged to a filter whose UNSUBACK is awaited. */
  isEnding(identifier: number): boolean;
}

export interface DispatcherOwner extends RefusalRules {
  /** A message that concerns nobody. */
  onUnmatched(message: Message): void;
}

export interface DispatcherSettings {
  /** Whether the store outlives the process. */
  readonly durable: boolean;
  /** Filters of earlier lives of a durable session. */
  readonly expectedFilters: Iterable<string>;
}

export class Dispatcher implements ReceiptOwner {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #tree: SubscriptionTree<Route>;
  readonly #source: RouteSource;
  readonly #owner: DispatcherOwner;
  /** Filters of earlier lives of a durable session, for which a handler may yet come. */
  readonly #expected: SubscriptionTree<true> | undefined;
  #held: MessageEvent[] = [];
  #holding = false;
  #cancelHold: Cancel | undefined;
  #lookScheduled = false;
  #ended = false;
  readonly #durable: boolean;
  /** Receipts that want to hear when their messages are settled for good. */
  #settling: NumberMap<Receipt> | undefined;
  /** What is to be handed out again with the next connection. */
  #left: MessageEvent[] = [];
  /** QoS 2 messages that could not be settled first: the server's repetition brings them again, while it knows them. */
  #unsettled: NumberMap<MessageEvent> | undefined;
  /** The latest connection that resumed a session. */
  #resumed = 0;
  /** The latest message that came. */
  #lastDelivery: Delivery = 0;
  /** Messages up to this one came before the session was rebuilt: whoever has them need not get them again. */
  #lastHanded: Delivery = 0;

  constructor(
    driver: Driver,
    clock: Clock,
    source: RouteSource,
    owner: DispatcherOwner,
    { durable, expectedFilters }: DispatcherSettings,
  ) {
    this.#durable = durable;
    this.#driver = driver;
    this.#clock = clock;
    this.#tree = source.tree;
    this.#source = source;
    this.#owner = owner;
    if (durable) {
      this.#expected = new SubscriptionTree();
      for (const topicFilter of expectedFilters) this.#expected.add(topicFilter, true);
    }
  }

  /** The application subscribed to these, or ended them: what is held for them has a handler now, or never will. */
  stopExpecting(topicFilters: readonly string[]): void {
    for (const topicFilter of topicFilters) this.#expected?.remove(topicFilter, true);
    this.#lookAgain();
  }

  /** Whether no message is on its way out of the store to a handler that is to see it at most once. */
  get settled(): boolean {
    return !this.#durable || (this.#settling?.size ?? 0) === 0;
  }

  /** A connection stands. When a session was resumed, messages whose handlers are not there yet are held for a while. */
  onConnected(connection: number, sessionPresent: boolean): void {
    if (sessionPresent) this.#resumed = connection;
    if (sessionPresent && !this.#durable) this.#holdUnmatched();
    if (!sessionPresent) {
      this.#left.push(...(this.#unsettled?.values() ?? []));
      this.#unsettled = undefined;
    }
    const left = this.#left.sort((one, other) => one.delivery - other.delivery);
    this.#left = [];
    for (const event of left) {
      if (event.packet.qos === 1 && sessionPresent) continue; // The server sends it again.
      this.onMessage({ ...event, connection, redelivered: true });
    }
  }

  #holdUnmatched(): void {
    this.#cancelHold?.();
    this.#holding = true;
    const atMs = this.#clock.now().monotonicMs + holdMs;
    this.#cancelHold = this.#clock.schedule(atMs, () => this.#releaseHeld());
  }

  onMessage(event: MessageEvent): void {
    // Those before it may have been given up with their handlers' queues: one that came now would overtake them.
    if (this.#ended) return;
    // Out of the store, and already in somebody's hands.
    if (event.connection === 0 && event.delivery <= this.#lastHanded) return;
    if (event.delivery > this.#lastDelivery) this.#lastDelivery = event.delivery;
    this.#unsettled?.delete(event.delivery);
    // Those that are held came before it, and are about to be handed out.
    if (this.#lookScheduled) this.#held.push(event);
    else this.#dispatch(event);
  }

  #dispatch(event: MessageEvent): void {
    const routes = this.#routesOf(event.packet);
    if (routes.length > 0) {
      this.#hand(event, routes);
      return;
    }
    if ((this.#holding && this.#held.length < maximumHeld) || this.#isExpected(event)) {
      this.#held.push(event);
      return;
    }
    this.#unmatched(event);
  }

  /** At QoS 0 nothing is stored: such a message waits for nobody. */
  #isExpected({ packet }: MessageEvent): boolean {
    return packet.qos > 0 && (this.#expected?.match(packet.topic).length ?? 0) > 0;
  }

  /** A handler came: those that are held for it are handed out, once all calls of this turn are made. */
  onSubscribed(): void {
    this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#held.length === 0 || this.#lookScheduled) return;
    this.#lookScheduled = true;
    queueMicrotask(() => {
      this.#lookScheduled = false;
      const held = this.#held;
      this.#held = [];
      for (const event of held) this.#dispatch(event);
    });
  }

  /** Messages that waited for a handler that is gone: nobody wants them any more. */
  onAbandoned(waiting: readonly Waiting[]): void {
    if (this.#ended) return;
    for (const { message, receipt } of waiting) {
      this.#owner.onUnmatched(message);
      receipt?.done();
    }
  }

  /** After the end nothing is acknowledged any more: a kept session delivers it again. */
  acknowledge(receipt: Receipt, reasonCode: number, tell: boolean): void {
    const { delivery } = receipt.event;
    if (this.#ended) {
      // Whoever waits must not wait for ever, nor be called from within its own call.
      if (tell) queueMicrotask(() => receipt.settled(true));
      return;
    }
    if (tell) {
      this.#settling ??= new NumberMap();
      this.#settling.set(delivery, receipt);
    }
    this.#driver.acknowledge(delivery, reasonCode, tell);
  }

  /** The session was read from the store again: it brings everything that is not settled. */
  onRebuilt(): void {
    this.#lastHanded = this.#lastDelivery;
    for (const { event } of this.#settling?.values() ?? []) {
      this.#driver.acknowledge(event.delivery, 0, true);
    }
  }

  leave(event: MessageEvent): void {
    if (this.#durable) return;
    // A QoS 1 message of an earlier connection has come again already, where the session was resumed since.
    if (event.packet.qos === 2 || event.connection >= this.#resumed) this.#left.push(event);
  }

  /** What `acknowledge` was to tell. */
  onSettled(delivery: Delivery, again: boolean): void {
    const receipt = this.#settling?.get(delivery);
    if (receipt === undefined) return;
    this.#settling?.delete(delivery);
    if (again && receipt.event.packet.qos === 2) {
      this.#unsettled ??= new NumberMap();
      this.#unsettled.set(delivery, receipt.event);
    } else if (again) this.leave(receipt.event);
    receipt.settled(again);
  }

  /** Nothing is held any more; what was, is not acknowledged: a kept session delivers it again. */
  end(): void {
    this.#ended = true;
    for (const receipt of this.#settling?.values() ?? []) receipt.settled(true);
    this.#settling = undefined;
    this.#left = [];
    this.#unsettled = undefined;
    this.#cancelHold?.();
    this.#holding = false;
    this.#held = [];
  }

  #routesOf({ topic, properties }: PublishPacket): readonly Route[] {
    const routes = this.#tree.match(topic);
    if (properties === noProperties) return routes.length < 2 ? routes : withoutRepeats(routes);
    const identifiers = properties.subscriptionIdentifiers;
    if (identifiers !== undefined && routes.length > 0) {
      // The server names the subscriptions for which it sends this copy. Identifiers that fit none of ours come from
      // an earlier life of the session, and then the topic alone decides; or the subscription has just been ended, and
      // those that overlap it get a copy of their own.
      const named = routes.filter(({ entry }) => identifiers.includes(entry.identifier));
      if (named.length > 0) return withoutRepeats(named);
      if (identifiers.every((identifier) => this.#source.isEnding(identifier))) return noRoutes;
    }
    return withoutRepeats(routes);
  }

  #hand(event: MessageEvent, routes: readonly Route[]): void {
    const { packet, delivery, redelivered } = event;
    const receipt = packet.qos === 0 ? undefined : new Receipt(event, routes.length, this);
    for (let index = 0; index < routes.length; index += 1) {
      const { use, pattern } = routes[index]!;
      const { consumer } = use;
      const manual = consumer.manual ? new ManualReceipt(receipt, this.#owner) : undefined;
      const message = new ReceivedMessage(packet, pattern, redelivered, delivery, manual);
      consumer.take(message, receipt && (manual ?? receipt));
    }
  }

  #releaseHeld(): void {
    this.#holding = false;
    this.#cancelHold = undefined;
    const held = this.#held;
    this.#held = [];
    for (const event of held) this.#dispatch(event);
  }

  #unmatched({ packet, delivery, redelivered }: MessageEvent): void {
    this.#owner.onUnmatched(new ReceivedMessage(packet, undefined, redelivered, delivery));
    if (packet.qos > 0 && !this.#ended) this.#driver.acknowledge(delivery, 0);
  }
}

/** One call of `subscribe` gets a message once, however many of its filters match. */
function withoutRepeats(routes: readonly Route[]): readonly Route[] {
  if (routes.length < 2) return routes;
  const uses = new Set(routes.map(({ use }) => use));
  if (uses.size === routes.length) return routes;
  return routes.filter(({ use }) => uses.delete(use));
}
