/** Input number N of a run: the same for the same seed, and apart from all others, so that any can be had again. */
import { Prng } from '@mqtt-kit/testkit';
import { reframed, spoilerNames, spoilers } from './spoil.ts';
import { packetTypes, type Stream } from './streams.ts';

export interface Input {
  readonly stream: Stream;
  readonly bytes: Uint8Array;
  /** What it was made from, and how it was spoiled: for the counts. */
  readonly type: number;
  readonly spoiledBy: readonly string[];
  /** Where a cut decoding cuts it. */
  readonly cuts: readonly number[];
}

/** For drawing: each input has a sequence of its own. */
export function prngOf(seed: number, number: number): Prng {
  return new Prng(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
}

/** Of a hundred inputs some 85 are spoiled packets, 10 valid ones, 5 arbitrary bytes behind a first byte. */
export function inputOf(streams: readonly Stream[], seed: number, number: number): Input {
  const random = prngOf(seed, number);
  const stream = streams[number % streams.length]!;
  let type = packetTypes[Math.floor(number / streams.length) % packetTypes.length]!;
  // Those of the other end are refused by their first byte: a few are enough.
  if (!stream.own.includes(type) && random.chance(0.8)) type = random.pick(stream.own);
  const seeds = stream.seeds.get(type);
  const spoiledBy: string[] = [];
  let bytes: Uint8Array;
  if (seeds === undefined || random.chance(0.05)) {
    bytes = arbitrary(type, random);
    spoiledBy.push('arbitrary');
  } else {
    bytes = random.pick(seeds);
    if (random.chance(0.9)) {
      const times = random.pick([1, 1, 1, 2, 3]);
      for (let time = 0; time < times && bytes.length > 0; time += 1) {
        const name = random.pick(spoilerNames);
        bytes = spoilers[name]!(bytes, random);
        spoiledBy.push(name);
      }
      // Otherwise most would fail at their size alone.
      if (spoiledBy.at(-1) !== 'remainingLength' && random.chance(0.75)) bytes = reframed(bytes);
    }
    if (random.chance(0.2)) bytes = joined(random, stream, bytes);
  }
  const cuts = Array.from({ length: random.integer(1, 3) }, () => random.integer(0, bytes.length));
  return { stream, bytes, type, spoiledBy, cuts };
}

/** Another valid packet of the stream before it or behind it. */
function joined(random: Prng, { seeds }: Stream, bytes: Uint8Array): Uint8Array {
  const other = random.pick(seeds.get(random.pick(packetTypes)) ?? [new Uint8Array(0)]);
  const [first, second] = random.chance(0.7) ? [other, bytes] : [bytes, other];
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

function arbitrary(type: number, random: Prng): Uint8Array {
  const flags =
    type === 6 || type === 8 || type === 10 ? 2 : type === 3 ? random.integer(0, 15) : 0;
  const body = random.bytes(random.integer(0, 40));
  const whole = new Uint8Array(2 + body.length);
  whole[0] = (type << 4) | flags;
  whole[1] = random.chance(0.9) ? body.length : random.integer(0, 255);
  whole.set(body, 2);
  return random.chance(0.95) ? whole : random.bytes(random.integer(0, 60));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
