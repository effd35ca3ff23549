/** What `subscribe` and `unsubscribe` are given, checked. */
import { type QoS, ReasonCode, type UserProperty } from '@mqtt-kit/packet';
import type { HandlerSettings, IteratorSettings } from './consumer.ts';
import type { DeliverySettings } from './delivery.ts';
import { MqttUsageError } from './errors.ts';
import {
  checkFunction,
  checkOneOf,
  checkOptions,
  checkSignal,
  checkTimeout,
  expectation,
  type GivenOptions,
} from './option-check.ts';
import type { SubscribeOptions, UnsubscribeOptions } from './options.ts';
import { checkQos, checkUserProperties } from './outgoing-message.ts';
import { checkRefusal, refusalNeedsMemory } from './receipt.ts';
import type { Limits } from './request-limits.ts';
import type { MessageHandler } from './subscription.ts';
import { type LooseParams, type ParsedTopicPattern, parseTopicPattern } from './topic-pattern.ts';

/** The part of a subscription that reaches the wire. */
export interface SubscribeSettings {
  readonly qos: QoS;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
  readonly userProperties: readonly UserProperty[];
  readonly handler: HandlerSettings;
  readonly iterator: IteratorSettings;
  readonly limits: Limits;
  /** Whether 3.1.1 could not say it. */
  readonly needs50: boolean;
}

const optionsOf50 = ['noLocal', 'retainAsPublished', 'retainHandling', 'userProperties'] as const;
const subscribeNames = [
  'qos',
  'noLocal',
  'retainAsPublished',
  'retainHandling',
  'userProperties',
  'concurrency',
  'bufferSize',
  'overflow',
  'delivery',
  'seen',
  'acknowledge',
  'handlerFailure',
  'rejectReasonCode',
  'signal',
  'timeoutMs',
] as const satisfies readonly (keyof SubscribeOptions)[];

const unsubscribeNames = [
  'userProperties',
  'signal',
  'timeoutMs',
] as const satisfies readonly (keyof UnsubscribeOptions)[];

const deliveries = ['at-least-once', 'at-most-once', 'transactional'] as const;
const failures = ['acknowledge', 'reject', 'redeliver'] as const;
const overflows = ['pause', 'dropOldest', 'dropNewest'] as const;
const retainHandlings = { always: 0, ifNew: 1, never: 2 } as const;

/** `subscribe(filter, handler)` or `subscribe(filter, options?, handler?)`. */
export function subscribeArguments(
  optionsOrHandler: SubscribeOptions | MessageHandler<never> | undefined,
  handler: MessageHandler<never> | undefined,
): {
  readonly options: SubscribeOptions | undefined;
  readonly consume: MessageHandler<LooseParams> | undefined;
} {
  if (handler !== undefined) checkFunction('handler', handler);
  if (typeof optionsOrHandler !== 'function') {
    return { options: optionsOrHandler, consume: handler as MessageHandler<LooseParams> };
  }
  if (handler !== undefined) {
    throw new MqttUsageError('subscribe takes options before the handler, not two handlers');
  }
  return { options: undefined, consume: optionsOrHandler as MessageHandler<LooseParams> };
}

/** What decides whether some options are possible. */
export interface SubscribeFacts {
  /** Why options of 5.0 cannot be sent, or `undefined` where they can. */
  readonly propertiesProblem: string | undefined;
  readonly durable: boolean;
  readonly hasHandler: boolean;
}

export function subscribeSettings(
  options: SubscribeOptions | undefined,
  facts: SubscribeFacts,
): SubscribeSettings {
  const { propertiesProblem } = facts;
  const given = checkOptions('options of subscribe', options, subscribeNames);
  const delivery = checkDelivery(given, facts);
  const rejects = typeof delivery.handlerFailure === 'number';
  const only50 =
    optionsOf50.find((name) => given.has(name)) ??
    (rejects ? "handlerFailure: 'reject'" : undefined);
  if (only50 !== undefined && propertiesProblem !== undefined) {
    throw new MqttUsageError(`${only50} ${propertiesProblem}`);
  }
  const handling = given.oneOf('retainHandling', 'always', ['always', 'ifNew', 'never']);
  return {
    qos: checkQos('qos', given.or('qos', 0)),
    noLocal: given.boolean('noLocal', false),
    retainAsPublished: given.boolean('retainAsPublished', false),
    retainHandling: retainHandlings[handling],
    userProperties: checkUserProperties('userProperties', given.or('userProperties', [])),
    handler: { ...delivery, concurrency: given.count('concurrency', 1, 1) },
    iterator: {
      ...delivery,
      bufferSize: given.count('bufferSize', 1_000, 1),
      overflow: given.optional('overflow', (name, value) => checkOneOf(name, value, overflows)),
    },
    limits: limitsOf(given),
    needs50: only50 !== undefined,
  };
}

