/**
 * What decoder and encoder hold and copy, by counting: every buffer that is allocated and every byte that is
 * copied while a test runs goes through a `Uint8Array` that counts.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chunksOf, decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { PacketEncoder } from './packet-encoder.ts';
import { PacketType } from './packet-type.ts';
import type { PublishPacket } from './packets.ts';
import { noProperties } from './property.ts';

const counts = { allocatedBytes: 0, largestAllocation: 0, copiedBytes: 0 };
const RealUint8Array = Uint8Array;
const realSet = Uint8Array.prototype.set;

beforeEach(() => {
  Object.assign(counts, { allocatedBytes: 0, largestAllocation: 0, copiedBytes: 0 });
  const counting = new Proxy(RealUint8Array, {
    construct(target, args, newTarget) {
      const bytes: Uint8Array = Reflect.construct(target, args, newTarget);
      if (typeof args[0] === 'number') {
        counts.allocatedBytes += bytes.length;
        counts.largestAllocation = Math.max(counts.largestAllocation, bytes.length);
      }
      return bytes;
    },
  });
  vi.stubGlobal('Uint8Array', counting);
  RealUint8Array.prototype.set = function (
    this: Uint8Array,
    source: ArrayLike<number>,
    offset?: number,
  ) {
    counts.copiedBytes += source.length;
    realSet.call(this, source, offset);
  };
});

afterEach(() => {
  vi.unstubAllGlobals();
  RealUint8Array.prototype.set = realSet;
});

function publishBytes(payloadSize: number): Uint8Array {
  const size = 3 + payloadSize;
  const lengthBytes = [0, 7, 14, 21].map(
    (shift) => ((size >> shift) & 0x7f) | (shift < 21 ? 0x80 : 0),
  );
  const bytes = new RealUint8Array(1 + 4 + size);
  bytes.set([0x30, ...lengthBytes, 0, 1, 0x61]);
  Object.assign(counts, { allocatedBytes: 0, largestAllocation: 0, copiedBytes: 0 });
  return bytes;
}

describe('a decoder', { timeout: 30_000 }, () => {
  it('allocates by the bytes that arrived, not by those announced', () => {
    const bytes = publishBytes(16 * 1024 * 1024);
    for (const arrived of [6, 100, 1000, 70_000]) {
      Object.assign(counts, { allocatedBytes: 0, largestAllocation: 0 });
      const decoder = decoderFrom('server', '3.1.1', 1 << 28);
      const { packets } = decodeChunks(decoder, chunksOf(bytes.slice(0, arrived), 1000));
      expect(packets).toStrictEqual([]);
      expect(decoder.incomplete).toBe(true);
      expect(counts.largestAllocation).toBeLessThanOrEqual(Math.max(256, 2 * arrived));
    }
  });

  it('allocates nothing for a packet over the limit', () => {
    const { error } = decodeChunks(decoderFrom('server', '3.1.1', 1000), [publishBytes(1000)]);
    expect(error?.reasonCode).toBe(0x95);
    expect(counts.allocatedBytes).toBe(0);
  });

  for (const chunkSize of [1, 7, 1460, 65_536]) {
    it(`copies in proportion to the packet when it comes in chunks of ${chunkSize} bytes`, () => {
      const size = 256 * 1024;
      const bytes = publishBytes(size);
      const { packets } = decodeChunks(
        decoderFrom('server', '3.1.1', 1 << 28),
        chunksOf(bytes, chunkSize),
      );
      expect((packets[0] as PublishPacket).payload.length).toBe(size);
      // Each byte once, and the buffers that were outgrown, which doubled.
      expect(counts.copiedBytes).toBeLessThan(3 * bytes.length);
      expect(counts.allocatedBytes).toBeLessThan(3 * bytes.length);
      expect(counts.largestAllocation).toBeLessThanOrEqual(bytes.length);
    });
  }

  it('neither allocates nor copies for a packet that lies in one chunk: its payload is a view', () => {
    const bytes = publishBytes(100_000);
    const header = bytes.slice(0, 5);
    const body = bytes.slice(5);
    const [first] = decodeChunks(decoderFrom('server', '3.1.1'), [bytes]).packets;
    // In one chunk but for its fixed header is as good.
    const [second] = decodeChunks(decoderFrom('server', '3.1.1'), [header, body]).packets;
    expect((first as PublishPacket).payload.buffer).toBe(bytes.buffer);
    expect((second as PublishPacket).payload.buffer).toBe(body.buffer);
    expect(counts.allocatedBytes).toBe(0);
    expect(counts.copiedBytes).toBe(0);
  });

  it('gives plain views on chunks that are Buffers', () => {
    const [packet] = decodeChunks(decoderFrom('server', '3.1.1'), [
      Buffer.from('300500016162ff', 'hex'),
    ]).packets;
    const { payload } = packet as PublishPacket;
    expect(Object.getPrototypeOf(payload)).toBe(RealUint8Array.prototype);
    expect(Array.from(payload)).toStrictEqual([0x62, 0xff]);
  });

  it('takes many chunks that waited, each once', () => {
    const packets = 20_000;
    const decoder = decoderFrom('server', '3.1.1');
    for (let count = 0; count < packets; count += 1) {
      decoder.push(RealUint8Array.of(0xd0));
      decoder.push(RealUint8Array.of(0));
    }
    const realSplice = Array.prototype.splice;
    let moved = 0;
    Array.prototype.splice = function (this: unknown[], ...args: [number, number]) {
      moved += this.length;
      return realSplice.apply(this, args);
    };
    let taken = 0;
    while (decoder.next() !== undefined) taken += 1;
    Array.prototype.splice = realSplice;
    expect(taken).toBe(packets);
    expect(moved).toBeLessThan(4 * 2 * packets);
  });
});

describe('encoders', () => {
  const message: PublishPacket = {
    type: PacketType.publish,
    topic: 'a',
    payload: new RealUint8Array(100),
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: undefined,
    properties: noProperties,
  };

  it('hold nothing while they are idle: thousands that sent something share a slab', () => {
    const encoders = Array.from({ length: 5000 }, () => new PacketEncoder('3.1.1'));
    for (const encoder of encoders) {
      encoder.encode({ type: PacketType.pingreq });
      encoder.take();
    }
    expect(counts.allocatedBytes).toBeLessThanOrEqual(64 * 1024);
  });

  it('allocate in proportion to the bytes they write', () => {
    const encoder = new PacketEncoder('3.1.1');
    let written = 0;
    for (let turn = 0; turn < 1000; turn += 1) {
      for (let count = 0; count < 10; count += 1) written += encoder.encode(message);
      encoder.take();
    }
    expect(written).toBe(1_050_000);
    expect(counts.allocatedBytes).toBeLessThan(written + 3 * 64 * 1024);
  });

  it('that write in turns claim little more than they write', () => {
    const encoders = Array.from({ length: 1000 }, () => new PacketEncoder('3.1.1'));
    for (const encoder of encoders) encoder.encode(message);
    for (const encoder of encoders) encoder.take();
    expect(counts.allocatedBytes).toBeLessThanOrEqual(1000 * 512 + 2 * 64 * 1024);
  });

  it('copy each payload once, and large ones not at all', () => {
    const encoder = new PacketEncoder('3.1.1');
    encoder.encode(message);
    encoder.encode({ ...message, payload: new RealUint8Array(1_000_000) });
    encoder.take();
    expect(counts.copiedBytes).toBe(100);
    expect(counts.allocatedBytes).toBeLessThanOrEqual(64 * 1024);
  });
});
