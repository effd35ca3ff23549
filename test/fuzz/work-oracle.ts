/**
 * How much a decoder looks at, and how much it holds. Work is counted, not timed: every byte that is read, and every
 * byte of a view that is made, since whoever makes one reads or copies it once.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MalformedPacketError, PacketDecoder } from '@mqtt-kit/packet';
import { decode, decoderOf, Finding } from './decoder-oracle.ts';
import type { Stream } from './streams.ts';

/** Reads of a byte on its way, at most: its length, its check as text, its decoding, its copy. */
const readsPerByte = 8;
/** What every packet may cost besides. */
const readsPerInput = 256;

/** Looks at every byte a bounded number of times. */
export function checkWork(stream: Stream, bytes: Uint8Array): void {
  const reads = countedReads(stream, bytes);
  if (reads > readsPerByte * bytes.length + readsPerInput) {
    throw new Finding(`${reads} reads for ${bytes.length} bytes`);
  }
}

function countedReads(stream: Stream, bytes: Uint8Array): number {
  let reads = 0;
  // A decoder reads by index and by `subarray`, and asks for the length.
  const counted = new Proxy(bytes, {
    get(target, name) {
      if (name === 'subarray') {
        return (start: number, end: number) => {
          const view = target.subarray(start, end);
          reads += view.length;
          return view;
        };
      }
      if (name !== 'length') reads += 1;
      return Reflect.get(target, name, target);
    },
  });
  decode(decoderOf(stream), [counted]);
  return reads;
}

const mebibyte = 1 << 20;

/** Packets that are made of one thing, over and over: what, from whom, first byte, head, the thing, size. */
const growing: readonly [
  string,
  Stream['sender'],
  number,
  readonly number[],
  readonly number[],
  number,
][] = [
  ['User Properties', 'server', 0x30, [0, 1, 0x61], [0x26, 0, 0, 0, 0], mebibyte],
  ['Subscription Identifiers', 'server', 0x30, [0, 1, 0x61], [0x0b, 1], 131_072],
  ['codes of SUBACK', 'server', 0x90, [0, 1, 0], [0], mebibyte],
  ['codes of UNSUBACK', 'server', 0xb0, [0, 1, 0], [0], 131_072],
  ['filters of SUBSCRIBE', 'client', 0x82, [0, 1, 0], [0, 1, 0x61, 0], 131_072],
  ['filters of UNSUBSCRIBE', 'client', 0xa2, [0, 1, 0], [0, 1, 0x61], 131_072],
  ['bytes of a payload', 'server', 0x30, [0, 1, 0x61, 0], [0x78], mebibyte],
  ['small packets', 'server', 0xd0, [], [0xd0, 0], 131_072],
  ['PUBACKs', 'client', 0x40, [], [0x40, 2, 0, 1], 131_072],
];

/** Packets that grow to 1 MiB cost no more for each byte than small ones. */
export function checkGrowth(streams: readonly Stream[]): void {
  for (const [name, sender, first, head, thing, largest] of growing) {
    const stream = streams.find((one) => one.version === '5.0' && one.sender === sender)!;
    const costs = [4096, largest].map((size) => {
      const bytes = packetOf(first, head, thing, size - 16);
      const { error, packets } = decode(decoderOf(stream), [bytes]);
      if (error !== undefined || packets.length === 0) {
        throw new Finding(`${name} of ${size} bytes are refused: ${error?.message}`);
      }
      return countedReads(stream, bytes) / bytes.length;
    });
    const [small = 0, large = 0] = costs;
    if (large > readsPerByte || large > 1.2 * small) {
      throw new Finding(`${name}: reads for a byte grow from ${small} to ${large}`);
    }
  }
}

function packetOf(
  first: number,
  head: readonly number[],
  thing: readonly number[],
  size: number,
): Uint8Array {
  const things = new Uint8Array(Math.floor(size / thing.length) * thing.length);
  for (let at = 0; at < things.length; at += 1) things[at] = thing[at % thing.length]!;
  if (head.length === 0) return things;
  const inProperties = thing[0] === 0x26 || thing[0] === 0x0b;
  const length = inProperties ? shortest(things.length) : [];
  const rest = head.length + length.length + things.length;
  return Uint8Array.from([first, ...shortest(rest), ...head, ...length, ...things]);
}

