import type { Cancel, Clock } from '@mqtt-kit/core';

/** What arrives at the far end of a pipe. */
export interface PipeReceiver {
  onData(chunk: Uint8Array): void;
  /** After the last byte. */
  onEnd(): void;
}

interface Segment {
  readonly atMs: number;
  /** `undefined`: the end of the stream. */
  readonly chunk: Uint8Array | undefined;
}

/**
 * One direction of a virtual connection: chunks arrive in order, each in a turn of its own, after a delay on the
 * clock. Chunks are handed over by reference, so that a sender that goes on writing in the same memory is found out.
 */
export class VirtualPipe {
  readonly #clock: Clock;
  readonly #receiver: PipeReceiver;
  /** Called when the last waiting byte has arrived. */
  readonly #onEmpty: () => void;
  readonly #segments: Segment[] = [];
  #cancel: Cancel | undefined;
  #paused = false;
  #silent = false;
  #destroyed = false;
  #waitingBytes = 0;
  #deliveredBytes = 0;
  #cut: { readonly afterBytes: number; readonly action: () => void } | undefined;

  constructor(clock: Clock, receiver: PipeReceiver, onEmpty: () => void) {
    this.#clock = clock;
    this.#receiver = receiver;
    this.#onEmpty = onEmpty;
  }

  /** Bytes written that have not arrived. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  write(chunks: readonly Uint8Array[], delayMs: number): void {
    for (const chunk of chunks) {
      this.#waitingBytes += chunk.length;
      this.#add(chunk, delayMs);
    }
  }

  end(delayMs: number): void {
    this.#add(undefined, delayMs);
  }

  /** The reader stops taking; what is written waits. */
  pause(): void {
    this.#paused = true;
    this.#stop();
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  /** Nothing arrives any more, not even the end, until `speak`: the far machine has lost its network. */
  silence(): void {
    this.#silent = true;
    this.#stop();
  }

  /** Ends `silence`: what was written meanwhile arrives late, as TCP does after retransmission. */
  speak(): void {
    this.#silent = false;
    this.#schedule();
  }

  /** Runs an action in place of the byte that would come after `afterBytes` more. */
  cutAfter(afterBytes: number, action: () => void): void {
    this.#cut = { afterBytes: this.#deliveredBytes + afterBytes, action };
    if (afterBytes === 0) this.#reachCut();
  }

  /** Nothing arrives any more, and what was on its way is lost. */
  destroy(): void {
    this.#destroyed = true;
    this.#segments.length = 0;
    this.#waitingBytes = 0;
    this.#stop();
  }

  #add(chunk: Uint8Array | undefined, delayMs: number): void {
    if (this.#destroyed) return;
    // Only the first segment is ever scheduled: a later one never overtakes it, however the delays are drawn.
    this.#segments.push({ atMs: this.#clock.now().monotonicMs + delayMs, chunk });
    this.#schedule();
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(): void {
    const segment = this.#segments[0];
    if (segment === undefined || this.#cancel !== undefined) return;
    if (this.#paused || this.#silent || this.#destroyed) return;
    this.#cancel = this.#clock.schedule(segment.atMs, () => {
      this.#cancel = undefined;
      this.#deliver();
    });
  }

  #deliver(): void {
    const segment = this.#segments.shift() as Segment;
    if (segment.chunk === undefined) {
      this.#receiver.onEnd();
      return;
    }
    const chunk = this.#beforeCut(segment.chunk);
    this.#waitingBytes -= segment.chunk.length;
    this.#deliveredBytes += chunk.length;
    if (chunk.length > 0) this.#receiver.onData(chunk);
    if (this.#cut !== undefined && this.#deliveredBytes >= this.#cut.afterBytes) this.#reachCut();
    if (this.#waitingBytes === 0 && !this.#destroyed) this.#onEmpty();
    this.#schedule();
  }

  #beforeCut(chunk: Uint8Array): Uint8Array {
    if (this.#cut === undefined) return chunk;
    return chunk.subarray(0, this.#cut.afterBytes - this.#deliveredBytes);
  }

  #reachCut(): void {
    const action = this.#cut?.action;
    this.#cut = undefined;
    action?.();
  }
}
