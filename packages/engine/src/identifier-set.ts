/**
 * A set of packet identifiers (1 to 65,535) as bits, in pages that are there while something is in them: identifiers
 * rotate, so that a client with few messages under way has one page of 256 bytes, and all of them would take 8 KiB.
 */
export class IdentifierSet {
  #pages: (Uint32Array | undefined)[] = noPages;
  /** The page of what was added last. It stays when it is empty, since what comes next belongs there too. */
  #latest = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(identifier: number): boolean {
    const page = this.#pages[identifier >>> pageShift];
    return page !== undefined && (page[wordOf(identifier)]! & (1 << (identifier & 31))) !== 0;
  }

  add(identifier: number): void {
    const place = identifier >>> pageShift;
    const word = wordOf(identifier);
    const bit = 1 << (identifier & 31);
    const page = this.#pages[place] ?? this.#open(place);
    if ((page[word]! & bit) !== 0) return;
    page[word]! |= bit;
    page[countPlace]! += 1;
    this.#size += 1;
    if (place === this.#latest) return;
    this.#dropIfEmpty(this.#latest);
    this.#latest = place;
  }

  delete(identifier: number): boolean {
    const place = identifier >>> pageShift;
    const word = wordOf(identifier);
    const bit = 1 << (identifier & 31);
    const page = this.#pages[place];
    if (page === undefined || (page[word]! & bit) === 0) return false;
    page[word]! ^= bit;
    page[countPlace]! -= 1;
    this.#size -= 1;
    if (page[countPlace] === 0 && place !== this.#latest) this.#pages[place] = undefined;
    return true;
  }

  clear(): void {
    this.#pages = noPages;
    this.#latest = 0;
    this.#size = 0;
  }

  /**
   * The first identifier that is not in the set, from `start` on and round past 65,535; 0 when none is left.
   * 32 identifiers are looked at in one step, so that even a nearly full set is searched in some microseconds.
   */
  firstAbsent(start: number): number {
    if (this.#size >= highestIdentifier) return 0;
    let word = start >>> 5;
    let free = ~this.#bits(word) & (-1 << (start & 31));
    while (free === 0) {
      word = (word + 1) % (pageCount * pageWords);
      free = ~this.#bits(word);
    }
    return word * 32 + (31 - Math.clz32(free & -free));
  }

  /** 0 is no packet identifier, so it is never absent. */
  #bits(word: number): number {
    const page = this.#pages[word >>> 6];
    if (page === undefined) return word === 0 ? 1 : 0;
    return page[word & (pageWords - 1)]!;
  }

  #open(place: number): Uint32Array {
    if (this.#pages === noPages) this.#pages = new Array(pageCount).fill(undefined);
    const page = new Uint32Array(pageWords + 1);
    if (place === 0) page[0] = 1;
    this.#pages[place] = page;
    return page;
  }

  #dropIfEmpty(place: number): void {
    if (this.#pages[place]?.[countPlace] === 0) this.#pages[place] = undefined;
  }
}

export const highestIdentifier = 65_535;

const pageShift = 11;
const pageCount = 32;
const pageWords = 64;
/** Behind the bits of a page: how many identifiers are in it. */
const countPlace = pageWords;
/** The pages of all sets that are empty. */
const noPages: never[] = [];

function wordOf(identifier: number): number {
  return (identifier >>> 5) & (pageWords - 1);
}
