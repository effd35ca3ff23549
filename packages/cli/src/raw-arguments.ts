/**
 * Arguments are bytes, and a message given by `-m` may be any bytes; Node hands them over as text in which every byte
 * that is not UTF-8 has become U+FFFD. On Linux the bytes themselves can be had from the kernel. A stray byte 0xNN
 * travels through parsing as the lone surrogate U+DCNN, which no well-formed text holds.
 */
import { readFileSync } from 'node:fs';

/** `argv`, with stray bytes as lone surrogates where the system tells them. */
export function rawArguments(argv: readonly string[]): readonly string[] {
  if (!argv.some((argument) => argument.includes('\ufffd'))) return argv;
  const raw = commandLine().slice(-argv.length);
  if (raw.length !== argv.length) return argv;
  const decoded = raw.map(decode);
  // The process may have changed its title, which overwrites these bytes.
  const same = decoded.every((text, index) => text.length >= argv[index]!.length);
  return same ? decoded : argv;
}

/** The bytes of a text from `rawArguments`. */
export function argumentBytes(text: string): Uint8Array {
  if (!/[\ud800-\udfff]/u.test(text)) return new TextEncoder().encode(text);
  const parts: Uint8Array[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const byte = strayByte(text, index);
    if (byte === undefined) continue;
    parts.push(new TextEncoder().encode(text.slice(start, index)), Uint8Array.of(byte));
    start = index + 1;
  }
  parts.push(new TextEncoder().encode(text.slice(start)));
  return Buffer.concat(parts);
}

/** The stray byte that the code unit at `index` stands for, if it does. */
export function strayByte(text: string, index: number): number | undefined {
  const unit = text.charCodeAt(index);
  if (unit < 0xdc80 || unit > 0xdcff) return undefined;
  const before = index === 0 ? 0 : text.charCodeAt(index - 1);
  const paired = before >= 0xd800 && before <= 0xdbff;
  return paired ? undefined : unit & 0xff;
}

function commandLine(): readonly Buffer[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync('/proc/self/cmdline');
  } catch {
    return [];
  }
  const found: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    found.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return found;
}

/** UTF-8 with each byte that is none as a lone surrogate. */
function decode(bytes: Buffer): string {
  const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  let index = 0;
  while (index < bytes.length) {
    const length = [1, 2, 3, 4].find((size) => isText(fatal, bytes.subarray(index, index + size)));
    text +=
      length === undefined
        ? String.fromCharCode(0xdc00 | bytes[index]!)
        : fatal.decode(bytes.subarray(index, index + length));
    index += length ?? 1;
  }
  return text;
}

function isText(fatal: TextDecoder, bytes: Uint8Array): boolean {
  try {
    fatal.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
