/** Checks of what the application gives: each throws a `MqttUsageError` that says what was given and what was expected. */
import { MqttUsageError } from './errors.ts';

/** What was given, for a message: short, on one line, without the contents of objects, which may be secrets. */
export function given(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  }
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) {
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === 'string' && name !== 'Object' ? `an instance of ${name}` : 'an object';
  }
  return String(value);
}

export function expectation(name: string, expected: string, value: unknown): MqttUsageError {
  return new MqttUsageError(`${name} must be ${expected}; got ${given(value)}`);
}

export function checkInteger(
  name: string,
  value: unknown,
  minimum: number,
  maximum: number,
): number {
  if (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= minimum &&
    value <= maximum
  ) {
    return value;
  }
  const range = `from ${minimum.toLocaleString('en')} to ${maximum.toLocaleString('en')}`;
  throw expectation(name, `a whole number ${range}`, value);
}

/** A length of time or a bound that may be `Infinity` for none. */
export function checkAmount(name: string, value: unknown, minimum: number): number {
  if (typeof value === 'number' && value >= minimum) return value;
  throw expectation(name, `a number of at least ${minimum}, or Infinity`, value);
}

/** As `checkAmount`, of things that are counted. */
export function checkCount(name: string, value: unknown, minimum: number): number {
  if (
    value === Number.POSITIVE_INFINITY ||
    (Number.isInteger(value) && (value as number) >= minimum)
  ) {
    return value as number;
  }
  throw expectation(name, `a whole number of at least ${minimum}, or Infinity`, value);
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw expectation(name, 'true or false', value);
}

export function checkOneOf<T extends string | number>(
  name: string,
  value: unknown,
  values: readonly T[],
): T {
  if (values.includes(value as T)) return value as T;
  throw expectation(name, listOf(values.map((item) => JSON.stringify(item))), value);
}

/** A string that the protocol can carry: at most 65,535 bytes of UTF-8, without U+0000 and lone surrogates. */
export function checkString(name: string, value: unknown): string {
  if (typeof value !== 'string') throw expectation(name, 'a string', value);
  const problem = stringProblem(value);
  if (problem !== undefined) throw new MqttUsageError(`${name} ${problem}`);
  return value;
}

/** Bytes, copied: the caller may change its own at any time. */
export function checkBytes(name: string, value: unknown, maximum: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw expectation(name, 'a Uint8Array', value);
  if (value.length > maximum) {
    const limit = maximum.toLocaleString('en');
    throw new MqttUsageError(
      `${name} must be at most ${limit} bytes; got ${value.length.toLocaleString('en')}`,
    );
  }
  return Uint8Array.from(value);
}

export function checkFunction<T>(name: string, value: T): T {
  if (typeof value === 'function') return value;
  throw expectation(name, 'a function', value);
}

/** An `AbortSignal` of any realm. */
export function checkSignal(name: string, value: unknown): AbortSignal {
  const signal = value as Partial<AbortSignal> | null;
  if (
    typeof signal === 'object' &&
    signal !== null &&
    typeof signal.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function'
  ) {
    return value as AbortSignal;
  }
  throw expectation(name, 'an AbortSignal', value);
}

/** A timer cannot wait for ever, but it need not be asked to: `Infinity` is no timeout. */
export function checkTimeout(name: string, value: unknown): number {
  return checkAmount(name, value, 0);
}

/**
 * The names and values of the options of a call, without those that are `undefined`; none of no object. A name that is
 * not known is an error with the nearest known one; `elsewhere` says where names belong that are often put here.
 */
export function checkOptions(
  name: string,
  value: unknown,
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {},
): GivenOptions {
  return givenOptions(name, '', value, known, elsewhere);
}

/** As `checkOptions`, of options that are together under one name, which messages put in front of theirs. */
export function checkGroup(name: string, value: unknown, known: readonly string[]): GivenOptions {
  return givenOptions(name, `${name}.`, value, known, {});
}

