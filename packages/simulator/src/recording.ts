/** Recorded data, played again: rows with a time each, from CSV or NDJSON, with the gaps that they had. */
import { MqttUsageError } from '@mqtt-kit/core';
import { checkMembers, DefinitionError, shown } from './definition-error.ts';
import { type Duration, durationMs } from './duration.ts';
import { type FieldValue, type Moment, Signal } from './signal.ts';

/** One row of a recording. */
export interface RecordedRow {
  /** Milliseconds after the first row. */
  readonly atMs: number;
  readonly values: Readonly<Record<string, FieldValue>>;
}

/** What `recording` takes. */
export interface RecordingOptions {
  /** Name of the column or member with the time. Default: the first of `time`, `timestamp`, `ts`, `date` that is there. */
  readonly time?: string;
  /** Default: NDJSON when the first character is `{`, else CSV with a line of names. */
  readonly format?: 'csv' | 'ndjson';
  /** Begins again after the last row. Default false. */
  readonly loop?: boolean;
  /** From the last row to the first of the next round. Default: the average gap. */
  readonly loopGap?: Duration;
  /** Begins so much into the recording. Default 0. */
  readonly skip?: Duration;
}

const timeNames = ['time', 'timestamp', 'ts', 'date'];

/**
 * Reads a recording from its text. As `every` of a fleet it says when there is a reading; `column(name)` is what was
 * recorded as a signal. Times are ISO 8601, or numbers since 1970 in seconds or milliseconds; rows may come in any order.
 *
 * ```ts
 * const log = recording(await readFile('freezer.csv', 'utf8'), { loop: true });
 * fleet({ id: 'freezer', every: log, signals: { temperature: log.column('celsius') }, publish: { 'shop/{id}': 'temperature' } });
 * ```
 *
 * Throws `invalidArgument` that names the line.
 */
export function recording(text: string, options: RecordingOptions = {}): Recording {
  checkOptions(options);
  const format = options.format ?? (/^\s*\{/.test(text) ? 'ndjson' : 'csv');
  const plain = text.replace(/^\uFEFF/, '');
  const rows = format === 'csv' ? csvRows(plain) : ndjsonRows(plain);
  const [first] = rows;
  if (first === undefined) throw new MqttUsageError('recording: there are no rows');
  const time = options.time ?? timeNames.find((name) => name in first.values);
  if (time === undefined || !(time in first.values)) {
    const names = Object.keys(first.values).join(', ');
    throw new MqttUsageError(
      `recording: no column ${options.time ?? timeNames.join(' or ')}; there are ${names}`,
    );
  }
  const timed = rows.map(({ values, line }) => ({
    values,
    atMs: timeOf(values[time], time, line),
  }));
  timed.sort((a, b) => a.atMs - b.atMs);
  const startMs = timed[0]?.atMs ?? 0;
  return new Recording(
    timed.map(({ atMs, values }) => ({ atMs: atMs - startMs, values })),
    options,
  );
}

const optionNames = ['time', 'format', 'loop', 'loopGap', 'skip'];

function checkOptions(options: RecordingOptions): void {
  checkMembers(options, optionNames, 'a recording');
  const { format, loop } = options;
  if (format !== undefined && format !== 'csv' && format !== 'ndjson') {
    throw new DefinitionError(`must be "csv" or "ndjson", not ${shown(format)}`, ['format']);
  }
  if (loop !== undefined && typeof loop !== 'boolean') {
    throw new DefinitionError(`must be true or false, not ${shown(loop)}`, ['loop']);
  }
}

/** Rows with the gaps between them. Made by `recording`. */
export class Recording {
  readonly rows: readonly RecordedRow[];
  readonly #skipMs: number;
  /** Length of one round; `undefined`: there is one alone. */
  readonly #roundMs: number | undefined;
  /** Number of the row of the first reading. */
  readonly #first: number;

  constructor(rows: readonly RecordedRow[], options: RecordingOptions = {}) {
    this.rows = rows;
    this.#skipMs = durationMs(options.skip ?? 0, 'recording: skip');
    const lastMs = rows.at(-1)?.atMs ?? 0;
    const averageMs = rows.length > 1 ? Math.max(Math.round(lastMs / (rows.length - 1)), 1) : 1000;
    const gapMs = durationMs(options.loopGap ?? averageMs, 'recording: loopGap');
    if (options.loop === true && lastMs + gapMs <= 0) {
      throw new MqttUsageError('recording: loopGap must be above 0 when all rows have one time');
    }
    this.#roundMs = options.loop === true ? lastMs + gapMs : undefined;
    const first = rows.findIndex(({ atMs }) => atMs >= this.#skipMs);
    this.#first = first < 0 ? rows.length : first;
    // A loop may begin in the gap before its next round.
    if (this.#skipMs > (this.#roundMs ?? lastMs)) {
      throw new MqttUsageError(
        `recording: skip must not be longer than the recording, which lasts ${lastMs} ms`,
      );
    }
  }

  /** Times of the readings, as milliseconds after the start of the run: each later than, or equal to, the one before. */
  timeOf(reading: number): number | undefined {
    const first = this.#first;
    if (this.#roundMs === undefined) {
      const row = this.rows[first + reading];
      return row === undefined ? undefined : row.atMs - this.#skipMs;
    }
    const number = first + reading;
    const row = this.rows[number % this.rows.length] as RecordedRow;
    return row.atMs + Math.floor(number / this.rows.length) * this.#roundMs - this.#skipMs;
  }

  /** What the row of a moment holds under a name: the last row that was recorded by then. */
  column(name: string): Signal<FieldValue> {
    if (!this.rows.some(({ values }) => name in values)) {
      const names = Object.keys(this.rows[0]?.values ?? {}).join(', ');
      throw new MqttUsageError(`recording: no column "${name}"; there are ${names}`);
    }
    return new Signal(0, () => (moment) => this.#rowAt(moment)?.values[name] ?? null);
  }

  #rowAt({ elapsedMs }: Moment): RecordedRow | undefined {
    const atMs = elapsedMs + this.#skipMs;
    const inRound = this.#roundMs === undefined ? atMs : atMs % this.#roundMs;
    // Bisection: the last row at or before the time.
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.rows[middle] as RecordedRow).atMs <= inRound) low = middle + 1;
      else high = middle;
    }
    return this.rows[Math.max(low - 1, 0)];
  }
}

