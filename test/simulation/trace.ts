/** A hash of everything that happens in a run (invariant 24), and its last events in words for people. */
export class Trace {
  readonly #lines: string[] | undefined;
  #hash = 0x811c9dc5;
  #events = 0;

  /** @param kept whether the events are kept in words */
  constructor(kept: boolean) {
    this.#lines = kept ? [] : undefined;
  }

  /** Whether words are wanted: ask before making long ones. */
  get kept(): boolean {
    return this.#lines !== undefined;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  get hash(): string {
    return `${(this.#hash >>> 0).toString(16).padStart(8, '0')}-${this.#events}`;
  }

  add(event: string, number: number = 0): void {
    let hash = this.#hash;
    for (let index = 0; index < event.length; index++) {
      hash = Math.imul(hash ^ event.charCodeAt(index), 0x01000193);
    }
    this.#hash = Math.imul(hash ^ number, 0x01000193);
    this.#events += 1;
    this.#lines?.push(number === 0 ? event : `${event} ${number}`);
  }

  bytes(event: string, bytes: Uint8Array): void {
    let hash = this.#hash;
    for (let index = 0; index < bytes.length; index++) {
      hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
    }
    this.#hash = hash;
    this.add(event, bytes.length);
    this.#lines?.push(
      `  ${[...bytes.subarray(0, 64)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')}`,
    );
  }
}
