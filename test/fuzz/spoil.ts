/**
 * Ways to spoil a valid packet. Some keep the frame: Remaining Length is set right again, so that what is wrong lies
 * within the body, past the first checks.
 */
import type { Prng } from '@mqtt-kit/testkit';

/** Values that decide something somewhere. */
const edges = [0, 1, 2, 3, 4, 0x0f, 0x10, 0x1f, 0x26, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xf4, 0xff];

/** Ill-formed or forbidden text. */
const badText = [[0], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2]];

/** Every identifier of a property, two that are none, and one of two bytes. */
const identifiers = [
  1, 2, 3, 8, 9, 11, 17, 18, 19, 21, 22, 23, 24, 25, 26, 28, 31, 33, 34, 35, 36, 37, 38, 39, 40, 41,
  42, 0, 4, 0x80,
];

type Spoiler = (bytes: Uint8Array, random: Prng) => Uint8Array;

/** By name, for the counts. */
export const spoilers: Readonly<Record<string, Spoiler>> = {
  bit: (bytes, random) => {
    const at = place(bytes, random);
    return changed(bytes, at, bytes[at]! ^ (1 << random.integer(0, 7)));
  },
  byte: (bytes, random) => changed(bytes, place(bytes, random), random.integer(0, 255)),
  edge: (bytes, random) => changed(bytes, place(bytes, random), random.pick(edges)),
  near: (bytes, random) => {
    const at = place(bytes, random);
    return changed(bytes, at, bytes[at]! + random.pick([-1, 1]));
  },
  insert: (bytes, random) =>
    spliced(bytes, place(bytes, random), 0, [
      random.chance(0.5) ? random.pick(edges) : random.integer(0, 255),
    ]),
  remove: (bytes, random) => spliced(bytes, place(bytes, random), random.integer(1, 4), []),
  repeat: (bytes, random) => {
    const at = place(bytes, random);
    const part = bytes.subarray(at, at + random.integer(1, 12));
    return spliced(bytes, at, 0, part);
  },
  truncate: (bytes, random) => bytes.slice(0, random.integer(1, bytes.length)),
  text: (bytes, random) => {
    const bad = random.pick(badText);
    return spliced(bytes, place(bytes, random), bad.length, bad);
  },
  length: (bytes, random) => {
    const at = place(bytes, random);
    const [high, low] = random.pick([
      [0, 0],
      [0xff, 0xff],
      [0, random.integer(0, 255)],
    ]);
    return spliced(bytes, at, 2, [high!, low!]);
  },
  remainingLength: (bytes, random) => {
    const { end } = frame(bytes);
    const length = random.pick([
      [0xff, 0xff, 0xff, 0x7f],
      [0xff, 0xff, 0xff, 0xff, 0x01],
      [0x80, 0x80, 0x80, 0x00],
      [bytes[1]! | 0x80, 0x00],
      [bytes[1]! | 0x80, 0x80, 0x80, 0x00],
      [bytes[1]! | 0x80, 0x80, 0x80, 0x80, 0x00],
      [random.integer(0, 127)],
    ]);
    return spliced(bytes, 1, end - 1, length);
  },
  firstByte: (bytes, random) => changed(bytes, 0, random.integer(0, 255)),
  flags: (bytes, random) => changed(bytes, 0, (bytes[0]! & 0xf0) | random.integer(0, 15)),
  property: (bytes, random) => {
    const block = propertyBlock(bytes);
    if (block === undefined) return bytes;
    const { start, end } = block;
    const property = drawnProperty(random);
    const old = bytes.subarray(start, end);
    return withProperties(bytes, block, random.chance(0.5) ? [...old, ...property] : property);
  },
  propertyTwice: (bytes, random) => {
    const block = propertyBlock(bytes);
    if (block === undefined) return bytes;
    const property = drawnProperty(random);
    return withProperties(bytes, block, [...property, ...property]);
  },
  propertyLength: (bytes, random) => {
    const block = propertyBlock(bytes);
    if (block === undefined) return bytes;
    const size = block.end - block.start + random.integer(-3, 3);
    return changed(bytes, block.start - 1, Math.max(0, size) & 0x7f);
  },
};

