import { DefinitionError, suggestion } from './definition-error.ts';
import type { Argument } from './expression.ts';
import { follow, integral } from './follow.ts';
import { meanReverting, noise, perDevice, pick, states, walk } from './random-signals.ts';
import type { Recording } from './recording.ts';
import { combined, type FieldValue, type Signal, timeSignal } from './signal.ts';
import {
  battery,
  clock,
  counter,
  dayCurve,
  drift,
  dutyCycle,
  ramp,
  saw,
  sine,
  square,
  steps,
} from './waveforms.ts';

/** What functions may need besides their arguments. */
export interface ExpressionTools {
  readonly recording?: Recording | undefined;
}

/** Makes a signal of the arguments of a call. */
type ExpressionFunction = (
  name: string,
  args: readonly Argument[],
  offset: number,
  tools: ExpressionTools,
) => Signal<FieldValue>;

/** What a parameter takes. `signal`: anything that has a value over time. */
interface Kinds {
  readonly number: number;
  readonly duration: number;
  readonly text: string;
  readonly boolean: boolean;
  readonly range: { readonly min: number; readonly max: number };
  readonly phase: number | 'random';
  readonly signal: Signal<FieldValue>;
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

const wave = { mean: 'number', amplitude: 'number', period: 'duration' } as const;

/** Every function of expressions, by name. */
export const expressionFunctions: Readonly<Record<string, ExpressionFunction>> = {
  constant: fixed({ value: 'signal' }, ({ value }) => value),
  counter: fixed(
    { from: 'number?', step: 'number?', every: 'duration?', modulo: 'number?' },
    (given) => counter(present(given)),
  ),
  ramp: fixed(
    { from: 'number', to: 'number', duration: 'duration', loop: 'boolean?' },
    ({ from, to, duration, loop }) => ramp(from, to, duration, { loop: loop ?? false }),
  ),
  drift: fixed({ perHour: 'number' }, ({ perHour }) => drift(perHour)),
  sine: fixed({ ...wave, phase: 'phase?' }, (given) => sine(present(given))),
  saw: fixed({ ...wave, phase: 'phase?' }, (given) => saw(present(given))),
  square: fixed({ ...wave, duty: 'number?', phase: 'phase?' }, (given) => square(present(given))),
  dayCurve: fixed(
    { mean: 'number', amplitude: 'number', peak: 'text?', utcOffsetHours: 'number?' },
    (given) => dayCurve(present(given)),
  ),
  dutyCycle: fixed({ period: 'duration', on: 'number', phase: 'phase?' }, (given) =>
    dutyCycle(present(given)),
  ),
  steps: pairs((list) => steps(list)),
  walk: fixed(
    { from: 'number', step: 'number', bounds: 'range?', every: 'duration?' },
    ({ from, step, bounds, every }) => walk(present({ from, step, every, ...bounds })),
  ),
  meanReverting: fixed({ mean: 'number', deviation: 'number', relaxation: 'duration?' }, (given) =>
    meanReverting(present(given)),
  ),
  noise: fixed({ deviation: 'number', mean: 'number?' }, ({ deviation, mean }) =>
    noise(deviation, mean ?? 0),
  ),
  perDevice: fixed({ bounds: 'range' }, ({ bounds }) => perDevice(bounds.min, bounds.max)),
  pick: pickFunction,
  states: pairs((list) =>
    states(
      Object.fromEntries(
        list.map(([name, duration], index) => [
          String(name),
          { for: duration, to: String((list[index + 1] ?? list[0])?.[0]) },
        ]),
      ),
    ),
  ),
  battery: fixed({ life: 'duration', from: 'number?', replaceAt: 'number?' }, (given) =>
    battery(present(given)),
  ),
  follow: fixed({ target: 'signal', time: 'duration', from: 'number?' }, ({ target, ...given }) =>
    follow(numeric(target), present(given)),
  ),
  integral: fixed({ rate: 'signal', from: 'number?', every: 'duration?' }, ({ rate, ...given }) =>
    integral(numeric(rate), present(given)),
  ),
  clock: fixed({ form: 'text?' }, ({ form = 'iso' }) => clock(form as 'iso')),
  column: (name, args, offset, { recording }) => {
    const { column } = assigned(name, { column: 'text' } as const, args, offset);
    if (recording !== undefined) return recording.column(column);
    throw new DefinitionError('column needs a recording, and there is none', [], offset);
  },
  plus: fixed({ value: 'signal', other: 'signal' }, ({ value, other }) =>
    numeric(value).plus(numeric(other)),
  ),
  times: fixed({ value: 'signal', other: 'signal' }, ({ value, other }) =>
    numeric(value).times(numeric(other)),
  ),
  clamp: fixed({ value: 'signal', bounds: 'range' }, ({ value, bounds }) =>
    numeric(value).clamp(bounds.min, bounds.max),
  ),
  round: fixed({ value: 'signal', digits: 'number?' }, ({ value, digits }) =>
    numeric(value).round(digits ?? 0),
  ),
  quantize: fixed({ value: 'signal', step: 'number' }, ({ value, step }) =>
    numeric(value).quantize(step),
  ),
  delay: fixed({ value: 'signal', duration: 'duration' }, ({ value, duration }) =>
    value.delay(duration),
  ),
  hold: fixed({ value: 'signal', duration: 'duration' }, ({ value, duration }) =>
    value.hold(duration),
  ),
  abs: fixed({ value: 'signal' }, ({ value }) => numeric(value).map(Math.abs)),
  min: fixed({ value: 'signal', other: 'signal' }, ({ value, other }) =>
    combined(numeric(value), numeric(other), (a, b) => Math.min(a, b)),
  ),
  max: fixed({ value: 'signal', other: 'signal' }, ({ value, other }) =>
    combined(numeric(value), numeric(other), (a, b) => Math.max(a, b)),
  ),
};

/** A function with named parameters, given in their order or by `name=value`. */
function fixed<const P extends Parameters_>(
  parameters: P,
  build: (
    given: Given<P>,
  ) => Signal<number> | Signal<string> | Signal<boolean> | Signal<FieldValue>,
): ExpressionFunction {
  return (name, args, offset) =>
    build(assigned(name, parameters, args, offset)) as Signal<FieldValue>;
}

function assigned<const P extends Parameters_>(
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
        `${signature} has no parameter "${parameter}"${suggestion(parameter, names)}`,
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
};

function converted({ value, offset }: Argument, kind: Kind, what: string): unknown {
  if (kind === 'signal') {
    if (value.kind === 'signal') return value.signal;
    if (value.kind === 'text') return timeSignal(() => value.text);
    if (value.kind === 'number' || value.kind === 'boolean') return timeSignal(() => value.value);
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

/** A function of values with a duration each: `steps(18, 6h, 21, 16h)`. */
function pairs(
  build: (list: readonly (readonly [string | number, number])[]) => Signal<number | string>,
): ExpressionFunction {
  return (name, args, offset) => {
    const list: (readonly [string | number, number])[] = [];
    for (let index = 0; index < args.length; index += 2) {
      const [value, duration] = [args[index], args[index + 1]];
      if (value === undefined || duration === undefined) {
        throw new DefinitionError(
          `${name} takes values with a duration each, such as ${name}(1, 10m, 2, 5m)`,
          [],
          value?.offset ?? offset,
        );
      }
      const constantValue =
        value.value.kind === 'number'
          ? value.value.value
          : (converted(value, 'text', `${name}: a value that is no number`) as string);
      list.push([
        constantValue,
        converted(duration, 'duration', `${name}: after a value`) as number,
      ]);
    }
    return build(list) as Signal<FieldValue>;
  };
}

/** `pick("open", "closed", every=10m)`. */
function pickFunction(name: string, args: readonly Argument[]): Signal<FieldValue> {
  const values: FieldValue[] = [];
  let every: number | undefined;
  for (const argument of args) {
    if (argument.name === 'every') {
      every = converted(argument, 'duration', `${name}: every`) as number;
    } else if (argument.value.kind === 'number' || argument.value.kind === 'boolean') {
      values.push(argument.value.value);
    } else {
      values.push(converted(argument, 'text', `${name}: a value that is no number`) as string);
    }
  }
  return pick(values, every === undefined ? {} : { every });
}

function numeric(signal: Signal<FieldValue>): Signal<number> {
  return signal.map((value) => Number(value));
}

/** Without the members that were not given. */
function present<T extends object>(given: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
