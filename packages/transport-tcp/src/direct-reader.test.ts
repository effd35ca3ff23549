import { describe, expect, it } from 'vitest';
import { DirectReader } from './direct-reader.ts';

/** Reads as Node does: into the memory that the socket was given last. */
class Reading {
  readonly chunks: { readonly chunk: Uint8Array; readonly byte: number }[] = [];
  /** What whoever takes the chunks offers for the next. */
  space: Uint8Array | undefined;
  readonly #reader = new DirectReader();
  #byte = 0;
  memory: Uint8Array;

  constructor() {
    this.#reader.owner = {
      onBytes: (chunk) => {
        this.chunks.push({ chunk, byte: this.#byte });
        return this.space;
      },
    };
    this.memory = this.#next();
  }

  read(length: number, byte: number): void {
    this.#byte = byte;
    this.memory.fill(byte, 0, length);
    expect(this.#reader.options.callback(length, this.memory)).toBe(true);
    this.memory = this.#next();
  }

  #next(): Uint8Array {
    const { buffer } = this.#reader.options;
    return typeof buffer === 'function' ? buffer() : buffer;
  }
}

describe('a direct reader', () => {
  it('hands on bytes that no later read of any socket changes', () => {
    const sockets = [new Reading(), new Reading(), new Reading()];
    const lengths = [1, 4, 32, 33, 2_048, 2_049, 7_000, 65_536, 65_536, 3, 40_000, 100, 16_384];
    let reads = 0;
    for (const turn of [0, 1, 2, 3]) {
      for (const length of lengths) {
        // One of them reads twice in a row.
        const socket = sockets[(reads + turn) % 3]!;
        reads += 1;
        socket.read(length, reads % 256);
        expect(socket.chunks.at(-1)?.chunk.length).toBe(length);
      }
    }
    for (const { chunks } of sockets) {
      for (const { chunk, byte } of chunks) expect(chunk.every((one) => one === byte)).toBe(true);
    }
    expect(sockets.flatMap(({ chunks }) => chunks)).toHaveLength(reads);
  });

  it('has no memory of its own, however much it reads', () => {
    const idle = new Reading();
    const busy = new Reading();
    for (const length of [1_000, 65_536, 65_536, 3]) {
      busy.read(length, 1);
      expect(busy.memory).toBe(idle.memory);
    }
  });

  it('reads to where it is asked to, and hands on a view of that', () => {
    const reading = new Reading();
    const space = new Uint8Array(100_000);
    reading.space = space;
    reading.read(10, 1);
    reading.space = space.subarray(70_000);
    reading.read(70_000, 2);
    reading.space = undefined;
    reading.read(30_000, 3);
    const [, second, third] = reading.chunks.map(({ chunk }) => chunk);
    expect([second?.buffer, second?.byteOffset, second?.length]).toEqual([space.buffer, 0, 70_000]);
    expect([third?.byteOffset, third?.length]).toEqual([70_000, 30_000]);
    const after = reading.chunks.length;
    for (const _ of [1, 2, 3]) reading.read(100, 9);
    expect(space.indexOf(9)).toBe(-1);
    expect(reading.chunks.slice(after).every(({ chunk }) => chunk[99] === 9)).toBe(true);
  });

  it('takes little of what comes behind a large packet, and then as much as ever', () => {
    const reading = new Reading();
    const usual = reading.memory;
    reading.space = new Uint8Array(10_000);
    reading.read(10, 1);
    reading.space = undefined;
    reading.read(10_000, 1);
    expect(reading.memory.length).toBe(4_096);
    reading.read(4_096, 1);
    expect(reading.memory).toBe(usual);
  });

  it('keeps no more than a few thousand bytes alive for a small chunk', () => {
    const reading = new Reading();
    for (const length of [1, 100, 2_048]) reading.read(length, 1);
    for (const { chunk } of reading.chunks) {
      expect(chunk.buffer.byteLength).toBeLessThanOrEqual(8_192);
    }
  });
});
