/** A small seeded generator of numbers: sfc32, 128 bits of state. One seed gives one sequence, on every machine. */
export class Prng {
  /** What the sequence was started from: print it when a test fails. */
  readonly seed: number;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed Any integer; its lower 32 bits count. */
  constructor(seed: number) {
    this.seed = seed;
    this.#a = seed | 0;
    this.#b = 0x9e3779b9 | 0;
    this.#c = 0x243f6a88 | 0;
    // Seeds that differ in one bit give sequences alike in their first outputs until the state is mixed.
    for (let round = 0; round < 16; round++) this.#next();
  }

  /** At least 0, below 1, in steps of 2^-32. */
  random(): number {
    return this.#next() / 4294967296;
  }

  /** An integer from `lowest` to `highest`, both included. */
  integer(lowest: number, highest: number): number {
    return lowest + Math.floor(this.random() * (highest - lowest + 1));
  }

  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** One of the items. Throws a RangeError when there is none. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('expected at least one item to pick from');
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** Random bytes. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) bytes[index] = this.#next();
    return bytes;
  }

  /** A generator of its own, so that draws in one part of a test do not shift those in another. */
  fork(): Prng {
    return new Prng(this.#next());
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}
