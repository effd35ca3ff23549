import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesShownIn, escapeBytes, escapeText, isText } from './escape-text.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const utf8 = (text: string) => new TextEncoder().encode(text);

describe('escapeText', () => {
  it('shows control characters of C0 and C1, and DEL', () => {
    expect(escapeText('a\u001b[31mred\u0007')).toBe('a\\x1b[31mred\\x07');
    expect(escapeText('\0\t\r\n\u007f')).toBe('\\x00\\t\\r\\n\\x7f');
    expect(escapeText('\u0085\u009b31m')).toBe('\\u0085\\u009b31m');
  });

  it('shows what turns the reading direction or breaks a line', () => {
    expect(escapeText('a\u202eb\u2066c\u2069\u061c\u200f\u2028')).toBe(
      'a\\u202eb\\u2066c\\u2069\\u061c\\u200f\\u2028',
    );
  });

  it('shows what takes no room, so that no two names look alike', () => {
    expect(escapeText('a\u200bb\u2060c\ufeffd\u206a\ufff9')).toBe(
      'a\\u200bb\\u2060c\\ufeffd\\u206a\\ufff9',
    );
  });

  it('leaves everything else alone', () => {
    const text = 'Grüße, 温度 21.5 °C 🌡 \\x1b " 👨\u200d👩 \u0646\u200c';
    expect(escapeText(text)).toBe(text);
  });

  it('hands each escape to the one who shows it', () => {
    expect(escapeText('a\nb', (shown) => `<${shown}>`)).toBe('a<\\n>b');
  });
});

describe('escapeBytes', () => {
  it('shows bytes that are not UTF-8, and the text around them', () => {
    expect(escapeBytes(bytes(0x61, 0xff, 0x62, 0xc3))).toBe('a\\xffb\\xc3');
    expect(escapeBytes(bytes(0xc0, 0xaf))).toBe('\\xc0\\xaf');
    expect(escapeBytes(bytes(0xe0, 0x80, 0x80))).toBe('\\xe0\\x80\\x80');
    expect(escapeBytes(bytes(0xed, 0xa0, 0x80))).toBe('\\xed\\xa0\\x80');
    expect(escapeBytes(bytes(0xf4, 0x90, 0x80, 0x80))).toBe('\\xf4\\x90\\x80\\x80');
    expect(escapeBytes(bytes(0x9b, 0x33))).toBe('\\x9b3');
    expect(escapeBytes(utf8('°\u009b°'))).toBe('°\\u009b°');
    expect(escapeBytes(bytes())).toBe('');
  });

  it('agrees with the platform about what is UTF-8, whatever the bytes', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const isUtf8 = (input: Uint8Array) => {
      try {
        decoder.decode(input);
        return true;
      } catch {
        return false;
      }
    };
    const biased = fc.array(
      fc.constantFrom(0x41, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xf0, 0xf4),
    );
    fc.assert(
      fc.property(biased, (values) => {
        const shown = escapeBytes(bytes(...values), () => '!');
        expect(shown.includes('!') && !isUtf8(bytes(...values))).toBe(!isUtf8(bytes(...values)));
      }),
      { numRuns: 2000 },
    );
  });

  it('never lets a control character through', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (input) => {
        const units = [...escapeBytes(input)].map((one) => one.codePointAt(0)!);
        expect(units.some((unit) => unit < 0x20 || (unit >= 0x7f && unit <= 0x9f))).toBe(false);
      }),
    );
  });
});

describe('isText', () => {
  it('takes UTF-8 with tabs, lines and colours', () => {
    expect(isText(utf8('Grüße\t温度 🌡\r\n\u001b[31mred\u001b[0m'))).toBe(true);
    expect(isText(bytes())).toBe(true);
  });

  it('takes no other control character, and nothing that is not UTF-8', () => {
    for (const byte of [0x00, 0x07, 0x0b, 0x1f, 0x7f, 0x80, 0xff, 0xc3]) {
      expect(isText(bytes(0x61, byte)), `${byte}`).toBe(false);
    }
  });
});

describe('bytesShownIn', () => {
  it('counts what is shown, escapes and all, and cuts no character', () => {
    expect(bytesShownIn(bytes(0, 0, 0), 8)).toBe(2);
    expect(bytesShownIn(bytes(0, 0, 0), 7)).toBe(1);
    expect(bytesShownIn(bytes(0, 0, 0), 100)).toBe(3);
    expect(bytesShownIn(utf8('a温度'), 2)).toBe(4);
    expect(bytesShownIn(bytes(0x61, 0xff, 0x62), 5)).toBe(2);
  });

  it('agrees with what is shown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(100), (input, characters) => {
        const count = bytesShownIn(input, characters);
        expect(escapeBytes(input.subarray(0, count)).length).toBeLessThanOrEqual(characters);
        if (count === input.length) return;
        // The next character, of at most four bytes, would be too much.
        const more = escapeBytes(input.subarray(0, count + 4)).length;
        expect(more).toBeGreaterThan(characters);
      }),
    );
  });
});
