/**
 * Signals as text: `walk(20, 0.2, 15..30) + noise(0.1)`, for command lines and definition files. A parser by recursive
 * descent; each function of it is one level of precedence. What is constant is computed at once; the rest becomes a
 * signal. Every mistake is told with its place.
 */
import { DefinitionError, suggestion, within } from './definition-error.ts';
import { type ExpressionTools, expressionFunctions } from './expression-functions.ts';
import { nextToken, type Token } from './expression-tokens.ts';
import { asSignal, combined, type FieldValue, Signal, timeSignal } from './signal.ts';

/** What a part of an expression can be. */
export type ExpressionValue =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'duration'; readonly ms: number }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'range'; readonly min: number; readonly max: number }
  | { readonly kind: 'signal'; readonly signal: Signal<FieldValue> };

/** What an expression may refer to. */
export interface ExpressionScope extends ExpressionTools {
  /** Names of fields, state and attributes; `undefined`: any, looked up when it runs. */
  readonly names: readonly string[] | undefined;
  /** Name of the field that the expression is for: in it the name means the state or attribute of that name. */
  readonly own?: string;
}

/** An argument of a function, with its name where it was given one. */
export interface Argument {
  readonly name: string | undefined;
  readonly value: ExpressionValue;
  readonly offset: number;
}

/**
 * The signal that an expression describes. Names are fields of the same device, its state, or its attributes. Throws
 * `DefinitionError` with the offset of the mistake and what was expected.
 */
export function parseExpression(
  text: string,
  scope: ExpressionScope = { names: [] },
): Signal<FieldValue> {
  const parser = new Parser(text, scope);
  const value = parser.expression();
  parser.expectEnd();
  return valueSignal(value, 0);
}

/** As many fields as a text names: `temp=walk(20,0.2,15..30) hum=sine(50,10,24h)+noise(1)`. */
export function parseFields(text: string): Record<string, Signal<FieldValue>> {
  // A field starts at a name with one equals sign that stands in no bracket.
  const starts = fieldStarts(text);
  const first = starts[0];
  if (first === undefined || text.slice(0, first.nameAt).trim() !== '') {
    throw new DefinitionError('expected fields such as temp=walk(20, 0.2, 15..30)', [], 0);
  }
  const names = starts.map(({ name }) => name);
  const fields: Record<string, Signal<FieldValue>> = {};
  for (const [index, { name, nameAt, valueAt }] of starts.entries()) {
    if (name in fields) throw new DefinitionError(`the field ${name} is given twice`, [], nameAt);
    const end = starts[index + 1]?.nameAt ?? text.length;
    // Blanks in front keep the offsets of the whole text.
    const own = ' '.repeat(valueAt) + text.slice(valueAt, end).replace(/[\s,;]+$/, '');
    fields[name] = parseExpression(own, { names });
  }
  return fields;
}

function fieldStarts(text: string): { name: string; nameAt: number; valueAt: number }[] {
  const starts: { name: string; nameAt: number; valueAt: number }[] = [];
  let depth = 0;
  let previous: Token | undefined;
  for (let at = 0; ; ) {
    const token = nextToken(text, at);
    if (token.kind === 'end') return starts;
    if (token.text === '(') depth += 1;
    if (token.text === ')') depth -= 1;
    if (token.text === '=' && depth === 0 && previous?.kind === 'name') {
      starts.push({ name: previous.text, nameAt: previous.offset, valueAt: token.end });
    }
    previous = token;
    at = token.end;
  }
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

/** From the weakest to the strongest. */
const precedence = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/', '%'],
];

/** Brackets and signs within each other: more is no expression but an attack on the stack. */
const deepest = 100;

class Parser {
  readonly #text: string;
  readonly #scope: ExpressionScope;
  #token: Token;
  #depth = 0;

  constructor(text: string, scope: ExpressionScope) {
    this.#text = text;
    this.#scope = scope;
    this.#token = nextToken(text, 0);
  }

