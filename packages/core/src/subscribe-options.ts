/** What `subscribe` and `unsubscribe` are given, checked. */
import type { QoS, UserProperty } from '@mqtt-kit/packet';
import type { IteratorSettings } from './consumer.ts';
import { MqttUsageError } from './errors.ts';
import {
  checkBoolean,
  checkCount,
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
  readonly concurrency: number;
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
  'signal',
  'timeoutMs',
] as const satisfies readonly (keyof SubscribeOptions)[];

const unsubscribeNames = [
  'userProperties',
  'signal',
  'timeoutMs',
] as const satisfies readonly (keyof UnsubscribeOptions)[];

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

/** `propertiesProblem` says why options of 5.0 cannot be sent, or is `undefined` where they can. */
export function subscribeSettings(
  options: SubscribeOptions | undefined,
  propertiesProblem: string | undefined,
): SubscribeSettings {
  const given = checkOptions('options of subscribe', options, subscribeNames);
  const only50 = optionsOf50.find((name) => given.has(name));
  if (only50 !== undefined && propertiesProblem !== undefined) {
    throw new MqttUsageError(`${only50} ${propertiesProblem}`);
  }
  const handling = checkOneOf('retainHandling', given.or('retainHandling', 'always'), [
    'always',
    'ifNew',
    'never',
  ]);
  return {
    qos: checkQos('qos', given.or('qos', 0)),
    noLocal: checkBoolean('noLocal', given.or('noLocal', false)),
    retainAsPublished: checkBoolean('retainAsPublished', given.or('retainAsPublished', false)),
    retainHandling: retainHandlings[handling],
    userProperties: checkUserProperties('userProperties', given.or('userProperties', [])),
    concurrency: checkCount('concurrency', given.or('concurrency', 1), 1),
    iterator: {
      bufferSize: checkCount('bufferSize', given.or('bufferSize', 1_000), 1),
      overflow: given.has('overflow')
        ? checkOneOf('overflow', given.get('overflow'), overflows)
        : undefined,
    },
    limits: limitsOf(given),
    needs50: only50 !== undefined,
  };
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
  const signal = given.get('signal');
  const timeoutMs = given.get('timeoutMs');
  return {
    signal: signal === undefined ? undefined : checkSignal('signal', signal),
    timeoutMs: timeoutMs === undefined ? undefined : checkTimeout('timeoutMs', timeoutMs),
  };
}
