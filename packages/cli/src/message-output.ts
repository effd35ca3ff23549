/**
 * Messages on their way to standard output.
 *
 * What the messages of one turn are printed as is gathered and written in one piece at the end of that turn, so
 * nothing waits for a message to come. Each piece is confirmed when the system has taken it: only then is a message
 * printed. While more than `highWaterBytes` are not confirmed the output is full, and whoever writes should wait: a
 * reader that is slow, or that paused, then slows the server down instead of filling our memory.
 */
import type { Sink } from './message-format.ts';
import type { StandardOutput } from './standard-output.ts';

const highWaterBytes = 256 * 1024;
const slabBytes = 64 * 1024;

interface Waiting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export class MessageOutput implements Sink {
  readonly #stream: StandardOutput;
  readonly #onFailure: (error: NodeJS.ErrnoException) => void;
  #slab: Buffer = Buffer.allocUnsafe(slabBytes);
  /** Where what is not written yet begins and ends in the slab. */
  #start = 0;
  #end = 0;
  #unconfirmed = 0;
  #flushAsked = false;
  #failed = false;
  /** Of what is gathered, made on demand. */
  #printed: Waiting | undefined;
  /** Of what was written last. */
  #lastWrite: Promise<void> = Promise.resolve();
  #room: Waiting | undefined;

  /** `onFailure` is called once, after which nothing is written any more. */
  constructor(stream: StandardOutput, onFailure: (error: NodeJS.ErrnoException) => void) {
    this.#stream = stream;
    this.#onFailure = onFailure;
    stream.onFailure((error) => this.#fail(error));
  }

  get full(): boolean {
    return this.#unconfirmed > highWaterBytes;
  }

  /** Resolves when there is room again; never after a failure. */
  room(): Promise<void> {
    if (this.#failed) return never;
    if (!this.full) return Promise.resolve();
    this.#room ??= makeWaiting();
    return this.#room.promise;
  }

  /** Resolves when the system has taken everything given so far; never after a failure. */
  printed(): Promise<void> {
    if (this.#failed) return never;
    if (this.#start === this.#end) return this.#lastWrite;
    this.#printed ??= makeWaiting();
    return this.#printed.promise;
  }

  text(text: string): void {
    // No UTF-16 code unit takes more than three bytes of UTF-8.
    this.#makeRoom(text.length * 3);
    this.#added(this.#slab.write(text, this.#end));
  }

  bytes(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#slab.set(bytes, this.#end);
    this.#added(bytes.length);
  }

  #added(count: number): void {
    this.#end += count;
    this.#unconfirmed += count;
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    queueMicrotask(() => {
      this.#flushAsked = false;
      this.#flush();
    });
  }

  /** Memory that was handed to the stream is never written again: a full slab is left to it. */
  #makeRoom(count: number): void {
    if (this.#slab.length - this.#end >= count) return;
    this.#flush();
    this.#slab = Buffer.allocUnsafe(Math.max(slabBytes, count));
    this.#start = 0;
    this.#end = 0;
  }

  #flush(): void {
    if (this.#start === this.#end || this.#failed) return;
    const piece = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    const printed = this.#printed ?? makeWaiting();
    this.#printed = undefined;
    this.#lastWrite = printed.promise;
    this.#stream.write(piece, (error) => {
      if (error) return;
      this.#unconfirmed -= piece.length;
      printed.resolve();
      if (!this.full) this.#giveRoom();
    });
  }

  #giveRoom(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.resolve();
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFailure(error);
  }
}

const never: Promise<void> = new Promise(() => {});

function makeWaiting(): Waiting {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