export const spoilerNames: readonly string[] = Object.keys(spoilers);

/** Sets Remaining Length to what the bytes have, in its shortest form. */
export function reframed(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 2) return bytes;
  const { end } = frame(bytes);
  const length: number[] = [];
  let rest = bytes.length - end;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return spliced(bytes, 1, end - 1, length);
}

/** Where Remaining Length ends. */
function frame(bytes: Uint8Array): { readonly end: number } {
  let end = 1;
  while (end < 4 && end < bytes.length && bytes[end]! >= 0x80) end += 1;
  return { end: Math.min(bytes.length, end + 1) };
}

/** A place to spoil: nearly always behind the fixed header, half of the time near the beginning. */
function place(bytes: Uint8Array, random: Prng): number {
  const first = random.chance(0.9) && bytes.length > 2 ? 2 : 0;
  const last = random.chance(0.5) ? Math.min(bytes.length - 1, first + 12) : bytes.length - 1;
  return random.integer(Math.min(first, last), last);
}

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

function spliced(
  bytes: Uint8Array,
  at: number,
  removed: number,
  added: ArrayLike<number>,
): Uint8Array {
  const rest = Math.min(bytes.length, at + removed);
  const result = new Uint8Array(at + added.length + bytes.length - rest);
  result.set(bytes.subarray(0, at));
  result.set(added, at);
  result.set(bytes.subarray(rest), at + added.length);
  return result;
}

interface Block {
  /** The first byte behind Property Length, which has one byte. */
  readonly start: number;
  readonly end: number;
}

/** The properties of a packet of 5.0 where they are few, or `undefined`. */
function propertyBlock(bytes: Uint8Array): Block | undefined {
  const at = frame(bytes).end + headerSize(bytes);
  const size = bytes[at];
  if (size === undefined || size >= 0x80 || at + 1 + size > bytes.length) return undefined;
  return { start: at + 1, end: at + 1 + size };
}

/** What stands between fixed header and properties. */
function headerSize(bytes: Uint8Array): number {
  const first = bytes[0]!;
  switch (first >> 4) {
    case 1:
      return 10;
    case 3: {
      const { end } = frame(bytes);
      return 2 + ((bytes[end] ?? 0) << 8) + (bytes[end + 1] ?? 0) + ((first & 6) === 0 ? 0 : 2);
    }
    case 4:
    case 5:
    case 6:
    case 7:
      return 3;
    case 14:
    case 15:
      return 1;
    default:
      return 2;
  }
}

/** With another block of properties, its length and that of the packet set right. */
function withProperties(
  bytes: Uint8Array,
  { start, end }: Block,
  block: ArrayLike<number>,
): Uint8Array {
  if (block.length > 0x7f) return bytes;
  const replaced = spliced(bytes, start, end - start, block);
  replaced[start - 1] = block.length;
  return reframed(replaced);
}

/** A property with a value that often fits its type. */
function drawnProperty(random: Prng): readonly number[] {
  const identifier = random.pick(identifiers);
  const value = (): number => (random.chance(0.6) ? random.integer(0, 2) : random.integer(0, 255));
  const text = random.pick([[], [0x61], [0x61, 0x2f, 0x2b], [0x23], [0], [0xff]]);
  switch (identifier) {
    case 2:
    case 17:
    case 24:
    case 39:
      return [identifier, value(), value(), value(), value()];
    case 19:
    case 33:
    case 34:
    case 35:
      return [identifier, value(), value()];
    case 11:
      return [
        identifier,
        ...random.pick([[0], [1], [0x80, 1], [0xff, 0xff, 0xff, 0x7f], [0x80, 0]]),
      ];
    case 38:
      return [identifier, 0, text.length, ...text, 0, text.length, ...text];
    case 3:
    case 8:
    case 9:
    case 18:
    case 21:
    case 22:
    case 26:
    case 28:
    case 31:
      return [identifier, 0, text.length, ...text];
    case 0x80:
      return [0x80 | random.pick([0, 1, 2, 38]), random.pick([0, 1]), value()];
    default:
      return [identifier, value()];
  }
}
