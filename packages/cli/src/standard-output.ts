/**
 * The one way to standard output: messages, help, reports and what `--dry-run` shows all leave through it, so that a
 * failure is noticed once and told once, whatever was being written.
 *
 * A reader that went away (`| head -1`) has seen what it wanted: nothing more is written, and nothing is said. Any
 * other failure, such as a full disk, is an error of the run.
 */
import { writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** Called when a piece was taken by the system, or cannot be any more. */
type Taken = (error?: Error | null) => void;

export class StandardOutput {
  readonly #writeAtOnce: (piece: Uint8Array) => number;
  readonly #open: () => Pick<Writable, 'write' | 'on'>;
  readonly #listeners: ((error: NodeJS.ErrnoException) => void)[] = [];
  #opened: Pick<Writable, 'write' | 'on'> | undefined;
  #failure: NodeJS.ErrnoException | undefined;

  /** The stream is asked for when there is something to write: many runs save the time it takes. */
  constructor(
    open: () => Pick<Writable, 'write' | 'on'> = () => process.stdout,
    writeAtOnce: (piece: Uint8Array) => number = (piece) => writeSync(1, piece),
  ) {
    this.#open = open;
    this.#writeAtOnce = writeAtOnce;
  }

  /** Why nothing more can be written, unless that is because nobody reads it. */
  get failure(): NodeJS.ErrnoException | undefined {
    return isReaderGone(this.#failure) ? undefined : this.#failure;
  }

  /** Calls back once, when nothing more can be written. */
  onFailure(listener: (error: NodeJS.ErrnoException) => void): void {
    if (this.#failure !== undefined) listener(this.#failure);
    else this.#listeners.push(listener);
  }

  write(piece: string | Uint8Array, taken?: Taken): void {
    if (this.#failure !== undefined) {
      taken?.(this.#failure);
      return;
    }
    this.#stream.write(piece, (error) => {
      if (error) this.#fail(error);
      taken?.(error);
    });
  }

  /**
   * Writes a text that is all there is to say, and resolves when it was taken by the system, or cannot be any more. As
   * much of it as can be is written at once: to open the stream takes longer than the rest of a run for such a text.
   */
  print(text: string): Promise<void> {
    let rest: Uint8Array = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(this.#writeAtOnce(rest));
    } catch (error) {
      // A pipe that is full, and that somebody has told not to wait, is for the stream to wait for.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        this.#fail(error as NodeJS.ErrnoException);
      }
    }
    if (rest.length > 0) this.write(rest);
    return this.flushed();
  }

  /** Resolves when everything was taken by the system, or cannot be any more. */
  flushed(): Promise<void> {
    if (this.#opened === undefined) return Promise.resolve();
    return new Promise((resolve) => this.write('', () => resolve()));
  }

  get #stream(): Pick<Writable, 'write' | 'on'> {
    if (this.#opened === undefined) {
      this.#opened = this.#open();
      this.#opened.on('error', (error) => this.#fail(error));
    }
    return this.#opened;
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const listener of this.#listeners.splice(0)) listener(error);
  }
}

/** Whether nobody reads a pipe or a socket any more. */
export function isReaderGone(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.code === 'EPIPE' || error?.code === 'ECONNRESET';
}
