/**
 * The dashboard with all that it shows: an embedded broker, the simulated house, and the page.
 *
 *   pnpm dashboard                          until Ctrl-C
 *   pnpm dashboard --port 8080              on another port than 4180; 0 takes a free one
 *   pnpm dashboard --host 0.0.0.0           for a phone in the same network, too
 *
 * The page and the WebSocket listener of the broker, at /mqtt, are on one port.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { buildWhenNeeded } from '../demo/build-when-needed.js';
import { Programs } from '../demo/programs.js';
import { starterGone } from '../demo/starter.js';

const pageFolder = fileURLToPath(new URL('dist/page', import.meta.url));

/** @returns {{ port: number, host: string }} */
function asked() {
  const { values } = parseArgs({
    args: process.argv.slice(2).filter((word) => word !== '--'),
    options: {
      port: { type: 'string', default: '4180' },
      host: { type: 'string', default: '127.0.0.1' },
    },
  });
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) {
    throw new Error(`--port takes a number up to 65535; given was ${values.port}`);
  }
  return { port, host: values.host };
}

/** A broker with a listener for MQTT over TCP, on a free port of the loopback interface. */
async function startBroker() {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { broker, port };
}

/**
 * Serves the page as it was built, and lets the broker answer at /mqtt.
 *
 * @param {Aedes} broker
 * @param {{ port: number, host: string }} where
 */
async function startPage(broker, { port, host }) {
  const files = builtFiles();
  const server = createHttpServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const file = files.get(path === '/' ? '/index.html' : path);
    response.writeHead(file === undefined ? 404 : 200, {
      'Content-Type': types[extname(path)] ?? 'text/html; charset=utf-8',
      'Content-Security-Policy': "default-src 'self'; connect-src 'self' ws: wss:",
    });
    response.end(file);
  });
  const sockets = new WebSocketServer({ server, path: '/mqtt', handleProtocols: () => 'mqtt' });
  sockets.on('connection', (socket) => {
    const stream = createWebSocketStream(socket);
    // A browser that goes away in the middle of a word is nothing to complain about.
    stream.on('error', () => {});
    broker.handle(stream);
  });
  server.listen(port, host);
  await once(server, 'listening');
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/** @type {Readonly<Record<string, string>>} */
const types = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Every file of the page by its path: nothing else can be asked for. */
function builtFiles() {
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  for (const entry of readdirSync(pageFolder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    files.set(`/${relative(pageFolder, file).replaceAll('\\', '/')}`, readFileSync(file));
  }
  return files;
}

/** @param {string} host @param {number} port */
function addresses(host, port) {
  const hosts = ['localhost'];
  if (host === '0.0.0.0' || host === '::') {
    for (const all of Object.values(networkInterfaces())) {
      for (const { family, internal, address } of all ?? []) {
        if (family === 'IPv4' && !internal) hosts.push(address);
      }
    }
  }
  return hosts.map((name) => `http://${name}:${port}/`);
}

async function interrupted() {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal));
  const unread = new Promise((resolve) => process.stdout.on('error', resolve));
  await Promise.race([...signals, unread, starterGone()]);
}

try {
  const where = asked();
  // The last thing that a build makes, and each makes it anew.
  await buildWhenNeeded(['apps/dashboard/dist/page/index.html']);
  // Imported when it is there: this is what the build makes.
  const { startLamps } = await import('./lamps.js');
  const { broker, port } = await startBroker();
  const pagePort = await startPage(broker, where);
  const url = `mqtt://localhost:${port}`;
  const stopLamps = await startLamps(url, ['bathroom', 'bedroom', 'kitchen']);
  const programs = new Programs();
  programs.start('The sensors', ['apps/examples/house-sensors.js', url], 'ignore');
  console.log(`
  A small house, live:

    ${addresses(where.host, pagePort).join('\n    ')}

  Its broker is at ${url}, and at ws://localhost:${pagePort}/mqtt. Join in from a second terminal, in this folder:

    node apps/mqtt-pub/dist/mqtt-pub.js -p ${port} -t house/attic/temperature -m 19.5

  Ctrl-C ends everything.
`);
  const failure = await Promise.race([programs.oneEnded, interrupted()]);
  await programs.end();
  await stopLamps();
  if (failure) throw new Error(failure);
  process.exit(0);
} catch (error) {
  console.error(`dashboard: ${/** @type {Error} */ (error).message}`);
  process.exit(1);
}
