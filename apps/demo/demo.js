/**
 * A house in a terminal: an embedded broker, simulated sensors, and mqtt-sub showing what they send.
 *
 *   pnpm demo            until Ctrl-C
 *   pnpm demo --for 5    for five seconds; exit status 0 only if readings were shown
 *
 * The sensors (apps/examples/house-sensors.js) and mqtt-sub run as programs of their own, as a user would start them.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { buildWhenNeeded } from './build-when-needed.js';
import { Programs } from './programs.js';
import { starterGone } from './starter.js';

const filter = 'house/+/temperature';

/** @returns {number | undefined} how long to run, in seconds */
function secondsAsked() {
  const words = process.argv.slice(2).filter((word) => word !== '--');
  if (words.length === 0) return undefined;
  const [, seconds] = /^--for[ =](\d*\.?\d+)$/.exec(words.join(' ')) ?? [];
  if (Number(seconds) > 0) return Number(seconds);
  throw new Error(
    `takes --for and a number of seconds, as in --for 5; given was ${words.join(' ')}`,
  );
}

/** Starts a broker on a free port of the loopback interface. */
async function startBroker() {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const close = () => {
    server.close();
    broker.close();
  };
  return { port, close };
}

/** @param {number} port */
function head(port) {
  return `
  A small house on an embedded broker, mqtt://localhost:${port}
  Kitchen, bedroom and bathroom send temperature and humidity; below runs

    mqtt-sub -p ${port} -t '${filter}' -v

  Join in from a second terminal, in this folder:

    node apps/mqtt-pub/dist/mqtt-pub.js -p ${port} -t house/attic/temperature -m 19.5
    node apps/mqtt-sub/dist/mqtt-sub.js -p ${port} -t 'house/#' -v

  Ctrl-C ends everything.
`;
}

/**
 * Shows the readings until the time is over, somebody interrupts, or a program ends by itself.
 *
 * @param {number} port
 * @param {number | undefined} seconds
 */
async function show(port, seconds) {
  const programs = new Programs();
  let lines = 0;
  let timeIsOver = false;
  const subscriber = ['apps/mqtt-sub/dist/mqtt-sub.js', '-p', `${port}`, '-t', filter, '-v'];
  if (seconds === undefined) {
    programs.start('mqtt-sub', subscriber, 'inherit');
  } else {
    // Counted on their way to the terminal.
    programs.start('mqtt-sub', subscriber, 'pipe').stdout?.on('data', (chunk) => {
      if (timeIsOver) return;
      process.stdout.write(chunk);
      lines += chunk.toString().split('\n').length - 1;
    });
  }
  const sensors = ['apps/examples/house-sensors.js', `mqtt://localhost:${port}`];
  programs.start('The sensors', sensors, 'ignore');

  const failure = await Promise.race([programs.oneEnded, interrupted(), over(seconds)]);
  timeIsOver = true;
  await programs.end();
  if (failure) throw new Error(failure);
  if (seconds === undefined) return;
  if (lines === 0) throw new Error(`No reading was shown in ${seconds} s.`);
  console.log(`\n  ${lines} readings in ${seconds} s.`);
}

/** Resolves when somebody wants an end: by a signal, or because nobody is there any more who reads or started us. */
async function interrupted() {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal));
  const unread = new Promise((resolve) => process.stdout.on('error', resolve));
  await Promise.race([...signals, unread, starterGone()]);
}

/** @param {number | undefined} seconds */
async function over(seconds) {
  await new Promise((resolve) => {
    if (seconds !== undefined) setTimeout(resolve, seconds * 1000);
  });
}

try {
  const seconds = secondsAsked();
  await buildWhenNeeded();
  const broker = await startBroker();
  console.log(head(broker.port));
  await show(broker.port, seconds);
  broker.close();
  process.exit(0);
} catch (error) {
  console.error(`demo: ${/** @type {Error} */ (error).message}`);
  process.exit(1);
}
