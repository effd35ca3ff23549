/** Holds messages back so that no more than one leaves in each interval. */
export class Pace {
  readonly #intervalMs: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Resolves when the next message may leave. Time that was lost is not made up for. */
  async turn(): Promise<void> {
    const nowMs = performance.now();
    const waitMs = this.#nextMs - nowMs;
    // Timers have whole milliseconds: what is less than one is made up for by the next.
    if (waitMs >= 1) {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, Math.floor(waitMs));
      });
    }
    this.#nextMs = Math.max(this.#nextMs, performance.now() - 1) + this.#intervalMs;
  }
}
