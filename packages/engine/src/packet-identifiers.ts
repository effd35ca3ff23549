import { highestIdentifier, IdentifierSet } from './identifier-set.ts';

/**
 * The client's packet identifiers: one space for PUBLISH, SUBSCRIBE and UNSUBSCRIBE. [MQTT-2.2.1-3]
 *
 * They rotate, so that an identifier rests as long as possible before it is used again: an answer that comes late, or
 * to nobody's question, then rarely meets a new owner. Used ones are bits, whoever uses them; who that is stands with
 * the owners. An identifier without an owner is retired: the server may still know it, so it is not used again in
 * this session.
 */
export class PacketIdentifiers {
  #used = new IdentifierSet();
  #next = 1;

  /** Whether `take` would give one. */
  get available(): boolean {
    return this.#used.size < highestIdentifier;
  }

  get used(): number {
    return this.#used.size;
  }

  isUsed(identifier: number): boolean {
    return this.#used.has(identifier);
  }

  /** An unused identifier, or 0 when all are in use and the caller has to wait. */
  take(): number {
    const identifier = this.#used.firstAbsent(this.#next);
    if (identifier !== 0) this.reserve(identifier);
    return identifier;
  }

  /** Takes an identifier that a stored session says is in use. */
  reserve(identifier: number): void {
    this.#used.add(identifier);
    this.#next = identifier === highestIdentifier ? 1 : identifier + 1;
  }

  release(identifier: number): void {
    this.#used.delete(identifier);
  }

  /** The server has a new session and knows none of them. The rotation goes on where it stands. */
  reset(): void {
    this.#used.clear();
  }
}
