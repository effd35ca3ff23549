import type { Message } from 'mqtt-kit';
import type { Paint } from './colours.ts';
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
