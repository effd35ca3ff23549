/** The ring of all queues that have had no entry yet. */
const noSlots: never[] = [];

/** A larger ring is given back when it is empty. */
const keptSlots = 256;

/** A first-in first-out queue in a ring: nothing is moved when the first one leaves. */
export class Fifo<T> {
  #slots: (T | undefined)[] = noSlots;
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#slots[this.#head];
  }

  /** The entry at a place, 0 being the first. */
  at(place: number): T | undefined {
    return place < this.#size
      ? this.#slots[(this.#head + place) & (this.#slots.length - 1)]
      : undefined;
  }

  push(entry: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = entry;
    this.#size += 1;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const entry = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size -= 1;
    if (this.#size === 0 && this.#slots.length > keptSlots) this.#forget();
    return entry;
  }

  /** Everything, first things first; nothing is left. */
  takeAll(): T[] {
    const entries: T[] = [];
    for (let entry = this.shift(); entry !== undefined; entry = this.shift()) entries.push(entry);
    this.#forget();
    return entries;
  }

  #forget(): void {
    this.#slots = noSlots;
    this.#head = 0;
  }

  #grow(): void {
    if (this.#size === 0) {
      this.#slots = [undefined, undefined, undefined, undefined];
      return;
    }
    const slots: (T | undefined)[] = [];
    for (let place = 0; place < this.#size; place++) slots.push(this.at(place));
    while (slots.length < this.#size * 2) slots.push(undefined);
    this.#slots = slots;
    this.#head = 0;
  }
}
