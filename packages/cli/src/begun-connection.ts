/**
 * A connection whose first packets were exchanged before the client was loaded (plain-exchange.ts), and how the client
 * goes on with it: it says by itself what it would have said from the beginning, which must be what was sent, and hears
 * what came in answer when it has said as much as had been sent by then. So it knows all that happened, and nothing is
 * sent twice.
 */
import type { Socket } from 'node:net';
import { openSocket, socketOpener } from '@mqtt-kit/transport-tcp';
import type { OpenTransport, Transport, TransportHandlers } from 'mqtt-kit';

/** What was said on a connection, and what is heard of it. */
export interface BegunConnection {
  readonly clientId: string;
  readonly socket: Socket;
  /** All that was sent. */
  readonly sent: Uint8Array;
  /** All that came, in order. */
  readonly received: ReceivedBytes[];
  /** Why it is over already, if it is. */
  readonly lost: { readonly error: Error | undefined } | undefined;
  /** Called after each addition to `received`. */
  onReceived: () => void;
  /** Signals are the program's from now on, those that came before among them. Has an effect once. */
  handOverSignals(): void;
}

export interface ReceivedBytes {
  readonly chunk: Uint8Array;
  /** How many bytes had been sent by then. */
  readonly sentBefore: number;
}

/** Opens the connection that was begun the first time, and new ones from then on. */
export function continuedOpener(begun: BegunConnection): OpenTransport {
  const openBegun = socketOpener({ open: () => begun.socket });
  let taken = false;
  return async (target, handlers, signal) => {
    // There never was one: another attempt tells why.
    const isUnsaid = begun.sent.length === 0;
    const useless = begun.lost?.error !== undefined && isUnsaid;
    if (isUnsaid) begun.handOverSignals();
    if (taken || useless) return openSocket(target, handlers, signal);
    taken = true;
    // What the program asks for first is to leave together with CONNECT: it has had its turn by then.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const continued = new ContinuedTransport(begun, handlers);
    if (begun.lost === undefined) continued.transport = await openBegun(target, continued, signal);
    else setImmediate(() => continued.onClosed(begun.lost?.error));
    return continued;
  };
}

class ContinuedTransport implements Transport, TransportHandlers {
  transport: Transport | undefined;
  readonly #begun: BegunConnection;
  readonly #handlers: TransportHandlers;
  /** Bytes of `begun.sent` that the client has written, too. */
  #repeated = 0;
  #delivered = 0;
  #closed: { readonly error: Error | undefined } | undefined;
  #isCaughtUp = false;
  #isClosing = false;
  #destroyed = false;
  #isOver = false;

  constructor(begun: BegunConnection, handlers: TransportHandlers) {
    this.#begun = begun;
    this.#handlers = handlers;
    begun.onReceived = () => this.#deliver();
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#isOver) return false;
    if (this.#isCaughtUp && this.transport !== undefined) return this.transport.write(chunks);
    const unsent = chunks.map((chunk) => this.#unsent(chunk)).filter(({ length }) => length > 0);
    // No handler is called from within a call of the client's.
    setImmediate(() => this.#deliver());
    return unsent.length === 0 || (this.transport?.write(unsent) ?? true);
  }

  pause(): void {
    this.transport?.pause?.();
  }

  resume(): void {
    this.transport?.resume?.();
  }

  close(): void {
    this.#isClosing = true;
    this.transport?.close();
    setImmediate(() => this.#deliver());
  }

  destroy(): void {
    this.#destroyed = true;
    this.transport?.destroy();
    setImmediate(() => this.#deliver());
  }

  /** The bytes come to `begun.received`, those from before among them. */
  onData(): void {}

  onDrain(): void {
    this.#handlers.onDrain();
  }

  onClosed(error?: Error): void {
    this.#closed = { error };
    this.#deliver();
  }

  /** The rest of a chunk that was not sent yet. */
  #unsent(chunk: Uint8Array): Uint8Array {
    const { sent } = this.#begun;
    const count = Math.min(chunk.length, sent.length - this.#repeated);
    for (let index = 0; index < count; index += 1) {
      if (chunk[index] !== sent[this.#repeated + index]) {
        throw new Error(
          'the client would have sent something else than was sent before it was loaded',
        );
      }
    }
    this.#repeated += count;
    return chunk.subarray(count);
  }

  get #isAllDelivered(): boolean {
    return this.#delivered === this.#begun.received.length;
  }

  #deliver(): void {
    const { received } = this.#begun;
    for (;;) {
      const next = received[this.#delivered];
      if (next === undefined || next.sentBefore > this.#repeated || this.#destroyed) break;
      this.#delivered += 1;
      this.#handlers.onData(next.chunk);
    }
    if (!this.#isCaughtUp && this.#repeated === this.#begun.sent.length && this.#isAllDelivered) {
      this.#isCaughtUp = true;
      // Who ends the run finds the client where it would have been.
      setImmediate(() => this.#begun.handOverSignals());
    }
    if (this.#isAllDelivered) {
      received.length = 0;
      this.#delivered = 0;
    }
    // What came before the end is heard before it, once the client has said what it answers.
    const isHeard = this.#isAllDelivered || this.#destroyed || this.#isClosing;
    if (this.#closed === undefined || this.#isOver || !isHeard) return;
    this.#isOver = true;
    this.#handlers.onClosed(this.#closed.error);
  }
}
