import { describe, expect, it } from 'vitest';
import { packetsOf } from './filter-packets.ts';

const filters = (count: number, length = 1) =>
  Array.from({ length: count }, (_, index) => String(index).padStart(length, '0'));
const one = () => '';

describe('packetsOf', () => {
  it('puts everything into one packet where it can', () => {
    expect(packetsOf(filters(1_000), 268_435_460, (item) => item, one)).toHaveLength(1);
    expect(packetsOf([], 100, (item) => item, one)).toEqual([]);
  });

  it('keeps different keys apart, and the order within each', () => {
    const packets = packetsOf(
      filters(6),
      1_000_000,
      (item) => item,
      (item) => String(Number(item) % 2),
    );
    expect(packets).toEqual([
      ['0', '2', '4'],
      ['1', '3', '5'],
    ]);
  });

  it('stays below the largest packet that the server takes', () => {
    const packets = packetsOf(filters(50, 10), 500, (item) => item, one);
    expect(packets.flat()).toEqual(filters(50, 10));
    for (const packet of packets) {
      // What a SUBSCRIBE with these filters takes at most, and half of the packet besides.
      expect(
        packet.reduce((bytes, filter) => bytes + filter.length * 3 + 3, 0),
      ).toBeLessThanOrEqual(250);
    }
  });

  it('lets a filter that is too large by itself go alone: the server is to say so', () => {
    expect(packetsOf(['a'.repeat(1_000), 'b'], 100, (item) => item, one)).toEqual([
      ['a'.repeat(1_000)],
      ['b'],
    ]);
  });
});
