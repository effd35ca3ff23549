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
  /** The highest level whose ends are kept. */
  readonly #kept: number;
  readonly #rule: BridgeRule;
  readonly #stream: RandomStream;
  /**
   * Some numbers, then by level the values at both ends of the interval of 2^level points around the last point. One
   * array, the lowest levels first: of many devices each is out of the processor's sight when its turn comes, and
   * what a step needs lies together. Higher levels are drawn anew: that is seldom, and they would be most of the memory.
   */
  readonly #numbers: number[];

  constructor(rule: BridgeRule, stream: RandomStream) {
    this.#rule = rule;
    this.#stream = stream;
    this.#levels = rule.weights.length - 1;
    this.#kept = Math.min(this.#levels - 1, keptLevels);
    this.#numbers = new Array<number>(firstLevel + 2 * this.#kept + 2).fill(Number.NaN);
  }

  /** The value at a place between the grid points, in straight line from one to the next. */
  at(position: number): number {
    const numbers = this.#numbers;
    const point = Math.floor(position);
    if (point !== numbers[linePoint]) {
      const start = point - 1 === numbers[linePoint] ? numbers[lineEnd] : this.#pointValue(point);
      numbers[lineStart] = start as number;
      numbers[lineEnd] = this.#pointValue(point + 1);
      numbers[linePoint] = point;
    }
    const start = numbers[lineStart] as number;
    return start + ((numbers[lineEnd] as number) - start) * (position - point);
  }

  #pointValue(point: number): number {
    const numbers = this.#numbers;
    let level = this.#sharedLevel(point);
    let size = powersOfTwo[level] as number;
    let start = Math.floor(point / size) * size;
    let left: number;
    let right: number;
    if (level > this.#kept) {
      const block = start / size;
      left = this.#rule.blockEnd(block, this.#stream);
      right = this.#rule.blockEnd(block + 1, this.#stream);
    } else {
      left = numbers[firstLevel + 2 * level] as number;
      right = numbers[firstLevel + 2 * level + 1] as number;
    }
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
      if (level <= this.#kept + 1) {
        numbers[firstLevel + 2 * level - 2] = left;
        numbers[firstLevel + 2 * level - 1] = right;
      }
    }
    numbers[lastPoint] = point;
    return left;
  }

  /** The lowest level that is kept and whose interval holds both the last point and this one; else the highest of all. */
  #sharedLevel(point: number): number {
    const last = this.#numbers[lastPoint] as number;
    for (let level = 0; level <= this.#kept; level++) {
      const size = powersOfTwo[level] as number;
      if (Math.floor(point / size) === Math.floor(last / size)) return level;
    }
    return this.#levels;
  }
}

/** Places in the array of numbers: the point whose interval was computed last, and the line that was asked for last. */
const lastPoint = 0;
const linePoint = 1;
const lineStart = 2;
const lineEnd = 3;
const firstLevel = 4;

/** Steps go beyond 2^10 points once in as many. */
const keptLevels = 10;

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
