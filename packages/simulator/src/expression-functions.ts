/** Every function of expressions: the names of the signals, and of what combines them. */
import { DefinitionError } from './definition-error.ts';
import {
  assigned,
  constantOf,
  type ExpressionFunction,
  fixed,
  pairs,
  present,
  separated,
} from './expression-parameters.ts';
import type { Argument } from './expression-values.ts';
import { follow, integral } from './follow.ts';
import { meanReverting, noise, perDevice, pick, states, walk } from './random-signals.ts';
import { combined, type FieldValue, type Signal } from './signal.ts';
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
  steps: pairs({ loop: 'boolean' }, (list, { loop = true }) => steps(list, { loop })),
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
  states: pairs({}, (list) =>
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
  follow: fixed({ target: 'numeric', time: 'duration', from: 'number?' }, ({ target, ...given }) =>
    follow(target, present(given)),
  ),
  integral: fixed({ rate: 'numeric', from: 'number?', every: 'duration?' }, ({ rate, ...given }) =>
    integral(rate, present(given)),
  ),
  clock: fixed({ form: 'text?' }, ({ form = 'iso' }) => clock(form as 'iso')),
  column: (name, args, offset, { recording }) => {
    const { column } = assigned(name, { column: 'text' } as const, args, offset);
    if (recording !== undefined) return recording.column(column);
    throw new DefinitionError('column needs a recording, and there is none', [], offset);
  },
  plus: fixed({ value: 'numeric', other: 'numeric' }, ({ value, other }) => value.plus(other)),
  minus: fixed({ value: 'numeric', other: 'numeric' }, ({ value, other }) => value.minus(other)),
  times: fixed({ value: 'numeric', other: 'numeric' }, ({ value, other }) => value.times(other)),
  clamp: fixed({ value: 'numeric', bounds: 'range' }, ({ value, bounds }) =>
    value.clamp(bounds.min, bounds.max),
  ),
  round: fixed({ value: 'numeric', digits: 'number?' }, ({ value, digits }) =>
    value.round(digits ?? 0),
  ),
  quantize: fixed({ value: 'numeric', step: 'number' }, ({ value, step }) => value.quantize(step)),
  delay: fixed({ value: 'signal', duration: 'duration' }, ({ value, duration }) =>
    value.delay(duration),
  ),
  hold: fixed({ value: 'signal', duration: 'duration' }, ({ value, duration }) =>
    value.hold(duration),
  ),
  abs: fixed({ value: 'numeric' }, ({ value }) => value.map(Math.abs)),
  min: fixed({ value: 'numeric', other: 'numeric' }, ({ value, other }) =>
    combined(value, other, (a, b) => Math.min(a, b)),
  ),
  max: fixed({ value: 'numeric', other: 'numeric' }, ({ value, other }) =>
    combined(value, other, (a, b) => Math.max(a, b)),
  ),
};

/** `pick("open", "closed", every=10m)`. */
function pickFunction(name: string, args: readonly Argument[]): Signal<FieldValue> {
  const { values, given } = separated(name, args, { every: 'duration' });
  const { every } = given;
  const list = values.map((argument) =>
    argument.value.kind === 'boolean' ? argument.value.value : constantOf(argument, name),
  );
  return pick(list, every === undefined ? {} : { every });
}
