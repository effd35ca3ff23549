/**
 * Topic filters with named wildcards: `house/+room/#path`. `+room` and `#path` are no legal filters on the wire,
 * so they can mean nothing else; the names are stripped before SUBSCRIBE.
 */
import {
  matches,
  sharedSubscription,
  topicFilterProblem,
  topicNameProblem,
} from '@mqtt-kit/packet';
import { MqttUsageError } from './errors.ts';
import { expectation, given } from './option-check.ts';

type Level<L extends string, Unnamed extends readonly unknown[]> = L extends '+'
  ? { [K in `${Unnamed['length']}`]: string }
  : L extends `+${infer Name}`
    ? { [K in Name]: string }
    : L extends '#'
      ? { [K in `${Unnamed['length']}`]: string[] }
      : L extends `#${infer Name}`
        ? { [K in Name]: string[] }
        : unknown;

type Next<L extends string, Unnamed extends readonly unknown[]> = L extends '+' | '#'
  ? [...Unnamed, unknown]
  : Unnamed;

type Params<
  F extends string,
  Unnamed extends readonly unknown[],
  Found,
> = F extends `${infer L}/${infer Rest}`
  ? Params<Rest, Next<L, Unnamed>, Found & Level<L, Unnamed>>
  : Found & Level<F, Unnamed>;

type Flat<T> = { readonly [K in keyof T]: T[K] };

/**
 * What the wildcards of a filter stood for: `+room` gives `room: string`, `#path` gives `path: string[]`, plain ones
 * are numbered from 0. A filter that is not known as a literal gives a loose record.
 */
export type TopicParams<F extends string> = string extends F
  ? Readonly<Record<string, string | string[]>>
  : F extends `$share/${string}/${infer Rest}`
    ? Flat<Params<Rest, [], unknown>>
    : Flat<Params<F, [], unknown>>;

/** A filter with names, taken apart. */
export interface TopicPattern<F extends string = string> {
  /** As it was written. */
  readonly pattern: F;
  /** The filter for the wire. */
  readonly filter: string;
  /** What the wildcards stand for in a topic name, or `undefined` when it does not match. */
  match(topicName: string): TopicParams<F> | undefined;
  /** The topic name with the wildcards replaced. Throws `invalidArgument` when a value is missing or holds `/`, `+` or `#`. */
  fill(params: TopicParams<F>): string;
}

/**
 * Takes a filter with named wildcards apart. Throws `invalidArgument` when its names are stripped and no legal filter
 * is left, or when two wildcards have the same name.
 *
 * ```ts
 * const temperature = topic('house/+room/temperature');
 * temperature.filter;                                // 'house/+/temperature'
 * temperature.match('house/kitchen/temperature');    // { room: 'kitchen' }
 * temperature.fill({ room: 'bath' });                // 'house/bath/temperature'
 * ```
 */
export function topic<const F extends string>(pattern: F): TopicPattern<F> {
  return parseTopicPattern('topic filter', pattern) as unknown as TopicPattern<F>;
}

/** What wildcards stood for, where the filter is not known as a literal. */
export type LooseParams = Readonly<Record<string, string | string[]>>;

/** As `topic`, for filters that only come at run time. `name` stands in messages. */
export function parseTopicPattern(name: string, pattern: unknown): ParsedTopicPattern {
  if (typeof pattern !== 'string') throw expectation(name, 'a string', pattern);
  const shared = sharedSubscription(pattern);
  const prefix = shared === undefined ? '' : `$share/${shared.shareName}/`;
  const wildcards: Wildcard[] = [];
  const levels = (shared?.topicFilter ?? pattern).split('/').map((level, index) => {
    const kind = level[0];
    if (kind !== '+' && kind !== '#') return level;
    const unnamed = wildcards.filter((wildcard) => !wildcard.named).length;
    const named = level.length > 1;
    wildcards.push({ index, kind, name: named ? level.slice(1) : String(unnamed), named });
    return kind;
  });
  const filter = prefix + levels.join('/');
  const problem = topicFilterProblem(filter) ?? namesProblem(wildcards);
  if (problem !== undefined) throw new MqttUsageError(`${name} ${given(pattern)} ${problem}`);
  return new ParsedTopicPattern(pattern, filter, levels, wildcards);
}

interface Wildcard {
  /** Which level it stands in. */
  readonly index: number;
  readonly kind: '+' | '#';
  readonly name: string;
  readonly named: boolean;
}

const noParams: LooseParams = Object.freeze({});

export class ParsedTopicPattern implements TopicPattern {
  readonly pattern: string;
  readonly filter: string;
  readonly #levels: readonly string[];
  readonly #wildcards: readonly Wildcard[];

  constructor(
    pattern: string,
    filter: string,
    levels: readonly string[],
    wildcards: readonly Wildcard[],
  ) {
    this.pattern = pattern;
    this.filter = filter;
    this.#levels = levels;
    this.#wildcards = wildcards;
  }

  match(topicName: string): LooseParams | undefined {
    return matches(this.filter, topicName) ? this.params(topicName) : undefined;
  }

  /** What the wildcards stand for in a topic name that is known to match. */
  params(topicName: string): LooseParams {
    if (this.#wildcards.length === 0) return noParams;
    const levels = topicName.split('/');
    const params: Record<string, string | string[]> = {};
    for (const { index, kind, name } of this.#wildcards) {
      params[name] = kind === '+' ? (levels[index] as string) : levels.slice(index);
    }
    return params;
  }

  fill(params: LooseParams): string {
    const levels: string[] = [...this.#levels];
    for (const wildcard of this.#wildcards) {
      const value: unknown = Object.hasOwn(params, wildcard.name)
        ? params[wildcard.name]
        : undefined;
      if (wildcard.kind === '#') levels.splice(wildcard.index, 1, ...levelsOf(wildcard, value));
      else levels[wildcard.index] = levelOf(wildcard, value);
    }
    const topicName = levels.join('/');
    const problem = topicNameProblem(topicName);
    if (problem === undefined) return topicName;
    throw new MqttUsageError(`the filled topic ${given(topicName)} ${problem}`);
  }
}

function namesProblem(wildcards: readonly Wildcard[]): string | undefined {
  const names = new Set<string>();
  for (const { name } of wildcards) {
    if (/[+#]/.test(name)) return `must not have "+" or "#" inside a name, found ${given(name)}`;
    // Assigning this one would set the prototype of the params.
    if (name === '__proto__') return 'must not have a wildcard named "__proto__"';
    if (names.has(name)) return `must not have two wildcards named ${given(name)}`;
    names.add(name);
  }
  return undefined;
}

function levelsOf(wildcard: Wildcard, value: unknown): readonly string[] {
  if (!Array.isArray(value)) {
    throw expectation(describe(wildcard), 'an array of strings, one for each level', value);
  }
  return value.map((level) => levelOf(wildcard, level));
}

function levelOf(wildcard: Wildcard, value: unknown): string {
  if (typeof value !== 'string') throw expectation(describe(wildcard), 'a string', value);
  if (!/[/+#]/.test(value)) return value;
  throw expectation(describe(wildcard), 'one topic level, without "/", "+" and "#"', value);
}

function describe({ kind, name, named }: Wildcard): string {
  return `the value for ${kind}${named ? name : ` (number ${name})`}`;
}
