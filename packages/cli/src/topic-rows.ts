/** The latest of each topic, for the views of a terminal. */
import type { Message } from 'mqtt-kit';
import type { Paint } from './colours.ts';
import { displayWidth, fittedToWidth } from './display-width.ts';
import { escapeBytes, escapeText } from './escape-text.ts';

export interface TopicRow {
  readonly topic: string;
  payload: Uint8Array;
  retain: boolean;
  count: number;
  firstAtMs: number;
  lastAtMs: number;
  /** The last numbers, oldest first. */
  readonly numbers: number[];
}

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** A server may have any number of topics: beyond these no new ones are taken in. */
const mostTopics = 50_000;
const sparkPoints = 12;

export class TopicRows {
  /** Topics that found no room. */
  left = 0;
  readonly #rows = new Map<string, TopicRow>();

  add({ topic, payload, retain }: Message, nowMs: number): void {
    const row = this.#rows.get(topic) ?? this.#create(topic, nowMs);
    if (row === undefined) return;
    // The payload is a view on what was received, which would be kept with it.
    row.payload = payload.slice(0, 1024);
    row.retain = retain;
    row.count += 1;
    row.lastAtMs = nowMs;
    const number =
      payload.length > 0 && payload.length < 40
        ? Number(new TextDecoder().decode(payload))
        : Number.NaN;
    if (Number.isFinite(number)) {
      row.numbers.push(number);
      if (row.numbers.length > sparkPoints) row.numbers.shift();
    }
  }

  /** By topic. */
  get sorted(): readonly TopicRow[] {
    return [...this.#rows.values()].sort((one, other) => (one.topic < other.topic ? -1 : 1));
  }

  /** `full`: with age, rate and a line of the last numbers; otherwise topic and value alone. */
  lines(
    full: boolean,
    paint: Paint,
    { columns }: ScreenSize,
    nowMs: number = performance.now(),
  ): readonly string[] {
    const rows = this.sorted;
    const widest = rows.reduce(
      (most, row) => Math.max(most, displayWidth(escapeText(row.topic))),
      5,
    );
    const topicWidth = Math.min(widest, Math.floor(columns / 2));
    const { shown, width } = figuresThatFit(full, columns - topicWidth - 1);
    const valueWidth = Math.max(1, columns - topicWidth - 1 - width);
    const line = (topic: string, value: string, figures: readonly string[]): string =>
      [
        `${topic} `,
        place(topicWidth + 1),
        value,
        shown > 0 ? place(topicWidth + 1 + valueWidth) : '',
        ...figures.slice(0, shown),
      ]
        .join('')
        .trimEnd();
    const head = [
      paint.aside(
        line(fittedToWidth('TOPIC', topicWidth), fittedToWidth('VALUE', valueWidth), [
          '    AGE',
          '     RATE',
        ]),
      ),
    ];
    return [
      ...(full ? head : []),
      ...rows.map((row) =>
        line(
          paint.topic(fittedToWidth(escapeText(row.topic), topicWidth)),
          fittedToWidth(shownValue(row), valueWidth),
          [
            ` ${shownAge(nowMs - row.lastAtMs).padStart(6)}`,
            ` ${shownRate(row).padStart(8)}`,
            ` ${sparkline(row.numbers)}`,
          ],
        ),
      ),
      ...(this.left > 0 ? [paint.aside(`... and messages of ${this.left} further topics`)] : []),
    ];
  }

  #create(topic: string, nowMs: number): TopicRow | undefined {
    if (this.#rows.size >= mostTopics) {
      this.left += 1;
      return undefined;
    }
    const row: TopicRow = {
      topic,
      payload: new Uint8Array(0),
      retain: false,
      count: 0,
      firstAtMs: nowMs,
      lastAtMs: nowMs,
      numbers: [],
    };
    this.#rows.set(topic, row);
    return row;
  }
}

/** A payload on one line, whatever is in it. */
export function shownValue({ payload }: Pick<TopicRow, 'payload'>): string {
  return payload.length === 0 ? '(null)' : escapeBytes(payload);
}

/** Age, rate and course of numbers: the columns of each. */
const figureWidths = [7, 9, sparkPoints + 1];

/** What is left to a value at least before figures find room beside it. */
const leastValueWidth = 10;

/** As many of the figures as a screen has room for. */
function figuresThatFit(full: boolean, columns: number): { shown: number; width: number } {
  let shown = 0;
  let width = 0;
  for (const next of full ? figureWidths : []) {
    if (columns - width - next < leastValueWidth) break;
    width += next;
    shown += 1;
  }
  return { shown, width };
}

/** Goes to a column, counted from 0: what terminals take for the width of an emoji moves nothing behind it. */
function place(column: number): string {
  return `\u001b[${column + 1}G`;
}

/** `3 s`, `12 m`, `5 h`. */
function shownAge(ms: number): string {
  if (ms < 59_500) return `${Math.round(ms / 1000)} s`;
  return ms < 3_570_000 ? `${Math.round(ms / 60_000)} m` : `${Math.round(ms / 3_600_000)} h`;
}

function shownRate({ count, firstAtMs, lastAtMs }: TopicRow): string {
  if (count < 2 || lastAtMs <= firstAtMs) return '';
  const perSecond = ((count - 1) * 1000) / (lastAtMs - firstAtMs);
  return perSecond >= 1 ? `${perSecond.toFixed(1)}/s` : `${(perSecond * 60).toFixed(1)}/m`;
}

const sparks = '▁▂▃▄▅▆▇█';

/** The course of numbers from their least to their greatest. */
export function sparkline(numbers: readonly number[]): string {
  if (numbers.length < 2) return '';
  const least = Math.min(...numbers);
  const span = Math.max(...numbers) - least;
  return numbers
    .map((number) => sparks[span === 0 ? 3 : Math.round(((number - least) / span) * 7)])
    .join('');
}
