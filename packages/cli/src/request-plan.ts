import { topicNameProblem } from '@mqtt-kit/packet';
import type { CloseOptions } from 'mqtt-kit';
import { type ConnectionPlan, connectionPlan } from './connection-options.ts';
import type { Note } from './diagnostics.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { type MessageSource, messageSource } from './publish-plan.ts';
import { type SubscribePlan, subscribeOptions } from './subscribe-plan.ts';
import { quoted, UsageError } from './usage-error.ts';
import { wellFormed } from './well-formed.ts';

/** What `mqtt-sub --request` is to do. */
export interface RequestPlan {
  readonly topic: string;
  /** `undefined`: one of our own. */
  readonly responseTopic: string | undefined;
  readonly source: MessageSource;
  readonly qos: 0 | 1 | 2;
  readonly showTopic: boolean;
  readonly skipRetained: boolean;
  readonly latency: boolean;
  readonly timeLimitMs: number | undefined;
  readonly options: SubscribePlan['options'];
  readonly connection: ConnectionPlan;
  /** What DISCONNECT says when the time is over. */
  readonly farewell: Pick<CloseOptions, 'reasonCode'>;
  readonly notes: readonly Note[];
}

/** Throws `UsageError`. */
export function requestPlan(
  args: ParsedArguments,
  env: Readonly<Record<string, string | undefined>>,
): RequestPlan {
  const connection = connectionPlan(args, env);
  const optionTopic = args.text('topic') ?? connection.urlTopic;
  const [first, second] = args.positionals;
  if (args.positionals.length > (optionTopic === undefined ? 2 : 1)) {
    throw new UsageError('a request has one topic and one message', 'Put them in quotes.');
  }
  const topic = optionTopic ?? first;
  if (topic === undefined) {
    throw new UsageError('no topic given', 'Try: mqtt-sub --request house/boiler/get temperature');
  }
  const responseTopic = args.text('response-topic') ?? connection.properties.publish.responseTopic;
  return {
    topic: checkName('-t', topic),
    responseTopic: responseTopic === undefined ? undefined : checkName('-e', responseTopic),
    source: messageSource(args, optionTopic === undefined ? second : first),
    qos: Number(args.text('qos') ?? 0) as 0 | 1 | 2,
    showTopic: args.flag('verbose'),
    skipRetained: args.flag('skip-retained'),
    latency: args.flag('latency'),
    timeLimitMs: args.number('timeout'),
    options: subscribeOptions(args, connection),
    connection,
    // mosquitto_rr has its will published then.
    farewell:
      args.mosquitto !== undefined && connection.options.version === '5.0'
        ? { reasonCode: 0x04 }
        : {},
    notes: connection.notes,
  };
}

function checkName(option: string, topic: string): string {
  const problem = topicNameProblem(topic);
  if (problem === undefined) return wellFormed(option, topic);
  throw new UsageError(`${option}: the topic ${quoted(topic)} ${problem}`);
}
