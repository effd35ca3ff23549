import { topicNameProblem } from '@mqtt-kit/packet';
import type { MessageProperties } from 'mqtt-kit';
import { type ConnectionPlan, connectionPlan } from './connection-options.ts';
import type { Note } from './diagnostics.ts';
import type { MessageFeed } from './feed-message.ts';
import { readInputFile, standardInput } from './input-files.ts';
import type { OptionName } from './option-table.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { argumentBytes } from './raw-arguments.ts';
import { positionalHint, topicNotes } from './topic-hints.ts';
import { quoted, UsageError } from './usage-error.ts';
import { wellFormed } from './well-formed.ts';

/**
 * Where the messages come from. A `feed` is anything else that makes messages: it is loaded when it is needed, and
 * asked for the next message when there is room for it.
 */
export type MessageSource =
  | { readonly kind: 'payload'; readonly payload: Uint8Array }
  | { readonly kind: 'stdinFile' }
  | { readonly kind: 'stdinLines' }
  | { readonly kind: 'feed'; readonly load: () => Promise<MessageFeed> };

/** What `mqtt-pub` is to do. */
export interface PublishPlan {
  /** `undefined` when every message tells its own. */
  readonly topic: string | undefined;
  readonly source: MessageSource;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties: MessageProperties;
  /** How often the message is published. */
  readonly repeat: number;
  readonly repeatDelayMs: number;
  /** Whether a repetition waits until the one before is done: with a delay, and always as mosquitto_pub does. */
  readonly repeatsInTurn: boolean;
  /** The least time between two messages. */
  readonly intervalMs: number;
  /** Whether topic and message have fields to fill in. */
  readonly template: boolean;
  /** The folder that messages are kept in until they are acknowledged. */
  readonly queueFolder: string | undefined;
  /** What is cut from a line: mosquitto_pub ends it at U+0000. */
  readonly lineEndsAtNul: boolean;
  readonly timeLimitMs: number | undefined;
  readonly connection: ConnectionPlan;
  readonly notes: readonly Note[];
}

/** The largest payload that fits into any PUBLISH. */
export const largestPayload = 268_435_455;

/** Throws `UsageError`. */
export function publishPlan(
  args: ParsedArguments,
  env: Readonly<Record<string, string | undefined>>,
): PublishPlan {
  const connection = connectionPlan(args, env);
  const given = args.texts('topic');
  const optionTopic = given.at(-1) ?? connection.urlTopic;
  const [first, second] = args.positionals;
  const positionalMessage = optionTopic === undefined ? second : first;
  if (args.positionals.length > (optionTopic === undefined ? 2 : 1)) {
    throw tooManyPositionals(args);
  }
  const ownTopics = args.given('replay') || (args.text('lines') ?? 'text') !== 'text';
  const template = args.flag('template');
  const topic = checkTopic(optionTopic ?? first, ownTopics, template);
  const qos = Number(args.text('qos') ?? 0) as 0 | 1 | 2;
  return {
    topic,
    source: messageSource(args, positionalMessage, topic),
    qos,
    retain: args.flag('retain'),
    properties: connection.properties.publish,
    repeat: args.number('repeat') ?? 1,
    repeatDelayMs: args.number('repeat-delay') ?? 0,
    repeatsInTurn: args.given('repeat-delay') || args.mosquitto !== undefined,
    intervalMs: args.number('rate') ?? 0,
    template,
    queueFolder: queueFolder(args, qos),
    lineEndsAtNul: args.mosquitto !== undefined,
    timeLimitMs: args.number('timeout'),
    connection,
    notes: [
      ...connection.notes,
      ...topicNotes(topic === undefined ? [] : [topic]),
      ...lastTopicNote(given),
    ],
  };
}

