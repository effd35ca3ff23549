/**
 * Text from other people, made safe to show on a terminal: what would move the cursor, change colours, ring the bell
 * or turn the reading direction is shown as an escape, `\x1b` or `\u202e`, and so is every byte that is not UTF-8.
 */

import { strayByte } from './raw-arguments.ts';

/** How an escape is shown; by default as it is. A terminal with colours dims it, to tell it from text. */
export type ShowEscape = (text: string) => string;

const asItIs: ShowEscape = (text) => text;

export function escapeText(text: string, show: ShowEscape = asItIs): string {
  let result = '';
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (!isDangerous(unit) && strayByte(text, index) === undefined) continue;
    result += text.slice(start, index) + show(escapeOf(unit));
    start = index + 1;
  }
  return start === 0 ? text : result + text.slice(start);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The bytes of a payload as text. */
export function escapeBytes(bytes: Uint8Array, show: ShowEscape = asItIs): string {
  let result = '';
  let start = 0;
  let index = 0;
  while (index < bytes.length) {
    const length = sequenceLength(bytes, index);
    if (length === 0) {
      result += escapeText(utf8.decode(bytes.subarray(start, index)), show);
      result += show(hexEscape(bytes[index]!));
      start = index + 1;
    }
    index += Math.max(length, 1);
  }
  return result + escapeText(utf8.decode(bytes.subarray(start)), show);
}

/**
 * Whether the bytes are UTF-8 without control characters that no text has: tabs, ends of lines and the ESC of colours
 * it has.
 */
export function isText(bytes: Uint8Array): boolean {
  let index = 0;
  while (index < bytes.length) {
    const length = sequenceLength(bytes, index);
    if (length === 0 || (length === 1 && isBinaryControl(bytes[index]!))) return false;
    index += length;
  }
  return true;
}

/** As many of the first bytes as `escapeBytes` shows in so many characters, without cutting one. */
export function bytesShownIn(bytes: Uint8Array, characters: number): number {
  let index = 0;
  let left = characters;
  while (index < bytes.length) {
    const next = Math.min(index + Math.max(sequenceLength(bytes, index), 1), bytes.length);
    left -= escapeBytes(bytes.subarray(index, next)).length;
    if (left < 0) break;
    index = next;
  }
  return index;
}

function isBinaryControl(byte: number): boolean {
  const inText = byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x1b;
  return byte === 0x7f || (byte < 0x20 && !inText);
}

/**
 * C0 with DEL, C1, line separators, the marks and overrides of direction, and what takes no room: two topics must not look
 * alike. The joiners stay, since emoji and some scripts need them.
 */
function isDangerous(unit: number): boolean {
  if (unit < 0x20) return true;
  if (unit < 0x7f) return false;
  return (
    unit <= 0x9f ||
    unit === 0x061c ||
    unit === 0x200b ||
    unit === 0x200e ||
    unit === 0x200f ||
    (unit >= 0x2028 && unit <= 0x202e) ||
    (unit >= 0x2060 && unit <= 0x206f) ||
    unit === 0xfeff ||
    (unit >= 0xfff9 && unit <= 0xfffb)
  );
}

function escapeOf(unit: number): string {
  if (unit === 0x09) return '\\t';
  if (unit === 0x0a) return '\\n';
  if (unit === 0x0d) return '\\r';
  if (unit >= 0xdc80 && unit <= 0xdcff) return hexEscape(unit & 0xff);
  return unit <= 0x7f ? hexEscape(unit) : `\\u${unit.toString(16).padStart(4, '0')}`;
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** The length of the UTF-8 sequence that begins at `index`, 0 when none does (Unicode, table 3-7). */
function sequenceLength(bytes: Uint8Array, index: number): number {
  const first = bytes[index]!;
  if (first < 0x80) return 1;
  const second = bytes[index + 1] ?? 0;
  if (first < 0xc2 || first > 0xf4 || !isContinuation(second)) return 0;
  if (first < 0xe0) return 2;
  if (!isContinuation(bytes[index + 2] ?? 0)) return 0;
  if (first < 0xf0) {
    const overlong = first === 0xe0 && second < 0xa0;
    const surrogate = first === 0xed && second > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  if (!isContinuation(bytes[index + 3] ?? 0)) return 0;
  const overlong = first === 0xf0 && second < 0x90;
  const beyond = first === 0xf4 && second > 0x8f;
  return overlong || beyond ? 0 : 4;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
