/** The items of all queues that are empty. */
const nothing: never[] = [];

/** A queue whose every step costs the same however long it is. */
export class Fifo<T> {
  #items: (T | undefined)[] = nothing;
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    if (this.#items === nothing) this.#items = [item];
    else this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items = nothing;
      this.#head = 0;
    } else if (this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Everything, first things first; nothing is left. */
  takeAll(): T[] {
    const items = this.#items.slice(this.#head) as T[];
    this.#items = nothing;
    this.#head = 0;
    return items;
  }
}
