import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { ScriptedBroker } from './scripted-broker.ts';
import type { ServerStream, ServerStreamEnd } from './server-stream.ts';

export interface TcpListenerOptions {
  /** Speaks TLS, with these settings of `node:tls` (`key`, `cert`, `ca`, `requestCert`, ...). */
  readonly tls?: TlsOptions;
  /** Default 0: a free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

/** A scripted broker's ear on a real port. */
export interface TcpListener extends AsyncDisposable {
  readonly port: number;
  /** For `connect`: `mqtt://127.0.0.1:PORT`, `mqtts://...` with TLS. */
  readonly url: string;
  /** TCP connections that are open. */
  readonly openSockets: number;
  /** TCP connections so far; with TLS also those whose handshake failed. */
  readonly acceptedSockets: number;
  /** TLS handshakes that failed, with what the server saw. */
  readonly tlsErrors: readonly Error[];
  /** Stops listening and resets every connection. Resolves when all are gone. */
  close(): Promise<void>;
}

/** Lets a scripted broker listen on a loopback port. Resolves when connections can be made. */
export async function listenTcp(
  broker: ScriptedBroker,
  options: TcpListenerOptions = {},
): Promise<TcpListener> {
  const { tls, port = 0, host = '127.0.0.1' } = options;
  const sockets = new Set<Socket>();
  const tlsErrors: Error[] = [];
  let acceptedSockets = 0;
  const attach = (socket: Socket) => attachSocket(broker, socket);
  const server: Server = tls === undefined ? createServer(attach) : createTlsServer(tls, attach);
  server.on('connection', (socket: Socket) => {
    acceptedSockets++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (error: Error) => tlsErrors.push(error));
  await listening(server, port, host);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: address.port,
    url: `${tls === undefined ? 'mqtt' : 'mqtts'}://${host}:${address.port}`,
    get openSockets() {
      return sockets.size;
    },
    get acceptedSockets() {
      return acceptedSockets;
    },
    tlsErrors,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

function attachSocket(broker: ScriptedBroker, socket: Socket): void {
  socket.setNoDelay(true);
  let end: ServerStreamEnd = 'ended';
  const stream: ServerStream = {
    name: `connection from port ${socket.remotePort}`,
    write: (chunk) => {
      if (socket.writable) socket.write(chunk);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.end(),
    reset: () => {
      end = 'reset';
      // A TLS socket cannot reset by itself; it closes what carries it.
      if ('encrypted' in socket) socket.destroy();
      else socket.resetAndDestroy();
    },
  };
  const handlers = broker.attach(stream);
  socket.on('data', ({ buffer, byteOffset, length }) => {
    // Plain bytes, as the virtual link hands over: a Buffer compares and prints in another way.
    handlers.onData(new Uint8Array(buffer, byteOffset, length));
  });
  socket.on('error', () => {
    end = 'reset';
  });
  socket.once('close', () => handlers.onClosed(end));
}
