/** What `--output`, `--format` and `--select` print. Loaded when one of them is asked for. */
import type { Message } from 'mqtt-kit';
import { type BraceFormat, parseBraceFormat } from './brace-format.ts';
import { escapeText } from './escape-text.ts';
import { type FieldContext, fieldOf, follow, pathSteps } from './message-fields.ts';
import type { MessageFormat } from './message-format.ts';
import { recordOf } from './message-record.ts';

/** The choices of `--output` that lie here. */
export type OutputForm =
  | 'text'
  | 'raw'
  | 'json'
  | 'ndjson'
  | 'hex'
  | 'base64'
  | 'csv'
  | 'tsv'
  | 'null';

export interface FormOptions {
  readonly form: OutputForm;
  readonly showTopic: boolean;
  readonly pretty: boolean;
  readonly noEol: boolean;
  readonly isTerminal: boolean;
  readonly topicFilters: readonly string[];
}

/** What `--format` prints. Throws `UsageError`. */
export function braceMessageFormat(format: string, options: FormOptions): MessageFormat {
  const parsed = parseBraceFormat(format);
  return withContext(options, parsed);
}

/** What `--select PATH` prints of a JSON payload: text as it is, everything else as JSON, nothing when it is missing. */
export function selectMessageFormat(path: string, options: FormOptions): MessageFormat {
  const steps = pathSteps(path.replace(/^payload(?=[.[]|$)/, '').replace(/^\.(?=\[|$)/, ''));
  const payload = fieldOf('payload');
  return (message, sink) => {
    const context = { epochMs: 0, deltaMs: undefined, topicFilters: options.topicFilters };
    const value = follow(payload(message, context), steps);
    if (value === undefined) return;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const start = options.showTopic ? `${shown(message.topic, options)} ` : '';
    sink.text(start + shown(text, options) + (options.noEol ? '' : '\n'));
  };
}

function withContext(options: FormOptions, format: BraceFormat): MessageFormat {
  const lastMs = new Map<string, number>();
  return (message, sink) => {
    const epochMs = Date.now();
    const before = lastMs.get(message.topic);
    if (lastMs.size > 100_000) lastMs.clear();
    lastMs.set(message.topic, epochMs);
    const context: FieldContext = {
      epochMs,
      deltaMs: before === undefined ? undefined : epochMs - before,
      topicFilters: options.topicFilters,
    };
    const text = format(message, context);
    sink.text(escapedLines(text, options) + (options.noEol ? '' : '\n'));
  };
}

/** Line ends of the format itself stay what they are. */
function escapedLines(text: string, { isTerminal }: FormOptions): string {
  return isTerminal
    ? text
        .split('\n')
        .map((line) => escapeText(line))
        .join('\n')
    : text;
}

function shown(text: string, { isTerminal }: FormOptions): string {
  return isTerminal ? escapeText(text) : text;
}

/** What `--output` prints. */
export function outputFormat(options: FormOptions): MessageFormat {
  const end = options.noEol ? '' : '\n';
  const start = (message: Message): string =>
    options.showTopic ? `${shown(message.topic, options)} ` : '';
  switch (options.form) {
    case 'raw':
      return ({ payload }, sink) => {
        if (payload.length > 0) sink.bytes(payload);
      };
    case 'null':
      return (message, sink) => {
        if (options.showTopic) sink.text(`${message.topic} `);
        if (message.payload.length > 0) sink.bytes(message.payload);
        sink.text('\0');
      };
    case 'hex':
      return (message, sink) =>
        sink.text(start(message) + Buffer.from(message.payload).toString('hex') + end);
    case 'base64':
      return (message, sink) =>
        sink.text(start(message) + Buffer.from(message.payload).toString('base64') + end);
    case 'json':
    case 'ndjson':
      return jsonFormat(options.form === 'json' && (options.pretty || options.isTerminal), end);
    case 'csv':
      return separated(',', csvCell);
    case 'tsv':
      return separated('\t', tsvCell);
    case 'text':
      return (message, sink) => {
        sink.text(start(message));
        if (message.payload.length > 0) sink.bytes(message.payload);
        sink.text(end);
      };
  }
}

/** On a terminal, control characters of C1 and marks of direction are escaped as JSON can. */
function jsonFormat(indented: boolean, end: string): MessageFormat {
  return (message, sink) => {
    const text = JSON.stringify(recordOf(message, Date.now()), undefined, indented ? 2 : undefined);
    sink.text(
      text.replace(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, unicode) + end,
    );
  };
}

function unicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Columns as `mqtt-pub --lines` takes them: topic and payload. A payload that is no UTF-8 is not told apart here. */
function separated(separator: string, cell: (text: string) => string): MessageFormat {
  return (message, sink) =>
    sink.text(`${cell(message.topic)}${separator}${cell(message.text())}\n`);
}

/** RFC 4180. */
function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A tab or an end of line would begin a new column or record: both are written as escapes, and so is the backslash. */
function tsvCell(text: string): string {
  return text.replace(/[\\\t\r\n]/g, (one) => tsvEscapes[one]!);
}

const tsvEscapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\r': '\\r',
  '\n': '\\n',
};
