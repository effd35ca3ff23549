/**
 * What a fleet costs: thousands of clients, tens of thousands of devices, on a mosquitto of this machine.
 *
 *   pnpm scale                          everything: about four minutes
 *   pnpm scale each --seconds 10        one measurement, shorter
 *
 *   sockets  5,000 sockets that have sent CONNECT, and nothing else: what Node itself takes
 *   idle     5,000 devices with a client each, will and presence, without traffic: memory of each
 *   each     5,000 devices with a client each, 1 reading in a second at QoS 1
 *   shared   50,000 devices on 8 connections, 1 reading in a second at QoS 0
 *
 * Beside each figure stands its goal, where it has one, and whether it is met. `--devices N` takes another number of
 * devices. Each measurement has a process of its own, and a server of its own. CPU is that of the process, in cores:
 * wall time says little on a machine that does other things too, and what those leave of the caches is in it all the
 * same. The packages must have been built.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { programPath } from '../setup/debian-packages.mjs';

/**
 * @typedef {'sockets' | 'idle' | 'each' | 'shared'} Kind
 *
 * A figure, and the most or the least that it should be, or with `exactly` what it should be.
 * @typedef {{ name: string, value: number, most?: number, least?: number, exactly?: number }} Figure
 */

const kinds = /** @type {const} */ (['sockets', 'idle', 'each', 'shared']);
const devicesOf = { sockets: 5000, idle: 5000, each: 5000, shared: 50_000 };

/** After so long without work V8 gives back the room that connecting took. */
const idleSeconds = 45;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    devices: { type: 'string' },
    url: { type: 'string' },
  },
});

