/** What an entry of a `LinkedList` carries itself. It is in one list at a time. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** A list of entries that carry their own links: taking one out of the middle costs as little as the first. */
export class LinkedList<T extends Linked<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;
  #revision = 0;

  get first(): T | undefined {
    return this.#first;
  }

  get last(): T | undefined {
    return this.#last;
  }

  /** Grows with each change. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#size;
  }

  append(entry: T): void {
    entry.previous = this.#last;
    entry.next = undefined;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#revision += 1;
    this.#size += 1;
  }

  prepend(entry: T): void {
    entry.previous = undefined;
    entry.next = this.#first;
    if (this.#first === undefined) this.#last = entry;
    else this.#first.previous = entry;
    this.#first = entry;
    this.#revision += 1;
    this.#size += 1;
  }

  /** Takes out an entry that is in this list. */
  remove(entry: T): void {
    if (entry.previous === undefined) this.#first = entry.next;
    else entry.previous.next = entry.next;
    if (entry.next === undefined) this.#last = entry.previous;
    else entry.next.previous = entry.previous;
    entry.previous = undefined;
    entry.next = undefined;
    this.#revision += 1;
    this.#size -= 1;
  }
}
