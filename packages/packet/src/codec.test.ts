/** What holds for all packets and all bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packetOf } from './arbitrary-packets.test-support.ts';
import { cutAt, decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { InvalidPacketError, MalformedPacketError } from './errors.ts';
import { PacketEncoder, packetSize } from './packet-encoder.ts';
import { type PacketSender, PacketType } from './packet-type.ts';
import type { Packet } from './packets.ts';
import type { ProtocolVersion } from './protocol-version.ts';

const streams = (['3.1.1', '5.0'] as const).flatMap((version) =>
  (['client', 'server'] as const).map((sender) => ({ version, sender })),
);

function join(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

function encodeAll(version: ProtocolVersion, sender: PacketSender, packets: readonly Packet[]) {
  const encoder = new PacketEncoder(version, sender);
  let size = 0;
  for (const packet of packets) {
    const written = encoder.encode(packet);
    expect(packetSize(packet, version)).toBe(written);
    size += written;
  }
  expect(encoder.pendingBytes).toBe(size);
  const bytes = join(encoder.take());
  expect(bytes.length).toBe(size);
  return bytes;
}

/** The order of the keys too, which comparisons of objects do not see. */
function keys(packets: readonly Packet[]): unknown {
  return packets.map((packet) => [
    Object.keys(packet),
    'properties' in packet ? Object.keys(packet.properties) : [],
  ]);
}

for (const { version, sender } of streams) {
  describe(`the packets of a ${sender} in ${version}`, { timeout: 30_000 }, () => {
    const packets = fc.array(packetOf(version, sender), { minLength: 1, maxLength: 4 });
    const cuts = fc.array(fc.nat(2000), { maxLength: 8 });

    it('are decoded as they were encoded, however the bytes are cut', () => {
      fc.assert(
        fc.property(packets, cuts, (given, offsets) => {
          const bytes = encodeAll(version, sender, given);
          const decoded = decodeChunks(decoderFrom(sender, version), cutAt(bytes, offsets));
          expect(decoded.error).toBeUndefined();
          expect(decoded.packets).toStrictEqual(given);
          expect(keys(decoded.packets)).toStrictEqual(keys(given));
        }),
        { numRuns: 200 },
      );
    });

    it('are the same packets or the same error for every cut, when bytes are changed', () => {
      fc.assert(
        fc.property(
          packets,
          fc.array(change, { minLength: 1, maxLength: 3 }),
          cuts,
          (given, changes, offsets) => {
            const bytes = changes.reduce(applyChange, encodeAll(version, sender, given));
            const whole = decodeChunks(decoderFrom(sender, version), [bytes]);
            const cut = decodeChunks(decoderFrom(sender, version), cutAt(bytes, offsets));
            expect(cut.packets).toStrictEqual(whole.packets);
            expect(cut.error).toStrictEqual(whole.error);
          },
        ),
        { numRuns: 200 },
      );
    });

    it('whatever was decoded can be encoded, and is the same again', () => {
      fc.assert(
        fc.property(packets, fc.array(change, { minLength: 1, maxLength: 2 }), (given, changes) => {
          const bytes = changes.reduce(applyChange, encodeAll(version, sender, given));
          const { packets: decoded } = decodeChunks(decoderFrom(sender, version), [bytes]);
          // A server's decoder goes by the version that a CONNECT names.
          const connect = decoded.findIndex(
            (packet) => packet.type === PacketType.connect && packet.version !== version,
          );
          const sendable = (connect < 0 ? decoded : decoded.slice(0, connect)).filter(isSendable);
          const again = encodeAll(version, sender, sendable);
          const { packets: twice } = decodeChunks(decoderFrom(sender, version), [again]);
          expect(twice).toStrictEqual(sendable);
        }),
        { numRuns: 200 },
      );
    });
  });
}