interface Row {
  readonly values: Readonly<Record<string, FieldValue>>;
  readonly line: number;
}

function ndjsonRows(text: string): Row[] {
  const rows: Row[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    let values: unknown;
    try {
      values = JSON.parse(line);
    } catch {
      throw new MqttUsageError(`recording: line ${index + 1} is no JSON: ${shortened(line)}`);
    }
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw new MqttUsageError(
        `recording: line ${index + 1} must be a JSON object: ${shortened(line)}`,
      );
    }
    rows.push({ values: values as Row['values'], line: index + 1 });
  }
  return rows;
}

/** Rows of RFC 4180, with the names in the first one. What looks like a number is one. */
function csvRows(text: string): Row[] {
  const records = csvRecords(text);
  const names = (records.shift()?.cells ?? []).map((name) => name.trim());
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) {
    throw new MqttUsageError(`recording: line 1 names ${shortened(twice)} twice`);
  }
  return records.map(({ cells, line }) => {
    if (cells.length !== names.length) {
      throw new MqttUsageError(
        `recording: line ${line} has ${cells.length} cells, the first line names ${names.length}`,
      );
    }
    const entries = names.map((name, index) => [name, cellValue(cells[index] ?? '')]);
    return { values: Object.fromEntries(entries), line };
  });
}

function csvRecords(text: string): { cells: string[]; line: number }[] {
  const records: { cells: string[]; line: number }[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  let cells: string[] = [];
  let line = 1;
  let recordLine = 1;
  while (cell.lastIndex < text.length) {
    const from = cell.lastIndex;
    const found = cell.exec(text);
    if (found === null) {
      throw new MqttUsageError(
        `recording: line ${line} is no CSV: ${shortened(text.slice(from, from + 60))}`,
      );
    }
    cells.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? '');
    line += found[0].split('\n').length - 1;
    if (found[3] === ',' && cell.lastIndex < text.length) continue;
    if (found[3] === ',') cells.push('');
    if (cells.length > 1 || cells[0] !== '') records.push({ cells, line: recordLine });
    cells = [];
    recordLine = line;
  }
  return records;
}

function cellValue(cell: string): FieldValue {
  const text = cell.trim();
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return Number(text);
  return text;
}

function timeOf(value: FieldValue | undefined, name: string, line: number): number {
  if (typeof value === 'number') {
    // Seconds since 1970 stay below this until the year 5138; milliseconds are above it since 1973.
    return Math.abs(value) < 1e11 ? Math.round(value * 1000) : value;
  }
  const ms = typeof value === 'string' ? Date.parse(isoText(value)) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new MqttUsageError(
    `recording: line ${line}: ${name} must be ISO 8601 or a number since 1970, not ${JSON.stringify(value)}`,
  );
}

/** A time without a zone is UTC: the zone of the machine must not decide. */
function isoText(text: string): string {
  const [, date, time, zone] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?))?\s*(Z|[-+]\d\d:?\d\d)?$/i.exec(
      text,
    ) ?? [];
  if (date === undefined) return '';
  const offset = (zone ?? 'Z').replace(/^([-+]\d\d)(\d\d)$/, '$1:$2');
  return `${date}T${time?.replace(',', '.') ?? '00:00'}${offset.toUpperCase()}`;
}

function shortened(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