/** A Variable Byte Integer, in its shortest form. */
function shortest(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** How much more than its limit a decoder may hold. */
const mostOverhead = 65_536;

/**
 * Decoders in the middle of packets that were announced as large, fed in small pieces, hold no more than the limit and
 * 64 KiB each; after a breach nothing. Asks the garbage collector.
 */
export function checkRetention(): void {
  const limit = 65_536;
  const count = 64;
  for (const [what, most, make] of [
    ['within a packet', limit, () => half(limit, false)],
    ['behind a breach', 0, () => half(limit, true)],
    ['of a packet that was merely announced', 0, () => begun(16 * limit)],
  ] as const) {
    const before = heldBytes();
    const decoders = Array.from({ length: count }, make);
    const held = (heldBytes() - before) / count;
    if (held > most + mostOverhead) throw new Finding(`a decoder holds ${held} bytes ${what}`);
    if (most > 0 && held < limit / 4) throw new Finding(`only ${held} bytes were seen held`);
    if (decoders.filter(({ incomplete }) => incomplete).length % count !== 0) {
      throw new Finding('a decoder is not where it was led');
    }
  }
}

/** The first bytes of a large packet, in two pieces. */
function begun(size: number): PacketDecoder {
  const decoder = new PacketDecoder({
    version: '5.0',
    receiver: 'client',
    maximumPacketSize: size,
  });
  decoder.push(Uint8Array.from([0x30, ...shortest(size - 5), 0, 1]));
  decoder.next();
  decoder.push(Uint8Array.of(0x61, 0, 1, 2));
  decoder.next();
  return decoder;
}

/** What is put together from small pieces is copied a bounded number of times: allocations are counted. */
export function checkAssembly(): void {
  const size = 131_072;
  const decoder = new PacketDecoder({
    version: '5.0',
    receiver: 'client',
    maximumPacketSize: size,
  });
  const bytes = Uint8Array.from([
    0x30,
    ...shortest(size - 4),
    0,
    1,
    0x61,
    0,
    ...Array(size - 8).fill(0),
  ]);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 100) pieces.push(bytes.slice(at, at + 100));
  const real = Uint8Array;
  let allocated = 0;
  globalThis.Uint8Array = new Proxy(real, {
    construct(target, args, newTarget) {
      if (typeof args[0] === 'number') allocated += args[0];
      return Reflect.construct(target, args, newTarget);
    },
  });
  try {
    for (const piece of pieces) {
      decoder.push(piece);
      if (decoder.next() !== undefined) break;
    }
  } finally {
    globalThis.Uint8Array = real;
  }
  if (decoder.incomplete) throw new Finding('a packet in pieces was not read');
  if (allocated < size || allocated > 3 * size) {
    throw new Finding(`${allocated} bytes were allocated for a packet of ${size} in pieces`);
  }
}

function half(limit: number, broken: boolean): PacketDecoder {
  const decoder = new PacketDecoder({
    version: '5.0',
    receiver: 'client',
    maximumPacketSize: limit,
  });
  const size = limit - 4;
  const feed = (chunk: Uint8Array): void => {
    decoder.push(chunk);
    while (decoder.next() !== undefined);
  };
  feed(Uint8Array.of(0x30, (size & 0x7f) | 0x80, ((size >> 7) & 0x7f) | 0x80, size >> 14));
  feed(Uint8Array.of(0, 1, 0x61, 0));
  // All but the last bytes, in pieces of a packet of TCP and of single bytes.
  let left = size - 8;
  for (let piece = 0; left > 0; piece += 1) {
    const length = Math.min(left, piece % 2 === 0 ? 1460 : 1);
    feed(new Uint8Array(length));
    left -= length;
  }
  if (broken) {
    feed(new Uint8Array(4));
    try {
      feed(new Uint8Array(16));
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error;
    }
  }
  return decoder;
}

let collect: (() => void) | undefined;

function heldBytes(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
