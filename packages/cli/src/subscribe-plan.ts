import { topicFilterProblem } from '@mqtt-kit/packet';
import { type ConnectionPlan, connectionPlan, wellFormed } from './connection-options.ts';
import type { Note } from './diagnostics.ts';
import type { ParsedArguments } from './parse-arguments.ts';
import { positionalHint, topicNotes } from './topic-hints.ts';
import { quoted, UsageError } from './usage-error.ts';

/** What `mqtt-sub` is to do. */
export interface SubscribePlan {
  /** Each once. */
  readonly topicFilters: readonly string[];
  readonly qos: 0 | 1 | 2;
  readonly showTopic: boolean;
  /** Whether messages of more than one topic may come. */
  readonly severalTopics: boolean;
  /** End after so many messages. */
  readonly count: number;
  readonly timeLimitMs: number | undefined;
  readonly connection: ConnectionPlan;
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
  if (given.length === 0) {
    throw new UsageError('no topic given', "Try: mqtt-sub -t 'house/+/temperature'");
  }
  const topicFilters = [...new Set(given.map(checkFilter))];
  return {
    topicFilters,
    qos: Number(args.text('qos') ?? 0) as 0 | 1 | 2,
    showTopic: args.flag('verbose'),
    severalTopics: topicFilters.length > 1 || topicFilters.some(hasWildcard),
    count: args.number('count') ?? Number.POSITIVE_INFINITY,
    timeLimitMs: args.number('timeout'),
    connection,
    notes: [...connection.notes, ...topicNotes(topicFilters)],
  };
}

function checkFilter(filter: string): string {
  const problem = topicFilterProblem(filter);
  if (problem === undefined) return wellFormed('-t', filter);
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
