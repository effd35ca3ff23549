/**
 * The client's packet identifiers: one space for PUBLISH, SUBSCRIBE and UNSUBSCRIBE. [MQTT-2.2.1-3]
 *
 * They rotate, so that an identifier rests as long as possible before it is used again: an answer that comes late, or
 * to nobody's question, then rarely meets a new owner. An identifier without an owner here is one of a request, which
 * stands elsewhere, or is retired: the server may still know it, so it is not used again in this session.
 *
 * They stand in a ring, each at the place that its lower bits name. Since they are given one after the other, those in
 * use lie side by side; an old one that is still there when the next comes to its place moves aside, and when half the
 * places are taken the ring grows. So nearly every step is one look at one place: publishing at QoS 1 takes 5 % less than
 * with a set of bits for those in use and a table of their owners.
 */
export class PacketIdentifiers<Owner extends object> {
  /** The identifier at each place; 0 where there is none. */
  #identifiers: number[] = noIdentifiers;
  #owners: (Owner | undefined)[] = noOwners;
  #mask = -1;
  /** Those whose place another has taken. */
  #aside: Map<number, Owner | undefined> | undefined;
  #used = 0;
  #next = 1;

  /** Whether `take` would give one. */
  get available(): boolean {
    return this.#used < highestIdentifier;
  }

  get used(): number {
    return this.#used;
  }

  isUsed(identifier: number): boolean {
    const there = this.#identifiers[identifier & this.#mask];
    return there === identifier || this.#aside?.has(identifier) === true;
  }

  /** Whose it is; `undefined` when it is free, retired, or a request's. */
  ownerOf(identifier: number): Owner | undefined {
    const place = identifier & this.#mask;
    return this.#identifiers[place] === identifier
      ? this.#owners[place]
      : this.#aside?.get(identifier);
  }

  /** An unused identifier, or 0 when all are in use and the caller has to wait. */
  take(owner?: Owner): number {
    if (this.#used >= highestIdentifier) return 0;
    let identifier = this.#next - 1;
    // The step is made each time, also where nothing is in the way: a rare branch is compiled when it is first met, and
    // all it stands in once more.
    do identifier = (identifier + 1) & highestIdentifier;
    while (identifier === 0 || this.isUsed(identifier));
    this.#add(identifier, owner);
    return identifier;
  }

  /** Takes an identifier that a stored session says is in use, or retires it. Its owner, if it had one, has it no more. */
  reserve(identifier: number, owner?: Owner): void {
    this.release(identifier);
    this.#add(identifier, owner);
  }

  release(identifier: number): void {
    const place = identifier & this.#mask;
    if (identifier !== 0 && this.#identifiers[place] === identifier) {
      this.#identifiers[place] = 0;
      this.#owners[place] = undefined;
      this.#used -= 1;
    } else if (this.#aside?.delete(identifier)) {
      if (this.#aside.size === 0) this.#aside = undefined;
      this.#used -= 1;
    }
  }

  /** The server has a new session and knows none of them. The rotation goes on where it stands. */
  reset(): void {
    this.#identifiers = noIdentifiers;
    this.#owners = noOwners;
    this.#mask = -1;
    this.#aside = undefined;
    this.#used = 0;
  }

  /** Puts in one that is not in use. */
  #add(identifier: number, owner: Owner | undefined): void {
    if (2 * this.#used > this.#mask) this.#grow();
    const place = identifier & this.#mask;
    if (this.#identifiers[place] !== 0) this.#moveAside(place);
    this.#identifiers[place] = identifier;
    this.#owners[place] = owner;
    this.#used += 1;
    this.#next = (identifier + 1) & highestIdentifier;
  }

  #moveAside(place: number): void {
    this.#aside ??= new Map();
    this.#aside.set(this.#identifiers[place]!, this.#owners[place]);
  }

  #grow(): void {
    const identifiers = this.#identifiers;
    const owners = this.#owners;
    const places = Math.max(smallestRing, 2 * identifiers.length);
    if (places > highestIdentifier + 1) return;
    this.#identifiers = new Array<number>(places).fill(0);
    this.#owners = new Array<Owner | undefined>(places).fill(undefined);
    this.#mask = places - 1;
    for (let place = 0; place < identifiers.length; place += 1) {
      const identifier = identifiers[place]!;
      if (identifier === 0) continue;
      // Two that shared no place in the smaller ring share none in the larger one.
      this.#identifiers[identifier & this.#mask] = identifier;
      this.#owners[identifier & this.#mask] = owners[place];
    }
  }
}

const highestIdentifier = 65_535;
/** A client that has subscribed and waits for messages has one or two in use. */
const smallestRing = 8;

/** The ring of all that have used none yet. */
const noIdentifiers: number[] = [];
const noOwners: never[] = [];
