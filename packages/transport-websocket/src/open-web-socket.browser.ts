import {
  type MqttError,
  MqttUsageError,
  type OpenTransport,
  type Transport,
  type TransportHandlers,
  type TransportTarget,
} from '@mqtt-kit/core';
import { joinChunks } from './join-chunks.ts';
import { closedError, openError, subprotocolError, textFrameError } from './web-socket-error.ts';
import { subprotocols, webSocketUrl } from './web-socket-url.ts';

/** `write` asks for a pause above this; the platform itself has no limit. */
const highWaterBytes = 262_144;

/** The platform does not tell when bytes have left: while too many wait, it is asked so often. */
const drainPollMs = 10;

const mixedContent = 'A page from https:// may open wss:// alone.';

/** How long the closing handshake may take. The platform may wait for a minute. */
const closeGraceMs = 2_000;

/**
 * Opens the platform's WebSocket, `ws` or `wss`, with the subprotocol `mqtt` or those of `webSocket.protocols`. Rejects
 * with `webSocketFailed`, for which platforms give no reason; with `invalidArgument` for options that need a socket of
 * our own (`webSocket.headers`, `tls`); with the reason of `signal` when that aborts.
 */
export const openWebSocket: OpenTransport = async (target, handlers, signal) => {
  signal.throwIfAborted();
  const socket = start(target);
  await opened(socket, target, signal);
  return new PlatformTransport(socket, target, handlers);
};

function start(target: TransportTarget): WebSocket {
  const refused = target.tls ? 'tls' : target.webSocket?.headers ? 'webSocket.headers' : undefined;
  if (refused) {
    throw new MqttUsageError(`${refused} cannot be set here: the platform decides`, {
      hint: 'A token can go into the query of the URL, or into username and password.',
    });
  }
  // Looked up at use: importing this needs no WebSocket, and who replaces it is heard.
  if (typeof globalThis.WebSocket !== 'function') {
    throw openError(target, 'this platform has no WebSocket');
  }
  try {
    const socket = new WebSocket(webSocketUrl(target), [...subprotocols(target)]);
    socket.binaryType = 'arraybuffer';
    return socket;
  } catch (error) {
    throw openError(
      target,
      (error as Error).message,
      target.scheme === 'ws' ? mixedContent : undefined,
      error,
    );
  }
}

function opened(socket: WebSocket, target: TransportTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.onopen = socket.onclose = null;
      // Some platforms take an error that nobody listens to as uncaught.
      socket.onerror = () => {};
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: unknown): void => {
      settle();
      socket.close();
      reject(error);
    };
    const onAbort = (): void => fail(signal.reason);
    socket.onopen = () => {
      // Most platforms refuse by themselves a server that selects nothing, but they need not.
      if (!subprotocols(target).includes(socket.protocol)) {
        fail(subprotocolError(target, socket.protocol));
        return;
      }
      settle();
      resolve();
    };
    // Which of the two comes, and with a reason or none, differs: browsers keep it to themselves, and one that a
    // content security policy stops does not even close.
    socket.onerror = socket.onclose = (event: Event) =>
      fail(openFailure(target, (event as ErrorEvent).message));
    signal.addEventListener('abort', onAbort);
  });
}

function openFailure(target: TransportTarget, reason: string | undefined): MqttError {
  const { location, navigator } = globalThis;
  if (navigator?.onLine === false) {
    return openError(target, 'there is no network', 'The browser says that it is offline.');
  }
  if (target.scheme === 'ws' && location?.protocol === 'https:') {
    return openError(target, 'the platform does not say why', mixedContent);
  }
  // The ports that servers have for MQTT alone.
  const plain =
    target.port === 1883 || target.port === 8883
      ? ` Port ${target.port} is usually MQTT without WebSocket.`
      : '';
  const trusted = target.scheme === 'wss' ? ', and that its certificate is trusted' : '';
  return openError(
    target,
    reason || 'the platform does not say why',
    `Check host, port and path (/mqtt is usual), that the server speaks MQTT over WebSocket${trusted}.${plain} The console of a browser may say more.`,
  );
}

/** An open WebSocket of the platform. It cannot be paused: the layer above bounds what it takes in. */
class PlatformTransport implements Transport {
  readonly #socket: WebSocket;
  readonly #target: TransportTarget;
  readonly #handlers: TransportHandlers;
  #closing = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: WebSocket, target: TransportTarget, handlers: TransportHandlers) {
    this.#socket = socket;
    this.#target = target;
    this.#handlers = handlers;
    socket.onmessage = (event: MessageEvent<unknown>) => this.#receive(event.data);
    socket.onclose = ({ code, reason }) =>
      this.#over(this.#closing ? undefined : closedError(target, code, reason));
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (this.#closing || socket.readyState !== socket.OPEN) return false;
    // The platform copies the bytes. No chunk of ours is shared memory, which it would refuse.
    socket.send(joinChunks(chunks) as Uint8Array<ArrayBuffer>);
    if (socket.bufferedAmount < highWaterBytes) return this.#timer === undefined;
    this.#timer ??= setTimeout(this.#lookForDrain, drainPollMs);
    return false;
  }

  close(): void {
    if (this.#closing) return;
    this.#end();
    this.#timer = setTimeout(() => this.#over(), closeGraceMs);
  }

  destroy(): void {
    this.#end();
    // The platform closes in its own time; for us it is over.
    queueMicrotask(() => this.#over());
  }

  #end(): void {
    this.#closing = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  #receive(data: unknown): void {
    if (this.#closing) return;
    if (typeof data === 'string') {
      this.#end();
      this.#over(textFrameError(this.#target));
      return;
    }
    const bytes = new Uint8Array(data as ArrayBuffer);
    if (bytes.length > 0) this.#handlers.onData(bytes);
  }

  readonly #lookForDrain = (): void => {
    const draining = this.#socket.bufferedAmount < highWaterBytes / 2;
    this.#timer = draining ? undefined : setTimeout(this.#lookForDrain, drainPollMs);
    if (draining) this.#handlers.onDrain();
  };

  #over(error?: MqttError): void {
    const socket = this.#socket;
    if (socket.onclose === null) return;
    socket.onclose = socket.onmessage = null;
    clearTimeout(this.#timer);
    this.#closing = true;
    this.#handlers.onClosed(error);
  }
}
