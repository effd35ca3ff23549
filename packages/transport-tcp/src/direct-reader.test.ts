import { describe, expect, it } from 'vitest';
import { DirectReader } from './direct-reader.ts';

/** Reads as Node does: into the memory that the socket was given last. */
class Reading {
  readonly chunks: { readonly chunk: Uint8Array; readonly byte: number }[] = [];
  readonly #reader = new DirectReader();
  #byte = 0;
  memory: Uint8Array;

  constructor() {
    this.#reader.owner = {
      onBytes: (chunk) => this.chunks.push({ chunk, byte: this.#byte }),
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
    const lengths = [
      1, 4, 32, 33, 2_048, 2_049, 7_000, 16_384, 16_385, 65_536, 65_536, 3, 40_000, 100, 16_384,
    ];
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

  it('has no memory of its own as long as it reads little', () => {
    const idle = new Reading();
    const busy = new Reading();
    const { memory } = idle;
    for (let count = 0; count < 10; count += 1) busy.read(1_000, count);
    expect(busy.memory).toBe(memory);
    busy.read(65_536, 1);
    expect(busy.memory).not.toBe(memory);
    busy.read(1_000, 2);
    expect(busy.memory).toBe(memory);
  });

  it('copies nothing of a socket that has much to read', () => {
    const busy = new Reading();
    busy.read(20_000, 1);
    const { memory } = busy;
    busy.read(65_536, 2);
    expect(busy.chunks[1]?.chunk.buffer).toBe(memory.buffer);
  });

  it('keeps no more than a few thousand bytes alive for a small chunk', () => {
    const reading = new Reading();
    for (const length of [1, 100, 2_048]) reading.read(length, 1);
    for (const { chunk } of reading.chunks) {
      expect(chunk.buffer.byteLength).toBeLessThanOrEqual(8_192);
    }
  });
});
