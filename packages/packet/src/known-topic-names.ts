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

const slotBits = 10;
const slots = 1 << slotBits;

/** Longer names are rare, and to compare them costs as much as to decode them. */
export const longestName = 128;

/** Shorter names are decoded as fast; and a name has a whole word. */
const shortestName = 4;

const names: string[] = new Array<string>(slots).fill('');
/** Their bytes, side by side, and compared by words: in half the time of bytes, for a name of 24 some 30 ns less. */
let wordsOfSlots = new DataView(new ArrayBuffer(0));

/** The name that these bytes stand for, or `undefined` when it is not known. */
export function knownTopicName(bytes: DataView, start: number, length: number): string | undefined {
  if (length > longestName || length < shortestName) return undefined;
  const slot = slotOf(bytes, start, length);
  if (isNameAt(slot, bytes, start, length)) return names[slot];
  if (isNameAt(slot ^ 1, bytes, start, length)) return names[slot ^ 1];
  return undefined;
}

/** The last word may overlap the one before it. */
function isNameAt(slot: number, bytes: DataView, start: number, length: number): boolean {
  if (names[slot]!.length !== length) return false;
  const known = wordsOfSlots;
  const place = slot * longestName;
  const last = length - 4;
  let difference = known.getInt32(place + last, true) ^ bytes.getInt32(start + last, true);
  for (let index = 0; index < last; index += 4) {
    difference |= known.getInt32(place + index, true) ^ bytes.getInt32(start + index, true);
  }
  return difference === 0;
}

/** Makes a valid name known by its bytes. Only ASCII is: there one byte is one character. */
export function rememberTopicName(
  name: string,
  bytes: DataView,
  start: number,
  length: number,
): void {
  if (name.length !== length || length > longestName || length < shortestName) return;
  if (wordsOfSlots.byteLength === 0) {
    wordsOfSlots = new DataView(new ArrayBuffer(slots * longestName));
  }
  const home = slotOf(bytes, start, length);
  // Of a hundred names ten would share a slot with another, and each would drive the other out at every message.
  const slot = names[home] !== '' && names[home ^ 1] === '' ? home ^ 1 : home;
  names[slot] = name;
  for (let index = 0; index < length; index += 1) {
    wordsOfSlots.setUint8(slot * longestName + index, bytes.getUint8(start + index));
  }
}

/** By all bytes: what tells names apart may stand anywhere in them. */
function slotOf(bytes: DataView, start: number, length: number): number {
  const last = length - 4;
  let hash = Math.imul(length ^ bytes.getInt32(start + last, true), 0x9e3779b1);
  for (let index = 0; index < last; index += 4) {
    hash = Math.imul(hash ^ bytes.getInt32(start + index, true), 0x9e3779b1);
  }
  return (hash ^ (hash >>> 15)) >>> (32 - slotBits);
}

const bytesOfNames = new Map<string, Uint8Array>();
let misses = 0;
let hits = 0;

/**
 * The name that was asked for last, and its bytes: a message is checked and then written, and a comparison of two
 * references takes a third of a search. Publishing at QoS 0 took 6 % less.
 */
let latestName = '';
let latestBytes: Uint8Array | undefined;

/** Names that are met once only should not each pay for being remembered. */
const fewestMisses = 4;
const mostMisses = 256;
let missesPerNewName = fewestMisses;

/**
 * The bytes of a topic name, its two length bytes in front, or `undefined` for one that is not known yet, or not
 * what nearly all are: ASCII, valid, not long.
 */
export function topicNameBytes(name: string): Uint8Array | undefined {
  if (isKnownTopicName(name)) {
    hits += 1;
    return latestBytes;
  }
  misses += 1;
  if (misses >= missesPerNewName && isPlain(name)) {
    misses = 0;
    if (bytesOfNames.size >= slots) forgetNames();
    const bytes = new Uint8Array(2 + name.length);
    bytes[1] = name.length;
    for (let index = 0; index < name.length; index += 1) bytes[2 + index] = name.charCodeAt(index);
    bytesOfNames.set(name, bytes);
    latestBytes = bytes;
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
  if (name !== latestName) {
    latestName = name;
    latestBytes = bytesOfNames.get(name);
  }
  return latestBytes !== undefined;
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
