/**
 * Tells the runs that scripts consist of, one message with the usual settings to or from a server without TLS, from
 * all others. A plain run loads a small part of the program alone: see plain-exchange.ts.
 */
import type { OptionName } from './option-table.ts';
import type { ParsedArguments } from './parsed-arguments.ts';

/** Where a plain run connects to. */
export interface PlainServer {
  readonly host: string;
  readonly port: number;
}

export interface PlainPublish extends PlainServer {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export interface PlainSubscribe extends PlainServer {
  readonly topicFilter: string;
}

const serverOptions = ['host', 'port'] as const;
const publishOptions: ReadonlySet<OptionName> = new Set([
  ...serverOptions,
  'topic',
  'message',
  'qos',
  'retain',
]);
const subscribeOptions: ReadonlySet<OptionName> = new Set([
  ...serverOptions,
  'topic',
  'count',
  'qos',
]);

/** Levels about which there is nothing to say, with wildcards where a filter may have them. */
const plainTopic = /^\w[\w.-]*(?:\/[\w.-]+)*$/;
const plainFilter = /^(?:\w[\w.-]*|\+)(?:\/(?:[\w.-]+|\+))*(?:\/#)?$/;

/** Longer messages might be more than a server takes. */
const longestMessage = 8_192;

/** What may stand in a URL as it is. */
const plainHost = /^(?:[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*|\d{1,3}(?:\.\d{1,3}){3})$/;

/** `undefined` when there is more to it than one message by `-m` at QoS 0 or 1. */
export function plainPublish(args: ParsedArguments): PlainPublish | undefined {
  const server = plainServer(args, publishOptions);
  const [topic = '', another] = args.texts('topic');
  const payload = args.text('message');
  const qos = Number(args.text('qos') ?? 0);
  if (server === undefined || payload === undefined || another !== undefined) return undefined;
  if (!plainTopic.test(topic) || topic.length > 200) return undefined;
  if (payload.length > longestMessage || /[\ud800-\udfff]/u.test(payload)) return undefined;
  if (qos !== 0 && qos !== 1) return undefined;
  return { ...server, topic, payload, qos, retain: args.flag('retain') };
}

/** `undefined` when there is more to it than `-C 1` for one filter at QoS 0, printed for another program to read. */
export function plainSubscribe(
  args: ParsedArguments,
  env: Readonly<Record<string, string | undefined>>,
): PlainSubscribe | undefined {
  const server = plainServer(args, subscribeOptions);
  const [topicFilter = '', another] = args.texts('topic');
  if (args.program !== 'mqtt-sub') return undefined;
  if (server === undefined || another !== undefined) return undefined;
  if (!plainFilter.test(topicFilter) || topicFilter.length > 200) {
    return undefined;
  }
  if (args.number('count') !== 1 || Number(args.text('qos') ?? 0) !== 0) return undefined;
  if (env['FORCE_COLOR'] !== undefined) return undefined;
  return { ...server, topicFilter };
}

function plainServer(
  args: ParsedArguments,
  known: ReadonlySet<OptionName>,
): PlainServer | undefined {
  if (args.positionals.length > 0 || !args.names.every((name) => known.has(name))) return undefined;
  const host = args.text('host') ?? 'localhost';
  const port = args.number('port') ?? 1883;
  // Port 8883 is TLS, port 0 the name of a Unix socket.
  return plainHost.test(host) && port !== 8883 && port !== 0 ? { host, port } : undefined;
}
