/**
 * Topic names that were sent or received lately and found valid: a device uses the same few for ever.
 *
 * A received name is found again by its bytes, and then neither decoded nor checked (for 33 bytes some 65 in place of
 * 170 ns); it is the same string each time, whose hash is known to whoever looks it up next. A sent name is found again
 * with its bytes, which are copied in one piece (25 in place of 80 ns).
 *
 * One table each for all connections of the process. They hold what may be known to anybody and are bounded; a name
 * that has to go costs its next use the long way, nothing else.
 */

const slots = 1024;

/** Longer names are rare, and to compare them costs as much as to decode them. */
export const longestName = 128;

/** The bytes that choose a slot: names differ in their ends more often than in their beginnings. */
const hashedBytes = 10;

const names: string[] = new Array<string>(slots).fill('');
/** Their bytes, side by side: two bytes are compared in a third of the time of a byte and a character of a string. */
let bytesOfSlots = new Uint8Array(0);

/** The name that these bytes stand for, or `undefined` when it is not known. */
export function knownTopicName(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start;
  if (length > longestName || length === 0) return undefined;
  const slot = slotOf(bytes, start, end);
  if (isNameAt(slot, bytes, start, length)) return names[slot];
  if (isNameAt(slot ^ 1, bytes, start, length)) return names[slot ^ 1];
  return undefined;
}

function isNameAt(slot: number, bytes: Uint8Array, start: number, length: number): boolean {
  if (names[slot]!.length !== length) return false;
  const known = bytesOfSlots;
  const place = slot * longestName;
  for (let index = 0; index < length; index += 1) {
    if (known[place + index] !== bytes[start + index]) return false;
  }
  return true;
}

/** Makes a valid name known by its bytes. Only ASCII is: there one byte is one character. */
export function rememberTopicName(
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (name.length !== end - start || name.length > longestName) return;
  if (bytesOfSlots.length === 0) bytesOfSlots = new Uint8Array(slots * longestName);
  const home = slotOf(bytes, start, end);
  // Of a hundred names ten would share a slot with another, and each would drive the other out at every message.
  const slot = names[home] !== '' && names[home ^ 1] === '' ? home ^ 1 : home;
  names[slot] = name;
  bytesOfSlots.set(bytes.subarray(start, end), slot * longestName);
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let hash = length ^ (bytes[start + (length >> 1)]! << 8);
  for (let index = Math.max(start, end - hashedBytes); index < end; index += 1) {
    hash = Math.imul(hash ^ bytes[index]!, 0x01000193);
  }
  return (hash ^ (hash >>> 15)) & (slots - 1);
}

const bytesOfNames = new Map<string, Uint8Array>();
let misses = 0;
let hits = 0;

/** Names that are met once only should not each pay for being remembered. */
const fewestMisses = 4;
const mostMisses = 256;
let missesPerNewName = fewestMisses;

/**
 * The bytes of a topic name, its two length bytes in front, or `undefined` for one that is not known yet, or not
 * what nearly all are: ASCII, valid, not long.
 */
export function topicNameBytes(name: string): Uint8Array | undefined {
  const known = bytesOfNames.get(name);
  if (known !== undefined) {
    hits += 1;
    return known;
  }
  misses += 1;
  if (misses >= missesPerNewName && isPlain(name)) {
    misses = 0;
    if (bytesOfNames.size >= slots) forgetNames();
    const bytes = new Uint8Array(2 + name.length);
    bytes[1] = name.length;
    for (let index = 0; index < name.length; index += 1) bytes[2 + index] = name.charCodeAt(index);
    bytesOfNames.set(name, bytes);
  }
  return undefined;
}

/**
 * All slots are taken. Where names were not met again meanwhile there are more of them than slots, and remembering them
 * would cost each of them more than it saves: then fewer are, until it pays again.
 */
function forgetNames(): void {
  const pays = hits >= slots * fewestMisses;
  missesPerNewName = pays ? fewestMisses : Math.min(missesPerNewName * 4, mostMisses);
  bytesOfNames.clear();
  hits = 0;
}

/** Whether a name is known to be valid. */
export function isKnownTopicName(name: string): boolean {
  return bytesOfNames.has(name);
}

function isPlain(name: string): boolean {
  if (name.length === 0 || name.length > longestName) return false;
  for (let index = 0; index < name.length; index += 1) {
    if (!isPlainUnit(name.charCodeAt(index))) return false;
  }
  return true;
}

/** Not U+0000, "#" or "+", which no topic name has, and one byte long. */
export function isPlainUnit(unit: number): boolean {
  return unit !== 0 && unit !== 0x23 && unit !== 0x2b && unit < 0x80;
}
