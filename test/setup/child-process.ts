import { type ChildProcess, spawn } from 'node:child_process';
import { programPath } from './debian-packages.mjs';

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Written to its standard input, which is then closed. Without it the input is closed at once. */
  readonly input?: string | Uint8Array;
}

/** How a process ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that does not outlive this one. Disposing kills it. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** All it wrote so far. */
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Resolves when it has ended and all it wrote is here. */
  readonly ended: Promise<ChildEnd>;
  readonly running: boolean;
  /** Sends a signal, unless it has ended, and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<ChildEnd>;
}

const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Starts a program. It is killed when this process ends, on Linux also when this process is killed itself. */
export function startChild(
  program: string,
  words: readonly string[],
  options: ChildOptions = {},
): Child {
  const { input, ...rest } = options;
  const [path, ...args] = dyingWithUs([program, ...words]);
  const child = spawn(path, args, { ...rest, stdio: ['pipe', 'pipe', 'pipe'] });
  alive.add(child);
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A program that ends without reading its input breaks the pipe; its exit code says what there is to say.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  let end: ChildEnd | undefined;
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      alive.delete(child);
      end = { code, signal };
      resolve(end);
    });
  });
  // Who does not wait for the end must not get an unhandled rejection when the program cannot be started.
  ended.catch((error: Error) => {
    stderr += error.message;
  });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (end === undefined) child.kill(signal);
    return ended;
  };
  return {
    pid: child.pid ?? 0,
    get stdout() {
      return Buffer.concat(stdout);
    },
    get stderr() {
      return stderr;
    },
    ended,
    get running() {
      return end === undefined && child.exitCode === null;
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL');
    },
  };
}

/** Runs a program to its end. Rejects, with all it wrote to stderr, when it does not end with exit code 0. */
export async function runChild(
  program: string,
  words: readonly string[],
  options: ChildOptions = {},
): Promise<Child> {
  const child = startChild(program, words, options);
  const { code, signal } = await child.ended;
  if (code === 0) return child;
  throw new Error(
    `${program} ${words.join(' ')} ended with ${signal ?? `exit code ${code}`}: ${child.stderr}`,
  );
}

const setpriv = process.platform === 'linux' ? programPath('setpriv') : undefined;

function dyingWithUs(command: readonly string[]): [string, ...string[]] {
  const all = setpriv === undefined ? command : [setpriv, '--pdeathsig', 'KILL', ...command];
  return all as [string, ...string[]];
}
