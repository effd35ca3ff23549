import type { SubscriptionRequest, UserProperty } from '@mqtt-kit/packet';
import type { MqttError } from './errors.ts';
import type { SubscriptionUse } from './subscription-use.ts';
import type { ParsedTopicPattern } from './topic-pattern.ts';

/** One use of one topic filter, and how its wildcards are named there. */
export interface Route {
  readonly entry: FilterEntry;
  readonly use: SubscriptionUse;
  readonly pattern: ParsedTopicPattern;
}

/** What a SUBSCRIBE asked, or is to ask, for a filter. Compared by identity. */
export interface FilterRequest {
  readonly subscription: SubscriptionRequest;
  readonly userProperties: readonly UserProperty[];
  /** Grows with each request. */
  readonly revision: number;
}

/** A call of `subscribe` that waits for the server's answer about one filter. */
export interface FilterWaiter {
  /** The oldest request whose answer will do. */
  readonly revision: number;
  readonly route: Route;
}

/**
 * One topic filter as on the wire, shared by everybody who subscribed to it. `wanted` is what its users want, `sent`
 * what a SUBSCRIBE under way asks, `granted` what the server's session holds.
 */
export class FilterEntry {
  readonly topicFilter: string;
  /** Subscription Identifier: no two filters that can match one topic name share it. */
  readonly identifier: number;
  readonly routes: Set<Route> = new Set();
  wanted: FilterRequest;
  sent: FilterRequest | undefined;
  granted: { readonly request: FilterRequest; readonly reasonCode: number } | undefined;
  #waiters: FilterWaiter[] = [];

  constructor(topicFilter: string, identifier: number, wanted: FilterRequest) {
    this.topicFilter = topicFilter;
    this.identifier = identifier;
    this.wanted = wanted;
  }

  /** Whether a SUBSCRIBE has to be sent. */
  get isMissing(): boolean {
    return this.sent !== this.wanted && this.granted?.request !== this.wanted;
  }

  /** Whether the server may hold it. */
  get mayBeKnown(): boolean {
    return this.sent !== undefined || this.granted !== undefined;
  }

  /** The answer to what is wanted now will do for this route. */
  wait(route: Route): void {
    this.#waiters.push({ revision: this.wanted.revision, route });
  }

  /** Whether it was waiting. */
  stopWaiting(route: Route): boolean {
    const waiters = this.#waiters.filter((waiter) => waiter.route !== route);
    const wasWaiting = waiters.length < this.#waiters.length;
    this.#waiters = waiters;
    return wasWaiting;
  }

  isWaiting(route: Route): boolean {
    return this.#waiters.some((waiter) => waiter.route === route);
  }

  /** An answer came, to this request: it will also do for those who wait for an earlier one. */
  answer(revision: number, reasonCode: number, refusal: MqttError | undefined): readonly Route[] {
    const answered = this.#waiters.filter((waiter) => waiter.revision <= revision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const { route } of answered) route.use.answer(this.topicFilter, reasonCode, refusal);
    return answered.map(({ route }) => route);
  }
}
