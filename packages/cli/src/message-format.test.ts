import { describe, expect, it } from 'vitest';
import { plainPaint } from './colours.ts';
import { testMessage } from './message.test-support.ts';
import { personFormat, pipeFormat, type SimpleFormat, terminalFormat } from './message-format.ts';

const marked = { topic: (text: string) => `[${text}]`, aside: (text: string) => `{${text}}` };

function print(format: SimpleFormat, topic: string, payload: string | Uint8Array): string {
  const parts: Uint8Array[] = [];
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  format(
    { topic, payload: bytes },
    { text: (text) => parts.push(Buffer.from(text)), bytes: (part) => parts.push(part) },
  );
  return Buffer.concat(parts).toString('latin1');
}

describe('pipeFormat', () => {
  it('prints the payload untouched and LF', () => {
    const payload = Uint8Array.of(0x1b, 0x00, 0xff, 0x0a, 0x0d);
    expect(print(pipeFormat(false, plainPaint), 't', payload)).toBe('\x1b\0\xff\n\r\n');
    expect(print(pipeFormat(true, plainPaint), 't\x1b', payload)).toBe('t\x1b \x1b\0\xff\n\r\n');
  });

  it('prints nothing for an empty payload, with topics (null)', () => {
    expect(print(pipeFormat(false, plainPaint), 't', '')).toBe('');
    expect(print(pipeFormat(true, plainPaint), 't', '')).toBe('t (null)\n');
  });

  it('colours the topic alone when colours are asked for', () => {
    expect(print(pipeFormat(true, marked), 't', '\x1b[1m')).toBe('[t] \x1b[1m\n');
  });
});

describe('terminalFormat', () => {
  it('prints one line, whatever the payload holds', () => {
    const payload = Uint8Array.from([...Buffer.from('a\n'), 0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff]);
    expect(print(terminalFormat(false, marked), 't', payload)).toBe('a{\\n}{\\x1b}[31m{\\xff}\n');
  });

  it('shows the topic without its control characters', () => {
    expect(print(terminalFormat(true, marked), 't\x1b]0;x\x07', 'on')).toBe(
      '[t\\x1b]0;x\\x07] on\n',
    );
  });

  it('shows the beginning of a long payload that is not text, and its size', () => {
    const format = terminalFormat(false, marked);
    const zeros = print(format, 't', new Uint8Array(35_176));
    expect(zeros).toBe(`${'{\\x00}'.repeat(250)}{... 35,176 bytes in all}\n`);
    // What fits is shown in full.
    expect(print(format, 't', new Uint8Array(250))).toBe(`${'{\\x00}'.repeat(250)}\n`);
    const mostlyText = Uint8Array.from([0xff, ...Buffer.from('x'.repeat(996))]);
    expect(print(format, 't', mostlyText)).toBe(`{\\xff}${'x'.repeat(996)}\n`);
  });

  it('shows text in full, however long', () => {
    const text = 'a line of 23 characters\n'.repeat(5000);
    const shown = print(terminalFormat(false, plainPaint), 't', text);
    expect(shown).toBe(`${text.replaceAll('\n', '\\n')}\n`);
  });

  it('says that a payload is empty', () => {
    expect(print(terminalFormat(false, marked), 't', '')).toBe('{(null)}\n');
  });
});

describe('personFormat', () => {
  const now = () => new Date(2026, 10, 22, 9, 5, 7, 42);
  const lines = (messages: readonly Parameters<typeof testMessage>[0][]) => {
    const format = personFormat(true, marked, now);
    let all = '';
    for (const message of messages) {
      const text = (part: string) => {
        all += part;
      };
      format(testMessage(message), { text, bytes: () => {} });
    }
    return all.split('\n').slice(0, -1);
  };

  it('prints time, topic, payload and what is special, aligned', () => {
    expect(
      lines([
        { topic: 'a/long', payload: '1' },
        { topic: 'b', payload: 'x', qos: 1, retain: true, dup: true },
        { topic: 'c', payload: '' },
      ]),
    ).toEqual([
      '{09:05:07.042}  [a/long]  1',
      '{09:05:07.042}  [b]       x  {R q1 dup}',
      '{09:05:07.042}  [c]       {(empty)}',
    ]);
  });

  it('shows JSON on one line, its texts and numbers as they were sent', () => {
    const payload = '{\n  "temp": 21.50,\n  "text": "a  b\\n"\n}';
    expect(lines([{ topic: 't', payload }])).toEqual([
      '{09:05:07.042}  [t]  { "temp": 21.50, "text": "a  b\\n" }',
    ]);
  });

  it('shows bytes that are no text in hexadecimal, with their number', () => {
    const [short, long] = lines([
      { topic: 't', payload: Uint8Array.of(0xff, 0, 0x1b) },
      { topic: 't', payload: new Uint8Array(2000) },
    ]);
    expect(short).toBe('{09:05:07.042}  [t]  ff 00 1b  {(3 bytes)}');
    expect(long).toBe(`{09:05:07.042}  [t]  ${'00 '.repeat(32)}...  {(2,000 bytes)}`);
  });

  it('lets no control character through', () => {
    expect(lines([{ topic: '\u001b[2J', payload: 'a\u001b]0;x\u0007\u202e' }])[0]).not.toMatch(
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is about them
      /[\u0000-\u0009\u000b-\u001f\u202e]/,
    );
  });
});
