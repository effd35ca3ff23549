import type { Prng } from './prng.ts';

/**
 * How a stream cuts what is written into the chunks that arrive: as it was written, byte by byte, in pieces of one
 * size, or in pieces of 1 to `randomUpTo` bytes.
 */
export type Chunking =
  | 'whole'
  | 'bytes'
  | { readonly size: number }
  | { readonly randomUpTo: number };

/** Cuts bytes into chunks that are views on them. Nothing is left of no bytes. */
export function chunksOf(bytes: Uint8Array, chunking: Chunking, prng: Prng): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let start = 0;
  while (start < bytes.length) {
    const end = Math.min(bytes.length, start + chunkSize(bytes.length, chunking, prng));
    chunks.push(bytes.subarray(start, end));
    start = end;
  }
  return chunks;
}

function chunkSize(length: number, chunking: Chunking, prng: Prng): number {
  if (chunking === 'whole') return length;
  if (chunking === 'bytes') return 1;
  const most = 'size' in chunking ? chunking.size : chunking.randomUpTo;
  if (!(most >= 1)) throw new RangeError(`expected chunks of 1 byte or more, got ${most}`);
  return 'size' in chunking ? most : prng.integer(1, most);
}
