import type { Socket } from 'node:net';
import type { TransportTarget } from '@mqtt-kit/core';
import { MqttError, type Transport, type TransportHandlers } from '@mqtt-kit/core';
import type { ConnectedSocket } from './connect-socket.ts';
import type { DirectReader } from './direct-reader.ts';
import { isSecure, otherScheme, targetName } from './target-name.ts';
import { ignoreError } from './when-ready.ts';

/** `write` asks for a pause when so much waits in the process: one batch of the engine. */
const highWaterBytes = 65_536;

/** How long a close may stand still, while bytes of ours leave and then while the server closes its side. */
const closeGraceMs = 2_000;

/**
 * Where a socket keeps its transport: so one function for all sockets listens to each event, and a process with
 * thousands of them holds no closures of each.
 */
const owner: unique symbol = Symbol('transport');

interface OwnedSocket extends Socket {
  [owner]?: SocketTransport | undefined;
}

/** A connected socket as a `Transport`. */
export class SocketTransport implements Transport {
  readonly #socket: OwnedSocket;
  readonly #explain: ConnectedSocket['explain'];
  readonly #target: TransportTarget;
  readonly #handlers: TransportHandlers;
  readonly #highWaterBytes: number;
  readonly #reader: DirectReader | undefined;
  /** Its handlers may be called. */
  #started = false;
  #paused = false;
  #received = false;
  #blocked = false;
  /** We ended it: how it ends is no news any more. */
  #closing = false;
  #destroyed = false;
  #error: MqttError | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  /** With a reader the socket is one that it reads, and has not begun to. */
  constructor(
    connected: ConnectedSocket,
    target: TransportTarget,
    handlers: TransportHandlers,
    reader?: DirectReader,
  ) {
    const { socket } = connected;
    this.#socket = socket;
    this.#explain = connected.explain;
    this.#target = target;
    this.#handlers = handlers;
    this.#reader = reader;
    // At or above the socket's own mark, or `drain` would not be sure to come.
    this.#highWaterBytes = Math.max(highWaterBytes, socket.writableHighWaterMark);
    this.#socket[owner] = this;
    socket.on('error', onError);
    socket.off('error', ignoreError);
    socket.on('drain', onDrain);
    // The owner gets this transport by a promise. Its handlers are not called before that has had its turn.
    setImmediate(start, this);
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (this.#closing || !socket.writable) return false;
    if (chunks.length === 1) {
      socket.write(chunks[0]!);
    } else {
      // One writev for all.
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
    }
    // Only `drain` ends it: whoever was told to wait must be told when to go on.
    if (socket.writableLength >= this.#highWaterBytes) this.#blocked = true;
    return !this.#blocked;
  }

  pause(): void {
    if (this.#closing) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#started) this.#socket.resume();
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.end();
    // Read on: the server's last word is not lost, and closing over unread bytes would reset the connection, so that the
    // server might lose what we sent last.
    this.resume();
    this.#boundClose(Number.POSITIVE_INFINITY);
  }

  destroy(): void {
    this.#closing = true;
    this.#destroyed = true;
    this.#socket.destroy();
  }

  /** A server that reads nothing, or never closes its side, cannot hold us: it has to show progress. */
  #boundClose(unsentBefore: number): void {
    this.#closeTimer = setTimeout(() => {
      const socket = this.#socket;
      const unsent = socket.writableLength;
      if (socket.writableFinished || unsent >= unsentBefore) socket.destroy();
      else this.#boundClose(unsent);
    }, closeGraceMs);
  }

  /** For the socket alone, as those below. */
  start(): void {
    const socket = this.#socket;
    if (socket.closed) {
      this.onClose();
      return;
    }
    socket.on('end', onEnd);
    socket.on('close', onClose);
    if (this.#reader === undefined) socket.on('data', onData);
    else this.#reader.owner = this;
    this.#started = true;
    if (!this.#paused) socket.resume();
  }

  onBytes(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#destroyed) return undefined;
    this.#received = true;
    this.#handlers.onData(chunk);
    return this.#handlers.space?.();
  }

  onDrain(): void {
    if (!this.#blocked || this.#closing) return;
    this.#blocked = false;
    this.#handlers.onDrain();
  }

  onEnd(): void {
    if (this.#closing) return;
    if (!this.#received && isSecure(this.#target)) this.#error ??= closedUnheard(this.#target);
    // Half a connection is of no use to MQTT, and our side might never be able to send the rest.
    this.#socket.destroy();
  }

  onError(error: NodeJS.ErrnoException): void {
    const cut = error.code === 'ECONNRESET' || error.code === 'EPIPE';
    this.#error ??=
      cut && !this.#received
        ? closedUnheard(this.#target, error)
        : this.#explain(this.#target, error);
  }

  onClose(): void {
    const socket = this.#socket;
    clearTimeout(this.#closeTimer);
    socket.on('error', ignoreError);
    socket.off('drain', onDrain);
    socket.off('end', onEnd);
    socket.off('close', onClose);
    socket.off('data', onData);
    socket.off('error', onError);
    socket[owner] = undefined;
    const error = this.#closing ? undefined : this.#error;
    this.#closing = true;
    this.#handlers.onClosed(error);
  }
}

function start(transport: SocketTransport): void {
  transport.start();
}

function onData(this: OwnedSocket, chunk: Buffer): void {
  // A plain Uint8Array: Buffer's own methods differ (slice makes a view), and nobody above should meet them.
  this[owner]?.onBytes(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
}

function onDrain(this: OwnedSocket): void {
  this[owner]?.onDrain();
}

function onEnd(this: OwnedSocket): void {
  this[owner]?.onEnd();
}

function onError(this: OwnedSocket, error: NodeJS.ErrnoException): void {
  this[owner]?.onError(error);
}

function onClose(this: OwnedSocket): void {
  this[owner]?.onClose();
}

/** A server that cuts the connection without a word often expects another kind of it. */
function closedUnheard(target: TransportTarget, cause?: Error): MqttError {
  const hint = !isSecure(target)
    ? `If it expects TLS there, try ${otherScheme(target)}.`
    : target.tls?.cert === undefined
      ? 'It may require a client certificate: tls.cert and tls.key.'
      : 'It may refuse our client certificate, tls.cert.';
  return new MqttError(
    'connectionLost',
    `${targetName(target)} closed the connection before it sent anything`,
    { cause, hint },
  );
}
