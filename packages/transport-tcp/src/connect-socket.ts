import { connect, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { MqttError, TransportTarget } from '@mqtt-kit/core';
import { connectError, lostError } from './network-error.ts';
import { isSecure } from './target-name.ts';
import { whenReady } from './when-ready.ts';

/**
 * How long one address of a host may take when others are left to try. Node's own 250 ms cuts off servers that are
 * merely far away (a satellite link needs 600 ms); the last address has all the time the caller gives.
 */
const addressTimeoutMs = 1_000;

/** What a protocol on top of the socket asks of it. */
export interface SocketOptions {
  /** Offered when the TLS options name no protocols. */
  readonly alpnProtocols?: readonly string[];
  /** Resolves host names; the system's resolver unless given. Asked anew for each connection. */
  readonly lookup?: LookupFunction;
  /** Makes the connection that TLS or MQTT then runs on, in place of our own: from a local address, through a proxy. */
  readonly open?: (target: TransportTarget) => Socket | Promise<Socket>;
  /** Settings of TLS beyond those of the target: ciphers, a pre-shared key. */
  readonly secure?: ConnectionOptions;
  /** Called with the TLS socket before its handshake. */
  readonly onSecure?: (socket: TLSSocket) => void;
}

/** A socket that is ready to be written to, and the explanation of the errors that it may still meet. */
export interface ConnectedSocket {
  readonly socket: Socket;
  readonly explain: (target: TransportTarget, error: Error) => MqttError;
}

/**
 * Connects and, for `mqtts` and `wss`, authenticates the server: the caller may send at once. For transports that put
 * a protocol of their own on such a socket. Rejects as `OpenTransport` says. The socket never throws for want of an
 * `error` listener. With `onread` a plain socket of our making hands what it reads to that, from its `resume` on.
 */
export async function connectSocket(
  target: TransportTarget,
  signal: AbortSignal,
  options: SocketOptions = {},
  onread?: OnReadOpts,
): Promise<ConnectedSocket> {
  signal.throwIfAborted();
  if (!isSecure(target)) {
    const socket = await connectPlain(target, options, signal, onread);
    return { socket, explain: lostError };
  }
  // Most programs never need TLS, which takes longer to load than everything else here.
  const tls = await import('./secure-socket.ts');
  // Certificates that cannot be used are the caller's mistake: told before the network is touched.
  const context = tls.secureContext(target.tls, options.secure);
  signal.throwIfAborted();
  return tls.secureSocket(
    await connectPlain(target, options, signal),
    target,
    context,
    options,
    signal,
  );
}

async function connectPlain(
  target: TransportTarget,
  options: SocketOptions,
  signal: AbortSignal,
  onread?: OnReadOpts,
): Promise<Socket> {
  const socket =
    options.open === undefined ? newSocket(target, options, onread) : await options.open(target);
  // It would read at once, before anybody takes what it reads.
  if (onread !== undefined) socket.pause();
  // Acknowledgements are small and somebody waits for them; batches are made above.
  socket.setNoDelay(true);
  if (socket.connecting || socket.destroyed) {
    await whenReady(socket, 'connect', signal, (error) => connectError(target, error));
  }
  return socket;
}

function newSocket(
  target: TransportTarget,
  options: SocketOptions,
  onread: OnReadOpts | undefined,
): Socket {
  const reading = onread && { onread };
  if (target.scheme === 'mqtt+unix') return connect({ path: target.path, ...reading });
  return connect({
    host: target.hostname,
    port: target.port,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: addressTimeoutMs,
    ...(options.lookup && { lookup: options.lookup }),
    ...reading,
  });
}
