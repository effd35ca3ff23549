import { describe, expect, it } from 'vitest';
import { typedLine } from './password-prompt.ts';

function typed(text: string): string | undefined {
  const bytes = Buffer.from(text)[Symbol.iterator]();
  const line = typedLine(() => bytes.next().value);
  return line === undefined ? undefined : Buffer.from(line).toString();
}

describe('a password that is typed', () => {
  it('ends with the line, or with the input', () => {
    for (const end of ['\n', '\r', '\u0004', ''])
      expect(typed(`geheim${end}more`)).toBe(end === '' ? 'geheimmore' : 'geheim');
    expect(typed('\n')).toBe('');
  });

  it('goes without what was taken back, a character at a time, or all of it', () => {
    expect(typed('ab\u007fc\n')).toBe('ac');
    expect(typed('aä€😀\u007f\b\u007fb\n')).toBe('ab');
    expect(typed('\u007f\u007fa\n')).toBe('a');
    expect(typed('wrong\u0015right\n')).toBe('right');
  });

  it('is none when it is interrupted', () => {
    expect(typed('gehe\u0003im\n')).toBeUndefined();
    expect(typed('gehe\u001c')).toBeUndefined();
  });
});
