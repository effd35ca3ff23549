/**
 * What is to come, by time: a heap of four children to a node, with the times in one array of numbers. Tens of thousands
 * of devices take the next one a thousand times in a blink; what that costs is mostly memory that is not at hand, and
 * four times beside each other are one piece of it.
 */
export class TaskQueue<T extends { readonly order: number }> {
  readonly #times: Float64Array;
  readonly #tasks: T[];

  /** Tasks with their times, in any order. */
  constructor(tasks: readonly { readonly atMs: number; readonly task: T }[]) {
    this.#times = Float64Array.from(tasks, ({ atMs }) => atMs);
    this.#tasks = tasks.map(({ task }) => task);
    for (let at = Math.floor((tasks.length - 2) / 4); at >= 0; at--) {
      this.#sink(at, this.#times[at] as number, this.#tasks[at] as T);
    }
  }

  /** The task that comes first; of one time that of the lowest order. */
  get first(): T | undefined {
    return this.#tasks[0];
  }

  /** When it comes; `Infinity` when there is none. */
  get firstMs(): number {
    return this.#tasks.length === 0 ? Number.POSITIVE_INFINITY : (this.#times[0] as number);
  }

  /** Puts the first task to a later time, or takes it away. */
  moveFirst(atMs: number | undefined): void {
    const first = this.#tasks[0] as T;
    if (atMs !== undefined) {
      this.#sink(0, atMs, first);
      return;
    }
    const last = this.#tasks.pop() as T;
    if (last !== first) this.#sink(0, this.#times[this.#tasks.length] as number, last);
  }

  /** Lets a task sink from a place below all that come before it. */
  #sink(from: number, atMs: number, task: T): void {
    const times = this.#times;
    const tasks = this.#tasks;
    const count = tasks.length;
    let at = from;
    for (;;) {
      const firstChild = 4 * at + 1;
      if (firstChild >= count) break;
      const end = Math.min(firstChild + 4, count);
      let child = firstChild;
      let childMs = times[child] as number;
      for (let other = firstChild + 1; other < end; other++) {
        const otherMs = times[other] as number;
        if (otherMs > childMs) continue;
        if (otherMs === childMs && tasks[other]!.order > tasks[child]!.order) continue;
        child = other;
        childMs = otherMs;
      }
      if (childMs > atMs || (childMs === atMs && tasks[child]!.order > task.order)) break;
      times[at] = childMs;
      tasks[at] = tasks[child] as T;
      at = child;
    }
    times[at] = atMs;
    tasks[at] = task;
  }
}
