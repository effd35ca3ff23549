import type { OpenTransport } from '@mqtt-kit/core';
import { connectSocket, type SocketOptions } from './connect-socket.ts';
import { DirectReader, readsDirectly } from './direct-reader.ts';
import { SocketTransport } from './socket-transport.ts';
import { isSecure } from './target-name.ts';

/**
 * Opens the stream that the target's scheme names: `mqtt` TCP, `mqtts` TLS, `mqtt+unix` the Unix socket (on Windows:
 * the named pipe) `path`. Rejects with `hostNotFound`, `connectionRefused`, `tlsFailed`, or `invalidArgument` for
 * certificates and keys that cannot be used; with the reason of `signal` when that aborts.
 */
export const openSocket: OpenTransport = socketOpener();

/** As `openSocket`, with sockets of the caller's making or further settings of TLS. */
export function socketOpener(options?: SocketOptions): OpenTransport {
  return async (target, handlers, signal) => {
    // Node alone reads so, and only what is neither encrypted nor somebody else's.
    const reader =
      readsDirectly && !isSecure(target) && options?.open === undefined
        ? new DirectReader()
        : undefined;
    const connected = await connectSocket(target, signal, options, reader?.options);
    return new SocketTransport(connected, target, handlers, reader);
  };
}
