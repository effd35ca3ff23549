/**
 * Asks for a password on the terminal, without echo. The terminal gives each key as it is typed, also those that would
 * otherwise send a signal: one that ended this process in the middle would leave a terminal that shows nothing.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { signalExitCode } from './exit-codes.ts';
import { readByte } from './input-files.ts';

const controlC = 0x03;
const controlD = 0x04;
const backspace = 0x08;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const controlU = 0x15;
const controlBackslash = 0x1c;
const del = 0x7f;

/** The bytes that were typed; nothing when there is no terminal to ask on. An empty answer is no password. */
export function askedPassword(username: string): Uint8Array | undefined {
  const { isatty } = process.getBuiltinModule('node:tty');
  if (process.platform === 'win32' || !isatty(0) || !isatty(2)) return undefined;
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const terminal = openSync('/dev/tty', 'r+');
  const stty = (...words: string[]): string | undefined => {
    const { status, stdout } = spawnSync('stty', words, { stdio: [terminal, 'pipe', 'ignore'] });
    return status === 0 ? stdout.toString().trim() : undefined;
  };
  let typed: Uint8Array | undefined;
  try {
    // What is typed must not be seen: without a way to hide it nothing is asked.
    const before = stty('-g');
    if (before === undefined) return undefined;
    if (stty('-echo', '-icanon', '-isig', 'min', '1', 'time', '0') === undefined) return undefined;
    try {
      writeSync(terminal, `Password of ${username} (empty: none): `);
      typed = typedLine(() => readByte(terminal, '--username', '/dev/tty'));
    } finally {
      stty(before);
      writeSync(terminal, '\n');
    }
  } finally {
    closeSync(terminal);
  }
  if (typed === undefined) {
    // As it would have ended at once.
    process.kill(process.pid, 'SIGINT');
    process.exit(signalExitCode['SIGINT']);
  }
  return typed.length === 0 ? undefined : typed;
}

/** The line that a person types, with what they take back; `undefined` when they interrupt. */
export function typedLine(nextByte: () => number | undefined): Uint8Array | undefined {
  const line: number[] = [];
  for (;;) {
    const byte = nextByte();
    switch (byte) {
      case undefined:
      case controlD:
      case lineFeed:
      case carriageReturn:
        return Uint8Array.from(line);
      case controlC:
      case controlBackslash:
        return undefined;
      case controlU:
        line.length = 0;
        break;
      case backspace:
      case del:
        takeBack(line);
        break;
      default:
        line.push(byte);
    }
  }
}

/** The last character: the bytes of UTF-8 that go on with one, and the one that begins it. */
function takeBack(line: number[]): void {
  let last = line.pop();
  while (last !== undefined && (last & 0xc0) === 0x80) last = line.pop();
}
