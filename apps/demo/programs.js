import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const graceMs = 500;
const patienceMs = 3000;
/** On Linux a program ends with us even if we are killed: nothing runs on behind anybody's back. */
const setpriv = '/usr/bin/setpriv';
const tied = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL'] : [];

/** @typedef {import('node:child_process').ChildProcess} ChildProcess */

/** The programs of the demo, ended together. */
export class Programs {
  /** @type {Set<ChildProcess>} */
  #running = new Set();
  /** @type {(what: string) => void} */
  #tell = () => {};

  /** Resolves with a sentence when a program ended that nobody asked to. @type {Promise<string>} */
  oneEnded = new Promise((resolve) => {
    this.#tell = resolve;
  });

  /**
   * Starts a program of this repository; what it says on stderr is shown.
   *
   * @param {string} name
   * @param {readonly string[]} words
   * @param {'inherit' | 'pipe' | 'ignore'} output
   * @returns {ChildProcess}
   */
  start(name, words, output) {
    const stdio = /** @type {const} */ (['ignore', output, 'inherit']);
    const [command = '', ...rest] = [...tied, process.execPath, ...words];
    const program = spawn(command, rest, { cwd: root, stdio: [...stdio] });
    this.#running.add(program);
    program.once('exit', (code, signal) => {
      this.#running.delete(program);
      // Ctrl-C reaches every program of the terminal at once: our own notice of it must come first.
      setTimeout(() => this.#tell(`${name} ended (${signal ?? `exit status ${code}`}).`), graceMs);
    });
    return program;
  }

  /** Ends all: by themselves if they are about to, else by SIGTERM, else for sure. */
  async end() {
    await Promise.race([this.#ended(), sleep(graceMs)]);
    for (const program of this.#running) program.kill('SIGTERM');
    await Promise.race([this.#ended(), sleep(patienceMs)]);
    for (const program of this.#running) program.kill('SIGKILL');
    await this.#ended();
  }

  async #ended() {
    await Promise.all([...this.#running].map((program) => once(program, 'exit')));
  }
}

/** @param {number} ms */
function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
