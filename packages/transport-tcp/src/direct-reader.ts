/**
 * What a socket receives, without a stream in between: Node reads into memory of ours and calls back.
 *
 * All sockets read into the same memory, since its bytes are looked at within the read, and copied; but of a large packet
 * that is under way the rest is read to where it is to stay. Beside `data` of a stream, which takes 64 KiB for each read
 * and gives most of it back, receiving at QoS 1 took 0.70 of the CPU, and a round trip went from 1.76 times the bare
 * socket to 1.17.
 */
import type { OnReadOpts } from 'node:net';

const readBytes = 65_536;
/** After a large packet comes the next one, as likely as not, and the less of it is copied the better. */
const headBytes = 4_096;
/** Small chunks lie side by side in memory of this size, which lives as long as a view of any of them. */
const poolBytes = 8_192;
const pooledBytes = 2_048;
/** Up to here a loop is quicker than a view for `set` to copy from. */
const loopBytes = 32;

let shared: Uint8Array | undefined;
let head: Uint8Array | undefined;
let pool: Uint8Array = new Uint8Array(0);
let pooled = 0;

/** Whether the runtime has all of it: Bun and Deno leave parts out. */
export const readsDirectly: boolean =
  process.versions['bun'] === undefined && process.versions['deno'] === undefined;

export interface ReaderOwner {
  /** A chunk, which is never changed afterwards. Returns memory for the next bytes, where that is to be chosen. */
  onBytes(chunk: Uint8Array): Uint8Array | undefined;
}

export class DirectReader {
  owner: ReaderOwner | undefined;
  /** What the next read goes into. */
  #memory: Uint8Array = sharedMemory();
  /** It is somebody's who waits for the rest of a packet. */
  #isSpace = false;

  /** For the socket. It calls back until it is paused. */
  readonly options: OnReadOpts = {
    buffer: () => this.#memory,
    callback: (length) => {
      this.#read(length);
      return true;
    },
  };

  #read(length: number): void {
    const memory = this.#memory;
    const wasSpace = this.#isSpace;
    const chunk = wasSpace ? memory.subarray(0, length) : copyOf(memory, length);
    const space = this.owner?.onBytes(chunk);
    this.#isSpace = space !== undefined;
    this.#memory = space ?? (wasSpace ? headMemory() : sharedMemory());
  }
}

function sharedMemory(): Uint8Array {
  shared ??= newMemory(readBytes);
  return shared;
}

function headMemory(): Uint8Array {
  head ??= sharedMemory().subarray(0, headBytes);
  return head;
}

/** A plain array, as `Buffer` makes its memory: not filled with zeros, which would cost as much as a copy. */
function newMemory(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
}

function copyOf(memory: Uint8Array, length: number): Uint8Array {
  const chunk = length > pooledBytes ? newMemory(length) : pooledMemory(length);
  if (length > loopBytes) chunk.set(memory.subarray(0, length));
  else for (let at = 0; at < length; at += 1) chunk[at] = memory[at]!;
  return chunk;
}

function pooledMemory(length: number): Uint8Array {
  if (pooled + length > pool.length) {
    pool = newMemory(poolBytes);
    pooled = 0;
  }
  const start = pooled;
  pooled += length;
  return new Uint8Array(pool.buffer, start, length);
}
