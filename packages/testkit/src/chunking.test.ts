import { describe, expect, it } from 'vitest';
import { type Chunking, chunksOf } from './chunking.ts';
import { Prng } from './prng.ts';
import { concatenate } from './scripted-connection.ts';

const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index);
const sizes = (chunking: Chunking) =>
  chunksOf(bytes, chunking, new Prng(1)).map((chunk) => chunk.length);

describe('chunksOf', () => {
  it('leaves what was written whole, or cuts it byte by byte or in pieces of one size', () => {
    expect(sizes('whole')).toEqual([1_000]);
    expect(sizes('bytes')).toEqual(new Array(1_000).fill(1));
    expect(sizes({ size: 300 })).toEqual([300, 300, 300, 100]);
  });

  it('cuts at random within the bound', () => {
    const random = sizes({ randomUpTo: 5 });
    expect(new Set(random)).toEqual(new Set([1, 2, 3, 4, 5]));
  });

  it.each<Chunking>(['whole', 'bytes', { size: 7 }, { randomUpTo: 40 }])(
    'neither loses nor reorders a byte: %j',
    (chunking) => {
      expect(concatenate(chunksOf(bytes, chunking, new Prng(2)))).toEqual(bytes);
    },
  );

  it('refuses chunks of no bytes', () => {
    expect(() => sizes({ size: 0 })).toThrow(RangeError);
  });
});
