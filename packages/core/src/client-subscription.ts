import { type Consumer, IteratorConsumer } from './consumer.ts';
import { MqttUsageError } from './errors.ts';
import type { Message } from './message.ts';
import type { UnsubscribeOptions } from './options.ts';
import type { Limits } from './request-limits.ts';
import { unsubscribeSettings } from './subscribe-options.ts';
import type { Subscription, SubscriptionGrant } from './subscription.ts';
import type { LooseParams } from './topic-pattern.ts';

/** What stands behind a subscription. */
export interface SubscriptionState {
  readonly consumer: Consumer;
  /** Those that are still in use, as on the wire. */
  readonly topicFilters: readonly string[];
  readonly grants: readonly SubscriptionGrant[];
  unsubscribe(limits: Limits | undefined): Promise<void>;
}

/** What `subscribe` gives to the application: nothing of the inside shows. */
export class ClientSubscription implements Subscription<LooseParams> {
  readonly #state: SubscriptionState;

  constructor(state: SubscriptionState) {
    this.#state = state;
  }

  get topicFilters(): readonly string[] {
    return this.#state.topicFilters;
  }

  get grants(): readonly SubscriptionGrant[] {
    return this.#state.grants;
  }

  get dropped(): number {
    return this.#state.consumer.dropped;
  }

  unsubscribe(options?: UnsubscribeOptions): Promise<void> {
    try {
      return this.#state.unsubscribe(unsubscribeSettings(options, undefined).limits);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Message<LooseParams>, undefined> {
    const { consumer } = this.#state;
    if (consumer instanceof IteratorConsumer) return consumer;
    throw new MqttUsageError('a subscription with a handler cannot be iterated', {
      hint: 'Leave the handler out of subscribe() to iterate.',
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unsubscribe();
  }
}
