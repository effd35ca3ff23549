/**
 * Payloads as the bytes that they are on the wire. A connection takes these instead of text: most of what making and
 * sending a reading costs is putting a text together and turning it into bytes, and nearly all payloads are numbers
 * under names that never change.
 */
import type { FieldSource } from './fields.ts';
import type { FieldValue } from './signal.ts';

/** What is under way; grows with the longest payload. */
let room = new Uint8Array(256);
let length = 0;

/**
 * The JSON object of some fields, byte for byte what `JSON.stringify` gives. `undefined` when a value is no number and
 * no plain text, which the long way does.
 */
export function objectBytes(
  fields: readonly number[],
  keys: readonly Uint8Array[],
  source: FieldSource,
): Uint8Array | undefined {
  length = 0;
  for (let at = 0; at < fields.length; at++) {
    const key = keys[at] as Uint8Array;
    ensure(key.length + 1);
    for (let index = 0; index < key.length; index++) room[length++] = key[index] as number;
    if (!writeValue(source.value(fields[at] as number))) return undefined;
  }
  ensure(1);
  room[length++] = 0x7d;
  return room.slice(0, length);
}

/** A number as text; `undefined` when it is none. */
export function numberBytes(value: FieldValue): Uint8Array | undefined {
  length = 0;
  return typeof value === 'number' && writeValue(value) ? room.slice(0, length) : undefined;
}

/** What stands before each value: the brace or comma, the name, the colon. */
export function keyBytes(key: string): Uint8Array {
  return new TextEncoder().encode(key);
}

function writeValue(value: FieldValue): boolean {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return false;
    if (!writeDecimal(value)) writeAscii(`${value}`);
    return true;
  }
  if (typeof value !== 'string' && typeof value !== 'boolean') return false;
  const json = JSON.stringify(value);
  for (let index = 0; index < json.length; index++) if (json.charCodeAt(index) > 0x7f) return false;
  writeAscii(json);
  return true;
}

/** More digits are left to the platform. */
const mostDecimals = 3;
const mostDigits = 10;
const largestWhole = 1e9;

/**
 * Writes a number of few digits and few decimals, as measured values are: false when it is none. It has so many decimals
 * when it is the number nearest to that fraction; so few digits are then also the fewest that stand for it, which is
 * what the platform writes.
 */
function writeDecimal(value: number): boolean {
  const size = Math.abs(value);
  if (!(size < largestWhole)) return false;
  let scale = 1;
  let decimals = 0;
  let whole = Math.round(size);
  while (whole / scale !== size) {
    decimals += 1;
    if (decimals > mostDecimals) return false;
    scale *= 10;
    whole = Math.round(size * scale);
    if (whole >= largestWhole) return false;
  }
  ensure(mostDigits + 2);
  if (value < 0) room[length++] = 0x2d;
  let digits = decimals + 1;
  for (let limit = scale * 10; whole >= limit; limit *= 10) digits += 1;
  // The point takes a place of its own before the decimals.
  let place = length + digits + (decimals > 0 ? 1 : 0);
  length = place;
  for (let digit = 0; digit < digits; digit++) {
    if (digit === decimals && decimals > 0) room[--place] = 0x2e;
    const rest = Math.floor(whole / 10);
    room[--place] = 0x30 + whole - rest * 10;
    whole = rest;
  }
  return true;
}

function writeAscii(text: string): void {
  ensure(text.length);
  for (let index = 0; index < text.length; index++) room[length++] = text.charCodeAt(index);
}

function ensure(more: number): void {
  if (length + more <= room.length) return;
  const larger = new Uint8Array(2 * (length + more));
  larger.set(room);
  room = larger;
}