  expression(): ExpressionValue {
    this.#depth += 1;
    if (this.#depth > deepest) throw this.#error(`expected at most ${deepest} brackets in another`);
    const { offset } = this.#token;
    const condition = this.#binary(0);
    let value = condition;
    if (this.#take('?')) {
      const first = this.expression();
      this.#expect(':');
      value = choice(condition, first, this.expression(), offset);
    }
    this.#depth -= 1;
    return value;
  }

  expectEnd(): void {
    if (this.#token.kind === 'end') return;
    throw this.#error(`expected an operator or the end, found ${this.#found()}`);
  }

  #binary(level: number): ExpressionValue {
    const operators = precedence[level];
    if (operators === undefined) return this.#unary();
    const { offset } = this.#token;
    let left = this.#binary(level + 1);
    while (this.#token.kind === 'sign' && operators.includes(this.#token.text)) {
      const operator = this.#token.text;
      this.#advance();
      const rightOffset = this.#token.offset;
      left = operation(operator, left, offset, this.#binary(level + 1), rightOffset);
    }
    return left;
  }

  #unary(): ExpressionValue {
    const { offset } = this.#token;
    const sign = this.#take('-') ? '-' : this.#take('!') ? '!' : undefined;
    if (sign === undefined) return this.#postfix();
    this.#depth += 1;
    if (this.#depth > deepest) throw this.#error(`expected at most ${deepest} signs in a row`);
    const value = this.#unary();
    this.#depth -= 1;
    if (sign === '!') {
      return asSignalValue(valueSignal(value, offset).map((given) => !truth(given)));
    }
    // A range that begins below zero: -10..10.
    if (value.kind === 'range') return checkedRange(-value.min, value.max, offset);
    return operation('-', { kind: 'number', value: 0 }, offset, value, offset);
  }

  /** `x.round(1)` is `round(x, 1)`. */
  #postfix(): ExpressionValue {
    const { offset } = this.#token;
    let value = this.#primary();
    while (this.#take('.')) {
      const name = this.#token;
      if (name.kind !== 'name') throw this.#error(`expected a function, found ${this.#found()}`);
      this.#advance();
      this.#expect('(');
      value = this.#call(name, [{ name: undefined, value, offset }]);
    }
    return value;
  }

  #primary(): ExpressionValue {
    const token = this.#token;
    switch (token.kind) {
      case 'number':
        this.#advance();
        return this.#rangeOr(token.value, token.offset);
      case 'duration':
        this.#advance();
        return { kind: 'duration', ms: token.value };
      case 'text':
        this.#advance();
        return { kind: 'text', text: token.text };
      case 'name':
        this.#advance();
        if (this.#take('(')) return this.#call(token, []);
        if (token.text === 'true' || token.text === 'false') {
          return { kind: 'boolean', value: token.text === 'true' };
        }
        return this.#reference(token);
      default:
        break;
    }
    if (this.#take('(')) {
      const value = this.expression();
      this.#expect(')');
      return value;
    }
    throw this.#error(`expected a number, a name, a function or "(", found ${this.#found()}`);
  }

  #rangeOr(min: number, offset: number): ExpressionValue {
    if (!this.#take('..')) return { kind: 'number', value: min };
    const negative = this.#take('-');
    if (this.#token.kind !== 'number') {
      throw this.#error(`expected the upper end of the range, found ${this.#found()}`);
    }
    const max = negative ? -this.#token.value : this.#token.value;
    this.#advance();
    // Its lower end may still get a sign: only then the order can be judged.
    return { kind: 'range', min, max: max === min ? checkedRange(min, max, offset).max : max };
  }

  /** After the opening bracket. */
  #call(name: Token, leading: readonly Argument[]): ExpressionValue {
    const definition = Object.hasOwn(expressionFunctions, name.text)
      ? expressionFunctions[name.text]
      : undefined;
    if (definition === undefined) {
      const known = Object.keys(expressionFunctions);
      throw new DefinitionError(
        `there is no function "${name.text}"${suggestion(name.text, known)}; there are ${known.join(', ')}`,
        [],
        name.offset,
      );
    }
    const args = [...leading];
    while (!this.#take(')')) {
      if (args.length > leading.length) this.#expect(',', ' or ")"');
      args.push(this.#argument());
    }
    return asSignalValue(
      atOffset(name.offset, () => definition(name.text, args, name.offset, this.#scope)),
    );
  }

  #argument(): Argument {
    const { kind, text, offset, end } = this.#token;
    if (kind === 'name' && nextToken(this.#text, end).text === '=') {
      this.#advance();
      this.#advance();
      return { name: text, value: this.#argumentValue(), offset };
    }
    return { name: undefined, value: this.#argumentValue(), offset };
  }

  #argumentValue(): ExpressionValue {
    const { offset } = this.#token;
    const value = this.expression();
    return value.kind === 'range' ? checkedRange(value.min, value.max, offset) : value;
  }

  #reference({ text: name, offset }: Token): ExpressionValue {
    const { names, own } = this.#scope;
    if (names !== undefined && !names.includes(name)) {
      const functions = Object.keys(expressionFunctions);
      const known = names.length === 0 ? 'none' : names.join(', ');
      const call = functions.includes(name) ? `; a function needs brackets: ${name}(...)` : '';
      throw new DefinitionError(
        `"${name}" is no field, state or attribute${suggestion(name, names)}; there are: ${known}${call}`,
        [],
        offset,
      );
    }
    return asSignalValue(
      new Signal(0, () => (_moment, fields, device) => {
        const value = device.state[name] ?? device.attributes[name];
        if (name === own && value !== undefined) return value;
        if (name in fields) return fields[name] as FieldValue;
        if (value !== undefined) return value;
        return name === 'id' ? device.id : name === 'index' ? device.index : null;
      }),
    );
  }

  #advance(): void {
    this.#token = nextToken(this.#text, this.#token.end);
  }

  #take(sign: string): boolean {
    if (this.#token.kind !== 'sign' || this.#token.text !== sign) return false;
    this.#advance();
    return true;
  }

  #expect(sign: string, more = ''): void {
    if (!this.#take(sign)) throw this.#error(`expected "${sign}"${more}, found ${this.#found()}`);
  }

  #found(): string {
    const { kind, offset, end } = this.#token;
    return kind === 'end' ? 'the end' : `"${this.#text.slice(offset, end)}"`;
  }

  #error(problem: string): DefinitionError {
    return new DefinitionError(problem, [], this.#token.offset);
  }
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

function operation(
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
    return { kind: 'number', value: compute(left.value, right.value) };
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

function choice(
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

function asSignalValue(signal: Signal<FieldValue>): ExpressionValue {
  return { kind: 'signal', signal: asSignal(signal) };
}

function checkedRange(min: number, max: number, offset: number): ExpressionValue & { max: number } {
  if (min < max) return { kind: 'range', min, max };
  throw new DefinitionError(
    `expected a range from the lower to the higher end, found ${min}..${max}`,
    [],
    offset,
  );
}

function truth(value: FieldValue): boolean {
  return value !== false && value !== 0 && value !== null && value !== '';
}

/** A mistake that a signal finds in its arguments lies where its function stands. */
function atOffset<T>(offset: number, run: () => T): T {
  try {
    return within([], run);
  } catch (error) {
    if (error instanceof DefinitionError && error.offset === undefined) {
      throw new DefinitionError(error.problem, error.path, offset);
    }
    throw error;
  }
}
