/** The longest payload that a PUBLISH can carry under any topic: the largest Remaining Length. */
const longestLine = 268_435_455;

/** A line that no MQTT message can hold. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';

  constructor(lineNumber: number) {
    super(`line ${lineNumber} of standard input is longer than an MQTT message can be (256 MiB)`);
  }
}

/**
 * Cuts bytes into lines at LF, which is removed; CR and every other byte is kept, and so is the last line when it has
 * no LF. Holds no more than the line that is not complete yet.
 */
export class LineSplitter {
  readonly #onLine: (line: Uint8Array) => void;
  #parts: Uint8Array[] = [];
  #size = 0;
  #lineNumber = 1;

  constructor(onLine: (line: Uint8Array) => void) {
    this.#onLine = onLine;
  }

  /** Bytes of a line that is not complete yet. */
  get pendingBytes(): number {
    return this.#size;
  }

  /** Lines are views on the chunk where they lie in one piece. Throws `LineTooLongError`. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const line = part(chunk, start, end);
      start = end + 1;
      if (this.#size === 0) {
        // As nearly every line: all of it is here.
        this.#lineNumber += 1;
        this.#onLine(line);
      } else {
        this.#keep(line);
        this.#emit();
      }
    }
    if (start < chunk.length) this.#keep(part(chunk, start, chunk.length));
  }

  /** The input is over. */
  end(): void {
    if (this.#size > 0) this.#emit();
  }

  #keep(part: Uint8Array): void {
    this.#size += part.length;
    if (this.#size > longestLine) throw new LineTooLongError(this.#lineNumber);
    this.#parts.push(part);
  }

  #emit(): void {
    const [only] = this.#parts;
    const line = this.#parts.length === 1 ? only! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    this.#lineNumber += 1;
    this.#onLine(line);
  }
}

/** `subarray` without the constructor of Buffer, which takes several times as long. */
function part({ buffer, byteOffset }: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset + start, end - start);
}
