/** Parts of a message by name, for `--format`, `--where`, `--until` and `--select`. */
import type { Message } from 'mqtt-kit';
import { UsageError } from './usage-error.ts';

/** What surrounds a message. */
export interface FieldContext {
  /** When it came. */
  readonly epochMs: number;
  /** Milliseconds since the message before of the same topic. */
  readonly deltaMs: number | undefined;
  /** The subscribed filters, for what their wildcards stand for. */
  readonly topicFilters: readonly string[];
}

/** Reads a part of a message; `undefined` when it has no such part. */
export type Field = (message: Message, context: FieldContext) => unknown;

/** A step into a value: a name or an index. */
export type Step = string | number;

const simple: Readonly<Record<string, Field>> = {
  time: (_message, { epochMs }) => new Date(epochMs),
  delta: (_message, { deltaMs }) => (deltaMs === undefined ? undefined : deltaMs / 1000),
  qos: ({ qos }) => qos,
  retain: ({ retain }) => retain,
  dup: ({ dup }) => dup,
  mid: ({ packetIdentifier }) => packetIdentifier,
  size: ({ payload }) => payload.length,
  hex: ({ payload }) => Buffer.from(payload).toString('hex'),
  base64: ({ payload }) => Buffer.from(payload).toString('base64'),
  contentType: ({ contentType }) => contentType,
  responseTopic: ({ responseTopic }) => responseTopic,
  correlationData: ({ correlationData }) =>
    correlationData && Buffer.from(correlationData).toString('hex'),
  expiry: ({ messageExpirySeconds }) => messageExpirySeconds,
  payloadFormat: ({ payloadFormatIndicator }) => payloadFormatIndicator,
  true: () => true,
  false: () => false,
  null: () => null,
};

/** What may be named, for a message to people. */
export const fieldNames = `time delta topic topic[1] +1 payload payload.name size qos retain dup mid hex base64 contentType responseTopic correlationData expiry payloadFormat user.NAME`;

/** The field of a path: `topic[1]`, `payload.temp`, `+1`, `user.unit`. Throws `UsageError` for one that is unknown. */
export function fieldOf(path: string): Field {
  const wildcard = /^\+([1-9][0-9]?)$/.exec(path);
  if (wildcard !== null) return capture(Number(wildcard[1]) - 1);
  const [first, ...steps] = pathSteps(path);
  if (first === 'topic') return topicField(path, steps);
  if (first === 'payload') return payloadField(steps);
  if (first === 'user' && steps.length === 1) {
    return ({ userProperties }) => userProperties.find(([name]) => name === steps[0])?.[1];
  }
  if (typeof first === 'string' && steps.length === 0 && Object.hasOwn(simple, first)) {
    return simple[first]!;
  }
  throw new UsageError(`there is no ${path} in a message`, `There are ${fieldNames}`);
}

/** Takes a path apart: names after dots, indexes and names in quotes in brackets. */
export function pathSteps(path: string): readonly Step[] {
  const steps: Step[] = [];
  let rest = path;
  while (rest !== '') {
    const parts =
      /^\.?([A-Za-z_$@\u0080-\uffff][\w$@\u0080-\uffff-]*)|^\[(-?[0-9]+)\]|^\["((?:[^"\\]|\\.)*)"\]|^\['((?:[^'\\]|\\.)*)'\]/.exec(
        rest,
      );
    if (parts === null) throw new UsageError(`${path} is no path such as payload.sensors[0].temp`);
    const [whole, name, index, double, single] = parts;
    steps.push(index !== undefined ? Number(index) : (name ?? double ?? single ?? ''));
    rest = rest.slice(whole.length);
  }
  return steps;
}

/** What a path leads to, or `undefined`. */
export function follow(value: unknown, steps: readonly Step[]): unknown {
  let at = value;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) return undefined;
    if (Array.isArray(at)) at = typeof step === 'number' ? at.at(step) : undefined;
    else if (Object.hasOwn(at, step)) at = (at as Readonly<Record<string, unknown>>)[String(step)];
    else return undefined;
  }
  return at;
}

function topicField(path: string, steps: readonly Step[]): Field {
  if (steps.length === 0) return ({ topic }) => topic;
  const [level] = steps;
  if (steps.length > 1 || typeof level !== 'number') {
    throw new UsageError(`${path}: a level of the topic is topic[0], topic[1], ... or topic[-1]`);
  }
  return ({ topic }) => topic.split('/').at(level);
}

function payloadField(steps: readonly Step[]): Field {
  if (steps.length === 0) return (message) => payloadValue(message, false);
  return (message) => follow(payloadValue(message, true), steps);
}

/** Parsed once for all the fields of a message. */
const parsed = new WeakMap<Message, { readonly value: unknown }>();

/** The payload as JSON where it is; otherwise its text, or with `json` nothing. */
function payloadValue(message: Message, json: boolean): unknown {
  const known = parsed.get(message);
  if (known !== undefined) return json && typeof known.value === 'string' ? undefined : known.value;
  const text = message.text();
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // It is text.
  }
  parsed.set(message, { value });
  return json && typeof value === 'string' ? undefined : value;
}

/** What a wildcard of the filter stands for that the message matches first. */
function capture(index: number): Field {
  return ({ topic }, { topicFilters }) => {
    const levels = topic.split('/');
    for (const filter of topicFilters) {
      const captures = capturesOf(filter.replace(/^\$share\/[^/]+\//, '').split('/'), levels);
      if (captures !== undefined) return captures[index];
    }
    return undefined;
  };
}

function capturesOf(
  filter: readonly string[],
  levels: readonly string[],
): readonly string[] | undefined {
  const captures: string[] = [];
  for (const [at, part] of filter.entries()) {
    if (part === '#') {
      captures.push(levels.slice(at).join('/'));
      return captures;
    }
    const level = levels[at];
    if (level === undefined || (part !== '+' && part !== level)) return undefined;
    if (part === '+') captures.push(level);
  }
  return filter.length === levels.length ? captures : undefined;
}
