import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { Aedes as Aedes5 } from 'aedes-5';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { certificates } from './certificates.ts';
import { portOf } from './ports.ts';

/** `3.1.1`: aedes 1.2, which refuses 5.0. `5.0`: aedes 2 beta, which speaks both. */
export type AedesKind = '3.1.1' | '5.0';
export type AedesListener = 'tcp' | 'tls' | 'webSocket' | 'secureWebSocket';

/** An aedes inside this process. */
export interface EmbeddedAedes extends AsyncDisposable {
  readonly kind: AedesKind;
  port(listener: AedesListener): number;
  /** For `connect`. */
  url(listener: AedesListener): string;
  readonly connectedClients: number;
  /** Cuts all connections and stops listening. All sessions are lost with it. */
  stop(): Promise<void>;
  /** Starts a new one, which knows nothing, on the same ports. */
  start(): Promise<void>;
}

/** What both versions have in common, as far as tests use it. */
interface Broker {
  readonly connectedClients: number;
  handle(stream: Duplex): unknown;
  close(callback: () => void): void;
}

const schemes: Readonly<Record<AedesListener, string>> = {
  tcp: 'mqtt',
  tls: 'mqtts',
  webSocket: 'ws',
  secureWebSocket: 'wss',
};

/** Starts an aedes on free ports of the loopback interface. Resolves when it takes connections on all of them. */
export async function startAedes(kind: AedesKind): Promise<EmbeddedAedes> {
  const ports = new Map<AedesListener, number>();
  let running: Running | undefined;
  const start = async () => {
    if (running !== undefined) throw new Error('this aedes is running already');
    running = await run(kind, ports);
  };
  const stop = async () => {
    const stopped = running;
    running = undefined;
    await stopped?.close();
  };
  const port = (listener: AedesListener) => ports.get(listener) as number;
  await start();
  return {
    kind,
    port,
    url: (listener) => `${schemes[listener]}://127.0.0.1:${port(listener)}`,
    get connectedClients() {
      return running?.broker.connectedClients ?? 0;
    },
    stop,
    start,
    [Symbol.asyncDispose]: stop,
  };
}

interface Running {
  readonly broker: Broker;
  close(): Promise<void>;
}

async function run(kind: AedesKind, ports: Map<AedesListener, number>): Promise<Running> {
  const broker: Broker =
    kind === '5.0' ? ((await Aedes5.createBroker()) as Broker) : await Aedes.createBroker();
  const { server } = certificates();
  const tls = { cert: server.cert.text, key: server.key.text };
  const handle = (socket: Duplex) => broker.handle(socket);
  const servers: Readonly<Record<AedesListener, Server>> = {
    tcp: createServer({ noDelay: true }, handle),
    tls: createTlsServer({ ...tls, noDelay: true }, handle),
    webSocket: createHttpServer(),
    secureWebSocket: createHttpsServer(tls),
  };
  for (const name of ['webSocket', 'secureWebSocket'] as const) {
    // A webSocket server announces only what the client offered; MQTT clients offer "mqtt".
    const upgrades = new WebSocketServer({
      server: servers[name] as never,
      handleProtocols: (offered) => (offered.has('mqtt') ? 'mqtt' : false),
    });
    upgrades.on('connection', (webSocket) => handle(createWebSocketStream(webSocket)));
  }
  const sockets = new Set<Socket>();
  for (const [name, server] of Object.entries(servers) as [AedesListener, Server][]) {
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await listening(server, ports.get(name) ?? 0);
    ports.set(name, portOf(server));
  }
  const close = async () => {
    const closed = Object.values(servers).map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
    await new Promise<void>((resolve) => broker.close(resolve));
  };
  return { broker, close };
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}
