// @ts-check
/**
 * Pictures of the programs in a terminal, for the READMEs: the real programs, in a real terminal (tmux), against a
 * real broker.
 *
 *   pnpm pictures          makes them anew, beside this file
 *
 * Times, rates and other measured numbers differ from run to run; `shapeOf` leaves them out, so that a test can tell
 * whether a picture still shows what the programs do.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundleProgram } from '../../../packages/cli/bundle.mjs';
import { packageProgramPath } from '../../setup/debian-packages.mjs';
import { terminalPicture } from './terminal-picture.mjs';

const run = promisify(execFile);

/** @typedef {readonly [topic: string, payload: string | Uint8Array, qos?: 0 | 1 | 2]} Sent */

/**
 * What is typed, what is published while the program runs, and what the screen holds when it is done.
 *
 * @typedef {object} Picture
 * @property {string} name
 * @property {string} description
 * @property {readonly string[]} commands Typed one after the other.
 * @property {number} columns
 * @property {number} rows
 * @property {readonly Sent[]} [sent]
 * @property {RegExp} ready Matches the screen when there is nothing more to wait for.
 * @property {boolean} [measures] Whether it shows how long something took: a busy machine is not what it is about.
 */

/** @type {readonly Sent[]} */
const house = [
  ['house/kitchen/temperature', '21.4'],
  ['house/attic/temperature', '17.9'],
  ['house/kitchen/light', '{"on":true,"level":80}'],
  ['house/kitchen/temperature', '21.6'],
  ['house/hall/door', 'open', 1],
  ['house/attic/temperature', '18.1'],
  ['house/kitchen/temperature', '21.9'],
  ['house/attic/camera', Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46])],
  ['house/kitchen/temperature', '22.3'],
  ['house/attic/temperature', '18.4'],
  ['house/hall/door', '', 1],
  ['house/kitchen/temperature', '22.2'],
];

/** A time may have these digits, too: only behind its topic they are the last value. */
const lastValue = /temperature (?:\(5\))? *22\.2/;

/** @type {readonly Picture[]} */
export const pictures = [
  {
    name: 'live',
    description: 'mqtt-sub prints messages with time, coloured topic, JSON, bytes and badges',
    commands: ["mqtt-sub -q 1 'house/#'"],
    columns: 92,
    rows: 16,
    sent: house,
    ready: lastValue,
  },
  {
    name: 'table',
    description: 'mqtt-sub --table: a row for each topic with value, age, rate and a sparkline',
    commands: ["mqtt-sub 'house/#' --table"],
    columns: 92,
    rows: 8,
    sent: house,
    ready: lastValue,
  },
  {
    name: 'tree',
    description: 'mqtt-sub --tree: the topics as a tree with their counts and values',
    commands: ["mqtt-sub 'house/#' --tree"],
    columns: 92,
    rows: 12,
    sent: house,
    ready: lastValue,
  },
  {
    name: 'stats',
    description: 'mqtt-sub --stats: a summary of rates and gaps at the end',
    commands: ["mqtt-sub 'house/#' --stats -C 12"],
    columns: 92,
    rows: 14,
    sent: house,
    ready: /p99[\s\S]*\$ $/,
  },
  {
    name: 'doctor',
    description: 'mqtt-sub --doctor examines a server step by step',
    commands: ['mqtt-sub --doctor mqtt://localhost:PORT'],
    // The line of limits in full.
    columns: 142,
    rows: 20,
    ready: /doctor[\s\S]*\n\$ $/,
    measures: true,
  },
  {
    name: 'dry-run',
    description: 'mqtt-pub --dry-run shows the packets, decoded and in bytes',
    commands: [
      'mqtt-pub --dry-run -i desk -q 1 -t house/door -m open -D publish content-type text/plain',
    ],
    columns: 132,
    rows: 16,
    ready: /DISCONNECT[\s\S]*\n\$ $/,
  },
  {
    name: 'errors',
    description: 'Errors of what, why and what to do, with the exit code',
    commands: [
      "mqtt-pub -t 'house/+/light' -m on",
      'mqtt-sub -h localhost -p 1 -t house/door',
      'mqtt-sub --tabel -t house/door; echo "exit code $?"',
    ],
    columns: 92,
    rows: 13,
    ready: /exit code 64\n\$ $/,
  },
];

