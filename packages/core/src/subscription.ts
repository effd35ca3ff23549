import type { Message } from './message.ts';

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