describe('arbitrary bytes', { timeout: 30_000 }, () => {
  for (const { version, sender } of streams) {
    it(`from a ${sender} in ${version} give packets or a MalformedPacketError, and nothing else`, () => {
      const firstBytes = sender === 'server' ? serverFirstBytes : clientFirstBytes;
      const packet = fc
        .tuple(fc.constantFrom(...firstBytes), fc.uint8Array({ maxLength: 60 }))
        .map(([first, body]) => Uint8Array.of(first, body.length, ...body));
      const input = fc.oneof(fc.uint8Array({ maxLength: 60 }), packet);
      fc.assert(
        fc.property(fc.array(input, { maxLength: 3 }), (chunks) => {
          const { error } = decodeChunks(decoderFrom(sender, version, 1 << 20), chunks);
          if (error !== undefined) {
            expect(error.message).toMatch(/^([A-Z]+: |packet type).*(expected|must)/s);
            expect(reasonCodesOfBreaches).toContain(error.reasonCode);
          }
        }),
        { numRuns: 2000 },
      );
    });
  }

  it('give nothing else in tens of thousands of packets with changed bytes', () => {
    const random = randomFrom(20_260_101);
    for (const { version, sender } of streams) {
      const seeds = fc
        .sample(packetOf(version, sender), { numRuns: 100, seed: 7 })
        .map((packet) => encodeAll(version, sender, [packet]))
        .filter((bytes) => bytes.length < 2000);
      for (let run = 0; run < 10_000; run += 1) {
        const bytes = seeds[random(seeds.length)]!.slice();
        for (let count = random(4); count >= 0; count -= 1) {
          // The beginning more often: lengths, flags and identifiers are there.
          const range = random(2) === 0 ? Math.min(bytes.length, 12) : bytes.length;
          bytes[random(range)] = random(2) === 0 ? random(256) : (edges[random(edges.length)] ?? 0);
        }
        const decoder = decoderFrom(sender, version, 1 << 20);
        decoder.push(bytes);
        decodeToEnd(decoder);
      }
    }
  });
});

const serverFirstBytes = [0x20, 0x30, 0x33, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xe0, 0xf0];
const clientFirstBytes = [0x10, 0x30, 0x32, 0x35, 0x40, 0x50, 0x62, 0x70, 0x82, 0xa2, 0xe0, 0xf0];
const reasonCodesOfBreaches = [0x81, 0x82, 0x84, 0x85, 0x8f, 0x90, 0x94, 0x95];
const edges = [0x00, 0x01, 0x02, 0x03, 0x26, 0x7f, 0x80, 0xc0, 0xed, 0xff];

/** Takes packets until the bytes are used up or refused; anything but the declared error is thrown on. */
function decodeToEnd(decoder: ReturnType<typeof decoderFrom>): void {
  try {
    while (decoder.next() !== undefined);
  } catch (error) {
    if (!(error instanceof MalformedPacketError)) throw error;
  }
}

/** Whole numbers below a bound, the same for the same seed. */
function randomFrom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * bound);
  };
}

type Change = readonly [kind: 'set' | 'insert' | 'remove' | 'cut', place: number, value: number];

const change: fc.Arbitrary<Change> = fc.tuple(
  fc.constantFrom(
    'set' as const,
    'set' as const,
    'insert' as const,
    'remove' as const,
    'cut' as const,
  ),
  fc.oneof(fc.nat(20), fc.nat(1000)),
  fc.oneof(fc.nat(255), fc.constantFrom(...edges)),
);

function applyChange(bytes: Uint8Array, [kind, place, value]: Change): Uint8Array {
  const at = bytes.length === 0 ? 0 : place % bytes.length;
  const values = Array.from(bytes);
  if (kind === 'set') values[at] = value;
  else if (kind === 'insert') values.splice(at, 0, value);
  else if (kind === 'remove') values.splice(at, 1);
  else values.splice(at);
  return Uint8Array.from(values);
}

/** An AUTH without method can be read, since its receiver is the one to judge, but not sent. */
function isSendable(packet: Packet): boolean {
  return packet.type !== PacketType.auth || packet.properties.authenticationMethod !== undefined;
}

describe('a decoder as a server', () => {
  it('gives an encoder what it needs to answer in the version of the client', () => {
    const bytes = encodeAll('3.1.1', 'client', [
      {
        type: PacketType.connect,
        version: '3.1.1',
        clientId: 'c',
        cleanStart: true,
        keepAliveSeconds: 0,
        username: undefined,
        password: undefined,
        will: undefined,
        properties: {},
      },
    ]);
    const [packet] = decodeChunks(decoderFrom('client', '5.0'), [bytes]).packets;
    expect(packet).toMatchObject({ version: '3.1.1' });
    expect(() => encodeAll('5.0', 'client', [packet!])).toThrow(InvalidPacketError);
  });
});