/**
 * Makes the pictures: by their names the SVG and what it shows. Of those that show measured times several are taken, and
 * the one with the shortest is kept.
 *
 * @param {readonly Picture[]} [wanted]
 * @param {number} [takes] How many are taken.
 * @returns {Promise<Map<string, { readonly svg: string, readonly screen: string }>>}
 */
export async function makePictures(wanted = pictures, takes = 1) {
  const folder = mkdtempSync(join(tmpdir(), 'pictures-'));
  const broker = await startBroker(folder);
  try {
    const terminal = new Terminal(folder, broker);
    await terminal.prepare();
    /** @type {Map<string, { readonly svg: string, readonly screen: string }>} */
    const made = new Map();
    for (const picture of wanted) {
      /** @type {string[]} */
      const screens = [];
      do screens.push(await terminal.screenOf(picture));
      while (picture.measures === true && screens.length < takes);
      const shortest = screens.reduce((a, b) => (millisecondsIn(b) < millisecondsIn(a) ? b : a));
      const screen = shortest.replaceAll(`${broker.port}`, '1883');
      const svg = terminalPicture(screen, picture.columns, picture.description);
      made.set(`${picture.name}.svg`, { svg, screen });
    }
    return made;
  } finally {
    const gone = new Promise((resolve) => broker.process.once('exit', resolve));
    broker.process.kill();
    await gone;
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

/**
 * What a picture shows without what is measured: numbers and their units, the blanks that depend on their width, and
 * the lines that are drawn by them.
 *
 * @param {string} svg
 * @returns {string}
 */
export function shapeOf(svg) {
  return svg
    .replace(/ (?:x|textLength)="[0-9.]+"/g, '')
    .replace(/[▁▂▃▄▅▆▇█]+/g, '~')
    .replace(/client identifier \w+|mqtt-doctor\/\w+/g, 'made up')
    .replace(/\/[sm]\b/g, '/s')
    .replace(/[0-9]+(?:[.,:][0-9]+)*(?: ?(?:ns|µs|ms|s)\b)?/g, '#')
    .replaceAll(', gap p50 #, p99 #', '')
    .replace(/\s+/g, ' ');
}

/** All times on a screen together. @param {string} screen */
function millisecondsIn(screen) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours are made of
  const plain = screen.replace(/\u001b\[[0-9;]*m/g, '');
  return [...plain.matchAll(/([0-9.]+) ms/g)].reduce((sum, [, ms]) => sum + Number(ms), 0);
}

/**
 * @typedef {object} Broker
 * @property {number} port
 * @property {() => string} log What it has said.
 * @property {import('node:child_process').ChildProcess} process
 */

/**
 * @param {string} folder
 * @returns {Promise<Broker>}
 */
async function startBroker(folder) {
  const program = packageProgramPath('mosquitto');
  if (program === undefined) throw new Error('mosquitto is not installed');
  for (let attempt = 0; attempt < 20; attempt += 1) {
    // Four digits, as many as those of the usual port, which it is shown as.
    const port = 2000 + Math.floor(Math.random() * 7000);
    const file = join(folder, 'mosquitto.conf');
    writeFileSync(
      file,
      `listener ${port} 127.0.0.1\nlistener ${port} ::1\nallow_anonymous true\nuser root\n`,
    );
    const server = spawn(program, ['-v', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    server.stderr.setEncoding('utf8').on('data', (text) => {
      log += text;
    });
    /** @type {Promise<false>} */
    const ended = new Promise((resolve) => server.once('exit', () => resolve(false)));
    if (await Promise.race([ended, isThere(port)]))
      return { port, log: () => log, process: server };
  }
  throw new Error('mosquitto did not start on any port');
}

/** @param {number} port */
async function isThere(port) {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return true;
    await sleep(20);
  }
}

class Terminal {
  #tmux;
  #server = 0;
  #folder;
  #broker;
  #port;
  /** @type {NodeJS.ProcessEnv} */
  #env;

  /**
   * @param {string} folder
   * @param {Broker} broker
   */
  constructor(folder, broker) {
    this.#folder = folder;
    this.#broker = broker;
    this.#port = broker.port;
    const tmux = packageProgramPath('tmux');
    if (tmux === undefined) throw new Error('tmux is not installed');
    this.#tmux = tmux;
    this.#env = {
      PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      HOME: folder,
      XDG_CONFIG_HOME: join(folder, 'config'),
      LANG: 'C.UTF-8',
      TZ: 'Europe/Zurich',
      TERM: 'xterm-256color',
      PS1: '$ ',
    };
  }

  /** The programs under their names, and the broker as the one of a profile: what is typed needs no port. */
  async prepare() {
    const apps = fileURLToPath(new URL('../../../apps/', import.meta.url));
    const bin = join(this.#folder, 'bin');
    mkdirSync(bin);
    for (const name of ['mqtt-pub', 'mqtt-sub']) {
      const program = await bundleProgram(join(apps, name), join(this.#folder, name));
      symlinkSync(program, join(bin, name));
    }
    const options = { env: this.#env };
    await run(
      'mqtt-sub',
      ['profile', 'add', 'here', '-h', 'localhost', '-p', `${this.#port}`],
      options,
    );
    await run('mqtt-sub', ['profile', 'use', 'here'], options);
  }

  /**
   * @param {Picture} picture
   * @returns {Promise<string>}
   */
  async screenOf({ commands, columns, rows, sent = [], ready }) {
    const before = this.#broker.log().length;
    const size = ['-x', `${columns}`, '-y', `${rows}`];
    // The server of the picture before ends as it likes: this one has a socket of its own.
    this.#server += 1;
    await this.#do('new-session', '-d', ...size, 'bash', '--norc', '--noprofile', '-i');
    try {
      await this.#until(/^\$ $/);
      for (const [index, command] of commands.entries()) {
        if (index > 0) await this.#until(/\n\$ $/);
        await this.#do('send-keys', '-l', command.replaceAll('PORT', `${this.#port}`));
        await this.#do('send-keys', 'Enter');
      }
      if (sent.length > 0) await this.#subscribed(before);
      if (sent.length > 0) await this.#publish(sent);
      return await this.#until(ready);
    } finally {
      await this.#do('kill-server');
    }
  }

  /** @param {number} before How much of the log there was before the program began. */
  async #subscribed(before) {
    while (!this.#broker.log().slice(before).includes('Sending SUBACK')) await sleep(20);
  }

  /**
   * One after the other, as they might come.
   *
   * @param {readonly Sent[]} messages
   */
  async #publish(messages) {
    const program = spawn(join(this.#folder, 'bin', 'mqtt-pub'), ['--lines', 'json'], {
      env: this.#env,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const ended = new Promise((resolve) => program.once('exit', resolve));
    for (const [topic, payload, qos = 0] of messages) {
      const bytes = Buffer.from(payload);
      const line = { topic, payload: bytes.toString('base64'), payloadEncoding: 'base64', qos };
      program.stdin.write(`${JSON.stringify(line)}\n`);
      await sleep(120);
    }
    program.stdin.end();
    await ended;
  }

  /** @param {RegExp} pattern */
  async #until(pattern) {
    const giveUpAtMs = Date.now() + 60_000;
    for (;;) {
      const coloured = await this.#capture('-e');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what colours are made of
      const plain = coloured.replace(/\u001b\[[0-9;]*m/g, '').replace(/\n+$/, '');
      const shown = plain.endsWith('$') ? `${plain} ` : plain;
      if (pattern.test(shown)) return coloured;
      if (Date.now() > giveUpAtMs)
        throw new Error(`the screen never matched ${pattern}:\n${plain}`);
      await sleep(50);
    }
  }

  /** @param {readonly string[]} options */
  async #capture(...options) {
    return this.#do('capture-pane', '-p', ...options);
  }

  /** @param {readonly string[]} words */
  async #do(...words) {
    const socket = join(this.#folder, `tmux-${this.#server}`);
    const all = ['-S', socket, '-f', '/dev/null', ...words];
    const { stdout } = await run(this.#tmux, all, { env: this.#env });
    return stdout;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  const wanted = pictures.filter(({ name }) => names.length === 0 || names.includes(name));
  for (const [name, { svg }] of await makePictures(wanted, 10)) {
    writeFileSync(fileURLToPath(new URL(name, import.meta.url)), svg);
  }
}
