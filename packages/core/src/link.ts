/**
 * The transport of one connection, from the attempt to open it to its end.
 *
 * Whatever the transport does, and in whatever order, the driver hears of a link: opened at most once, then data and
 * drains, then closed exactly once and nothing afterwards.
 */
import type { TransportEnd } from '@mqtt-kit/engine';
import type { Cancel, Clock } from './clock.ts';
import { asError } from './errors.ts';
import type { OpenTransport, Transport, TransportHandlers, TransportTarget } from './transport.ts';

/** How long an orderly close may take before the transport is destroyed: a dead peer never answers it. */
const lingerMs = 1_000;

export interface LinkHandlers {
  onOpened(link: Link): void;
  onData(link: Link, chunk: Uint8Array): void;
  /** See `TransportHandlers`. */
  space(link: Link): Uint8Array | undefined;
  onDrain(link: Link): void;
  onClosed(link: Link): void;
}

export class Link implements TransportHandlers {
  /** The engine's number of this connection. */
  readonly connection: number;
  /** Why it ended, where somebody knows. */
  error: Error | undefined;
  /** Whose doing its end was. */
  endedBy: TransportEnd = 'ourselves';
  #state: 'opening' | 'open' | 'closing' | 'closed' = 'opening';
  #opened = false;
  #paused = false;
  #transport: Transport | undefined;
  /** What came before the promise of `open` was heard of. */
  #early: Uint8Array[] | undefined;
  #cancelLinger: Cancel | undefined;
  /** Of the attempt to open: gone with it. */
  #abort: AbortController | undefined;
  readonly #clock: Clock;
  readonly #handlers: LinkHandlers;

  constructor(connection: number, clock: Clock, handlers: LinkHandlers) {
    this.connection = connection;
    this.#clock = clock;
    this.#handlers = handlers;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether it was open at some time. */
  get wasOpened(): boolean {
    return this.#opened;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  get canPause(): boolean {
    return this.#transport?.pause !== undefined && this.#transport.resume !== undefined;
  }

  open(openTransport: OpenTransport, target: TransportTarget): void {
    let opening: Promise<Transport>;
    this.#abort = new AbortController();
    try {
      opening = openTransport(target, this, this.#abort.signal);
    } catch (thrown) {
      opening = Promise.reject(thrown);
    }
    opening.then(
      (transport) => this.#onOpened(transport),
      (thrown) => this.#end(asError(thrown)),
    );
  }

  /** Writes; false: wait for the drain. Bytes for a link that is not open go nowhere. */
  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#state !== 'open' || this.#transport === undefined) return true;
    try {
      return this.#transport.write(chunks);
    } catch (thrown) {
      this.destroy(asError(thrown));
      return true;
    }
  }

  pause(): void {
    this.#paused = true;
    this.#transport?.pause?.();
  }

  resume(): void {
    this.#paused = false;
    this.#transport?.resume?.();
  }

  /**
   * Closes after what was written has left and the server has closed, or after a while all the same. What still comes
   * until then is data like any other.
   */
  close(): void {
    if (this.#state === 'opening') {
      this.destroy();
      return;
    }
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    const atMs = this.#clock.now().monotonicMs + lingerMs;
    this.#cancelLinger = this.#clock.schedule(atMs, () => this.destroy());
    // What is paused would not see the end of the stream.
    if (this.#paused) this.resume();
    this.#transport?.close();
  }

  onData(chunk: Uint8Array): void {
    if (this.#state === 'opening') {
      this.#early ??= [];
      this.#early.push(chunk);
    } else if (this.#state !== 'closed') {
      this.#handlers.onData(this, chunk);
    }
  }

  space(): Uint8Array | undefined {
    return this.#state === 'open' ? this.#handlers.space(this) : undefined;
  }

  onDrain(): void {
    if (this.#state === 'open') this.#handlers.onDrain(this);
  }

  onClosed(error?: Error): void {
    if (this.#state === 'open') this.endedBy = isFault(error) ? 'network' : 'server';
    this.#end(error);
  }

  /** Closes at once. */
  destroy(error?: Error): void {
    if (this.#state === 'closed') return;
    this.error ??= error;
    this.#abort?.abort(error);
    const transport = this.#transport;
    this.#end(undefined);
    transport?.destroy();
  }

  #onOpened(transport: Transport): void {
    this.#opened = true;
    this.#abort = undefined;
    if (this.#state !== 'opening') {
      // It was given up, or has closed, before this promise was heard of.
      transport.destroy();
      return;
    }
    this.#transport = transport;
    this.#state = 'open';
    this.#handlers.onOpened(this);
    const early = this.#early;
    this.#early = undefined;
    for (const chunk of early ?? []) this.onData(chunk);
  }

  #end(error: Error | undefined): void {
    if (this.#state === 'closed') return;
    this.error ??= error;
    this.#state = 'closed';
    this.#cancelLinger?.();
    this.#transport = undefined;
    this.#handlers.onClosed(this);
  }
}

/** Whether an error, or its cause, is one of the system (`ECONNRESET`): the connection broke, whoever broke it. */
function isFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { readonly code?: unknown };
  return (typeof code === 'string' && /^E[A-Z]+$/.test(code)) || isFault(error.cause);
}
