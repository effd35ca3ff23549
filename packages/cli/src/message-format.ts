import type { Message } from 'mqtt-kit';
import type { Paint } from './colours.ts';
import { escapeBytes, escapeText } from './escape-text.ts';

/** What a message is to a format. */
export type PrintableMessage = Pick<Message, 'topic' | 'payload'>;

/** Takes the bytes that a message is printed as, one part after the other. */
export interface Sink {
  text(text: string): void;
  bytes(bytes: Uint8Array): void;
}

export type MessageFormat = (message: PrintableMessage, sink: Sink) => void;

/**
 * For a pipe or a file, byte for byte as mosquitto_sub prints: the payload untouched and LF, nothing for an empty
 * payload; with topics `TOPIC PAYLOAD`, `TOPIC (null)` for an empty one.
 */
export function pipeFormat(showTopic: boolean, paint: Paint): MessageFormat {
  return ({ topic, payload }, sink) => {
    if (!showTopic && payload.length === 0) return;
    if (showTopic) sink.text(`${paint.topic(topic)} `);
    if (payload.length === 0) sink.text('(null)');
    else sink.bytes(payload);
    sink.text('\n');
  };
}

/** For a terminal: the same on one line, control characters and bytes that are not text as escapes. */
export function terminalFormat(showTopic: boolean, paint: Paint): MessageFormat {
  return ({ topic, payload }, sink) => {
    const start = showTopic ? `${paint.topic(escapeText(topic))} ` : '';
    const end = payload.length === 0 ? paint.aside('(null)') : escapeBytes(payload, paint.aside);
    sink.text(`${start}${end}\n`);
  };
}
