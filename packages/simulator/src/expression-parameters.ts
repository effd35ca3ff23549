/** What the arguments of a function in an expression are, by its parameters. Every mistake is told with its place. */
import { DefinitionError, knownNames } from './definition-error.ts';
import type { Argument } from './expression-values.ts';
import type { Recording } from './recording.ts';
import { type FieldValue, type Signal, timeSignal } from './signal.ts';

/** What functions may need besides their arguments. */
export interface ExpressionTools {
  readonly recording?: Recording | undefined;
}

/** Makes a signal of the arguments of a call. */
export type ExpressionFunction = (
  name: string,
  args: readonly Argument[],
  offset: number,
  tools: ExpressionTools,
) => Signal<FieldValue>;

/** What a parameter takes. `signal`: anything that has a value over time; `numeric`: a number over time. */
interface Kinds {
  readonly number: number;
  readonly duration: number;
  readonly text: string;
  readonly boolean: boolean;
  readonly range: { readonly min: number; readonly max: number };
  readonly phase: number | 'random';
  readonly signal: Signal<FieldValue>;
  readonly numeric: Signal<number>;
}

type Kind = keyof Kinds;

/** `'number'` is required, `'number?'` is not. */
type Parameters_ = Readonly<Record<string, Kind | `${Kind}?`>>;

type Given<P extends Parameters_> = {
  readonly [N in keyof P]: P[N] extends `${infer K extends Kind}?`
    ? Kinds[K] | undefined
    : P[N] extends Kind
      ? Kinds[P[N]]
      : never;
};

/** A function with named parameters, given in their order or by `name=value`. */
export function fixed<const P extends Parameters_>(
  parameters: P,
  build: (
    given: Given<P>,
  ) => Signal<number> | Signal<string> | Signal<boolean> | Signal<FieldValue>,
): ExpressionFunction {
  return (name, args, offset) =>
    build(assigned(name, parameters, args, offset)) as Signal<FieldValue>;
}

export function assigned<const P extends Parameters_>(
  name: string,
  parameters: P,
  args: readonly Argument[],
  offset: number,
): Given<P> {
  const names = Object.keys(parameters);
  const signature = `${name}(${names.map((one) => (parameters[one]?.endsWith('?') ? `[${one}]` : one)).join(', ')})`;
  const given: Record<string, unknown> = {};
  let position = 0;
  for (const argument of args) {
    const parameter = argument.name ?? names[position++];
    if (parameter === undefined) {
      throw new DefinitionError(
        `${signature} takes at most ${names.length} arguments`,
        [],
        argument.offset,
      );
    }
    const kind = parameters[parameter]?.replace('?', '') as Kind | undefined;
    if (kind === undefined) {
      throw new DefinitionError(
        `${signature} has no parameter "${parameter}"${knownNames(parameter, names)}`,
        [],
        argument.offset,
      );
    }
    if (parameter in given) {
      throw new DefinitionError(`${signature}: ${parameter} is given twice`, [], argument.offset);
    }
    given[parameter] = converted(argument, kind, `${signature}: ${parameter}`);
  }
  const missing = names.find((one) => !(one in given) && !parameters[one]?.endsWith('?'));
  if (missing === undefined) return given as Given<P>;
  throw new DefinitionError(`${signature}: ${missing} is missing`, [], offset);
}

const expectations: Readonly<Record<Kind, string>> = {
  number: 'a number',
  duration: 'a duration such as 10s or 1h30m',
  text: 'a text in quotes',
  boolean: 'true or false',
  range: 'a range such as 15..30',
  phase: 'a number from 0 to 1, or "random"',
  signal: 'a value',
  numeric: 'a number, or what gives one',
};

function converted({ value, offset }: Argument, kind: Kind, what: string): unknown {
  if (kind === 'signal') {
    if (value.kind === 'signal') return value.signal;
    if (value.kind === 'text') return timeSignal(() => value.text);
    if (value.kind === 'number' || value.kind === 'boolean') return timeSignal(() => value.value);
  }
  if (kind === 'numeric') {
    if (value.kind === 'signal') return numeric(value.signal);
    if (value.kind === 'number') return timeSignal(() => value.value);
  }
  if (kind === 'phase') {
    if (value.kind === 'number') return value.value;
    if (value.kind === 'text' && value.text === 'random') return value.text;
  }
  if (value.kind === kind) {
    if (value.kind === 'number' || value.kind === 'boolean') return value.value;
    if (value.kind === 'duration') return value.ms;
    if (value.kind === 'text') return value.text;
    if (value.kind === 'range') return { min: value.min, max: value.max };
  }
  throw new DefinitionError(`${what} must be ${expectations[kind]}`, [], offset);
}

/** A function of values with a duration each, and of named parameters: `steps(18, 6h, 21, 16h, loop=false)`. */
export function pairs<const P extends Readonly<Record<string, Kind>>>(
  parameters: P,
  build: (
    list: readonly (readonly [string | number, number])[],
    given: { readonly [N in keyof P]?: Kinds[P[N]] },
  ) => Signal<number | string>,
): ExpressionFunction {
  return (name, args, offset) => {
    const { values, given } = separated(name, args, parameters);
    const list: (readonly [string | number, number])[] = [];
    for (let index = 0; index < values.length; index += 2) {
      const [value, duration] = [values[index], values[index + 1]];
      if (value === undefined || duration === undefined) {
        throw new DefinitionError(
          `${name} takes values with a duration each, such as ${name}(1, 10m, 2, 5m)`,
          [],
          value?.offset ?? offset,
        );
      }
      list.push([
        constantOf(value, name) as string | number,
        converted(duration, 'duration', `${name}: after a value`) as number,
      ]);
    }
    return build(list, given) as Signal<FieldValue>;
  };
}

/** Any number of values, and the named parameters beside them. */
export function separated<const P extends Readonly<Record<string, Kind>>>(
  name: string,
  args: readonly Argument[],
  parameters: P,
): { readonly values: Argument[]; readonly given: { readonly [N in keyof P]?: Kinds[P[N]] } } {
  const known = Object.keys(parameters);
  const given: Record<string, unknown> = {};
  for (const argument of args) {
    const { name: parameter, offset } = argument;
    if (parameter === undefined) continue;
    const kind = parameters[parameter];
    if (!known.includes(parameter) || kind === undefined) {
      throw new DefinitionError(
        `${name} has no parameter "${parameter}"${knownNames(parameter, known)}`,
        [],
        offset,
      );
    }
    given[parameter] = converted(argument, kind, `${name}: ${parameter}`);
  }
  return {
    values: args.filter((argument) => argument.name === undefined),
    given: given as { readonly [N in keyof P]?: Kinds[P[N]] },
  };
}

/** A number, or a text in quotes. */
export function constantOf(argument: Argument, name: string): string | number {
  return argument.value.kind === 'number'
    ? argument.value.value
    : (converted(argument, 'text', `${name}: a value that is no number`) as string);
}

function numeric(signal: Signal<FieldValue>): Signal<number> {
  return signal.map((value) => Number(value));
}

/** Without the members that were not given. */
export function present<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
