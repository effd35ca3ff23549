import { topicNameProblem } from '@mqtt-kit/packet';
import { type ConnectionPlan, connectionPlan, wellFormed } from './connection-options.ts';
import type { Note } from './diagnostics.ts';
import { readInputFile } from './input-files.ts';
import type { OptionName } from './option-table.ts';
import type { ParsedArguments } from './parse-arguments.ts';
import { argumentBytes } from './raw-arguments.ts';
import { positionalHint, topicNotes } from './topic-hints.ts';
import { quoted, UsageError } from './usage-error.ts';

/** Where the messages come from. */
export type MessageSource =
  | { readonly kind: 'payload'; readonly payload: Uint8Array }
  | { readonly kind: 'stdinFile' }
  | { readonly kind: 'stdinLines' };

/** What `mqtt-pub` is to do. */
export interface PublishPlan {
  readonly topic: string;
  readonly source: MessageSource;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
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
  const topic = checkTopic(optionTopic ?? first);
  return {
    topic,
    source: messageSource(args, positionalMessage),
    qos: Number(args.text('qos') ?? 0) as 0 | 1 | 2,
    retain: args.flag('retain'),
    timeLimitMs: args.number('timeout'),
    connection,
    notes: [...connection.notes, ...topicNotes([topic]), ...lastTopicNote(given)],
  };
}

function checkTopic(topic: string | undefined): string {
  if (topic === undefined) {
    throw new UsageError('no topic given', 'Try: mqtt-pub -t house/kitchen/light -m on');
  }
  const problem = topicNameProblem(topic);
  if (problem === undefined) return wellFormed('-t', topic);
  const wildcard = /[+#]/.test(topic);
  throw new UsageError(
    `the topic ${quoted(topic)} ${problem}`,
    wildcard ? 'Wildcards are for mqtt-sub: a message has one topic.' : undefined,
  );
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
];

function messageSource(args: ParsedArguments, positional: string | undefined): MessageSource {
  const given = sourceOptions.filter(([name]) => args.given(name)).map(([, label]) => label);
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
    case '-n':
      return { kind: 'payload', payload: new Uint8Array(0) };
    default:
      throw new UsageError(
        'no message given',
        'Add -m TEXT, -f FILE, -s or -l for standard input, or -n for an empty message',
      );
  }
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