/** A mosquitto on a free port. */
async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), 'scale-'));
  const port = await freePort();
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'max_connections -1',
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'log_type error',
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ];
  writeFileSync(join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
  const server = spawn(
    programPath('mosquitto') ?? 'mosquitto',
    ['-c', join(folder, 'mosquitto.conf')],
    {
      stdio: 'inherit',
    },
  );
  process.once('exit', () => server.kill('SIGKILL'));
  while (!(await listens(port))) await sleep(50);
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async stop() {
      server.kill();
      await once(server, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * One measurement, in this process.
 *
 * @param {Kind} kind
 * @param {number} count
 * @param {number} seconds
 * @param {string} url
 * @returns {Promise<Figure[]>}
 */
async function measure(kind, count, seconds, url) {
  if (kind === 'sockets') return measureSockets(count, url);
  const { fleet } = await import('mqtt-kit/simulator');
  const meters = fleet({
    name: 'meter',
    count,
    every: kind === 'idle' ? '1d' : '1s',
    qos: kind === 'each' ? 1 : 0,
    signals: { power: 'walk(300, 5, 40..4000).round(0)', energy: 'counter(every=5s)' },
    publish: { 'meter/{id}': ['power', 'energy'] },
    presence: kind !== 'shared',
  });
  const stop = new AbortController();
  globalThis.gc?.();
  const before = process.memoryUsage();
  let up = 0;
  /** @type {import('mqtt-kit/simulator').FleetSummary | undefined} */
  let latest;
  const running = meters.run(url, {
    connections: kind === 'shared' ? 8 : 'perDevice',
    connectRate: 1000,
    signal: stop.signal,
    progressEvery: 100,
    onProgress: (progress) => {
      up = progress.connected;
      latest = progress;
    },
  });
  const wanted = kind === 'shared' ? 8 : count;
  const failed = running.catch((error) => {
    throw new Error(`the run failed: ${error.message}`);
  });
  while (up < wanted) await Promise.race([sleep(100), failed]);
  await sleep(2000);
  if (kind === 'idle') {
    const { rss } = process.memoryUsage();
    await sleep(idleSeconds * 1000);
    const later = process.memoryUsage().rss;
    globalThis.gc?.();
    const after = process.memoryUsage();
    stop.abort();
    const { connected } = await running;
    return [
      { name: 'devices, a client each', value: count },
      { name: 'connected', value: connected, exactly: count },
      ...memoryFigures(before, { ...after, rss }, count),
      {
        name: `kB of each, ${idleSeconds} s later`,
        value: kilobytes(later - before.rss, count),
        most: 20,
      },
    ];
  }
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const beganMs = performance.now();
  const cpu = process.cpuUsage();
  const sentBefore = latest?.readings ?? 0;
  await sleep(seconds * 1000);
  const used = process.cpuUsage(cpu);
  const lasted = (performance.now() - beganMs) / 1000;
  loop.disable();
  const sent = (latest?.readings ?? 0) - sentBefore;
  stop.abort();
  const summary = await running;
  const cores = (used.user + used.system) / 1e6 / lasted;
  const acknowledged =
    kind === 'each'
      ? [
          { name: 'lost', value: summary.sent - summary.acknowledged, exactly: 0 },
          { name: 'ms to the acknowledgement, p50', value: round(summary.latencyMs.p50, 1) },
          { name: 'ms to the acknowledgement, p99', value: round(summary.latencyMs.p99, 1) },
        ]
      : [{ name: 'failed', value: summary.failed, exactly: 0 }];
  return [
    { name: kind === 'each' ? 'devices, a client each' : 'devices, 8 connections', value: count },
    { name: 'connected', value: summary.connected, exactly: wanted },
    { name: 'seconds', value: round(lasted, 1) },
    // A machine that gives too little time lets fewer readings happen: other figures mean little then.
    { name: 'readings in a second', value: round(sent / lasted, 0), least: 0.98 * count },
    { name: 'messages', value: summary.sent },
    ...acknowledged,
    { name: 'reconnects', value: summary.reconnects, exactly: 0 },
    {
      name: 'ms that the event loop is late, p99',
      value: round(loop.percentile(99) / 1e6, 1),
      ...(kind === 'each' ? { most: 50 } : {}),
    },
    { name: 'cores', value: round(cores, 2), ...(kind === 'shared' ? { most: 0.25 } : {}) },
    {
      name: 'microseconds of CPU for each reading',
      value: round((cores * lasted * 1e6) / Math.max(sent, 1), 1),
    },
  ];
}

/**
 * What nobody can go below: sockets that did no more than to say who they are.
 *
 * @param {number} count
 * @param {string} url
 * @returns {Promise<Figure[]>}
 */
async function measureSockets(count, url) {
  const { hostname, port } = new URL(url);
  // One buffer for what all of them receive.
  const buffer = Buffer.alloc(65_536);
  /** @type {import('node:net').Socket[]} */
  const sockets = [];
  globalThis.gc?.();
  const before = process.memoryUsage();
  let up = 0;
  const callback = () => {
    up += 1;
    return true;
  };
  for (let number = 0; number < count; number++) {
    const options = {
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: { buffer, callback },
    };
    const socket = connect(options, () => socket.write(connectPacket(`socket-${number}`)));
    sockets.push(socket);
    if (number % 100 === 0) await sleep(100);
  }
  while (up < count) await sleep(100);
  await sleep(2000);
  globalThis.gc?.();
  return [
    { name: 'sockets', value: sockets.length },
    ...memoryFigures(before, process.memoryUsage(), count).map(({ name, value }) => ({
      name,
      value,
    })),
  ];
}

/** CONNECT of 3.1.1. @param {string} clientId */
function connectPacket(clientId) {
  const name = [0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 60];
  const id = Buffer.from(clientId);
  return Uint8Array.from([0x10, name.length + 2 + id.length, ...name, 0, id.length, ...id]);
}

/**
 * @param {NodeJS.MemoryUsage} before
 * @param {NodeJS.MemoryUsage} after
 * @param {number} count
 * @returns {Figure[]}
 */
function memoryFigures(before, after, count) {
  const inUse = after.heapUsed + after.external - before.heapUsed - before.external;
  return [
    { name: 'kB of each, in use', value: kilobytes(inUse, count) },
    {
      name: 'kB of each, of the process',
      value: kilobytes(after.rss - before.rss, count),
      most: 20,
    },
  ];
}

/** @param {number} bytes @param {number} count */
function kilobytes(bytes, count) {
  return round(bytes / count / 1000, 1);
}

/** @param {Figure} figure */
function lineOf({ name, value, most, least, exactly }) {
  const [goal, met] =
    exactly !== undefined
      ? [`${exactly}`, value === exactly]
      : most !== undefined
        ? [`at most ${most}`, value <= most]
        : least !== undefined
          ? [`at least ${least}`, value >= least]
          : ['', undefined];
  const verdict = met === undefined ? '' : met ? 'met' : 'SHORT';
  return `  ${name.padEnd(38)} ${`${value}`.padStart(9)}   ${goal.padEnd(14)} ${verdict}`.trimEnd();
}

/** @param {number} value @param {number} digits */
function round(value, digits) {
  return Number(value.toFixed(digits));
}

if (values.url === undefined) {
  const chosen = kinds.filter((kind) => positionals.length === 0 || positionals.includes(kind));
  for (const kind of chosen) {
    const server = await startServer();
    const count = values.devices ?? `${devicesOf[kind]}`;
    const words = [kind, '--devices', count, '--seconds', values.seconds, '--url', server.url];
    const child = spawn(
      process.execPath,
      ['--expose-gc', fileURLToPath(import.meta.url), ...words],
      {
        stdio: 'inherit',
      },
    );
    const [code] = await once(child, 'exit');
    await server.stop();
    if (code !== 0) process.exitCode = 1;
  }
} else {
  const kind = /** @type {Kind} */ (positionals[0]);
  const result = await measure(kind, Number(values.devices), Number(values.seconds), values.url);
  console.log(`\n${kind.padEnd(40)} ${'value'.padStart(9)}   goal`);
  for (const figure of result) console.log(lineOf(figure));
  process.exit(0);
}
