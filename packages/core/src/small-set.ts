/**
 * A set that holds its first thing itself, and makes a table with the second: of a thousand clients in one process
 * nearly every set has at most one thing in it, and an empty `Set` takes 150 bytes.
 */
export class SmallSet<T extends object> {
  #only: T | undefined;
  #all: Set<T> | undefined;

  get size(): number {
    return this.#all?.size ?? (this.#only === undefined ? 0 : 1);
  }

  has(item: T): boolean {
    return this.#only === item || (this.#all?.has(item) ?? false);
  }

  add(item: T): void {
    if (this.#all !== undefined) {
      this.#all.add(item);
    } else if (this.#only === undefined) {
      this.#only = item;
    } else if (this.#only !== item) {
      this.#all = new Set([this.#only, item]);
      this.#only = undefined;
    }
  }

  /** Whether it was there. */
  delete(item: T): boolean {
    if (this.#all !== undefined) {
      const deleted = this.#all.delete(item);
      if (this.#all.size === 0) this.#all = undefined;
      return deleted;
    }
    if (this.#only !== item) return false;
    this.#only = undefined;
    return true;
  }

  clear(): void {
    this.#only = undefined;
    this.#all = undefined;
  }

  /** In the order in which they came. Things may be taken out meanwhile. */
  [Symbol.iterator](): Iterator<T, undefined> {
    return (this.#all ?? (this.#only === undefined ? [] : [this.#only]))[Symbol.iterator]();
  }
}
