import { type Consumer, IteratorConsumer } from './consumer.ts';
import { MqttUsageError } from './errors.ts';
import type { Message } from './message.ts';
import type { UnsubscribeOptions } from './options.ts';
import type { Limits } from './request-limits.ts';
import { unsubscribeSettings } from './subscribe-options.ts';
import type { LooseParams } from './topic-pattern.ts';

/** Called for each message, in order; an asynchronous one takes one message at a time unless `concurrency` says more. */
export type MessageHandler<Params = Readonly<Record<string, string | string[]>>> = (
  message: Message<Params>,
) => unknown;

/** What the server answered for one filter. */
export interface SubscriptionGrant {
  /** As on the wire. */
  readonly topicFilter: string;
  /** 0, 1, 2: granted QoS; 0x80 and above: refused. */
  readonly reasonCode: number;
}

/**
 * One call of `subscribe`: its handler or its iterator. Iterating is for subscriptions without a handler: each message
 * counts as handled when the next one is asked for, and leaving the loop ends the subscription.
 */
export interface Subscription<Params = Readonly<Record<string, string | string[]>>>
  extends AsyncIterable<Message<Params>>,
    AsyncDisposable {
  readonly topicFilters: readonly string[];
  readonly grants: readonly SubscriptionGrant[];
  /** Messages dropped because too many waited for the iterator or the handler, or were left in the iterator's buffer. */
  readonly dropped: number;
  /** Ends the handler or iterator; UNSUBSCRIBE leaves when nobody else uses the filter. Resolves at UNSUBACK. */
  unsubscribe(options?: {
    readonly signal?: AbortSignal;
    readonly timeoutMs?: number;
  }): Promise<void>;
}

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
