/** How long acknowledgements took, in a bounded number of counters: 32 for each doubling, so exact to about 2 %. */
export class Latencies {
  readonly #counts: number[] = [];
  #total = 0;
  #longestMs = 0;

  add(ms: number): void {
    const bucket = Math.max(Math.floor(Math.log2(Math.max(ms, shortestMs) / shortestMs) * 32), 0);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
    this.#longestMs = Math.max(this.#longestMs, ms);
  }

  /** The time that a part of all stayed below; 0 when there were none. */
  quantileMs(part: number): number {
    let rest = Math.ceil(part * this.#total);
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      rest -= this.#counts[bucket] ?? 0;
      if (rest <= 0) return Math.min(shortestMs * 2 ** ((bucket + 0.5) / 32), this.#longestMs);
    }
    return this.#longestMs;
  }

  get longestMs(): number {
    return this.#longestMs;
  }
}

const shortestMs = 0.01;
