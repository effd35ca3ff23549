import { describe, expect, it } from 'vitest';
import { cutToWidth, displayWidth, fittedToWidth } from './display-width.ts';

describe('the columns of a text', () => {
  for (const [text, columns] of [
    ['', 0],
    ['house/kitchen', 13],
    ['küche', 5],
    ['e\u0301a\u0308', 2],
    ['温度', 4],
    ['ｆｕｌｌ', 8],
    ['ﾊﾝｶｸ', 4],
    ['한국', 4],
    ['😀', 2],
    ['🌡️', 2],
    ['❤️', 2],
    ['👍🏽', 2],
    ['👨‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['↑°C', 3],
  ] as const) {
    it(`of ${JSON.stringify(text)} are ${columns}`, () => {
      expect(displayWidth(text)).toBe(columns);
    });
  }
});

describe('a text for some columns', () => {
  it('is cut between characters', () => {
    expect(cutToWidth('house', 3)).toBe('hou');
    expect(cutToWidth('温度計', 5)).toBe('温度');
    expect(cutToWidth('a😀b', 2)).toBe('a');
    expect(cutToWidth('e\u0301e\u0301', 1)).toBe('e\u0301');
    expect(cutToWidth('👨‍👩‍👧x', 2)).toBe('👨‍👩‍👧');
    expect(cutToWidth('温', 0)).toBe('');
  });

  it('is filled, or shows that it was cut', () => {
    expect(fittedToWidth('温度', 6)).toBe('温度  ');
    expect(fittedToWidth('温度計', 5)).toBe('温度…');
    expect(fittedToWidth('温度計', 4)).toBe('温… ');
    expect(fittedToWidth('house', 5)).toBe('house');
    expect(fittedToWidth('house', 4)).toBe('hou…');
    expect(fittedToWidth('house', 0)).toBe('');
    for (const text of ['x'.repeat(99), '漢'.repeat(99), '👨‍👩‍👧'.repeat(99), 'é😀'.repeat(99)]) {
      for (let columns = 0; columns < 30; columns += 1) {
        expect(displayWidth(fittedToWidth(text, columns))).toBe(columns);
      }
    }
  });
});