function givenOptions(
  name: string,
  prefix: string,
  value: unknown,
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>>,
): GivenOptions {
  const options = new GivenOptions(prefix);
  if (value === undefined) return options;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw expectation(name, 'an object', value);
  }
  for (const [key, item] of Object.entries(value)) {
    if (!known.includes(key)) throw unknownName(name, key, known, elsewhere);
    if (item !== undefined) options.set(key, item);
  }
  return options;
}

/** Options that are set: what is `undefined` is not, everything else is, `null` too. */
export class GivenOptions extends Map<string, unknown> {
  readonly #prefix: string;

  /** `prefix` stands before their names in messages. */
  constructor(prefix: string) {
    super();
    this.#prefix = prefix;
  }

  /** What is given, or the default. */
  or(name: string, fallback: unknown): unknown {
    return this.has(name) ? this.get(name) : fallback;
  }

  integer(name: string, fallback: number, minimum: number, maximum: number): number {
    return checkInteger(this.#prefix + name, this.or(name, fallback), minimum, maximum);
  }

  amount(name: string, fallback: number, minimum: number): number {
    return checkAmount(this.#prefix + name, this.or(name, fallback), minimum);
  }

  count(name: string, fallback: number, minimum: number): number {
    return checkCount(this.#prefix + name, this.or(name, fallback), minimum);
  }

  boolean(name: string, fallback: boolean): boolean {
    return checkBoolean(this.#prefix + name, this.or(name, fallback));
  }

  oneOf<T extends string | number>(name: string, fallback: NoInfer<T>, values: readonly T[]): T {
    return checkOneOf(this.#prefix + name, this.or(name, fallback), values);
  }

  /** `undefined` when it is not given. */
  optional<T>(name: string, check: (name: string, value: unknown) => T): T | undefined {
    return this.has(name) ? check(this.#prefix + name, this.get(name)) : undefined;
  }
}

export function unknownName(
  name: string,
  key: string,
  known: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {},
): MqttUsageError {
  const meant = Object.hasOwn(elsewhere, key) ? elsewhere[key] : nearestName(key, known);
  const hint = meant === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`;
  return new MqttUsageError(`${name} has an unknown name ${given(key)}. ${hint}`, { hint });
}

/** The known name that was most likely meant, or `undefined` when none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const folded = name.toLowerCase();
  let nearest: string | undefined;
  let nearestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const distance = editDistance(folded, candidate.toLowerCase());
    if (distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  if (nearestDistance <= Math.max(2, Math.floor(name.length / 3))) return nearest;
  // Names of other clients often begin or end with the same word: "cleanSession", "protocolVersion", "reconnectPeriod".
  const words = wordsOf(name);
  const likely = [words[0], words.at(-1)].filter((word) => word !== undefined && word.length >= 4);
  return known.find((candidate) => {
    const others = wordsOf(candidate);
    const begins = folded.length >= 4 && others.join('').startsWith(folded);
    return begins || likely.some((word) => others.includes(word as string));
  });
}

function wordsOf(name: string): readonly string[] {
  return name
    .replace(/[A-Z]+/g, ' $&')
    .toLowerCase()
    .split(/[ _-]+/)
    .filter((word) => word !== '');
}

export function listOf(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

const encoder = new TextEncoder();

function stringProblem(text: string): string | undefined {
  if (text.includes('\0')) return `must not contain U+0000, found at index ${text.indexOf('\0')}`;
  const surrogate = text.search(/[\ud800-\udfff]/u);
  if (surrogate >= 0) return `must be well-formed, found a lone surrogate at index ${surrogate}`;
  const size = text.length > 21_845 ? encoder.encode(text).length : 0;
  if (size > 65_535)
    return `must be at most 65,535 bytes of UTF-8; got ${size.toLocaleString('en')}`;
  return undefined;
}

/** How many characters must be added, removed, replaced or swapped with a neighbour. */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let distance = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforePrevious[j - 2]! + 1);
      }
      row.push(distance);
    }
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length]!;
}
