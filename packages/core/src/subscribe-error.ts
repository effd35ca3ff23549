import { isMarked, MqttError, type MqttErrorDetails, markErrors } from './errors.ts';
import type { Subscription, SubscriptionGrant } from './subscription.ts';

const subscribeError: unique symbol = Symbol.for('mqtt-kit.MqttSubscribeError');

/**
 * One or more topic filters of a `subscribe` were refused (`subscribeRefused` by the server, `serverLimit` by what it
 * announced). Those that were granted stay subscribed.
 */
export class MqttSubscribeError extends MqttError {
  override readonly name: string = 'MqttSubscribeError';
  /** What became of each filter, in the order of the call; 0x80 and above: refused. */
  readonly grants: readonly SubscriptionGrant[];
  /** Holds the filters that were granted; `undefined` when none was. */
  readonly subscription: Subscription | undefined;

  constructor(
    code: 'subscribeRefused' | 'serverLimit',
    message: string,
    grants: readonly SubscriptionGrant[],
    subscription: Subscription | undefined,
    details: MqttErrorDetails = {},
  ) {
    super(code, message, details);
    this.grants = grants;
    this.subscription = subscription;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isMarked(this, MqttSubscribeError, subscribeError, value);
  }
}

markErrors(MqttSubscribeError, subscribeError);
