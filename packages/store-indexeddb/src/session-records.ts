import type { SessionOperation } from '@mqtt-kit/core';

/**
 * The records of a session, each with a number that says where it stands in the order, and what of them has changed
 * since the database was told last. The numbers only grow, so that the order outlives what is removed.
 */
export class SessionRecords extends Map<string, SessionOperation> {
  readonly #positions = new Map<string, number>();
  #highest = 0;
  #changes = new Map<number, SessionOperation | undefined>();

  get changed(): boolean {
    return this.#changes.size > 0;
  }

  override set(key: string, operation: SessionOperation): this {
    let position = this.#positions.get(key);
    if (position === undefined) {
      this.#highest += 1;
      position = this.#highest;
      this.#positions.set(key, position);
    }
    this.#changes.set(position, operation);
    return super.set(key, operation);
  }

  override delete(key: string): boolean {
    const position = this.#positions.get(key);
    if (position !== undefined) this.#changes.set(position, undefined);
    this.#positions.delete(key);
    return super.delete(key);
  }

  override clear(): void {
    for (const position of this.#positions.values()) this.#changes.set(position, undefined);
    this.#positions.clear();
    super.clear();
  }

  /** What to put at each position, `undefined` for what to remove. It is told once. */
  takeChanges(): ReadonlyMap<number, SessionOperation | undefined> {
    const changes = this.#changes;
    this.#changes = new Map();
    return changes;
  }

  /** Everything, to be written into an empty place. */
  takeAll(): ReadonlyMap<number, SessionOperation> {
    this.takeChanges();
    const all = new Map<number, SessionOperation>();
    for (const [key, operation] of this) all.set(this.#positions.get(key) as number, operation);
    return all;
  }

  /** The records as they are stand at these positions already. False: they cannot, being more or fewer. */
  standAt(positions: readonly number[]): boolean {
    this.#highest = Math.max(this.#highest, positions.at(-1) ?? 0);
    if (positions.length !== this.size) return false;
    let index = 0;
    for (const key of this.keys()) {
      this.#positions.set(key, positions[index] as number);
      index += 1;
    }
    this.#changes = new Map();
    return true;
  }
}
