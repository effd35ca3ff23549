/**
 * Asks for a password on the terminal, without echo.
 *
 * A terminal that shows nothing of what is typed is a broken one to whoever gets it next: it is put back however this
 * process ends, and while it is stopped. Signals that end or stop a process are therefore taken here, the terminal is
 * put back, and then they do what they do. Who continues a stopped process is asked again, from the beginning.
 */
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { signalExitCode } from './exit-codes.ts';

const controlD = 0x04;
const backspace = 0x08;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const controlU = 0x15;
const del = 0x7f;

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * The bytes that were typed; nothing when there is no terminal to ask on. An empty answer is no password. Does not
 * settle when a signal ends the process.
 */
export async function askedPassword(username: string): Promise<Uint8Array | undefined> {
  const { isatty } = process.getBuiltinModule('node:tty');
  if (process.platform === 'win32' || !isatty(0) || !isatty(2)) return undefined;
  if (!waitedForForeground()) return undefined;
  const terminal = openSync('/dev/tty', 'r+');
  try {
    const hidden = HiddenTerminal.open(terminal, `Password of ${username} (empty: none): `);
    // What is typed must not be seen: without a way to hide it nothing is asked.
    if (hidden === undefined) return undefined;
    const typed = await hidden.line();
    return typed.length === 0 ? undefined : typed;
  } finally {
    closeSync(terminal);
  }
}

/** What a person types on one line, with what they take back. */
export class TypedLine {
  #bytes: number[] = [];

  /** Takes the next byte; returns the line when it ends it. */
  push(byte: number): Uint8Array | undefined {
    switch (byte) {
      case controlD:
      case lineFeed:
      case carriageReturn:
        return this.end();
      case controlU:
        this.#bytes = [];
        break;
      case backspace:
      case del:
        this.#takeBack();
        break;
      default:
        this.#bytes.push(byte);
    }
    return undefined;
  }

  end(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  clear(): void {
    this.#bytes = [];
  }

  /** The last character: the bytes of UTF-8 that go on with one, and the one that begins it. */
  #takeBack(): void {
    let last = this.#bytes.pop();
    while (last !== undefined && (last & 0xc0) === 0x80) last = this.#bytes.pop();
  }
}

/** The terminal while it shows nothing of what is typed. */
class HiddenTerminal {
  readonly #terminal: number;
  readonly #question: string;
  /** How the terminal was. */
  readonly #before: string;
  readonly #typed = new TypedLine();
  readonly #onEnd = (signal: NodeJS.Signals): void => this.#endBy(signal);
  readonly #onStop = (): void => this.#stop();
  readonly #onContinued = (): void => this.#askAgain();
  readonly #onExit = (): void => this.#putBack();
  /** Whether the next SIGCONT has been answered already. */
  #continued = false;

  private constructor(terminal: number, question: string, before: string) {
    this.#terminal = terminal;
    this.#question = question;
    this.#before = before;
  }

  /** `undefined` when the terminal cannot be hidden. */
  static open(terminal: number, question: string): HiddenTerminal | undefined {
    const before = stty(terminal, '-g');
    if (before === undefined) return undefined;
    const hidden = new HiddenTerminal(terminal, question, before);
    hidden.#listen();
    if (hidden.#ask()) return hidden;
    hidden.#leave();
    return undefined;
  }

  /** Resolves with what is typed; the terminal is as it was then. */
  line(): Promise<Uint8Array> {
    const { ReadStream } = process.getBuiltinModule('node:tty');
    const input = new ReadStream(openSync('/dev/tty', 'r'));
    return new Promise((resolve) => {
      const done = (line: Uint8Array, rest?: Buffer): void => {
        input.destroy();
        this.#leave();
        // What was typed ahead is for whoever reads on.
        if (rest !== undefined && rest.length > 0) process.stdin.unshift(rest);
        resolve(line);
      };
      input.on('data', (chunk: Buffer) => {
        for (const [at, byte] of chunk.entries()) {
          const line = this.#typed.push(byte);
          if (line !== undefined) return done(line, chunk.subarray(at + 1));
        }
      });
      input.once('end', () => done(this.#typed.end()));
      input.once('error', () => done(this.#typed.end()));
    });
  }

  #ask(): boolean {
    this.#typed.clear();
    if (stty(this.#terminal, '-echo', '-icanon', 'min', '1', 'time', '0') === undefined)
      return false;
    writeSync(this.#terminal, this.#question);
    return true;
  }

  #putBack(): void {
    stty(this.#terminal, this.#before);
    try {
      writeSync(this.#terminal, '\n');
    } catch {
      // The terminal itself is gone, which is what SIGHUP says.
    }
  }

  #leave(): void {
    this.#unlisten();
    this.#putBack();
  }

  #listen(): void {
    for (const signal of endingSignals) process.on(signal, this.#onEnd);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#onContinued);
    process.on('exit', this.#onExit);
  }

  #unlisten(): void {
    for (const signal of endingSignals) process.off(signal, this.#onEnd);
    process.off('SIGTSTP', this.#onStop);
    process.off('SIGCONT', this.#onContinued);
    process.off('exit', this.#onExit);
  }

  /** As it would have ended at once. */
  #endBy(signal: NodeJS.Signals): void {
    forgetTyped();
    this.#leave();
    process.kill(process.pid, signal);
    process.exit(signalExitCode[signal]);
  }

  /** Ctrl-Z: nobody listens to the signal any more, so it stops us before it returns. */
  #stop(): void {
    forgetTyped();
    this.#leave();
    process.kill(process.pid, 'SIGTSTP');
    this.#listen();
    this.#continued = true;
    this.#ask();
  }

  /** Whoever stopped us another way may have put the terminal back since. */
  #askAgain(): void {
    const answered = this.#continued;
    this.#continued = false;
    if (!answered) this.#ask();
  }
}

/**
 * In the background the terminal is the shell's, and so are its settings, which are not ours to put back: this process
 * stops, as one that reads there does, until the shell brings it to the front. False when nobody can do that.
 */
function waitedForForeground(): boolean {
  // A group that no shell looks after cannot be stopped; one that is only sent on to the background stops again.
  for (let stops = 0; inBackground(); stops += 1) {
    if (stops === 100) return false;
    process.kill(0, 'SIGTTIN');
  }
  return true;
}

/** Where the system does not tell, the terminal is taken for ours. */
function inBackground(): boolean {
  try {
    const status = readFileSync('/proc/self/stat', 'utf8');
    // Behind the name of the program: state, parent, group, session, terminal, and the group in front of it.
    const [, , group, , , inFront] = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return Number(inFront) > 0 && group !== inFront;
  } catch {
    return false;
  }
}

/** The beginning of a password, typed and not read yet, must not become a command of the shell that reads next. */
function forgetTyped(): void {
  const bytes = new Uint8Array(256);
  try {
    const terminal = openSync('/dev/tty', constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      while (readSync(terminal, bytes) > 0);
    } finally {
      closeSync(terminal);
    }
  } catch {
    // There is no more, or no terminal any more.
  }
}

/** What stty prints; `undefined` when it fails, or is not there. */
function stty(terminal: number, ...words: string[]): string | undefined {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status, stdout } = spawnSync('stty', words, { stdio: [terminal, 'pipe', 'ignore'] });
  return status === 0 ? stdout.toString().trim() : undefined;
}
