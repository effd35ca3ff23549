import type { Message } from 'mqtt-kit';
import type { Paint } from './colours.ts';
import { displayWidth } from './display-width.ts';
import { bytesShownIn, escapeBytes, escapeText, isText } from './escape-text.ts';

/** What a message is to a format. */
export type PrintableMessage = Pick<Message, 'topic' | 'payload'>;

/** Takes the bytes that a message is printed as, one part after the other. */
export interface Sink {
  text(text: string): void;
  bytes(bytes: Uint8Array): void;
}

export type MessageFormat = (message: Message, sink: Sink) => void;

/** A format that looks at topic and payload alone. */
export type SimpleFormat = (message: PrintableMessage, sink: Sink) => void;

/**
 * For a pipe or a file, byte for byte as mosquitto_sub prints: the payload untouched and LF, nothing for an empty
 * payload; with topics `TOPIC PAYLOAD`, `TOPIC (null)` for an empty one. `noEol` leaves the LF out.
 */
export function pipeFormat(showTopic: boolean, paint: Paint, noEol = false): SimpleFormat {
  return ({ topic, payload }, sink) => {
    if (payload.length === 0 && (!showTopic || noEol)) return;
    if (showTopic) sink.text(`${paint.topic(topic)} `);
    if (payload.length === 0) sink.text('(null)');
    else sink.bytes(payload);
    if (!noEol) sink.text('\n');
  };
}

/** What a terminal shows of a payload that is not text. */
const shownCharacters = 1000;

/**
 * For a terminal: the same on one line, control characters and bytes that are not text as escapes. Of a payload that is
 * not text the beginning is enough; text is shown in full.
 */
export function terminalFormat(showTopic: boolean, paint: Paint, noEol = false): SimpleFormat {
  return ({ topic, payload }, sink) => {
    const start = showTopic ? `${paint.topic(escapeText(topic))} ` : '';
    sink.text(`${start}${shownPayload(payload, paint)}${noEol ? '' : '\n'}`);
  };
}

/** Topics wider than this are not aligned to: one long name would push every payload off the screen. */
const widestAligned = 40;

/**
 * For a person at a terminal: the time it came, the topic, aligned, the payload, and what is special about the message:
 * `R` retained, `q1` and `q2` its QoS, `dup` perhaps sent before. JSON is on one line, bytes that are no text are
 * hexadecimal.
 */
export function personFormat(
  showTopic: boolean,
  paint: Paint,
  now: () => Date,
  noEol = false,
): MessageFormat {
  let width = 0;
  return (message, sink) => {
    const topic = escapeText(message.topic);
    const topicWidth = displayWidth(topic);
    if (topicWidth <= widestAligned) width = Math.max(width, topicWidth);
    const shownTopic = `${paint.topic(topic)}${' '.repeat(Math.max(0, width - topicWidth))}  `;
    const parts = [
      `${paint.aside(clockTime(now()))}  `,
      showTopic ? shownTopic : '',
      personPayload(message.payload, paint),
      badges(message, paint),
      noEol ? '' : '\n',
    ];
    sink.text(parts.join(''));
  };
}

function clockTime(time: Date): string {
  const two = (value: number): string => `${value}`.padStart(2, '0');
  const ms = `${time.getMilliseconds()}`.padStart(3, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${ms}`;
}

function badges({ retain, qos, dup }: Message, paint: Paint): string {
  const all = [retain ? 'R' : '', qos > 0 ? `q${qos}` : '', dup ? 'dup' : ''].filter(Boolean);
  return all.length === 0 ? '' : `  ${paint.aside(all.join(' '))}`;
}

/** What is shown in hexadecimal of a payload that is not text. */
const hexBytes = 32;

function personPayload(payload: Uint8Array, paint: Paint): string {
  const { length } = payload;
  if (length === 0) return paint.aside('(empty)');
  if (isText(payload)) return escapeBytes(oneLineJson(payload), paint.aside);
  const head = Array.from(payload.subarray(0, hexBytes), (byte) =>
    byte.toString(16).padStart(2, '0'),
  );
  const more = length > hexBytes ? ' ...' : '';
  const bytes = length === 1 ? '1 byte' : `${length.toLocaleString('en-US')} bytes`;
  return `${head.join(' ')}${more}  ${paint.aside(`(${bytes})`)}`;
}

/** Blanks and ends of lines between the parts of JSON become one blank; its texts and numbers stay as they are. */
function oneLineJson(payload: Uint8Array): Uint8Array {
  const [first] = payload;
  const mayBe = (first === 0x7b || first === 0x5b) && payload.includes(0x0a);
  if (!mayBe) return payload;
  const text = new TextDecoder().decode(payload);
  try {
    JSON.parse(text);
  } catch {
    return payload;
  }
  const joined = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_whole, string: string | undefined) =>
    string === undefined ? ' ' : string,
  );
  return new TextEncoder().encode(joined.trim());
}

function shownPayload(payload: Uint8Array, paint: Paint): string {
  const { length } = payload;
  if (length === 0) return paint.aside('(null)');
  // No byte takes more than four characters.
  if (length * 4 <= shownCharacters || isText(payload)) return escapeBytes(payload, paint.aside);
  const shown = bytesShownIn(payload, shownCharacters);
  if (shown === length) return escapeBytes(payload, paint.aside);
  const rest = paint.aside(`... ${length.toLocaleString('en-US')} bytes in all`);
  return `${escapeBytes(payload.subarray(0, shown), paint.aside)}${rest}`;
}
