/**
 * Brings received messages to the subscriptions they concern, and sees to it that each is acknowledged once.
 *
 * A resumed session delivers right after CONNACK, before the application had a chance to subscribe again. While
 * a resume is fresh, messages without a handler are therefore held, unacknowledged, for one to come. After that, and
 * in any other situation, they are acknowledged, as the protocol demands, and reported.
 *
 * A durable store changes this: it has the message, and the server has its answer. One that matches a filter which an
 * earlier life of the session subscribed to waits for its handler without limit of time; the inbox bounds how many.
 */
import type { Delivery, EngineEvent } from '@mqtt-kit/engine';
import type { PublishPacket } from '@mqtt-kit/packet';
import type { Cancel, Clock } from './clock.ts';
import type { Waiting } from './consumer.ts';
import type { Driver } from './driver.ts';
import { type Message, ReceivedMessage } from './message.ts';
import { Receipt } from './receipt.ts';
import { SubscriptionTree } from './subscription-tree.ts';
import type { Route } from './topic-filter-entry.ts';

/** How long a resume is fresh, and how many messages are held meanwhile. */
const holdMs = 5_000;
const maximumHeld = 1_000;

type MessageEvent = Extract<EngineEvent, { type: 'message' }>;

const noRoutes: readonly Route[] = [];

/** Whom messages concern. */
export interface RouteSource {
  readonly tree: SubscriptionTree<Route>;
  /** Whether this Subscription Identifier belonged to a filter whose UNSUBACK is awaited. */
  readonly isEnding: (identifier: number) => boolean;
}

export class Dispatcher {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #tree: SubscriptionTree<Route>;
  readonly #isEnding: (identifier: number) => boolean;
  readonly #onUnmatched: (message: Message) => void;
  /** Filters of earlier lives of a durable session, for which a handler may yet come. */
  readonly #expected = new SubscriptionTree<true>();
  #held: MessageEvent[] = [];
  #holding = false;
  #cancelHold: Cancel | undefined;
  #lookScheduled = false;
  #ended = false;
  /** After the end nothing is acknowledged any more: a kept session delivers it again. */
  readonly #acknowledge = (delivery: Delivery): void => {
    if (!this.#ended) this.#driver.acknowledge(delivery, 0);
  };

  constructor(
    driver: Driver,
    clock: Clock,
    { tree, isEnding }: RouteSource,
    onUnmatched: (message: Message) => void,
    expectedFilters: Iterable<string>,
  ) {
    this.#driver = driver;
    this.#clock = clock;
    this.#tree = tree;
    this.#isEnding = isEnding;
    this.#onUnmatched = onUnmatched;
    for (const topicFilter of expectedFilters) this.#expected.add(topicFilter, true);
  }

  /** The application subscribed to these, or ended them: what is held for them has a handler now, or never will. */
  stopExpecting(topicFilters: readonly string[]): void {
    for (const topicFilter of topicFilters) this.#expected.remove(topicFilter, true);
    this.#lookAgain();
  }

  /** A session was resumed: messages whose handlers are not there yet are held for a while. */
  holdUnmatched(): void {
    this.#cancelHold?.();
    this.#holding = true;
    const atMs = this.#clock.now().monotonicMs + holdMs;
    this.#cancelHold = this.#clock.schedule(atMs, () => this.#releaseHeld());
  }

  onMessage(event: MessageEvent): void {
    // Those before it may have been given up with their handlers' queues: one that came now would overtake them.
    if (this.#ended) return;
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
    return packet.qos > 0 && this.#expected.match(packet.topic).length > 0;
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
      this.#onUnmatched(message);
      receipt?.done();
    }
  }

  /** Nothing is held any more; what was, is not acknowledged: a kept session delivers it again. */
  end(): void {
    this.#ended = true;
    this.#cancelHold?.();
    this.#holding = false;
    this.#held = [];
  }

  #routesOf({ topic, properties }: PublishPacket): readonly Route[] {
    const routes = this.#tree.match(topic);
    const identifiers = properties.subscriptionIdentifiers;
    if (identifiers !== undefined && routes.length > 0) {
      // The server names the subscriptions for which it sends this copy. Identifiers that fit none of ours come from
      // an earlier life of the session, and then the topic alone decides; or the subscription has just been ended, and
      // those that overlap it get a copy of their own.
      const named = routes.filter(({ entry }) => identifiers.includes(entry.identifier));
      if (named.length > 0) return withoutRepeats(named);
      if (identifiers.every(this.#isEnding)) return noRoutes;
    }
    return withoutRepeats(routes);
  }

  #hand(event: MessageEvent, routes: readonly Route[]): void {
    const { packet, delivery, redelivered } = event;
    const receipt =
      packet.qos === 0 ? undefined : new Receipt(delivery, routes.length, this.#acknowledge);
    for (const { use, pattern } of routes) {
      use.consumer.take(new ReceivedMessage(packet, pattern, redelivered), receipt);
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
    this.#onUnmatched(new ReceivedMessage(packet, undefined, redelivered));
    if (packet.qos > 0) this.#acknowledge(delivery);
  }
}

/** One call of `subscribe` gets a message once, however many of its filters match. */
function withoutRepeats(routes: readonly Route[]): readonly Route[] {
  const uses = new Set(routes.map(({ use }) => use));
  if (uses.size === routes.length) return routes;
  return routes.filter(({ use }) => uses.delete(use));
}
