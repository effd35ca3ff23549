import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeAscii, encodeUtf8, utf8Size } from './utf8-string.ts';

const text = fc.string({ unit: 'binary', maxLength: 100 });
const units = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((u) => String.fromCharCode(u)),
});

function encode(value: string): Uint8Array | undefined {
  const size = utf8Size(value);
  if (typeof size === 'string') return undefined;
  // One byte more on each side, to see that nothing is written there.
  const target = new Uint8Array(size + 2).fill(0xaa);
  expect(encodeUtf8(value, target, 1)).toBe(size + 1);
  expect(target[0]).toBe(0xaa);
  expect(target[size + 1]).toBe(0xaa);
  return target.slice(1, size + 1);
}

describe('UTF-8', () => {
  it('is written as the platform writes it, but for what may not be sent', () => {
    fc.assert(
      fc.property(fc.oneof(text, units), (value) => {
        const bytes = encode(value);
        if (bytes === undefined) {
          expect(value.includes('\0') || /\p{Surrogate}/u.test(value)).toBe(true);
        } else {
          expect(bytes).toStrictEqual(new Uint8Array(Buffer.from(value)));
        }
      }),
    );
  });

  it('is read back as it was written, short or long', () => {
    fc.assert(
      fc.property(text, (value) => {
        const bytes = Buffer.from(` ${value} `);
        expect(decodeUtf8(bytes, 1, bytes.length - 1)).toBe(value);
      }),
    );
  });

  it('is refused exactly where the platform refuses it', () => {
    const platform = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const nearlyText = fc
      .tuple(text, fc.uint8Array({ minLength: 1, maxLength: 4 }))
      .map(([value, noise]) => Buffer.concat([Buffer.from(value), noise]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 20 }), nearlyText), (bytes) => {
        let expected: string | undefined;
        try {
          expected = platform.decode(bytes);
        } catch {
          expected = undefined;
        }
        expect(decodeUtf8(bytes, 0, bytes.length)).toBe(expected);
      }),
    );
  });

  it('[MQTT-1.5.4-3] keeps U+FEFF in front', () => {
    expect(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf), 0, 3)).toBe('\ufeff');
    expect(decodeUtf8(new Uint8Array(Buffer.from('\ufeff'.repeat(9))), 0, 27)).toBe(
      '\ufeff'.repeat(9),
    );
  });

  it('has its limits where the number of bytes changes', () => {
    for (const [value, size] of [
      ['\u0001', 1],
      ['\u007f', 1],
      ['\u0080', 2],
      ['\u07ff', 2],
      ['\u0800', 3],
      ['\ud7ff', 3],
      ['\ue000', 3],
      ['\uffff', 3],
      ['\u{10000}', 4],
      ['\u{10ffff}', 4],
    ] as const) {
      expect(utf8Size(value)).toBe(size);
      expect(encode(value)).toStrictEqual(new Uint8Array(Buffer.from(value)));
    }
  });
});

describe('encodeAscii', () => {
  it('writes ASCII without U+0000 and says so, at every length', () => {
    for (let length = 0; length < 100; length += 1) {
      const value = 'abcdefghij'.repeat(10).slice(0, length);
      const target = new Uint8Array(length + 2);
      expect(encodeAscii(value, target, 1)).toBe(true);
      expect(Buffer.from(target).toString('latin1')).toBe(`\0${value}\0`);
    }
  });

  it('finds anything else, at every place', () => {
    for (const other of ['\0', '\u0080', 'é', '日', '\ud800', '😀']) {
      for (const length of [0, 10, 60]) {
        for (let index = 0; index <= length; index += 1) {
          const value = 'a'.repeat(index) + other + 'a'.repeat(length - index);
          expect(encodeAscii(value, new Uint8Array(300), 0)).toBe(false);
        }
      }
    }
  });
});
