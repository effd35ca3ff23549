/**
 * Random numbers by position instead of by turn: a stream is a key, and number `i` of it is the cipher Threefry-2x32
 * (20 rounds, Salmon et al. 2011) of `i` under that key. So any number can be had in any order without the ones before
 * it, streams of different names have nothing in common, and there is no state to forget.
 */
import { cosineOf, logarithmOf } from './real-functions.ts';

const parity = 0x1bd11bda;
const twoToMinus32 = 2 ** -32;
const twoToMinus53 = 2 ** -53;
const twoPi = 6.283185307179586;

/** The two words that the cipher gave last: a pair without an object for each number. */
let word0 = 0;
let word1 = 0;

/** Enciphers the counter (c0, c1) under the key (k0, k1), into `word0` and `word1`. */
function threefry(k0: number, k1: number, c0: number, c1: number): void {
  const k2 = parity ^ k0 ^ k1;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let group = 0; group < 5; group++) {
    if ((group & 1) === 0) {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
    } else {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
    }
    const next = (group + 1) % 3;
    const after = (group + 2) % 3;
    x0 = (x0 + (next === 0 ? k0 : next === 1 ? k1 : k2)) | 0;
    x1 = (x1 + (after === 0 ? k0 : after === 1 ? k1 : k2) + group + 1) | 0;
  }
  word0 = x0 >>> 0;
  word1 = x1 >>> 0;
}

/** The words of one enciphered counter. For tests against the published vectors. */
export function threefryWords(
  key: readonly [number, number],
  counter: readonly [number, number],
): readonly [number, number] {
  threefry(key[0], key[1], counter[0], counter[1]);
  return [word0, word1];
}

/** Random numbers of one purpose. */
export class RandomStream {
  readonly #key0: number;
  readonly #key1: number;

  private constructor(key0: number, key1: number) {
    // As small integers, which need no object of their own.
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
  }

  /** The stream of a purpose: `RandomStream.named(42, 'room-7', 'temperature')`. Other names, another stream. */
  static named(...names: readonly (string | number)[]): RandomStream {
    return new RandomStream(0, 0).child(...names);
  }

  /** A stream within this one. */
  child(...names: readonly (string | number)[]): RandomStream {
    let key0 = this.#key0;
    let key1 = this.#key1;
    for (const name of names) {
      const text = `${typeof name}:${name}`;
      // Each pair of characters is enciphered under what came before, and the length closes the name.
      for (let at = 0; at < text.length; at += 2) {
        const pair = (text.charCodeAt(at) << 16) | (text.charCodeAt(at + 1) | 0);
        threefry(key0, key1, pair, at);
        key0 = word0 ^ pair;
        key1 = word1;
      }
      threefry(key0, key1, text.length, -1);
      key0 = word0;
      key1 = word1;
    }
    return new RandomStream(key0, key1);
  }

  /** At least 0, below 1, with 53 bits. `index` is any integer; `lane` (below 2,048) gives several for each. */
  uniform(index: number, lane = 0): number {
    this.#draw(index, lane);
    return ((word0 >>> 5) * 67_108_864 + (word1 >>> 6)) * twoToMinus53;
  }

  /** From the normal distribution with mean 0 and standard deviation 1; never beyond 6.8. */
  normal(index: number, lane = 0): number {
    this.#draw(index, lane);
    const angle = word1 * twoToMinus32 * twoPi;
    return Math.sqrt(-2 * logarithmOf((word0 + 0.5) * twoToMinus32)) * cosineOf(angle);
  }

  #draw(index: number, lane: number): void {
    const high = Math.floor(index * twoToMinus32) & 0x1f_ffff;
    threefry(this.#key0, this.#key1, index | 0, high | (lane << 21));
  }
}
