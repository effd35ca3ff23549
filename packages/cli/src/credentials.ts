import { closeSync, fstatSync, openSync } from 'node:fs';
import type { Note } from './diagnostics.ts';
import { fileProblem, readByte } from './input-files.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { argumentBytes } from './raw-arguments.ts';
import type { ServerUrl } from './server-url.ts';
import { UsageError } from './usage-error.ts';

export interface CommandLineCredentials {
  readonly username: string | undefined;
  readonly password: string | Uint8Array | undefined;
  /** Whether a person may be asked for the password that is missing. */
  readonly asks: boolean;
  readonly notes: readonly Note[];
}

/** The longest password that MQTT can carry, in bytes. */
const longestPassword = 65_535;

/**
 * User name and password. The password comes from `-P`, else `--password-file`, else `--password-command`, else the URL,
 * else `MQTT_PASSWORD`; the latter is used together with a user name alone, so that it reaches no server it was not
 * meant for. Last of all a person at a terminal may be asked, see `withAskedPassword`.
 */
export function commandLineCredentials(
  args: ParsedArguments,
  url: ServerUrl | undefined,
  env: Readonly<Record<string, string | undefined>>,
): CommandLineCredentials {
  const username = args.text('username') ?? url?.username;
  const given = args.text('pw');
  if (given !== undefined) {
    return { username, password: argumentBytes(given), asks: false, notes: [visibleNote('-P')] };
  }
  const file = args.text('password-file');
  if (file !== undefined) return { username, asks: false, ...passwordFromFile(file, args) };
  const command = args.text('password-command');
  if (command !== undefined) {
    return { username, password: passwordOf(command), asks: false, notes: [] };
  }
  if (url?.password !== undefined) {
    return { username, password: url.password, asks: false, notes: [visibleNote('the URL')] };
  }
  const fromEnvironment = env['MQTT_PASSWORD'];
  // mosquitto's programs look for no password there.
  const known = username !== undefined && args.mosquitto === undefined;
  const used = known && fromEnvironment !== undefined && fromEnvironment !== '';
  const asks = !used && username !== undefined && args.mosquitto === undefined;
  return { username, password: used ? fromEnvironment : undefined, asks, notes: [] };
}

/** The first line that a shell command prints. What it says on standard error, a person sees. */
function passwordOf(command: string): Uint8Array {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { status, signal, stdout } = spawnSync(command, {
    shell: true,
    stdio: ['inherit', 'pipe', 'inherit'],
    maxBuffer: 1024 * 1024,
  });
  if (status !== 0) {
    const how = status === null ? `was ended by ${signal}` : `ended with exit code ${status}`;
    throw new UsageError(`--password-command: the command ${how}`);
  }
  const end = stdout.indexOf(0x0a);
  const line = end < 0 ? stdout : stdout.subarray(0, end);
  const password = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  if (password.length === 0)
    throw new UsageError('--password-command: the command printed nothing');
  if (password.length > longestPassword) {
    throw new UsageError('--password-command: the line is longer than a password can be');
  }
  return Uint8Array.from(password);
}

function visibleNote(where: string): Note {
  return {
    text: `others on this machine can see a password in ${where}; use MQTT_PASSWORD or --password-file`,
    terminalOnly: true,
  };
}

function passwordFromFile(
  file: string,
  args: ParsedArguments,
): { readonly password: Uint8Array; readonly notes: readonly Note[] } {
  const fromStdin = file === '-';
  if (fromStdin && (args.flag('stdin-line') || args.flag('stdin-file'))) {
    throw new UsageError('--password-file - and -l or -s both read standard input');
  }
  const descriptor = fromStdin ? 0 : open(file);
  try {
    const password = firstLine(descriptor, file);
    if (password.length === 0) {
      throw new UsageError(`--password-file ${file}: no password in the first line`);
    }
    return { password, notes: fromStdin ? [] : readableNote(descriptor, file) };
  } finally {
    if (!fromStdin) closeSync(descriptor);
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw fileProblem('--password-file', file, error);
  }
}

/** Byte by byte, since what follows the line on standard input is not ours. */
function firstLine(descriptor: number, file: string): Uint8Array {
  const line: number[] = [];
  while (line.length <= longestPassword) {
    const byte = readByte(descriptor, '--password-file', file);
    if (byte === undefined || byte === 0x0a) {
      if (line.at(-1) === 0x0d) line.pop();
      return Uint8Array.from(line);
    }
    line.push(byte);
  }
  throw new UsageError(`--password-file ${file}: the first line is longer than a password can be`);
}

function readableNote(descriptor: number, file: string): readonly Note[] {
  const status = fstatSync(descriptor);
  if (process.platform === 'win32' || !status.isFile() || (status.mode & 0o044) === 0) return [];
  return [{ text: `other users can read ${file}; chmod 600 ${file} keeps the password to you` }];
}
