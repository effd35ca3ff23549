import { topicFilterProblem } from '@mqtt-kit/packet';
import type { CloseOptions, SubscribeOptions } from 'mqtt-kit';
import { type ConnectionPlan, connectionPlan } from './connection-options.ts';
import type { Note } from './diagnostics.ts';
import type { SelectionPlan } from './message-selection.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { positionalHint, topicNotes } from './topic-hints.ts';
import { quoted, UsageError } from './usage-error.ts';
import { wellFormed } from './well-formed.ts';

/** What `mqtt-sub` is to do. */
export interface SubscribePlan {
  /** Each once. */
  readonly topicFilters: readonly string[];
  /** Filters of an earlier life of the session. */
  readonly unsubscribe: readonly string[];
  /** End when the server has acknowledged. */
  readonly subscribeOnly: boolean;
  readonly qos: 0 | 1 | 2;
  readonly options: Pick<
    SubscribeOptions,
    'noLocal' | 'retainAsPublished' | 'retainHandling' | 'userProperties'
  >;
  /** `undefined`: every message is printed. */
  readonly selection: SelectionPlan | undefined;
  readonly removeRetained: boolean;
  readonly where: string | undefined;
  readonly until: string | undefined;
  readonly idleMs: number | undefined;
  /** Fewer messages are a failure. */
  readonly expect: number;
  readonly showTopic: boolean;
  /** Whether messages of more than one topic may come. */
  readonly severalTopics: boolean;
  /** End after so many messages. */
  readonly count: number;
  readonly timeLimitMs: number | undefined;
  readonly connection: ConnectionPlan;
  /** What DISCONNECT says at an end of this kind. */
  readonly farewell: (kind: string) => Pick<CloseOptions, 'reasonCode'>;
  readonly notes: readonly Note[];
}

/** Throws `UsageError`. */
export function subscribePlan(
  args: ParsedArguments,
  env: Readonly<Record<string, string | undefined>>,
): SubscribePlan {
  const connection = connectionPlan(args, env);
  const given = [...args.texts('topic')];
  if (connection.urlTopic !== undefined) given.unshift(connection.urlTopic);
  const [positional] = args.positionals;
  if (args.positionals.length > 1 || (positional !== undefined && given.length > 0)) {
    throw unexpectedPositionals(args.positionals);
  }
  if (positional !== undefined) given.push(positional);
  const unsubscribe = args.texts('unsubscribe').map((filter) => checkFilter(filter, '-U'));
  if (given.length === 0 && unsubscribe.length === 0) {
    throw new UsageError('no topic given', "Try: mqtt-sub -t 'house/+/temperature'");
  }
  const topicFilters = [...new Set(given.map((filter) => checkFilter(filter, '-t')))];
  if (args.flag('skip-retained') && args.flag('retained-only')) {
    throw new UsageError('-R and --retained-only exclude each other: nothing would be left');
  }
  return {
    topicFilters,
    unsubscribe,
    subscribeOnly: args.flag('subscribe-only') || args.flag('dry-run'),
    options: subscribeOptions(args, connection),
    selection: selectionPlan(args),
    removeRetained: args.flag('remove-retained'),
    where: args.text('where'),
    until: args.text('until'),
    idleMs: args.number('idle'),
    expect: args.number('expect') ?? 0,
    qos: Number(args.text('qos') ?? 0) as 0 | 1 | 2,
    showTopic: args.flag('verbose'),
    severalTopics: topicFilters.length > 1 || topicFilters.some(hasWildcard),
    count: args.number('count') ?? Number.POSITIVE_INFINITY,
    timeLimitMs: args.number('timeout'),
    connection,
    farewell: (kind) => {
      // mosquitto_sub has its will published when it is interrupted or its time is over; 3.1.1 has no word for that.
      const interrupted = kind === 'signal' || kind === 'timeLimit';
      const says = args.mosquitto !== undefined && connection.options.version === '5.0';
      return interrupted && says ? { reasonCode: 0x04 } : {};
    },
    notes: [
      ...connection.notes,
      ...topicNotes(topicFilters),
      ...unsubscribeNote(unsubscribe, connection),
    ],
  };
}

/** A new session has no subscriptions: nothing would be sent. */
function unsubscribeNote(
  unsubscribe: readonly string[],
  { options }: ConnectionPlan,
): readonly Note[] {
  if (unsubscribe.length === 0 || options.cleanStart === false) return [];
  if (options.foreignSession === 'adopt') return [];
  return [{ text: '-U has nothing to unsubscribe from without the session of -c -i ID' }];
}

/** What SUBSCRIBE says. For a server of 3.1.1 there is nothing but a QoS: what only 5.0 can say needs 5.0. */
export function subscribeOptions(
  args: ParsedArguments,
  { options, properties }: ConnectionPlan,
): SubscribePlan['options'] {
  const version50 = options.version === '5.0';
  const ignored = args.mosquitto !== undefined && !version50;
  if (ignored) return {};
  const handling = args.text('retain-handling') as 'always' | 'ifNew' | 'never' | undefined;
  const skipped = args.flag('skip-retained') && version50 ? 'never' : undefined;
  const retainHandling = handling ?? skipped;
  return {
    ...(args.flag('no-local') ? { noLocal: true } : {}),
    ...(args.flag('retain-as-published') ? { retainAsPublished: true } : {}),
    ...(retainHandling === undefined ? {} : { retainHandling }),
    ...properties.subscribe,
  };
}

function selectionPlan(args: ParsedArguments): SelectionPlan | undefined {
  const plan: SelectionPlan = {
    filterOut: args.texts('filter-out').map((filter) => checkFilter(filter, '-T')),
    skipRetained: args.flag('skip-retained'),
    retainedOnly: args.flag('retained-only'),
    share: args.number('random-filter') ?? 1,
    changes: args.flag('changes'),
    throttleMs: args.number('throttle'),
  };
  const names = [
    'filter-out',
    'skip-retained',
    'retained-only',
    'random-filter',
    'changes',
    'throttle',
    'where',
  ] as const;
  return names.some((name) => args.given(name)) ? plan : undefined;
}

function checkFilter(filter: string, option: string): string {
  wellFormed(option, filter);
  const problem = topicFilterProblem(filter);
  if (problem === undefined) return filter;
  throw new UsageError(`the topic filter ${quoted(filter)} ${problem}`, filterHint(filter));
}

function filterHint(filter: string): string | undefined {
  if (filter.includes('*'))
    return 'The wildcards of MQTT are + for one level and # for all that follow.';
  return /[+#]/.test(filter)
    ? '+ and # stand for whole levels: house/+/temperature, house/#'
    : undefined;
}

function hasWildcard(filter: string): boolean {
  return /[+#]/.test(filter);
}

/** Usually the shell's work: an unquoted filter that it expanded, or a forgotten `-t`. */
function unexpectedPositionals(positionals: readonly string[]): UsageError {
  const shown = positionals.slice(0, 4).map(quoted);
  const more = positionals.length > 4 ? ' ...' : '';
  return new UsageError(
    `unexpected argument${positionals.length > 1 ? 's' : ''}: ${shown.join(' ')}${more}`,
    positionalHint(positionals) ??
      "Several topics: -t TOPIC -t TOPIC. A filter stands in quotes, so that the shell leaves it alone: 'house/#'",
  );
}
