/**
 * A set of packet identifiers (1 to 65,535). A few are a list, which is all that most clients ever have; from the first
 * time that there are more they are bits, in pages that are there while something is in them: identifiers rotate, so that
 * some messages under way take one page of 256 bytes, and all of them would take 8 KiB.
 */
export class IdentifierSet {
  /** While there are no pages; 0 is a free place. */
  #few: number[] = none;
  #pages: (Uint32Array | undefined)[] = noPages;
  /** The page of what was added last. It stays when it is empty, since what comes next belongs there too. */
  #latest = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(identifier: number): boolean {
    if (this.#pages === noPages) return this.#few.includes(identifier);
    const page = this.#pages[identifier >>> pageShift];
    return page !== undefined && (page[wordOf(identifier)]! & (1 << (identifier & 31))) !== 0;
  }

  add(identifier: number): void {
    if (this.#pages === noPages) {
      this.#addToFew(identifier);
      return;
    }
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
    if (this.#pages === noPages) return this.#deleteOfFew(identifier);
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
    this.#few = none;
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
    if (this.#pages === noPages) {
      let identifier = Math.max(start, 1);
      while (this.#few.includes(identifier)) identifier = (identifier % highestIdentifier) + 1;
      return identifier;
    }
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
    const page = new Uint32Array(pageWords + 1);
    if (place === 0) page[0] = 1;
    this.#pages[place] = page;
    return page;
  }

  #addToFew(identifier: number): void {
    const few = this.#few;
    if (few.includes(identifier)) return;
    const place = few.indexOf(0);
    if (place >= 0) {
      few[place] = identifier;
    } else if (few === none) {
      this.#few = [identifier, 0, 0, 0, 0, 0, 0, 0];
    } else {
      this.#few = none;
      this.#pages = new Array(pageCount).fill(undefined);
      this.#size = 0;
      for (const one of few) this.add(one);
      this.add(identifier);
      return;
    }
    this.#size += 1;
  }

  #deleteOfFew(identifier: number): boolean {
    const place = this.#few.indexOf(identifier);
    if (place < 0) return false;
    this.#few[place] = 0;
    this.#size -= 1;
    return true;
  }

  #dropIfEmpty(place: number): void {
    if (this.#pages[place]?.[countPlace] === 0) this.#pages[place] = undefined;
  }
}

export const highestIdentifier = 65_535;

/** The list of all sets that have had no entry yet. */
const none: number[] = [];

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
