/** The servers of the benchmark: the scripted one with its two ports, and a mosquitto with its default settings. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programPath as debianProgramPath } from '../../setup/debian-packages.mjs';
import { programPath } from './processes.mjs';

/** How long messages may be on their way behind a client that has gone. */
const limitMs = 30_000;

/** @typedef {'batching' | 'single' | 'mosquitto'} ServerName */
/** @typedef {{ sent: number, size: number, properties: boolean }} Sent */

export class Servers {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #scripted;
  /** @type {Record<'batching' | 'single', number> | undefined} */
  #ports;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #mosquitto;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #peer;
  #mosquittoPort = 0;
  #folder = '';

  static get hasMosquitto() {
    return debianProgramPath('mosquitto') !== undefined;
  }

  /** Starts it, the first time. @param {ServerName} name @returns {Promise<string>} */
  async url(name) {
    if (name === 'mosquitto') {
      if (this.#mosquitto === undefined) await this.#startMosquitto();
      return `mqtt://127.0.0.1:${this.#mosquittoPort}`;
    }
    if (this.#ports === undefined) {
      this.#scripted = fork(programPath('scripted-server.mjs'));
      [this.#ports] = /** @type {any} */ (await once(this.#scripted, 'message'));
    }
    return `mqtt://127.0.0.1:${this.#ports?.[name]}`;
  }

  /**
   * Runs a client, and compares what it says it sent with what the server received.
   *
   * @template {{ sent: number }} Result
   * @param {ServerName} name @param {number} size @param {boolean} properties
   * @param {(url: string) => Promise<Result>} client
   */
  async check(name, size, properties, client) {
    const url = await this.url(name);
    const server = /** @type {import('node:child_process').ChildProcess} */ (
      name === 'mosquitto' ? this.#peer : this.#scripted
    );
    const ready = once(server, 'message');
    server.send({ size, properties, report: true });
    await ready;
    const account = once(server, 'message');
    // Whoever fails is told of by the client.
    account.catch(() => {});
    const result = await client(url);
    if (name === 'mosquitto') server.send({ sent: result.sent });
    const [{ received, wrong, firstProblem }] = await Promise.race([account, late()]);
    if (received !== result.sent || wrong > 0) {
      throw new Error(`${result.sent} sent, ${received} came, ${wrong} wrong: ${firstProblem}`);
    }
    return result;
  }

  /** Runs a program whose connections the scripted server need not tell of. @template Result @param {number} size @param {(url: string) => Promise<Result>} client */
  async unchecked(size, client) {
    const url = await this.url('batching');
    const server = /** @type {import('node:child_process').ChildProcess} */ (this.#scripted);
    const ready = once(server, 'message');
    server.send({ size, properties: false, report: false });
    await ready;
    return client(url);
  }

  stop() {
    this.#scripted?.kill();
    this.#peer?.kill();
    this.#mosquitto?.kill();
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
  }

  async #startMosquitto() {
    this.#folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-bench-'));
    this.#mosquittoPort = await freePort();
    const configuration = join(this.#folder, 'mosquitto.conf');
    const lines = [`listener ${this.#mosquittoPort} 127.0.0.1`, 'allow_anonymous true'];
    // Only so that nothing is dropped for a client that is slower than what it gets, and that all clients have the
    // same window: past its own of 20, mosquitto 2.0.11 loses messages of QoS 2 of those who use 3.1.1.
    lines.push('max_queued_messages 1000000', 'max_inflight_messages 1000');
    if (process.getuid?.() === 0) lines.push('user root');
    writeFileSync(configuration, `${lines.join('\n')}\n`);
    const program = debianProgramPath('mosquitto') ?? 'mosquitto';
    this.#mosquitto = spawn(program, ['-c', configuration], { stdio: 'ignore' });
    await listening(this.#mosquittoPort);
    const url = `mqtt://127.0.0.1:${this.#mosquittoPort}`;
    this.#peer = fork(programPath('mosquitto-peer.mjs'), [url]);
    await once(this.#peer, 'message');
  }
}

/** @returns {Promise<never>} */
function late() {
  return new Promise((_, reject) => {
    const why = `not everything has come to the server after ${limitMs / 1000} s`;
    setTimeout(() => reject(new Error(why)), limitMs).unref();
  });
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}

/** @param {number} port */
async function listening(port) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`mosquitto does not listen on port ${port}`);
}
