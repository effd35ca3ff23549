import { spawn } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '../../packages/cli/bundle.mjs';
import { type Child, type ChildEnd, startChild } from '../setup/child-process.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';

/** The programs as processes: bundled from the sources, once for each test file, as `pnpm build` bundles them. */

export type ProgramName = 'mqtt-pub' | 'mqtt-sub';

const apps = fileURLToPath(new URL('../../apps/', import.meta.url));
let bundles: Promise<Readonly<Record<ProgramName, string>>> | undefined;

/** The paths of the bundled programs. */
export function programs(): Promise<Readonly<Record<ProgramName, string>>> {
  bundles ??= bundle();
  return bundles;
}

async function bundle(): Promise<Readonly<Record<ProgramName, string>>> {
  const folder = temporaryFolder('programs');
  const [pub, sub] = await Promise.all([
    bundleProgram(join(apps, 'mqtt-pub'), join(folder, 'pub')),
    bundleProgram(join(apps, 'mqtt-sub'), join(folder, 'sub')),
  ]);
  return { 'mqtt-pub': pub, 'mqtt-sub': sub };
}

/** mosquitto's programs. */
export type MosquittoName = 'mosquitto_pub' | 'mosquitto_sub' | 'mosquitto_rr';

let links: Promise<string> | undefined;

/** Our program under the name of mosquitto's: a link that is called so. */
export async function namedLikeMosquitto(name: MosquittoName): Promise<string> {
  links ??= makeLinks();
  return join(await links, name);
}

async function makeLinks(): Promise<string> {
  const folder = temporaryFolder('named-like-mosquitto');
  const { 'mqtt-pub': pub, 'mqtt-sub': sub } = await programs();
  symlinkSync(pub, join(folder, 'mosquitto_pub'));
  symlinkSync(sub, join(folder, 'mosquitto_sub'));
  symlinkSync(sub, join(folder, 'mosquitto_rr'));
  return folder;
}

/** How a process ended and what it wrote. */
export interface Run extends ChildEnd {
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Of standard error, without the last line's end. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** Nothing of the surroundings that the programs would look at. */
export const plainEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
};

/** Starts a program. */
export async function start(
  program: ProgramName,
  words: readonly string[],
  options: RunOptions = {},
): Promise<Child> {
  const { [program]: path } = await programs();
  return startChild(process.execPath, [path, ...words], {
    ...(options.input === undefined ? {} : { input: options.input }),
    env: { ...plainEnvironment, ...options.env },
  });
}

/** Runs a program to its end. */
export async function run(
  program: ProgramName,
  words: readonly string[],
  options: RunOptions = {},
): Promise<Run> {
  return ended(await start(program, words, options));
}

/** Runs a line of bash in which `$PUB` and `$SUB` start the programs. */
export async function shell(
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Run> {
  return ended(await startShell(line, env));
}

/** Starts a line of bash in which `$PUB` and `$SUB` start the programs. */
export async function startShell(
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  return startChild('/bin/bash', ['-c', line], {
    env: { ...plainEnvironment, ...(await shellVariables()), ...env },
  });
}

export async function shellVariables(): Promise<Readonly<Record<string, string>>> {
  const paths = await programs();
  return {
    PUB: `${process.execPath} ${paths['mqtt-pub']}`,
    SUB: `${process.execPath} ${paths['mqtt-sub']}`,
  };
}

/** Waits for the end of a process. */
export async function ended(child: Child): Promise<Run> {
  const end = await child.ended;
  return {
    ...end,
    stdout: child.stdout,
    stderr: child.stderr,
    lines: child.stderr === '' ? [] : child.stderr.replace(/\n$/, '').split('\n'),
  };
}

/** A program whose standard input stays open. */
export interface OpenProgram {
  readonly pid: number;
  readonly stderr: string;
  /** Resolves when the program has taken it. */
  write(text: string): Promise<void>;
  closeInput(): void;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<ChildEnd>;
}

const open = new Set<ReturnType<typeof spawn>>();
process.once('exit', () => {
  for (const child of open) child.kill('SIGKILL');
});

/** Starts a program that reads what the test writes to it. */
export async function startOpen(
  program: ProgramName,
  words: readonly string[],
): Promise<OpenProgram> {
  const { [program]: path } = await programs();
  const child = spawn(process.execPath, [path, ...words], {
    env: { ...plainEnvironment },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  open.add(child);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('close', (code, signal) => {
      open.delete(child);
      resolve({ code, signal });
    });
  });
  return {
    pid: child.pid ?? 0,
    get stderr() {
      return stderr;
    },
    write: (text) => new Promise((resolve) => child.stdin.write(text, () => resolve())),
    closeInput: () => child.stdin.end(),
    kill: (signal) => child.kill(signal),
    ended,
  };
}
