/** A set of packet identifiers (1 to 65,535) as bits: 8 KiB, made when it is first used. */
export class IdentifierSet {
  #words: Uint32Array | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(identifier: number): boolean {
    return (
      this.#words !== undefined && (this.#words[identifier >>> 5]! & (1 << (identifier & 31))) !== 0
    );
  }

  add(identifier: number): void {
    if (this.has(identifier)) return;
    this.#words ??= newWords();
    this.#words[identifier >>> 5]! |= 1 << (identifier & 31);
    this.#size += 1;
  }

  delete(identifier: number): boolean {
    if (!this.has(identifier)) return false;
    this.#words![identifier >>> 5]! &= ~(1 << (identifier & 31));
    this.#size -= 1;
    return true;
  }

  clear(): void {
    this.#words = undefined;
    this.#size = 0;
  }

  /**
   * The first identifier that is not in the set, from `start` on and round past 65,535; 0 when none is left.
   * 32 identifiers are looked at in one step, so that even a nearly full set is searched in some microseconds.
   */
  firstAbsent(start: number): number {
    if (this.#size >= highestIdentifier) return 0;
    const words = this.#words;
    if (words === undefined) return start;
    let word = start >>> 5;
    let free = ~words[word]! & (-1 << (start & 31));
    while (free === 0) {
      word = (word + 1) % words.length;
      free = ~words[word]!;
    }
    return word * 32 + (31 - Math.clz32(free & -free));
  }
}

export const highestIdentifier = 65_535;

function newWords(): Uint32Array {
  const words = new Uint32Array((highestIdentifier + 1) / 32);
  words[0] = 1; // 0 is no packet identifier, so it is never absent.
  return words;
}
