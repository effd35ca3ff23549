/**
 * What is to come, by time. Tasks of one millisecond lie together in a list, and a heap holds the times that have a
 * list: numbers alone. Of tens of thousands of devices a few dozen have their turn in the same millisecond, and what a
 * queue of them costs is mostly memory that is not at hand; this one looks at a task when it comes and not before.
 */
export class TaskQueue<T extends { readonly order: number }> {
  readonly #times: number[] = [];
  readonly #lists = new Map<number, T[]>();
  /** The tasks of the time that is first, by their order, and how many of them have moved on. */
  #list: T[] = [];
  #done = 0;
  #listMs = Number.POSITIVE_INFINITY;

  /** Tasks with their times, in any order. */
  constructor(tasks: Iterable<{ readonly atMs: number; readonly task: T }>) {
    for (const { atMs, task } of tasks) this.#add(atMs, task);
    this.#goOn();
  }

  /** The task that comes first; of one time that of the lowest order. */
  get first(): T | undefined {
    return this.#list[this.#done];
  }

  /** When it comes; `Infinity` when there is none. */
  get firstMs(): number {
    return this.#listMs;
  }

  /** Puts the first task to a time that is not earlier, or takes it away. */
  moveFirst(atMs: number | undefined): void {
    const task = this.#list[this.#done] as T;
    this.#done += 1;
    if (atMs === this.#listMs) this.#addNow(task);
    else if (atMs !== undefined) this.#add(atMs, task);
    if (this.#done === this.#list.length) this.#goOn();
  }

  #add(atMs: number, task: T): void {
    const list = this.#lists.get(atMs);
    if (list !== undefined) {
      list.push(task);
      return;
    }
    this.#lists.set(atMs, [task]);
    rise(this.#times, atMs);
  }

  /** One that comes again at the same time takes its place among those that are left. */
  #addNow(task: T): void {
    const list = this.#list;
    let at = this.#done;
    while (at < list.length && (list[at] as T).order < task.order) at += 1;
    list.splice(at, 0, task);
  }

  #goOn(): void {
    const atMs = this.#times[0];
    this.#done = 0;
    if (atMs === undefined) {
      this.#list = [];
      this.#listMs = Number.POSITIVE_INFINITY;
      return;
    }
    sink(this.#times);
    const list = this.#lists.get(atMs) as T[];
    this.#lists.delete(atMs);
    // They mostly are in order: those of one rhythm come as they came the last time.
    list.sort((a, b) => a.order - b.order);
    this.#list = list;
    this.#listMs = atMs;
  }
}

/** Puts a number into a heap: no number is above those below it. */
function rise(heap: number[], value: number): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as number;
    if (above <= value) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = value;
}

/** Takes the least number out of a heap. */
function sink(heap: number[]): void {
  const value = heap.pop() as number;
  const count = heap.length;
  if (count === 0) return;
  let at = 0;
  for (let child = 1; child < count; child = 2 * at + 1) {
    if (child + 1 < count && (heap[child + 1] as number) < (heap[child] as number)) child += 1;
    if ((heap[child] as number) >= value) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = value;
}