function checkTopic(
  topic: string | undefined,
  ownTopics: boolean,
  template: boolean,
): string | undefined {
  if (topic === undefined) {
    if (ownTopics) return undefined;
    throw new UsageError('no topic given', 'Try: mqtt-pub -t house/kitchen/light -m on');
  }
  wellFormed('-t', topic);
  const problem = topicNameProblem(topic);
  if (problem === undefined || template) return topic;
  const wildcard = /[+#]/.test(topic);
  throw new UsageError(
    `the topic ${quoted(topic)} ${problem}`,
    wildcard ? 'Wildcards are for mqtt-sub: a message has one topic.' : undefined,
  );
}

/** A queue holds what is to be acknowledged: at QoS 0 nothing is. */
function queueFolder(args: ParsedArguments, qos: 0 | 1 | 2): string | undefined {
  const folder = args.text('queue');
  if (folder === undefined) return undefined;
  if (folder === '') throw new UsageError('--queue expects a folder, not an empty value');
  if (qos === 0)
    throw new UsageError('--queue needs -q 1 or -q 2: at QoS 0 nothing is acknowledged');
  return folder;
}

function lastTopicNote(given: readonly string[]): readonly Note[] {
  if (new Set(given).size < 2) return [];
  return [
    {
      text: `-t was given ${given.length} times: publishing to ${quoted(given.at(-1) ?? '')} alone`,
    },
  ];
}

const sourceOptions: readonly (readonly [OptionName, string])[] = [
  ['message', '-m'],
  ['file', '-f'],
  ['stdin-file', '-s'],
  ['stdin-line', '-l'],
  ['null-message', '-n'],
  ['lines', '--lines'],
  ['replay', '--replay'],
  ['simulate', '--simulate'],
];

/** What is published, by the one option that says so. Throws `UsageError`. */
export function messageSource(
  args: ParsedArguments,
  positional: string | undefined,
  topic?: string,
): MessageSource {
  const given = sourceOptions
    .filter(([name]) => args.given(name))
    .map(([, label]) => label)
    // Lines of standard input, told twice.
    .filter((label) => label !== '-l' || !args.given('lines'));
  if (args.given('repeat') && (given[0] === '-l' || given[0] === '--lines')) {
    if (args.mosquitto === undefined) {
      throw new UsageError('--repeat is for one message, not for lines of standard input');
    }
  }
  if (positional !== undefined) {
    if (given.length > 0) throw unexpectedPositional(positional, given[0]!);
    return { kind: 'payload', payload: argumentBytes(positional) };
  }
  if (given.length > 1) {
    throw new UsageError(`${given.join(' and ')} each say what to publish: give one of them`);
  }
  switch (given[0]) {
    case '-m':
      return checkSize('-m', argumentBytes(args.text('message') ?? ''));
    case '-f':
      return checkSize('-f', readInputFile('-f', args.text('file') ?? ''));
    case '-s':
      return { kind: 'stdinFile' };
    case '-l':
      return { kind: 'stdinLines' };
    case '--lines':
      return linesSource(args.text('lines') as LinesForm);
    case '--replay':
      return replaySource(args);
    case '--simulate':
      return simulateSource(args, topic ?? '');
    case '-n':
      return { kind: 'payload', payload: new Uint8Array(0) };
    default:
      throw new UsageError(
        'no message given',
        'Add -m TEXT, -f FILE, -s or -l for standard input, or -n for an empty message',
      );
  }
}

type LinesForm = 'text' | 'json' | 'tsv' | 'csv';

function linesSource(form: LinesForm): MessageSource {
  if (form === 'text') return { kind: 'stdinLines' };
  return {
    kind: 'feed',
    load: async () =>
      (await import('./line-feed.ts')).lineFeed(form, standardInput(`--lines ${form}`)),
  };
}

/** Readings of each device once a second, or as many of all devices as `--rate` allows; `--repeat` bounds them. */
function simulateSource(args: ParsedArguments, topic: string): MessageSource {
  const devices = args.number('devices') ?? 1;
  const intervalMs = args.number('rate') ?? 0;
  const plan = {
    fields: args.text('simulate') ?? '',
    topic,
    devices,
    seed: args.text('seed'),
    everyMs: intervalMs > 0 ? intervalMs * devices : 1000,
    forMs: args.number('for'),
    count: args.number('repeat'),
    speed: speedFactor(args),
  };
  return {
    kind: 'feed',
    load: async () => (await import('./simulate-feed.ts')).simulateFeed(plan),
  };
}

function speedFactor(args: ParsedArguments): number {
  const text = args.text('speed') ?? '1';
  const speed = text === 'max' ? Number.POSITIVE_INFINITY : Number(text.replace(/x$/, ''));
  if (speed > 0) return speed;
  throw new UsageError(`--speed expects a factor such as 1, 10 or max, not ${quoted(text)}`);
}

function replaySource(args: ParsedArguments): MessageSource {
  const file = args.text('replay') ?? '';
  const speed = speedFactor(args);
  const loop = args.flag('loop');
  return {
    kind: 'feed',
    load: async () => (await import('./replay-feed.ts')).replayFeed({ file, speed, loop }),
  };
}

function checkSize(option: string, payload: Uint8Array): MessageSource {
  if (payload.length <= largestPayload) return { kind: 'payload', payload };
  throw new UsageError(
    `${option}: ${payload.length} bytes are more than an MQTT message can hold (${largestPayload})`,
  );
}

function unexpectedPositional(positional: string, source: string): UsageError {
  return new UsageError(
    `unexpected argument ${quoted(positional)}: ${source} says already what to publish`,
    positionalHint([positional]),
  );
}

function tooManyPositionals(args: ParsedArguments): UsageError {
  const count = args.positionals.length;
  return new UsageError(
    `${count} arguments without an option: ${shownList(args.positionals)}`,
    positionalHint(args.positionals) ??
      "A message of several words stands in quotes: -m 'on and off'",
  );
}

function shownList(texts: readonly string[]): string {
  const shown = texts.slice(0, 4).map(quoted);
  return texts.length > 4 ? `${shown.join(' ')} ...` : shown.join(' ');
}
