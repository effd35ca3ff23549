/**
 * Topic filters with named wildcards: `house/+room/#path`. `+room` and `#path` are no legal filters on the wire,
 * so they can mean nothing else; the names are stripped before SUBSCRIBE.
 */

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
