import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldSource } from './fields.ts';
import { keyBytes, numberBytes, objectBytes } from './payload-bytes.ts';
import type { FieldValue } from './signal.ts';

const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

function sourceOf(values: readonly FieldValue[]): FieldSource {
  return { value: (index) => values[index] as FieldValue, at: () => sourceOf(values) };
}

const decimals = fc
  .tuple(fc.integer({ min: -(10 ** 12), max: 10 ** 12 }), fc.integer({ min: 0, max: 9 }))
  .map(([digits, places]) => digits / 10 ** places);

const numbers = fc.oneof(
  decimals,
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

describe('payloads as bytes', () => {
  it.each([
    0,
    -0,
    1,
    -1,
    9,
    10,
    99,
    100,
    0.5,
    -0.5,
    0.05,
    0.005,
    0.0005,
    21.4,
    -18.25,
    1.005,
    999999999,
    1e9,
    1e9 + 0.5,
    0.1 + 0.2,
    123456.789,
    99999999.9,
    1e21,
    1e-7,
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    2 ** 53,
  ])('has the number %d as JSON has it', (value) => {
    expect(textOf(numberBytes(value))).toBe(JSON.stringify(value));
  });

  it('has every number as JSON has it', () => {
    fc.assert(
      fc.property(numbers, (value) => textOf(numberBytes(value)) === JSON.stringify(value)),
      { numRuns: 5000 },
    );
  });

  it('has neighbours of short decimals as JSON has them', () => {
    const bits = new DataView(new ArrayBuffer(8));
    fc.assert(
      fc.property(decimals, fc.integer({ min: -3, max: 3 }), (value, away) => {
        bits.setFloat64(0, value);
        bits.setBigInt64(0, bits.getBigInt64(0) + BigInt(away));
        const neighbour = bits.getFloat64(0);
        if (!Number.isFinite(neighbour)) return;
        expect(textOf(numberBytes(neighbour))).toBe(JSON.stringify(neighbour));
      }),
      { numRuns: 5000 },
    );
  });

  it('makes the object that JSON.stringify makes, or leaves it to that', () => {
    const values = fc.array(
      fc.oneof(numbers, fc.boolean(), fc.string(), fc.string({ unit: 'grapheme' })),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(values, (list) => {
        const object = Object.fromEntries(list.map((value, index) => [`field${index}`, value]));
        const keys = list.map((_, at) => keyBytes(`${at === 0 ? '{' : ','}"field${at}":`));
        const fields = list.map((_, at) => at);
        const json = JSON.stringify(object);
        const made = textOf(objectBytes(fields, keys, sourceOf(list)));
        if (made === undefined) expect(json).toMatch(/[^\0-\x7f]/);
        else expect(made).toBe(json);
      }),
    );
  });

  it.each([[null], [[1, 2]], [{ lat: 1 }], [Number.NaN]])('leaves %j to the long way', (value) => {
    expect(objectBytes([0], [keyBytes('{"a":')], sourceOf([value]))).toBeUndefined();
  });

  it('gives each payload memory of its own', () => {
    const first = numberBytes(12) as Uint8Array;
    numberBytes(34);
    expect(textOf(first)).toBe('12');
  });
});
