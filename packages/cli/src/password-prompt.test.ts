import { describe, expect, it } from 'vitest';
import { TypedLine } from './password-prompt.ts';

/** The line that is typed, as soon as it ends; what comes after that is not looked at. */
function typed(text: string): string {
  const line = new TypedLine();
  for (const byte of Buffer.from(text)) {
    const whole = line.push(byte);
    if (whole !== undefined) return Buffer.from(whole).toString();
  }
  return Buffer.from(line.end()).toString();
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

  it('begins again when it is asked for again', () => {
    const line = new TypedLine();
    for (const byte of Buffer.from('wro')) line.push(byte);
    line.clear();
    for (const byte of Buffer.from('right')) line.push(byte);
    expect(Buffer.from(line.push(0x0a) ?? []).toString()).toBe('right');
  });
});
