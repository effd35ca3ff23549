/**
 * The conditions of `--where` and `--until`: fields of a message, numbers, texts in quotes, `== != < <= > >= ~`,
 * `&& || !` and brackets. Taken apart once; a field that a message does not have makes every comparison false but `!=`.
 */
import type { Message } from 'mqtt-kit';
import { type FieldContext, fieldOf } from './message-fields.ts';
import { quoted, UsageError } from './usage-error.ts';

/** Whether a message fulfils it. */
export type ContextCondition = (message: Message, context: FieldContext) => boolean;

type Value = (message: Message, context: FieldContext) => unknown;

/** Throws `UsageError` that names the option and what is wrong. */
export function parseCondition(option: string, text: string): ContextCondition {
  const parser = new Parser(option, text);
  const value = parser.any();
  parser.end();
  return (message, context) => truth(value(message, context));
}

const token =
  /\s*(?:(&&|\|\||==|!=|<=|>=|[<>!()~])|(-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\+[0-9]+|[A-Za-z_](?:[\w.$-]|\[(?:-?[0-9]+|"[^"]*"|'[^']*')\])*))/y;

interface Token {
  readonly sign: string | undefined;
  readonly number: string | undefined;
  readonly text: string | undefined;
  readonly path: string | undefined;
}

class Parser {
  readonly #option: string;
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(option: string, text: string) {
    this.#option = option;
    this.#text = text;
    this.#tokens = this.#split();
  }

  #split(): readonly Token[] {
    const tokens: Token[] = [];
    const text = this.#text.trimEnd();
    token.lastIndex = 0;
    while (token.lastIndex < text.length) {
      const from = token.lastIndex;
      const parts = token.exec(text);
      if (parts === null)
        throw this.#problem(`${quoted(text.slice(from).trim())} is not understood`);
      const [, sign, number, double, single, path] = parts;
      tokens.push({ sign, number, text: unescaped(double ?? single), path });
    }
    if (tokens.length === 0) throw this.#problem('there is nothing in it');
    return tokens;
  }

  #problem(why: string): UsageError {
    return new UsageError(
      `${this.#option}: ${why}`,
      `For example: ${this.#option} 'payload.temp > 25 && topic[1] == "attic"'`,
    );
  }

  #takes(sign: string): boolean {
    if (this.#tokens[this.#at]?.sign !== sign) return false;
    this.#at += 1;
    return true;
  }

  any(): Value {
    let left = this.#all();
    while (this.#takes('||')) {
      const first = left;
      const second = this.#all();
      left = (message, context) =>
        truth(first(message, context)) || truth(second(message, context));
    }
    return left;
  }

  #all(): Value {
    let left = this.#comparison();
    while (this.#takes('&&')) {
      const first = left;
      const second = this.#comparison();
      left = (message, context) =>
        truth(first(message, context)) && truth(second(message, context));
    }
    return left;
  }

  #comparison(): Value {
    const left = this.#operand();
    const sign = this.#tokens[this.#at]?.sign;
    if (sign === undefined || !Object.hasOwn(comparisons, sign)) return left;
    this.#at += 1;
    const right = this.#operand();
    const compare = comparisons[sign]!;
    return (message, context) => compare(left(message, context), right(message, context));
  }

  #operand(): Value {
    if (this.#takes('!')) {
      const value = this.#operand();
      return (message, context) => !truth(value(message, context));
    }
    if (this.#takes('(')) {
      const value = this.any();
      if (!this.#takes(')')) throw this.#problem('a closing bracket is missing');
      return value;
    }
    const next = this.#tokens[this.#at];
    this.#at += 1;
    if (next?.number !== undefined) {
      const number = Number(next.number);
      return () => number;
    }
    if (next?.text !== undefined) {
      const { text } = next;
      return () => text;
    }
    if (next?.path !== undefined) return this.#field(next.path);
    throw this.#problem(next === undefined ? 'its end is missing' : `${next.sign} stands alone`);
  }

  #field(path: string): Value {
    try {
      return fieldOf(path);
    } catch (error) {
      if (error instanceof UsageError) {
        throw new UsageError(`${this.#option}: ${error.message}`, error.hint);
      }
      throw error;
    }
  }

  end(): void {
    const next = this.#tokens[this.#at];
    if (next === undefined) return;
    const what = next.sign ?? next.number ?? next.text ?? next.path ?? '';
    throw this.#problem(`${quoted(what)} follows without && or ||`);
  }
}

function unescaped(text: string | undefined): string | undefined {
  return text?.replace(/\\(.)/gs, (_whole, one: string) => (one === 'n' ? '\n' : one));
}

function truth(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 0;
}

/** A number in a text counts as one when it is compared to one. */
function numbers(left: unknown, right: unknown): readonly [number, number] | undefined {
  const pair = [left, right].map((value) => {
    if (value instanceof Date) return value.getTime();
    if (typeof value === 'string') return value.trim() === '' ? Number.NaN : Number(value);
    return typeof value === 'number' ? value : Number.NaN;
  });
  return pair.some(Number.isNaN) ? undefined : [pair[0]!, pair[1]!];
}

function equal(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== typeof right && (typeof left === 'number' || typeof right === 'number')) {
    const pair = numbers(left, right);
    return pair !== undefined && pair[0] === pair[1];
  }
  if (typeof left === 'object' || typeof right === 'object') {
    return left !== undefined && JSON.stringify(left) === JSON.stringify(right);
  }
  return false;
}

function ordered(left: unknown, right: unknown, holds: (difference: number) => boolean): boolean {
  const pair = numbers(left, right);
  if (pair !== undefined) return holds(pair[0] - pair[1]);
  if (typeof left !== 'string' || typeof right !== 'string') return false;
  return holds(left < right ? -1 : left > right ? 1 : 0);
}

const comparisons: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': equal,
  '!=': (left, right) => !equal(left, right),
  '<': (left, right) => ordered(left, right, (difference) => difference < 0),
  '<=': (left, right) => ordered(left, right, (difference) => difference <= 0),
  '>': (left, right) => ordered(left, right, (difference) => difference > 0),
  '>=': (left, right) => ordered(left, right, (difference) => difference >= 0),
  '~': (left, right) => typeof left === 'string' && left.includes(String(right)),
};
