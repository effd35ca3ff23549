import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter } from './lines.ts';

function split(...chunks: (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(Buffer.from(line).toString('latin1')));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk));
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  it('removes LF and keeps CR', () => {
    expect(split('a\r\nb\n')).toEqual(['a\r', 'b']);
  });

  it('takes the last line without its LF, and no line after the last LF', () => {
    expect(split('a\nb')).toEqual(['a', 'b']);
    expect(split('a\n')).toEqual(['a']);
    expect(split('')).toEqual([]);
  });

  it('an empty line is an empty message', () => {
    expect(split('\n\na\n\n')).toEqual(['', '', 'a', '']);
  });

  it('keeps NUL and bytes that are no text', () => {
    expect(split(Uint8Array.of(0, 0xff, 0x0a, 0xc3))).toEqual(['\0\xff', '\xc3']);
  });

  it('finds the same lines however the bytes are cut', () => {
    const chunks = fc.array(fc.array(fc.constantFrom(0x0a, 0x0d, 0x41, 0x00)));
    fc.assert(
      fc.property(chunks, (parts) => {
        const whole = parts.flat();
        expect(split(...parts.map((part) => Uint8Array.from(part)))).toEqual(
          split(Uint8Array.from(whole)),
        );
      }),
    );
  });

  it('refuses a line that no message can hold, naming it', () => {
    const splitter = new LineSplitter(() => {});
    splitter.push(Buffer.from('first\n'));
    const chunk = Buffer.alloc(64 * 1024 * 1024, 0x61);
    for (let n = 0; n < 3; n += 1) splitter.push(chunk);
    expect(() => splitter.push(Buffer.concat([chunk]))).toThrow(/^line 2 of standard input/);
  });
});
