import { ClientSubscription, type SubscriptionState } from './client-subscription.ts';
import type { Consumer } from './consumer.ts';
import type { MqttError } from './errors.ts';
import type { Limits } from './request-limits.ts';
import { MqttSubscribeError } from './subscribe-error.ts';
import type { SubscriptionGrant } from './subscription.ts';
import type { Route } from './topic-filter-entry.ts';

export interface SubscriptionUseOwner {
  /** Ends a use of its filters. */
  end(use: SubscriptionUse, limits: Limits | undefined): Promise<void>;
}

/** One call of `subscribe`: its consumer, the filters it uses, and the promise that waits for the server's answers. */
export class SubscriptionUse implements SubscriptionState {
  readonly consumer: Consumer;
  readonly routes: Set<Route> = new Set();
  /** Settles the call: the subscription when all filters are granted, else the reasons. */
  readonly result: Promise<ClientSubscription>;
  /** Called when it is settled, and when it uses no filter any more. */
  onSettled: () => void = nothing;
  onEnded: () => void = nothing;
  readonly #owner: SubscriptionUseOwner;
  readonly #subscription: ClientSubscription;
  /** In the order of the call; filled as answers come. */
  readonly #reasonCodes: Map<string, number | undefined>;
  #unanswered: number;
  #refusal: MqttError | undefined;
  #resolve: (subscription: ClientSubscription) => void = nothing;
  #reject: (error: MqttError) => void = nothing;
  #settled = false;
  #ending: Promise<void> | undefined;

  constructor(
    owner: SubscriptionUseOwner,
    topicFilters: readonly string[],
    makeConsumer: (onReturn: () => void) => Consumer,
  ) {
    this.#owner = owner;
    this.#reasonCodes = new Map(topicFilters.map((topicFilter) => [topicFilter, undefined]));
    this.#unanswered = topicFilters.length;
    this.consumer = makeConsumer(() => {
      this.unsubscribe(undefined).catch(nothing);
    });
    this.#subscription = new ClientSubscription(this);
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get topicFilters(): readonly string[] {
    return Array.from(this.routes, ({ entry }) => entry.topicFilter);
  }

  get grants(): readonly SubscriptionGrant[] {
    const grants: SubscriptionGrant[] = [];
    for (const [topicFilter, reasonCode] of this.#reasonCodes) {
      if (reasonCode !== undefined) grants.push({ topicFilter, reasonCode });
    }
    return grants;
  }

  unsubscribe(limits: Limits | undefined): Promise<void> {
    if (this.#ending === undefined) {
      this.#ending = this.#owner.end(this, limits);
      // Whoever does not wait for the end need not know how it went.
      this.#ending.catch(nothing);
    }
    return this.#ending;
  }

  answer(topicFilter: string, reasonCode: number, refusal: MqttError | undefined): void {
    this.#reasonCodes.set(topicFilter, reasonCode);
    this.#refusal ??= refusal;
    this.#unanswered -= 1;
  }

  /** To be called when answers are given, and the routes of refused filters are gone. */
  settleIfAnswered(): void {
    if (this.#settled || this.#unanswered > 0) return;
    const error = this.#refusal;
    if (error === undefined) {
      this.#settle();
      this.#resolve(this.#subscription);
      return;
    }
    const subscription = this.routes.size > 0 ? this.#subscription : undefined;
    const kind = error.code === 'subscribeRefused' ? 'subscribeRefused' : 'serverLimit';
    const { message, reasonCode, reasonString, properties, hint } = error;
    const details = { reasonCode, reasonString, properties, hint };
    this.reject(new MqttSubscribeError(kind, message, this.grants, subscription, details));
  }

  reject(error: MqttError): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error);
  }

  /** The client is closed: nobody who ignores the promise is to be told by an unhandled rejection. */
  rejectQuietly(error: MqttError): void {
    if (!this.#settled) this.result.catch(nothing);
    this.reject(error);
  }

  #settle(): void {
    this.#settled = true;
    this.onSettled();
  }
}

function nothing(): void {}
