/** What parts of an expression are, and what operators make of them. */
import { DefinitionError } from './definition-error.ts';
import { asSignal, combined, type FieldValue, type Signal, timeSignal } from './signal.ts';

/** What a part of an expression can be. */
export type ExpressionValue =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'duration'; readonly ms: number }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'range'; readonly min: number; readonly max: number }
  | { readonly kind: 'signal'; readonly signal: Signal<FieldValue> };

/** An argument of a function, with its name where it was given one. */
export interface Argument {
  readonly name: string | undefined;
  readonly value: ExpressionValue;
  readonly offset: number;
}

/** What a value is as a signal; ranges and durations are none. */
export function valueSignal(value: ExpressionValue, offset: number): Signal<FieldValue> {
  switch (value.kind) {
    case 'signal':
      return value.signal;
    case 'number':
    case 'boolean': {
      const { value: constant } = value;
      return timeSignal(() => constant);
    }
    case 'text': {
      const { text } = value;
      return timeSignal(() => text);
    }
    case 'range':
      throw new DefinitionError('expected a value, found a range', [], offset);
    case 'duration':
      throw new DefinitionError('expected a value, found a duration', [], offset);
  }
}

/** What an operator makes of two values; constant where both are numbers. */
export function operation(
  operator: string,
  left: ExpressionValue,
  leftOffset: number,
  right: ExpressionValue,
  rightOffset: number,
): ExpressionValue {
  const compute = arithmetic[operator];
  if (compute === undefined) {
    const compare = comparisons[operator] as (a: FieldValue, b: FieldValue) => boolean;
    const a = valueSignal(left, leftOffset);
    return asSignalValue(combined(a, valueSignal(right, rightOffset), compare));
  }
  if (left.kind === 'number' && right.kind === 'number') {
    const value = compute(left.value, right.value);
    if (Number.isFinite(value)) return { kind: 'number', value };
    throw new DefinitionError(
      `"${operator}" gives no number here: ${left.value} ${operator} ${right.value}`,
      [],
      rightOffset,
    );
  }
  for (const [value, offset] of [
    [left, leftOffset],
    [right, rightOffset],
  ] as const) {
    if (value.kind === 'text' || value.kind === 'boolean') {
      throw new DefinitionError(`"${operator}" takes numbers, found ${value.kind}`, [], offset);
    }
  }
  const a = valueSignal(left, leftOffset);
  return asSignalValue(
    combined(a, valueSignal(right, rightOffset), (x, y) => compute(Number(x), Number(y))),
  );
}

/** One of two values, as a condition has it. */
export function choice(
  condition: ExpressionValue,
  first: ExpressionValue,
  second: ExpressionValue,
  offset: number,
): ExpressionValue {
  const branches = combined(valueSignal(first, offset), valueSignal(second, offset), (a, b) => [
    a,
    b,
  ]);
  return asSignalValue(
    combined(
      valueSignal(condition, offset),
      branches as Signal<FieldValue>,
      (when, of) => (of as readonly FieldValue[])[truth(when) ? 0 : 1] ?? null,
    ),
  );
}

/** A signal as a part of an expression. */
export function asSignalValue(signal: Signal<FieldValue>): ExpressionValue {
  return { kind: 'signal', signal: asSignal(signal) };
}

/** A range, unless its ends are in the wrong order. */
export function checkedRange(
  min: number,
  max: number,
  offset: number,
): ExpressionValue & { max: number } {
  if (min < max) return { kind: 'range', min, max };
  throw new DefinitionError(
    `expected a range from the lower to the higher end, found ${min}..${max}`,
    [],
    offset,
  );
}

/** Whether a value counts as true: neither false, 0, null nor an empty text. */
export function truth(value: FieldValue): boolean {
  return value !== false && value !== 0 && value !== null && value !== '';
}

const comparisons: Readonly<Record<string, (a: FieldValue, b: FieldValue) => boolean>> = {
  '<': (a, b) => Number(a) < Number(b),
  '<=': (a, b) => Number(a) <= Number(b),
  '>': (a, b) => Number(a) > Number(b),
  '>=': (a, b) => Number(a) >= Number(b),
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '&&': (a, b) => truth(a) && truth(b),
  '||': (a, b) => truth(a) || truth(b),
};

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};
