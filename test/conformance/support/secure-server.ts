/** A good server behind TLS, plain or in WebSocket, that writes down what it saw of its clients. */
import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  createServer as createTlsServer,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { accepted } from './bytes.ts';
import { RawConnection } from './raw-server.ts';

export type Scheme = 'mqtts' | 'wss';

export interface SecureServer extends AsyncDisposable {
  /** By the host name `localhost`. */
  readonly url: string;
  readonly port: number;
  readonly connections: RawConnection[];
  /** TCP connections, with handshakes that failed. */
  readonly sockets: number;
  /** Server names that were asked for, and protocols that were agreed on. */
  readonly names: (string | false)[];
  readonly protocols: (string | false | null)[];
}

export async function secureServer(scheme: Scheme, options: TlsOptions): Promise<SecureServer> {
  const connections: RawConnection[] = [];
  const names: (string | false)[] = [];
  const protocols: (string | false | null)[] = [];
  const open = new Set<{ destroy(): void }>();
  let sockets = 0;
  const accept = (stream: ConstructorParameters<typeof RawConnection>[1]): void => {
    connections.push(new RawConnection(connections.length + 1, stream, '5.0', accepted('5.0')));
  };
  const server: Server = scheme === 'mqtts' ? createTlsServer(options) : createHttpsServer(options);
  server.on('connection', (socket) => {
    sockets += 1;
    open.add(socket);
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket: TLSSocket) => {
    names.push((socket as TLSSocket & { servername?: string | false }).servername ?? false);
    protocols.push(socket.alpnProtocol);
    socket.on('error', () => {});
    if (scheme === 'mqtts') accept(socket);
  });
  if (scheme === 'wss') {
    const webSockets = new WebSocketServer({
      server: server as never,
      handleProtocols: () => 'mqtt',
    });
    webSockets.on('connection', (webSocket) => accept(createWebSocketStream(webSocket)));
  }
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://localhost:${port}${scheme === 'wss' ? '/mqtt' : ''}`,
    port,
    connections,
    names,
    protocols,
    get sockets() {
      return sockets;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
