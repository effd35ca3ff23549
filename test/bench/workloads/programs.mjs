/** The programs beside mosquitto's: one message, a hundred thousand lines in, a hundred thousand lines out. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programPath } from '../../setup/debian-packages.mjs';
import { lineOf, topicCount } from '../harness/message.mjs';
import { run } from '../harness/processes.mjs';

const ours = (/** @type {string} */ name) =>
  fileURLToPath(new URL(`../../../apps/${name}/dist/${name}.js`, import.meta.url));

/** @typedef {{ name: string, pub: readonly string[], sub: readonly string[] }} Programs */

/** @type {readonly Programs[]} */
const programs = [
  {
    name: 'mqtt-kit',
    pub: [process.execPath, ours('mqtt-pub')],
    sub: [process.execPath, ours('mqtt-sub')],
  },
  {
    name: 'mosquitto',
    pub: [programPath('mosquitto_pub') ?? ''],
    sub: [programPath('mosquitto_sub') ?? ''],
  },
];

/**
 * mosquitto_pub -l ends when the last packet identifier that it has given is acknowledged, be it that of a message 65,535
 * before the last: of more messages it loses some when its input is over early.
 */
const mostAcknowledged = 65_000;

/** @param {import('../bench.mjs').Bench} bench @returns {import('../harness/measure.mjs').Cell[]} */
export function programCells(bench) {
  const { cpuOf } = bench.native;
  if (cpuOf === undefined) return [];
  const lines = Math.ceil(100_000 * bench.share);
  const available = programs.filter(({ pub }) => pub[0] !== '');
  const columns = /** @type {const} */ ('milliseconds');
  const publishCell = (/** @type {0 | 1} */ qos, /** @type {number} */ count) => ({
    name: `program-pub-${qos}`,
    group: `Programs, whole process, ${count.toLocaleString('en')} lines`,
    columns,
    quick: qos === 0,
    contestants: available.map(({ name, pub }) => ({
      name,
      measure: () => publishLines(bench, cpuOf, pub, qos, count),
    })),
  });
  return [
    {
      name: 'program-start',
      group: 'Programs, whole process, one message',
      columns,
      quick: true,
      contestants: [
        ...available.map(({ name, pub }) => ({
          name,
          measure: () => oneShot(bench, cpuOf, pub),
        })),
        {
          name: 'node alone',
          measure: async () => ({
            'mqtt-pub -m': await measured(cpuOf, [process.execPath, '-e', '0']),
          }),
        },
      ],
    },
    .../** @type {const} */ ([0, 1]).flatMap((qos) => [
      publishCell(qos, qos === 0 ? lines : Math.min(lines, mostAcknowledged)),
      {
        name: `program-sub-${qos}`,
        group: `Programs, whole process, ${lines.toLocaleString('en')} lines`,
        columns,
        quick: qos === 0,
        contestants: available.map(({ name, sub }) => ({
          name,
          measure: () => receiveLines(bench, cpuOf, sub, qos, lines),
        })),
      },
    ]),
  ];
}

/**
 * Where NODE_EXTRA_CA_CERTS is set, most of what a program costs would be Node reading certificates that it does not need.
 *
 * @param {string} cpuOf @param {readonly string[]} command @param {{ input?: number, output?: number }} [files]
 * @returns {Promise<import('../harness/measure.mjs').Sample>}
 */
async function measured(cpuOf, command, files) {
  const words = ['-u', 'NODE_EXTRA_CA_CERTS', cpuOf, ...command];
  const { stderr } = await run('env', words, files);
  return JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
}

/** @param {import('../bench.mjs').Bench} bench @param {string} cpuOf @param {readonly string[]} pub */
async function oneShot({ servers }, cpuOf, pub) {
  const sample = await servers.check('batching', 64, false, async (url) => {
    const { port } = new URL(url);
    const words = ['-h', '127.0.0.1', '-p', port, '-t', 'bench/lines', '-m', lineOf(0)];
    return { ...(await measured(cpuOf, [...pub, ...words])), sent: 1 };
  });
  return { 'mqtt-pub -m': sample };
}

/** @param {import('../bench.mjs').Bench} bench @param {string} cpuOf @param {readonly string[]} pub @param {number} qos @param {number} lines */
async function publishLines({ servers }, cpuOf, pub, qos, lines) {
  return inFolder(async (folder) => {
    const path = join(folder, 'lines');
    writeFileSync(path, Array.from({ length: lines }, (_, n) => `${lineOf(n)}\n`).join(''));
    const input = openSync(path, 'r');
    const sample = await servers.check('batching', 64, false, async (url) => {
      const { port } = new URL(url);
      const words = ['-h', '127.0.0.1', '-p', port, '-t', 'bench/lines', '-q', `${qos}`, '-l'];
      return { ...(await measured(cpuOf, [...pub, ...words], { input })), sent: lines };
    });
    closeSync(input);
    return { [`mqtt-pub -l, QoS ${qos}`]: sample };
  });
}

/** @param {import('../bench.mjs').Bench} bench @param {string} cpuOf @param {readonly string[]} sub @param {number} qos @param {number} lines */
async function receiveLines({ servers }, cpuOf, sub, qos, lines) {
  return inFolder(async (folder) => {
    const path = join(folder, 'output');
    const output = openSync(path, 'w');
    const topic = `bench/flow/${lines}/${qos}`;
    const sample = await servers.unchecked(64, async (url) => {
      const { port } = new URL(url);
      const words = ['-h', '127.0.0.1', '-p', port, '-t', `${topic}/#`, '-q', `${qos}`, '-v'];
      return measured(cpuOf, [...sub, ...words, '-C', `${lines}`], { output });
    });
    closeSync(output);
    const printed = readFileSync(path, 'utf8');
    const expected = Array.from(
      { length: lines },
      (_, n) => `${topic}/${n % topicCount} ${lineOf(n)}\n`,
    ).join('');
    if (printed !== expected) throw new Error('what was printed is not what was sent');
    return { [`mqtt-sub -v, QoS ${qos}`]: sample };
  });
}

/** @template Result @param {(folder: string) => Promise<Result>} work */
async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
