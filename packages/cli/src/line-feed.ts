/** The lines of standard input as messages that tell their own topics: `--lines json|tsv|csv`. */

import type { FeedMessage } from './feed-message.ts';
import { LineSplitter } from './lines.ts';
import { parseRecord } from './message-record.ts';
import { quoted, UsageError } from './usage-error.ts';

/** Throws `UsageError` that names the line for one that cannot be understood. */
export async function* lineFeed(
  form: 'json' | 'tsv' | 'csv',
  input: AsyncIterable<Uint8Array>,
): AsyncGenerator<FeedMessage> {
  const lines: Uint8Array[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  const reader = new RecordReader(form);
  for await (const chunk of input) {
    splitter.push(chunk);
    for (const line of lines.splice(0)) yield* reader.read(line);
  }
  splitter.end();
  for (const line of lines.splice(0)) yield* reader.read(line);
  reader.end();
}

class RecordReader {
  readonly #form: 'json' | 'tsv' | 'csv';
  #lineNumber = 0;
  /** The beginning of a CSV record that goes on in the next line. */
  #open = '';

  constructor(form: 'json' | 'tsv' | 'csv') {
    this.#form = form;
  }

  *read(bytes: Uint8Array): Generator<FeedMessage> {
    this.#lineNumber += 1;
    if (this.#form === 'tsv') {
      if (bytes.length > 0) yield this.#separated(bytes);
      return;
    }
    const text = new TextDecoder().decode(bytes).replace(/\r$/, '');
    if (this.#form === 'json') {
      if (text.trim() !== '') yield this.#record(text);
      return;
    }
    const whole = this.#open + text;
    this.#open = '';
    // A quote that is still open: the payload has an end of line in it.
    if ((whole.match(/"/g) ?? []).length % 2 === 1) this.#open = `${whole}\n`;
    else if (whole !== '') yield this.#csv(whole);
  }

  end(): void {
    if (this.#open !== '') throw this.#problem('its quotes are not closed');
  }

  #record(text: string): FeedMessage {
    try {
      return parseRecord(text);
    } catch (error) {
      throw this.#problem((error as Error).message);
    }
  }

  /** Bytes after the first tab are the payload, with the escapes of `mqtt-sub --output tsv`. */
  #separated(bytes: Uint8Array): FeedMessage {
    const tab = bytes.indexOf(0x09);
    if (tab < 1) throw this.#problem('it is not TOPIC, a tab, PAYLOAD');
    const topic = new TextDecoder().decode(bytes.subarray(0, tab));
    return { topic: unescapeTab(topic), payload: unescapeTabBytes(bytes.subarray(tab + 1)) };
  }

  #csv(text: string): FeedMessage {
    const parts = /^(?:"((?:[^"]|"")*)"|([^",]*)),(?:"((?:[^"]|"")*)"|([^"]*))$/s.exec(text);
    if (parts === null) throw this.#problem(`${quoted(text)} is not TOPIC,PAYLOAD`);
    const [, quotedTopic, topic, quotedPayload, payload] = parts;
    const cell = (inQuotes: string | undefined, plain: string | undefined): string =>
      inQuotes === undefined ? (plain ?? '') : inQuotes.replaceAll('""', '"');
    return {
      topic: cell(quotedTopic, topic),
      payload: new TextEncoder().encode(cell(quotedPayload, payload)),
    };
  }

  #problem(why: string): UsageError {
    return new UsageError(`--lines ${this.#form}: line ${this.#lineNumber}: ${why}`);
  }
}

const escapes: Readonly<Record<string, string>> = {
  '\\\\': '\\',
  '\\t': '\t',
  '\\r': '\r',
  '\\n': '\n',
};

function unescapeTab(text: string): string {
  return text.replace(/\\[\\trn]/g, (one) => escapes[one]!);
}

/** As text where escapes are, byte for byte otherwise. */
function unescapeTabBytes(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x5c)) return bytes;
  return Buffer.from(unescapeTab(Buffer.from(bytes).toString('latin1')), 'latin1');
}
