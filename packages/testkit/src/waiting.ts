// Taken when the module loads: a simulation may make the global ones throw.
const startTimer = setTimeout;
const stopTimer = clearTimeout;

interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Values that come one by one, for one who asks for them one by one, in whichever order the two happen. */
export class Arrivals<T> {
  readonly #values: T[] = [];
  readonly #waiters: Waiter<T>[] = [];

  /** Values that nobody has asked for. */
  get pending(): readonly T[] {
    return this.#values;
  }

  add(value: T): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) {
      this.#values.push(value);
      return;
    }
    stopTimer(waiter.timer);
    waiter.resolve(value);
  }

  /**
   * The next value. Rejects with what `explain` returns when none comes within `limitMs` of real time: a limit for
   * tests that fail, whatever clock the test runs on.
   */
  next(limitMs: number, explain: () => Error): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift() as T);
    return new Promise((resolve, reject) => {
      const timer = startTimer(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(explain());
      }, limitMs);
      const waiter: Waiter<T> = { resolve, reject, timer };
      this.#waiters.push(waiter);
    });
  }
}
