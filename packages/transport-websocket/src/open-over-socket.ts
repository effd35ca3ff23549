import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import {
  type MqttError,
  MqttUsageError,
  type OpenTransport,
  type TransportTarget,
} from '@mqtt-kit/core';
import { connectSocket, type SocketOptions } from '@mqtt-kit/transport-tcp';
import { WebSocket } from 'ws';
import { openError, subprotocolError } from './web-socket-error.ts';
import { WebSocketTransport } from './web-socket-transport.ts';
import { subprotocols, webSocketUrl } from './web-socket-url.ts';

/**
 * Room beside one packet of the largest size: a frame may hold several, and servers gather small ones. A frame beyond
 * that is refused by its header, before any of it is kept.
 */
const frameSlackBytes = 1 << 20;

/** How long a server may take to close the connection after it has closed the WebSocket. */
const closeTimeoutMs = 2_000;

/**
 * Opens a WebSocket on a socket that is connected, and for `wss` authenticated, already: errors of TCP and TLS are
 * named as everywhere, and `ws` has to do with WebSocket alone.
 */
export function openerOverSocket(options: SocketOptions | undefined): OpenTransport {
  const socketOptions = { alpnProtocols: ['http/1.1'], ...options };
  return async (target, handlers, signal) => {
    const { socket, explain } = await connectSocket(target, signal, socketOptions);
    if (signal.aborted) socket.destroy();
    signal.throwIfAborted();
    const webSocket = start(target, socket);
    await opened(webSocket, socket, target, signal);
    return new WebSocketTransport(
      webSocket,
      socket,
      (error) => explain(target, error),
      target,
      handlers,
    );
  };
}

function start(target: TransportTarget, socket: Socket): WebSocket {
  try {
    return new WebSocket(webSocketUrl(target), [...subprotocols(target)], {
      createConnection: () => socket,
      headers: { ...target.webSocket?.headers },
      // Compressed frames cost memory for each connection, and a small one may unfold to a huge one.
      perMessageDeflate: false,
      maxPayload: Math.min(target.maximumPacketSize + frameSlackBytes, 2 ** 31 - 1),
      closeTimeout: closeTimeoutMs,
    } as ConstructorParameters<typeof WebSocket>[2]);
  } catch (error) {
    // A header or a subprotocol that HTTP cannot carry.
    socket.destroy();
    throw new MqttUsageError(`webSocket: ${(error as Error).message}`, { cause: error });
  }
}

/** Waits for the answer to the upgrade request. Whatever else comes destroys the socket. */
function opened(
  webSocket: WebSocket,
  socket: Socket,
  target: TransportTarget,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let selected: string | undefined;
    const settle = (): void => {
      webSocket.off('open', onOpen);
      webSocket.off('error', onError);
      webSocket.off('upgrade', onUpgrade);
      webSocket.off('unexpected-response', onResponse);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (reason: unknown): void => {
      settle();
      webSocket.on('error', () => {});
      socket.destroy();
      reject(reason);
    };
    const onOpen = (): void => {
      if (!subprotocols(target).includes(webSocket.protocol)) {
        fail(subprotocolError(target, webSocket.protocol));
        return;
      }
      settle();
      // Nothing is read before the transport is there to take it.
      webSocket.pause();
      resolve();
    };
    const onUpgrade = (response: IncomingMessage): void => {
      selected = response.headers['sec-websocket-protocol'] ?? '';
    };
    const onResponse = (_request: unknown, response: IncomingMessage): void =>
      fail(statusError(target, response));
    const onError = (error: Error): void => fail(handshakeError(target, error, selected));
    const onAbort = (): void => fail(signal.reason);
    webSocket.on('open', onOpen);
    webSocket.on('error', onError);
    webSocket.on('upgrade', onUpgrade);
    webSocket.on('unexpected-response', onResponse);
    signal.addEventListener('abort', onAbort);
  });
}

/** The server answered, but not by an upgrade. */
function statusError(target: TransportTarget, response: IncomingMessage): MqttError {
  const status = response.statusCode ?? 0;
  const text = STATUS_CODES[status];
  const path = JSON.stringify(target.path.replace(/\?.*$/s, '') || '/');
  return openError(
    target,
    `the server answered HTTP ${status}${text === undefined ? '' : ` (${text})`} for ${path}`,
    statusHint(status, target, response),
  );
}

function statusHint(status: number, target: TransportTarget, response: IncomingMessage): string {
  if (status >= 300 && status < 400) {
    const location = JSON.stringify(response.headers.location ?? '').replace(/\?[^"]*/, '');
    return `It points to ${location.slice(0, 200)}: redirects are not followed.`;
  }
  switch (status) {
    case 401:
    case 403:
      return 'It wants credentials for HTTP: give them by webSocket.headers, or in the query of the URL.';
    case 502:
    case 503:
    case 504:
      return 'A proxy answered that does not reach the server behind it.';
    default:
      return pathHint(target);
  }
}

function pathHint(target: TransportTarget): string {
  return /^\/mqtt\b/.test(target.path)
    ? 'Check port and path of the WebSocket listener.'
    : 'Check port and path of the WebSocket listener: try the path /mqtt.';
}

interface HandshakeFailure extends Error {
  readonly code?: string;
  /** What an HTTP parser could not read. */
  readonly rawPacket?: Uint8Array;
}

/** The server gave no answer that is HTTP, or none that is WebSocket. */
function handshakeError(
  target: TransportTarget,
  error: HandshakeFailure,
  selected: string | undefined,
): MqttError {
  const secure = target.scheme === 'wss';
  if (error.rawPacket !== undefined) {
    // A TLS alert, RFC 8446 5.1.
    const tls = error.rawPacket[0] === 0x15 && error.rawPacket[1] === 0x03;
    if (tls && !secure) return openError(target, 'the server expects TLS', 'Try wss://.', error);
    return openError(
      target,
      'the server answered something that is not HTTP',
      `If it is an MQTT server without WebSocket, try ${secure ? 'mqtts://' : 'mqtt://'}.`,
      error,
    );
  }
  if (/subprotocol/.test(error.message)) return subprotocolError(target, selected, error);
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') {
    const others = secure ? 'mqtts://' : 'wss:// or mqtt://';
    return openError(
      target,
      'the server closed the connection without an answer',
      `Is it a WebSocket listener? Otherwise try ${others}.`,
      error,
    );
  }
  return openError(target, error.message, pathHint(target), error);
}
