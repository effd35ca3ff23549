/** The format of `--format`: text with fields in braces, `{time:HH:mm:ss} {topic[1]} {payload.temp:%.1f}`. */
import type { Message } from 'mqtt-kit';
import { type Field, type FieldContext, fieldOf } from './message-fields.ts';
import { UsageError } from './usage-error.ts';

/** The text of a message. */
export type BraceFormat = (message: Message, context: FieldContext) => string;

/** Takes a format apart, once. `{{` and `}}` are braces, `\n` and `\t` what they are elsewhere. Throws `UsageError`. */
export function parseBraceFormat(format: string): BraceFormat {
  const parts: (string | Field)[] = [];
  const pattern = /\{\{|\}\}|\\[nt\\]|\{((?:[^{}"']|"[^"]*"|'[^']*')*)\}|[{}]/g;
  let end = 0;
  for (const found of format.matchAll(pattern)) {
    parts.push(format.slice(end, found.index));
    end = found.index + found[0].length;
    const [whole, inside] = found;
    if (inside !== undefined) parts.push(placeholder(inside));
    else if (whole === '{' || whole === '}') {
      throw new UsageError(
        `--format: the brace at character ${found.index + 1} has no counterpart`,
        'A brace itself is written as {{ or }}',
      );
    } else parts.push(literals[whole]!);
  }
  parts.push(format.slice(end));
  return (message, context) =>
    parts
      .map((part) => (typeof part === 'string' ? part : textOf(part(message, context))))
      .join('');
}

const literals: Readonly<Record<string, string>> = {
  '{{': '{',
  '}}': '}',
  '\\n': '\n',
  '\\t': '\t',
  '\\\\': '\\',
};

function placeholder(inside: string): Field {
  const colon = inside.search(/:(?![^[]*\])/);
  const path = (colon < 0 ? inside : inside.slice(0, colon)).trim();
  const form = colon < 0 ? undefined : inside.slice(colon + 1);
  let field: Field;
  try {
    field = fieldOf(path);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`--format: ${error.message}`, error.hint);
  }
  if (form === undefined) return field;
  if (path === 'time') return (message, context) => timeText(field(message, context) as Date, form);
  const shape = numberForm(form);
  if (shape === undefined) {
    throw new UsageError(
      `--format: {${inside}} has no form such as :%.1f or :%8s`,
      'For {time}: HH mm ss SSS YYYY MM DD',
    );
  }
  return (message, context) => shape(field(message, context));
}

/** `%.1f`, `%d`, `%5s`, `%-10s`, `%05d`. */
function numberForm(form: string): ((value: unknown) => string) | undefined {
  const parts = /^%(-?)(0?)([0-9]*)(?:\.([0-9]+))?([fdsx])$/.exec(form);
  if (parts === null) return undefined;
  const [, minus, zero, width, precision, letter] = parts;
  return (value) => {
    const text = shaped(value, letter!, precision === undefined ? undefined : Number(precision));
    const columns = Math.min(Number(width || 0), 1000);
    if (minus === '-') return text.padEnd(columns);
    return text.padStart(columns, zero === '0' ? '0' : ' ');
  };
}

function shaped(value: unknown, letter: string, precision: number | undefined): string {
  if (letter === 's' || value === undefined || value === null) {
    const text = textOf(value);
    return precision === undefined ? text : text.slice(0, precision);
  }
  const number = typeof value === 'boolean' ? Number(value) : Number(value);
  if (Number.isNaN(number)) return textOf(value);
  if (letter === 'd') return `${Math.trunc(number)}`;
  if (letter === 'x') return Math.trunc(number).toString(16);
  return number.toFixed(Math.min(precision ?? 6, 100));
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (value instanceof Date) return timeText(value, 'HH:mm:ss.SSS');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const timeParts: Readonly<Record<string, (time: Date) => string>> = {
  YYYY: (time) => `${time.getFullYear()}`,
  MM: (time) => two(time.getMonth() + 1),
  DD: (time) => two(time.getDate()),
  HH: (time) => two(time.getHours()),
  mm: (time) => two(time.getMinutes()),
  ss: (time) => two(time.getSeconds()),
  SSS: (time) => `${time.getMilliseconds()}`.padStart(3, '0'),
};

function timeText(time: Date, form: string): string {
  if (form === 'iso') return time.toISOString();
  if (form === 'unix') return `${time.getTime() / 1000}`;
  if (form === 'ms') return `${time.getTime()}`;
  return form.replace(/YYYY|MM|DD|HH|mm|SSS|ss/g, (part) => timeParts[part]!(time));
}

function two(value: number): string {
  return `${value}`.padStart(2, '0');
}
