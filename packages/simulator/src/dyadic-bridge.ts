import type { RandomStream } from './random-stream.ts';

/**
 * A Gaussian process with memory as a pure function of the grid point. Time is cut into blocks of a power of two of
 * grid points. The values at the ends of a block are given; every point between is drawn from its distribution given
 * two neighbours already known, half a distance to its left and right, with the random number of its own position.
 * So the whole path, however long, is fixed before anybody asks, and any point costs one number for each halving.
 *
 * The neighbours of the last point asked for are kept: the next one mostly shares them. That saves work and changes
 * no value.
 */
export class DyadicBridge {
  readonly #levels: number;
  readonly #rule: BridgeRule;
  readonly #stream: RandomStream;
  /** Values at both ends of the interval around the last point, of 2^level grid points, by level. */
  readonly #left: Float64Array;
  readonly #right: Float64Array;
  #lastPoint = Number.NaN;

  constructor(rule: BridgeRule, stream: RandomStream) {
    this.#rule = rule;
    this.#stream = stream;
    this.#levels = rule.weights.length - 1;
    this.#left = new Float64Array(this.#levels + 1);
    this.#right = new Float64Array(this.#levels + 1);
  }

  /** The value at a grid point, an integer. */
  at(point: number): number {
    let level = this.#sharedLevel(point);
    let size = powersOfTwo[level] as number;
    let start = Math.floor(point / size) * size;
    if (level === this.#levels) {
      const block = start / size;
      this.#left[level] = this.#rule.blockEnd(block, this.#stream);
      this.#right[level] = this.#rule.blockEnd(block + 1, this.#stream);
    }
    let left = this.#left[level] as number;
    let right = this.#right[level] as number;
    for (; level > 0; level--) {
      size /= 2;
      const middle = start + size;
      const value =
        (this.#rule.weights[level] as number) * (left + right) +
        (this.#rule.deviations[level] as number) * this.#stream.normal(middle);
      if (point < middle) {
        right = value;
      } else {
        left = value;
        start = middle;
      }
      this.#left[level - 1] = left;
      this.#right[level - 1] = right;
    }
    this.#lastPoint = point;
    return left;
  }

  /** The lowest level whose interval holds both the last point and this one. */
  #sharedLevel(point: number): number {
    const last = this.#lastPoint;
    for (let level = 0; level < this.#levels; level++) {
      const size = powersOfTwo[level] as number;
      if (Math.floor(point / size) === Math.floor(last / size)) return level;
    }
    return this.#levels;
  }
}

/** How a bridge is drawn: given both ends of an interval of 2^level points, the middle is normally distributed. */
export interface BridgeRule {
  /** By level, from 0, which is not used: mean = weight * (left + right). */
  readonly weights: readonly number[];
  /** By level: the standard deviation. */
  readonly deviations: readonly number[];
  /** The value at the start of a block. */
  blockEnd(block: number, stream: RandomStream): number;
}

const powersOfTwo: readonly number[] = Array.from({ length: 53 }, (_, level) => 2 ** level);
