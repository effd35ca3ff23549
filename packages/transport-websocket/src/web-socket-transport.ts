import type { Socket } from 'node:net';
import {
  MqttBreachError,
  type MqttError,
  type Transport,
  type TransportHandlers,
  type TransportTarget,
} from '@mqtt-kit/core';
import type { WebSocket } from 'ws';
import { joinChunks } from './join-chunks.ts';
import { closedError, textFrameError } from './web-socket-error.ts';
import { shownUrl } from './web-socket-url.ts';

/** `write` asks for a pause when so much waits in the process. */
const highWaterBytes = 65_536;

/** How long a close may stand still while bytes of ours leave. */
const closeGraceMs = 2_000;

/** A WebSocket of the `ws` package, open and paused, on a socket of ours. */
export class WebSocketTransport implements Transport {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #explain: (error: Error) => MqttError;
  readonly #target: TransportTarget;
  readonly #handlers: TransportHandlers;
  readonly #highWaterBytes: number;
  /** Frames handed to the socket that have not left. */
  #unsentFrames = 0;
  #blocked = false;
  #paused = false;
  /** Came after `pause`: `ws` reads what is in its hands to the end. At most what one read of the socket held. */
  #held: Uint8Array[] = [];
  /** We ended it: how it ends is no news any more. */
  #closing = false;
  #destroyed = false;
  #error: MqttError | undefined;
  #closeTimer: NodeJS.Timeout | undefined;

  constructor(
    webSocket: WebSocket,
    socket: Socket,
    explain: (error: Error) => MqttError,
    target: TransportTarget,
    handlers: TransportHandlers,
  ) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#explain = explain;
    this.#target = target;
    this.#handlers = handlers;
    // At or above the socket's own mark, or `drain` would not be sure to come.
    this.#highWaterBytes = Math.max(highWaterBytes, socket.writableHighWaterMark);
    webSocket.on('error', this.#onWebSocketError);
    socket.on('error', this.#onSocketError);
    socket.on('drain', this.#onDrain);
    // The owner gets this transport by a promise. Its handlers are not called before that has had its turn.
    setImmediate(this.#start);
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#closing || !this.#socket.writable) return false;
    this.#unsentFrames++;
    this.#webSocket.send(joinChunks(chunks), this.#onSent);
    // Only `drain` ends it: whoever was told to wait must be told when to go on.
    if (this.#socket.writableLength >= this.#highWaterBytes) this.#blocked = true;
    return !this.#blocked;
  }

  pause(): void {
    if (this.#closing) return;
    this.#paused = true;
    this.#webSocket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // As sockets do: not from within the call.
    process.nextTick(this.#flow);
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    // Read on: the server's last word is not lost, and its answer to our closing is seen.
    this.#paused = false;
    process.nextTick(this.#flow);
    if (this.#unsentFrames === 0) this.#webSocket.close(1000);
    this.#boundClose(Number.POSITIVE_INFINITY);
  }

  destroy(): void {
    this.#closing = true;
    this.#destroyed = true;
    this.#webSocket.terminate();
  }

  /** A server that reads nothing, or never answers our closing, cannot hold us: it has to show progress. */
  #boundClose(unsentBefore: number): void {
    this.#closeTimer = setTimeout(() => {
      const unsent = this.#socket.writableLength;
      if (this.#unsentFrames === 0 || unsent >= unsentBefore) this.#webSocket.terminate();
      else this.#boundClose(unsent);
    }, closeGraceMs);
  }

  /** Everything written has left, or never will: only then is the WebSocket closed, which has a time limit of its own. */
  readonly #onSent = (): void => {
    this.#unsentFrames--;
    if (this.#closing && this.#unsentFrames === 0) this.#webSocket.close(1000);
  };

  readonly #start = (): void => {
    if (this.#webSocket.readyState === this.#webSocket.CLOSED) {
      this.#onClose(1006, Buffer.alloc(0));
      return;
    }
    this.#webSocket.on('message', this.#onMessage);
    this.#webSocket.on('close', this.#onClose);
    this.#socket.on('end', this.#onEnd);
    if (!this.#paused) this.#webSocket.resume();
  };

  readonly #onMessage = (data: Buffer, isBinary: boolean): void => {
    if (this.#destroyed || this.#error) return;
    if (!isBinary) {
      if (!this.#closing) this.#fail(textFrameError(this.#target), 1003);
      return;
    }
    if (data.length === 0) return;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (this.#paused || this.#held.length > 0) this.#held.push(bytes);
    else this.#handlers.onData(bytes);
  };

  readonly #flow = (): void => {
    while (!this.#paused && !this.#destroyed) {
      const bytes = this.#held.shift();
      if (bytes === undefined) {
        this.#webSocket.resume();
        return;
      }
      this.#handlers.onData(bytes);
    }
  };

  readonly #onDrain = (): void => {
    if (!this.#blocked || this.#closing) return;
    this.#blocked = false;
    this.#handlers.onDrain();
  };

  /** The server ended the connection below the WebSocket: nothing more can come, and ours has nowhere to go. */
  readonly #onEnd = (): void => {
    this.#socket.destroy();
  };

  readonly #onSocketError = (error: Error): void => {
    this.#error ??= this.#explain(error);
  };

  /** The server broke the rules of WebSocket; `ws` closes by itself. */
  readonly #onWebSocketError = (error: Error & { readonly code?: string }): void => {
    const tooLong = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    this.#error ??= new MqttBreachError(
      'protocolError',
      `${shownUrl(this.#target)} broke the WebSocket protocol: ${error.message}`,
      {
        cause: error,
        hint: tooLong ? 'A larger maximumPacketSize lets larger frames in.' : undefined,
      },
    );
  };

  readonly #onClose = (code: number, reason: Buffer): void => {
    clearTimeout(this.#closeTimer);
    this.#webSocket.off('message', this.#onMessage);
    this.#webSocket.off('close', this.#onClose);
    this.#socket.off('drain', this.#onDrain);
    this.#socket.off('end', this.#onEnd);
    const error = this.#closing
      ? undefined
      : (this.#error ?? closedError(this.#target, code, reason.toString()));
    this.#closing = true;
    this.#held = [];
    this.#handlers.onClosed(error);
  };

  #fail(error: MqttError, code: number): void {
    this.#error = error;
    this.#webSocket.close(code);
  }
}
