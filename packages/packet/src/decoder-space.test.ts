import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decoderFrom } from './decoding.test-support.ts';
import type { PublishPacket } from './packets.ts';

/** PUBLISH packets of 3.1.1 to the topic "a", one behind the other, whose payloads have these sizes. */
function stream(sizes: readonly number[]): Uint8Array {
  const packets = sizes.map((size, number) => {
    const lengthBytes: number[] = [];
    for (let left = size + 3; ; left >>= 7) {
      lengthBytes.push(left > 127 ? (left & 127) | 128 : left);
      if (left <= 127) break;
    }
    const payload = Uint8Array.from({ length: size }, (_, at) => (at * 7 + number) % 251);
    return [0x30, ...lengthBytes, 0, 1, 0x61, ...payload];
  });
  return Uint8Array.from(packets.flat());
}

describe('the space of a decoder', () => {
  it('takes bytes in the place of chunks, in any mixture', () => {
    const sizes = fc.array(
      fc.oneof(fc.nat(50), fc.integer({ min: 4_000, max: 9_000 }), fc.nat(40_000)),
      { minLength: 1, maxLength: 6 },
    );
    const reads = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 20_000 })), {
      minLength: 1,
      maxLength: 8,
    });
    let intoSpace = 0;
    fc.assert(
      fc.property(sizes, reads, (payloadSizes, plan) => {
        const bytes = stream(payloadSizes);
        const decoder = decoderFrom('server', '3.1.1');
        const payloads: Uint8Array[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const [wanted, length] = plan[turn % plan.length]!;
          const { space } = decoder;
          const room = wanted && space !== undefined ? space.length : bytes.length;
          const read = bytes.slice(at, at + Math.min(length, room));
          at += read.length;
          if (wanted && space !== undefined) {
            space.set(read);
            decoder.push(space.subarray(0, read.length));
            intoSpace += 1;
          } else {
            decoder.push(read);
          }
          for (let packet = decoder.next(); packet; packet = decoder.next()) {
            payloads.push((packet as PublishPacket).payload);
          }
        }
        expect(payloads.map(({ length }) => length)).toEqual(payloadSizes);
        payloads.forEach((payload, number) => {
          expect(payload.every((byte, at) => byte === (at * 7 + number) % 251)).toBe(true);
        });
      }),
    );
    expect(intoSpace).toBeGreaterThan(20);
  });

  it('is there within a large packet alone', () => {
    const decoder = decoderFrom('server', '3.1.1');
    expect(decoder.space).toBeUndefined();
    decoder.push(stream([100]).subarray(0, 50));
    expect(decoder.next()).toBeUndefined();
    expect(decoder.space).toBeUndefined();
    const large = decoderFrom('server', '3.1.1');
    large.push(stream([20_000]).subarray(0, 15_000));
    expect(large.next()).toBeUndefined();
    expect(large.space?.length).toBe(20_003 - (15_000 - 4));
  });

  it('reads over again nothing that lies there but not where it should', () => {
    const bytes = stream([30_000]);
    const decoder = decoderFrom('server', '3.1.1');
    decoder.push(bytes.slice(0, 20_000));
    expect(decoder.next()).toBeUndefined();
    const space = decoder.space!;
    // Somebody read to its end, not to its start: chunks like any other.
    const rest = bytes.slice(20_000);
    const half = rest.length >> 1;
    space.set(rest.subarray(0, half), space.length - half);
    decoder.push(space.subarray(space.length - half));
    expect(decoder.next()).toBeUndefined();
    decoder.push(rest.subarray(half));
    const { payload } = decoder.next() as PublishPacket;
    expect(payload.every((byte, at) => byte === (at * 7) % 251)).toBe(true);
  });
});
