/** MQTT over WebSocket for Node and what is compatible with it. Browsers get `index.browser.ts` in its place. */
import type { OpenTransport } from '@mqtt-kit/core';
import type { SocketOptions } from '@mqtt-kit/transport-tcp';

/**
 * Opens a WebSocket, `ws` or `wss`, with the subprotocol `mqtt` or those of `webSocket.protocols`. Rejects with
 * `webSocketFailed` (the HTTP status, a missing subprotocol), with the errors of TCP and TLS (`hostNotFound`,
 * `connectionRefused`, `tlsFailed`), with `invalidArgument` for options that cannot be, or with the reason of `signal`
 * when that aborts.
 */
export const openWebSocket: OpenTransport = webSocketOpener();

/** As `openWebSocket`, with sockets of the caller's making or further settings of TLS. */
export function webSocketOpener(options?: SocketOptions): OpenTransport {
  return async (target, handlers, signal) => {
    signal.throwIfAborted();
    // Who speaks MQTT over TCP does not wait for HTTP and WebSocket to load.
    const { openerOverSocket } = await import('./open-over-socket.ts');
    return openerOverSocket(options)(target, handlers, signal);
  };
}
