/**
 * A map from whole numbers from 0 on, for what is under way: packet identifiers, tickets.
 *
 * `Map` grows by leaving its old table behind with a reference to the new one. Where entries come and go all the time
 * that happens again and again, and once an old table has reached the old generation of the garbage collector, every
 * later one and all it held lives until the next full collection: publishing at QoS 1 spent 36 % of its time there.
 * This table is two arrays, which it changes in place.
 *
 * Numbers that follow each other are strewn over it: side by side they would make one long stretch without a free place,
 * and each deletion would go through all of that.
 */

/** Most tables of most clients never have more than one entry at a time. */
const smallestCapacity = 4;

/** A larger table is given back when it is empty; a smaller one would only be made again. */
const keptCapacity = 1024;

/** Marks a place without an entry. */
const free = -1;

/** The tables of all maps that have had no entry yet: most of them never have one. */
const noKeys: number[] = [];
const noValues: never[] = [];

/** From whole numbers from 0 on to values that are never `undefined`, in no order. */
export class NumberMap<V> {
  #keys: number[] = noKeys;
  #values: (V | undefined)[] = noValues;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: number): boolean {
    return this.#size > 0 && this.#keys[this.#placeOf(key)] === key;
  }

  get(key: number): V | undefined {
    return this.#size === 0 ? undefined : this.#values[this.#placeOf(key)];
  }

  /** Puts an entry in, or another in its place. */
  set(key: number, value: V): void {
    // Never more than half full, so that a search is short.
    if (2 * this.#size >= this.#keys.length)
      this.#resize(Math.max(smallestCapacity, 2 * this.#keys.length));
    const place = this.#placeOf(key);
    if (this.#keys[place] === free) this.#size += 1;
    this.#keys[place] = key;
    this.#values[place] = value;
  }

  /** Takes an entry out; whether there was one. */
  delete(key: number): boolean {
    return this.take(key) !== undefined;
  }

  /** Takes an entry out and returns it, if there was one. */
  take(key: number): V | undefined {
    if (this.#size === 0) return undefined;
    const place = this.#placeOf(key);
    const value = this.#values[place];
    if (value === undefined) return undefined;
    this.#size -= 1;
    if (this.#size === 0 && this.#keys.length > keptCapacity) this.clear();
    else this.#closeGap(place);
    return value;
  }

  clear(): void {
    this.#keys = noKeys;
    this.#values = noValues;
    this.#size = 0;
  }

  /** All numbers, in ascending order. */
  keys(): number[] {
    return this.#keys.filter((key) => key !== free).sort((a, b) => a - b);
  }

  /** All values, in ascending order of their numbers. */
  values(): V[] {
    return this.keys().map((key) => this.get(key) as V);
  }

  /**
   * Where the entry is, or would be put. The table has places that are free, or the search would not end. Every step is
   * made each time, also where there is no collision: a rare branch is compiled when it is first met, and everything
   * that it stands in a second time.
   */
  #placeOf(key: number): number {
    const keys = this.#keys;
    const mask = keys.length - 1;
    let place = homeOf(key, keys.length) - 1;
    do place = (place + 1) & mask;
    while (keys[place] !== key && keys[place] !== free);
    return place;
  }

  /**
   * Moves what stands behind a gap, and could not stand further in front because of it, forward. The free place at the
   * end moves like an entry and ends it: one way through the loop for all, as above.
   */
  #closeGap(emptied: number): void {
    const keys = this.#keys;
    const values = this.#values;
    const capacity = keys.length;
    const mask = capacity - 1;
    let gap = emptied;
    let place = emptied;
    for (;;) {
      place = (place + 1) & mask;
      const key = keys[place]!;
      const distance = (place - homeOf(key, capacity)) & mask;
      if (distance < ((place - gap) & mask) && key !== free) continue;
      keys[gap] = key;
      values[gap] = values[place];
      if (key === free) return;
      gap = place;
    }
  }

  #resize(capacity: number): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Array<number>(capacity).fill(free);
    this.#values = new Array<V | undefined>(capacity).fill(undefined);
    for (let index = 0; index < keys.length; index += 1) {
      if (keys[index] === free) continue;
      const place = this.#placeOf(keys[index]!);
      this.#keys[place] = keys[index]!;
      this.#values[place] = values[index];
    }
  }
}

/** Where a search begins: the upper bits of a product with the golden ratio, which keeps neighbours far apart. */
function homeOf(key: number, capacity: number): number {
  return Math.imul(key, 0x9e3779b1) >>> (Math.clz32(capacity) + 1);
}
