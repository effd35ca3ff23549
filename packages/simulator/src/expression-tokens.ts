import { DefinitionError } from './definition-error.ts';
import { durationMs } from './duration.ts';

/** A word of an expression. */
export interface Token {
  readonly kind: 'number' | 'duration' | 'text' | 'name' | 'sign' | 'end';
  /** The sign, the name, or what stands between the quotes. */
  readonly text: string;
  /** Of a number, or milliseconds of a duration. */
  readonly value: number;
  readonly offset: number;
  readonly end: number;
}

const blank = /\s*/y;
const duration = /(\d+(\.\d+)?(ms|s|m|h|d))+(?![\w.]*\w)/y;
/** The dot of `1..2` is none of the number's. */
const number = /\d+(\.(?!\.)\d+)?(e[-+]?\d+)?(?!\w)|\.\d+(?!\w)/y;
const name = /[A-Za-z_]\w*/y;
const text = /'([^']*)'|"([^"]*)"/y;
const sign = /\.\.|<=|>=|==|!=|&&|\|\||[-+*/%()<>!?:,.=]/y;

/** The next word at or after a place. Throws `DefinitionError` where there is none. */
export function nextToken(source: string, at: number): Token {
  const offset = at + (match(blank, source, at)?.[0].length ?? 0);
  const token = (kind: Token['kind'], length: number, word: string, value = 0): Token => ({
    kind,
    text: word,
    value,
    offset,
    end: offset + length,
  });
  if (offset >= source.length) return token('end', 0, '');
  const time = match(duration, source, offset);
  if (time !== undefined) return token('duration', time[0].length, '', durationMs(time[0], 'it'));
  const digits = match(number, source, offset);
  if (digits !== undefined) return token('number', digits[0].length, '', Number(digits[0]));
  const word = match(name, source, offset);
  if (word !== undefined) return token('name', word[0].length, word[0]);
  const quoted = match(text, source, offset);
  if (quoted !== undefined) {
    return token('text', quoted[0].length, quoted[1] ?? quoted[2] ?? '');
  }
  const found = match(sign, source, offset);
  if (found !== undefined) return token('sign', found[0].length, found[0]);
  const rest = source.slice(offset).split(/\s/)[0] ?? '';
  const problem = /^['"]/.test(rest)
    ? 'expected a closing quote'
    : /^\d/.test(rest)
      ? `"${rest}" is neither a number nor a duration such as 10s or 1h30m`
      : `"${rest[0]}" has no meaning here`;
  throw new DefinitionError(problem, [], offset);
}

function match(pattern: RegExp, source: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(source) ?? undefined;
}
