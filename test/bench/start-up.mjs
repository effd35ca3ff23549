/**
 * CPU of a program's short runs beside that of Node doing nothing, as medians of ratios taken inside a round. The bare
 * connection says what no program that Node runs can be below.
 *
 *   pnpm build && node test/bench/start-up.mjs            41 rounds
 *   node test/bench/start-up.mjs --rounds 15
 *   node test/bench/start-up.mjs --as-is                  in this environment
 *
 * Where NODE_EXTRA_CA_CERTS is set, Node itself takes several times as long to start, since it reads certificates that
 * none of these runs needs, and every ratio looks better than it is. So it is left out, unless `--as-is` is given.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { listenForShortRuns } from '../../packages/cli/compiled-code.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '41' },
    'as-is': { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const { NODE_EXTRA_CA_CERTS: _certificates, NODE_OPTIONS: _options, ...plain } = process.env;
const env = values['as-is'] ? process.env : plain;

/** @param {'mqtt-pub' | 'mqtt-sub'} name */
const program = (name) =>
  fileURLToPath(new URL(`../../apps/${name}/dist/${name}.js`, import.meta.url));

const server = await listenForShortRuns();
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const place = ['-h', '127.0.0.1', '-p', `${port}`];

/** CONNECT and PUBLISH in one write, DISCONNECT after CONNACK: what one message is at the least. */
const bareConnection = `
  const socket = require('node:net').connect(${port}, '127.0.0.1', () => {
    socket.write(Buffer.from('101000044d5154540502003c0000036261723005000174006d', 'hex'));
  });
  socket.on('data', () => socket.end(Buffer.from([0xe0, 0])));
  socket.on('end', () => process.exit(0));`;

/** @type {readonly (readonly [name: string, words: readonly string[]])[]} */
const runs = [
  ['node -e 0', ['-e', '0']],
  ['node -e 0, again', ['-e', '0']],
  ['a bare connection', ['-e', bareConnection]],
  ['mqtt-pub, one message', [program('mqtt-pub'), ...place, '-t', 't', '-m', 'm']],
  ['mqtt-pub -q 1', [program('mqtt-pub'), ...place, '-t', 't', '-m', 'm', '-q', '1']],
  ['mqtt-pub, not plain', [program('mqtt-pub'), ...place, '-t', 't', '-m', 'm', '-k', '60']],
  ['mqtt-sub, one message', [program('mqtt-sub'), ...place, '-t', 't', '-C', '1']],
  ['mqtt-pub --version', [program('mqtt-pub'), '--version']],
  ['mqtt-pub --help', [program('mqtt-pub'), '--help']],
];

/** Milliseconds of user and system time, as bash counts them. @param {readonly string[]} words @returns {Promise<number>} */
async function cpuMs(words) {
  const line = 'TIMEFORMAT="%3U %3S"; time "$@" > /dev/null';
  const child = spawn('bash', ['-c', line, '-', process.execPath, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`node ${words.join(' ')} ended with ${code}: ${text}`);
  const [user = Number.NaN, system = Number.NaN] = text.trim().split(/\s+/).map(Number);
  return (user + system) * 1000;
}

/** @param {readonly number[]} numbers @param {number} part */
function quantile(numbers, part) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN;
}

/** @type {number[][]} */
const found = runs.map(() => []);
for (let round = 0; round < rounds; round += 1) {
  for (let turn = 0; turn < runs.length; turn += 1) {
    const place = (turn + round) % runs.length;
    found[place]?.push(await cpuMs(runs[place]?.[1] ?? []));
  }
}
server.close();

console.log(`${rounds} rounds, load ${loadavg()[0]?.toFixed(1)}, Node ${process.versions.node}\n`);
console.log('| | CPU ms, median | least | ratio, median | quartiles | ratio of the least |');
console.log('| --- | --- | --- | --- | --- | --- |');
const [base = []] = found;
for (const [index, [name]] of runs.entries()) {
  const all = found[index] ?? [];
  const ratios = all.map((ms, round) => ms / (base[round] ?? Number.NaN));
  const columns = [
    name,
    quantile(all, 0.5).toFixed(0),
    Math.min(...all).toFixed(0),
    quantile(ratios, 0.5).toFixed(2),
    `${quantile(ratios, 0.25).toFixed(2)} to ${quantile(ratios, 0.75).toFixed(2)}`,
    (Math.min(...all) / Math.min(...base)).toFixed(2),
  ];
  console.log(`| ${columns.join(' | ')} |`);
}
