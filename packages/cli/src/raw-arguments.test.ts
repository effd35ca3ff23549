import { describe, expect, it } from 'vitest';
import { argumentBytes, rawArguments, strayByte } from './raw-arguments.ts';

describe('argumentBytes', () => {
  it('encodes text as UTF-8 and stray bytes as they were', () => {
    expect([...argumentBytes('aé')]).toEqual([0x61, 0xc3, 0xa9]);
    expect([...argumentBytes('a\udcffb\udc80')]).toEqual([0x61, 0xff, 0x62, 0x80]);
    expect([...argumentBytes('\u{1f480}')]).toEqual([0xf0, 0x9f, 0x92, 0x80]);
  });
});

describe('strayByte', () => {
  it('is not the second half of a pair', () => {
    const skull = '\ud83d\udc80';
    expect(strayByte(skull, 1)).toBeUndefined();
    expect(strayByte('\udc80', 0)).toBe(0x80);
  });
});

describe('rawArguments', () => {
  it('leaves arguments alone when nothing was lost', () => {
    const argv = ['-m', 'é'];
    expect(rawArguments(argv)).toBe(argv);
  });

  it('leaves them alone when the system tells something else', () => {
    expect(rawArguments(['a\ufffd', 'b'.repeat(10_000)])).toEqual(['a\ufffd', 'b'.repeat(10_000)]);
  });
});
