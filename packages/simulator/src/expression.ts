/**
 * Signals as text: `walk(20, 0.2, 15..30) + noise(0.1)`, for command lines and definition files. A parser by recursive
 * descent; each function of it is one level of precedence. What is constant is computed at once; the rest becomes a
 * signal. Every mistake is told with its place.
 */
import { DefinitionError, knownNames, within } from './definition-error.ts';
import { expressionFunctions } from './expression-functions.ts';
import type { ExpressionTools } from './expression-parameters.ts';
import { nextToken, type Token } from './expression-tokens.ts';
import {
  type Argument,
  asSignalValue,
  checkedRange,
  choice,
  type ExpressionValue,
  operation,
  truth,
  valueSignal,
} from './expression-values.ts';
import { type FieldValue, Signal } from './signal.ts';

/** What an expression may refer to. */
export interface ExpressionScope extends ExpressionTools {
  /** Names of fields, state and attributes; `undefined`: any, looked up when it runs. */
  readonly names: readonly string[] | undefined;
  /** Name of the field that the expression is for: in it the name means the state or attribute of that name. */
  readonly own?: string;
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
        `there is no function "${name.text}"${knownNames(name.text, known)}`,
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
      const help = functions.includes(name)
        ? `; a function needs brackets: ${name}(...)`
        : knownNames(name, names);
      throw new DefinitionError(`"${name}" is no field, state or attribute${help}`, [], offset);
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
