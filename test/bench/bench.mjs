/**
 * CPU per message beside MQTT.js, through the public API.
 *
 *   pnpm bench                       all cells, 7 rounds
 *   pnpm bench --quick               few messages, 3 rounds: a look, not a figure to quote
 *   pnpm bench --only publish-1,receive-0
 *   pnpm bench --rounds 15
 *
 * Each round runs mqtt-kit, MQTT.js and mqtt-kit again one after the other, in changing order, each in a process of
 * its own with the same number of messages; ratios are taken inside a round. The second run of mqtt-kit is the
 * control: its ratio to the first, which ought to be 1, shows what a difference is worth on this machine.
 */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * @typedef {{ direction: 'publish' | 'receive', qos: 0 | 1 | 2, count: number, window: number, answers: 'batching' | 'single' }} Cell
 * @typedef {{ cpu: number, system: number, wall: number, sent: number }} Measurement
 * @typedef {{ kit: Measurement, other: Measurement, again: Measurement }} Round
 */

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const rounds = Number(values.rounds ?? (values.quick ? 3 : 7));
const share = values.quick ? 0.2 : 1;
const runClient = fileURLToPath(new URL('run-client.mjs', import.meta.url));

/** @type {readonly Cell[]} */
const cells = /** @type {const} */ (['batching', 'single']).flatMap((answers) =>
  /** @type {const} */ (['publish', 'receive']).flatMap((direction) =>
    /** @type {const} */ ([0, 1, 2])
      // Nobody answers at QoS 0.
      .filter((qos) => answers === 'batching' || (qos > 0 && direction === 'publish'))
      .map((qos) => ({
        direction,
        qos,
        count: share * ([200_000, 80_000, 40_000][qos] ?? 0),
        window: qos === 0 ? 1000 : 100,
        answers,
      })),
  ),
);

/** @param {Cell} cell */
function nameOf({ direction, qos, answers }) {
  return `${direction}-${qos}${answers === 'single' ? '-single' : ''}`;
}

const server = fork(fileURLToPath(new URL('server.mjs', import.meta.url)));
/** @type {[Record<Cell['answers'], number>]} */
const [ports] = /** @type {any} */ (await once(server, 'message'));

/** @param {string} library @param {Cell} cell @returns {Promise<Measurement>} */
async function measure(library, { direction, qos, count, window, answers }) {
  const url = `mqtt://127.0.0.1:${ports[answers]}`;
  const words = [runClient, library, direction, qos, count, window, url].map(String);
  const client = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const account = once(server, 'message');
  let output = '';
  client.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const limit = setTimeout(() => client.kill('SIGKILL'), 120_000);
  const [code] = await once(client, 'close');
  clearTimeout(limit);
  if (code !== 0) throw new Error(`${library} failed in ${direction} at QoS ${qos}.`);
  const [{ received, wrong, firstProblem }] = await account;
  const result = JSON.parse(output);
  if (received !== result.sent || wrong > 0) {
    throw new Error(
      `${library}: ${result.sent} sent, ${received} came, ${wrong} wrong: ${firstProblem}`,
    );
  }
  return result;
}

/** @param {Cell} cell @param {number} number @returns {Promise<Round>} */
async function round(cell, number) {
  /** @type {Partial<Round>} */
  const found = {};
  /** @type {[keyof Round, string][]} */
  const runs = [
    ['kit', 'mqtt-kit'],
    ['other', 'MQTT.js'],
    ['again', 'mqtt-kit'],
  ];
  const turned = [...runs.slice(number % 3), ...runs.slice(0, number % 3)];
  for (const [place, library] of turned) found[place] = await measure(library, cell);
  return /** @type {Round} */ (found);
}

/** The value that a share of the values does not exceed, between neighbours in proportion. @param {number[]} numbers @param {number} part */
function quantile(numbers, part) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at % 1);
}

/** @param {number[]} numbers */
const median = (numbers) => quantile(numbers, 0.5);

/** @param {Cell} cell @param {readonly Round[]} all */
function row(cell, all) {
  const ratios = all.map(({ kit, other }) => other.cpu / kit.cpu);
  const control = all.map(({ kit, again }) => again.cpu / kit.cpu);
  const answers =
    cell.qos === 0 || cell.direction === 'receive'
      ? ''
      : cell.answers === 'single'
        ? ', one answer per write'
        : '';
  return [
    `${cell.direction} QoS ${cell.qos}${answers}`,
    cell.count.toLocaleString('en'),
    median(all.map(({ kit }) => kit.cpu)).toFixed(2),
    median(all.map(({ other }) => other.cpu)).toFixed(2),
    `${median(ratios).toFixed(1)}×`,
    `${quantile(ratios, 0.25).toFixed(1)}×`,
    `${median(control).toFixed(2)} (${Math.min(...control).toFixed(2)} to ${Math.max(...control).toFixed(2)})`,
  ];
}

/** @param {readonly string[]} columns */
const line = (columns) => `| ${columns.join(' | ')} |`;

try {
  if (!existsSync(new URL('../../packages/mqtt-kit/dist/index.js', import.meta.url))) {
    throw new Error('nothing to measure yet. Build first: pnpm build');
  }
  const wanted = values.only?.split(',');
  const unknown = wanted?.filter((name) => !cells.some((cell) => nameOf(cell) === name)) ?? [];
  if (unknown.length > 0) {
    throw new Error(
      `No cell is called ${unknown.join(', ')}; there are ${cells.map(nameOf).join(', ')}.`,
    );
  }
  const chosen = cells.filter((cell) => wanted?.includes(nameOf(cell)) ?? true);
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, load ${load} at the start.`,
  );
  console.log(
    `64 bytes, 100 topics, ${rounds} rounds, CPU (user and system) of the client in µs per message.\n`,
  );
  console.log(line(['', 'messages', 'mqtt-kit', 'MQTT.js', 'ratio', 'lower quartile', 'control']));
  console.log(line(['---', '---:', '---:', '---:', '---:', '---:', '---']));
  for (const cell of chosen) {
    /** @type {Round[]} */
    const all = [];
    for (let number = 0; number < rounds; number += 1) all.push(await round(cell, number));
    console.log(line(row(cell, all)));
  }
} catch (error) {
  console.error(`bench: ${/** @type {Error} */ (error).message}`);
  process.exitCode = 1;
} finally {
  server.disconnect();
}