function checkDelivery(
  given: GivenOptions,
  { durable, hasHandler }: SubscribeFacts,
): DeliverySettings {
  const mode = given.oneOf('delivery', 'at-least-once', deliveries);
  const seen = given.get('seen') as DeliverySettings['seen'];
  if ((mode === 'transactional') !== (seen !== undefined)) {
    throw new MqttUsageError("delivery: 'transactional' and the function seen need each other");
  }
  if (seen !== undefined) checkFunction('seen', seen);
  const acknowledge = given.oneOf('acknowledge', 'automatic', ['automatic', 'manual']);
  const manual = acknowledge === 'manual';
  if (manual && mode === 'at-most-once') {
    throw new MqttUsageError("acknowledge must be 'automatic' with delivery: 'at-most-once'");
  }
  const failure = given.oneOf('handlerFailure', 'acknowledge', failures);
  if (given.has('handlerFailure') && (manual || !hasHandler)) {
    throw new MqttUsageError('handlerFailure needs a handler, and automatic acknowledgement');
  }
  if (failure !== 'acknowledge' && mode === 'at-most-once') {
    throw new MqttUsageError(
      `handlerFailure must be 'acknowledge' with delivery: 'at-most-once'; got '${failure}'`,
    );
  }
  const settlesOnArrival = mode === 'at-most-once' && !durable;
  const common = { mode, seen, manual, settlesOnArrival };
  if (failure !== 'reject') {
    if (!given.has('rejectReasonCode')) return { ...common, handlerFailure: failure };
    throw new MqttUsageError("rejectReasonCode needs handlerFailure: 'reject'");
  }
  if (durable) throw new MqttUsageError(`handlerFailure: 'reject' ${refusalNeedsMemory}`);
  const reasonCode = given.or('rejectReasonCode', ReasonCode.implementationSpecificError);
  return { ...common, handlerFailure: checkRefusal('rejectReasonCode', reasonCode) };
}

export interface UnsubscribeSettings {
  readonly userProperties: readonly UserProperty[];
  readonly limits: Limits;
}

export function unsubscribeSettings(
  options: UnsubscribeOptions | undefined,
  propertiesProblem: string | undefined,
): UnsubscribeSettings {
  const given = checkOptions('options of unsubscribe', options, unsubscribeNames);
  if (propertiesProblem !== undefined && given.has('userProperties')) {
    throw new MqttUsageError(`userProperties ${propertiesProblem}`);
  }
  return {
    userProperties: checkUserProperties('userProperties', given.or('userProperties', [])),
    limits: limitsOf(given),
  };
}

/** One filter or several, as they were given. */
export function topicPatterns(filter: unknown): readonly ParsedTopicPattern[] {
  const filters: readonly unknown[] = Array.isArray(filter) ? filter : [filter];
  if (filters.length === 0) {
    throw expectation('topic filter', 'a string or an array of at least one', filter);
  }
  return filters.map((item) => parseTopicPattern('topic filter', item));
}

/** Those that differ on the wire; the first names its wildcards. */
export function uniquePatterns(
  patterns: readonly ParsedTopicPattern[],
): readonly ParsedTopicPattern[] {
  const byFilter = new Map<string, ParsedTopicPattern>();
  for (const pattern of patterns) {
    if (!byFilter.has(pattern.filter)) byFilter.set(pattern.filter, pattern);
  }
  return [...byFilter.values()];
}

function limitsOf(given: GivenOptions): Limits {
  return {
    signal: given.optional('signal', checkSignal),
    timeoutMs: given.optional('timeoutMs', checkTimeout),
  };
}
