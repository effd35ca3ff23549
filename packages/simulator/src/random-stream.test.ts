import { describe, expect, it } from 'vitest';
import { RandomStream, threefryWords } from './random-stream.ts';

describe('Threefry-2x32', () => {
  // Known answers of the authors' Random123 library, for 20 rounds.
  it.each([
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x13198a2e, 0x03707344],
      [0x243f6a88, 0x85a308d3],
      [0xc4923a9c, 0x483df7a0],
    ],
  ] as const)('under the key %j gives of the counter %j the words %j', (key, counter, words) => {
    expect(threefryWords(key, counter)).toEqual(words);
  });
});

describe('a random stream', () => {
  const stream = RandomStream.named(42, 'room-7', 'temperature');

  it('gives the same number at the same place, in any order', () => {
    const forward = Array.from({ length: 100 }, (_, index) => stream.uniform(index));
    const again = RandomStream.named(42, 'room-7', 'temperature');
    const backward = Array.from({ length: 100 }, (_, index) => again.uniform(99 - index));
    expect(backward.reverse()).toEqual(forward);
  });

  it.each([
    ['another seed', RandomStream.named(43, 'room-7', 'temperature')],
    ['a seed that is the text of it', RandomStream.named('42', 'room-7', 'temperature')],
    ['another device', RandomStream.named(42, 'room-8', 'temperature')],
    ['another signal', RandomStream.named(42, 'room-7', 'humidity')],
    ['the same letters cut elsewhere', RandomStream.named(42, 'room-', '7temperature')],
    ['names that are less by one', RandomStream.named(42, 'room-7')],
    ['a child', stream.child('temperature')],
  ])('has nothing in common with that of %s', (_what, other) => {
    const pairs = Array.from(
      { length: 4000 },
      (_, i) => [stream.normal(i), other.normal(i)] as const,
    );
    const correlation = pairs.reduce((sum, [a, b]) => sum + a * b, 0) / pairs.length;
    // Four standard deviations of the correlation of independent numbers.
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(pairs.length));
    expect(pairs.some(([a, b]) => a === b)).toBe(false);
  });

  it('is even between 0 and 1', () => {
    const buckets = new Array<number>(100).fill(0);
    for (let index = 0; index < 100_000; index++) {
      const value = stream.uniform(index);
      expect(value >= 0 && value < 1).toBe(true);
      const bucket = Math.floor(value * 100);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
    const chiSquare = buckets.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 99 degrees of freedom: mean 99, deviation 14.
    expect(chiSquare).toBeGreaterThan(50);
    expect(chiSquare).toBeLessThan(160);
  });

  it('is normal where it says so', () => {
    const values = Array.from({ length: 100_000 }, (_, index) => stream.normal(index));
    const moment = (power: number): number =>
      values.reduce((sum, value) => sum + value ** power, 0) / values.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.015);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.02);
    expect(Math.abs(moment(3))).toBeLessThan(0.05);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15);
  });

  it('has other numbers at negative places, at places past 32 bits and in other lanes', () => {
    const places = [1, -1, 2 ** 32 + 1, 2 ** 40 + 1, -(2 ** 32) + 1];
    const values = places.flatMap((place) => [stream.uniform(place), stream.uniform(place, 1)]);
    expect(new Set(values).size).toBe(10);
  });
});
