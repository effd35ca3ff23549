/**
 * What decoder and encoder allocate, copy and hold. The first two are counted, by a `Uint8Array` that counts in
 * place of the global one while they run; the last is asked of the garbage collector.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { chunksOf, decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { PacketEncoder } from './packet-encoder.ts';
import { PacketType } from './packet-type.ts';
import type { PublishPacket } from './packets.ts';
import { noProperties } from './property.ts';

interface Counts {
  allocatedBytes: number;
  largestAllocation: number;
  copiedBytes: number;
}

/** Bytes copied by `set`, which is replaced before anything that may keep it is loaded. */
const copied = vi.hoisted(() => {
  const counted = { bytes: 0 };
  const { set } = Uint8Array.prototype;
  Uint8Array.prototype.set = function (source: ArrayLike<number>, offset?: number) {
    counted.bytes += source.length;
    set.call(this, source, offset);
  };
  return counted;
});

/** Counts while a function runs, which has to be synchronous: nothing else is counted then. */
function countsOf(run: () => void): Counts {
  const counts = { allocatedBytes: 0, largestAllocation: 0, copiedBytes: 0 };
  const realUint8Array = Uint8Array;
  copied.bytes = 0;
  globalThis.Uint8Array = new Proxy(realUint8Array, {
    construct(target, args, newTarget) {
      const bytes: Uint8Array = Reflect.construct(target, args, newTarget);
      if (typeof args[0] === 'number') {
        counts.allocatedBytes += bytes.length;
        counts.largestAllocation = Math.max(counts.largestAllocation, bytes.length);
      }
      return bytes;
    },
  });
  try {
    run();
  } finally {
    globalThis.Uint8Array = realUint8Array;
  }
  counts.copiedBytes = copied.bytes;
  return counts;
}

/** A PUBLISH under 3.1.1 whose Remaining Length has four bytes. */
function publishBytes(payloadSize: number): Uint8Array {
  const size = 3 + payloadSize;
  const lengthBytes = [0, 7, 14, 21].map(
    (shift) => ((size >> shift) & 0x7f) | (shift < 21 ? 0x80 : 0),
  );
  const bytes = new Uint8Array(1 + 4 + size);
  bytes.set([0x30, ...lengthBytes, 0, 1, 0x61]);
  return bytes;
}

function payloadOf(packet: unknown): Uint8Array {
  return (packet as PublishPacket).payload;
}

describe('a decoder', { timeout: 30_000 }, () => {
  it('allocates by the bytes that arrived, not by those announced', () => {
    for (const arrived of [6, 100, 1000, 70_000]) {
      const chunks = [...chunksOf(publishBytes(1 << 24).slice(0, arrived), 1000)];
      const decoder = decoderFrom('server', '3.1.1');
      const counts = countsOf(() => decodeChunks(decoder, chunks));
      expect(decoder.incomplete).toBe(true);
      expect(counts.largestAllocation).toBeGreaterThan(0);
      expect(counts.largestAllocation).toBeLessThanOrEqual(Math.max(256, 2 * arrived));
    }
  });

  it('allocates at once what the packet before needed, up to 128 KiB', () => {
    const cases = [
      { sizes: [60_000], next: 60_000, allocated: 60_003 },
      { sizes: [1 << 20], next: 1 << 20, allocated: 131_072 },
      { sizes: [60_000, 100], next: 60_000, allocated: 256 },
    ];
    for (const { sizes, next, allocated } of cases) {
      const decoder = decoderFrom('server', '3.1.1');
      for (const size of sizes) decodeChunks(decoder, chunksOf(publishBytes(size), 50));
      const begin = publishBytes(next).slice(0, 100);
      const counts = countsOf(() => decodeChunks(decoder, [begin]));
      expect(counts.largestAllocation).toBe(allocated);
    }
  });

  it('allocates nothing for a packet over the limit', () => {
    const bytes = publishBytes(1000);
    const decoder = decoderFrom('server', '3.1.1', 1000);
    const counts = countsOf(() => {
      expect(decodeChunks(decoder, [bytes]).error?.reasonCode).toBe(0x95);
    });
    expect(counts.allocatedBytes).toBe(0);
  });

  for (const chunkSize of [1, 7, 1460, 65_536]) {
    it(`copies in proportion to the packet when it comes in chunks of ${chunkSize} bytes`, () => {
      const size = 256 * 1024;
      const bytes = publishBytes(size);
      const chunks = [...chunksOf(bytes, chunkSize)];
      const counts = countsOf(() => {
        const { packets } = decodeChunks(decoderFrom('server', '3.1.1'), chunks);
        expect(payloadOf(packets[0]).length).toBe(size);
      });
      // Each byte once, and the buffers that were outgrown, which doubled.
      expect(counts.copiedBytes).toBeLessThan(3 * bytes.length);
      expect(counts.allocatedBytes).toBeLessThan(3 * bytes.length);
      expect(counts.largestAllocation).toBeLessThanOrEqual(bytes.length);
    });
  }

  it('neither allocates nor copies for a body that lies in one chunk: its payload is a view', () => {
    const bytes = publishBytes(100_000);
    const [header, body] = [bytes.slice(0, 5), bytes.slice(5)];
    const counts = countsOf(() => {
      const [whole] = decodeChunks(decoderFrom('server', '3.1.1'), [bytes]).packets;
      expect(payloadOf(whole).buffer).toBe(bytes.buffer);
      const [apart] = decodeChunks(decoderFrom('server', '3.1.1'), [header, body]).packets;
      expect(payloadOf(apart).buffer).toBe(body.buffer);
      const waiting = decoderFrom('server', '3.1.1');
      waiting.push(header);
      waiting.push(body);
      expect(payloadOf(waiting.next()).buffer).toBe(body.buffer);
    });
    expect(counts.allocatedBytes).toBe(0);
    expect(counts.copiedBytes).toBe(0);
  });

  it('gives plain views on chunks that are Buffers', () => {
    const bytes = Buffer.from('300500016162ff', 'hex');
    const payload = payloadOf(decodeChunks(decoderFrom('server', '3.1.1'), [bytes]).packets[0]);
    expect(Object.getPrototypeOf(payload)).toBe(Uint8Array.prototype);
    expect(payload.buffer).toBe(bytes.buffer);
    expect(Array.from(payload)).toStrictEqual([0x62, 0xff]);
  });

  it('takes many chunks that waited without moving them over and over', () => {
    const packets = 20_000;
    const decoder = decoderFrom('server', '3.1.1');
    for (let count = 0; count < packets; count += 1) {
      decoder.push(Uint8Array.of(0xd0));
      decoder.push(Uint8Array.of(0));
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

  it('holds no chunk once its packets are taken, nor after a breach', async () => {
    const between = decoderFrom('server', '3.1.1');
    const withEmptyPayload = decoderFrom('server', '3.1.1');
    const broken = decoderFrom('server', '3.1.1');
    const emptyPayload: unknown[] = [];
    const references = (() => {
      const chunks = {
        taken: publishBytes(1000),
        empty: publishBytes(0),
        breach: Uint8Array.of(0xd0, 0x00, 0x00),
        afterBreach: Uint8Array.of(0xd0, 0x00),
      };
      decodeChunks(between, [chunks.taken]);
      emptyPayload.push(...decodeChunks(withEmptyPayload, [chunks.empty]).packets);
      broken.push(chunks.breach);
      broken.push(chunks.afterBreach);
      decodeChunks(broken, [Uint8Array.of(0xd0)]);
      return Object.entries(chunks).map(
        ([name, chunk]) => [name, new WeakRef(chunk.buffer)] as const,
      );
    })();
    await collectGarbage();
    for (const [name, reference] of references) {
      expect([name, reference.deref()]).toStrictEqual([name, undefined]);
    }
    // Alive up to here, and what the decoders gave with them.
    expect([between, withEmptyPayload, broken, ...emptyPayload]).toHaveLength(4);
  });
});

/** Until weak references to what nobody holds are cleared, which takes a turn of the event loop. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
}

describe('encoders', () => {
  const message: PublishPacket = {
    type: PacketType.publish,
    topic: 'a',
    payload: new Uint8Array(100),
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: undefined,
    properties: noProperties,
  };
  const slabSize = 64 * 1024;

  it('share a slab when each sends a little: thousands that are idle hold nothing', () => {
    const encoders = Array.from({ length: 5000 }, () => new PacketEncoder('3.1.1'));
    const counts = countsOf(() => {
      for (const encoder of encoders) {
        encoder.encode({ type: PacketType.pingreq });
        encoder.take();
      }
    });
    expect(counts.allocatedBytes).toBeLessThanOrEqual(slabSize);
  });

  it('allocate in proportion to the bytes they write', () => {
    const encoder = new PacketEncoder('3.1.1');
    let written = 0;
    const counts = countsOf(() => {
      for (let turn = 0; turn < 1000; turn += 1) {
        for (let count = 0; count < 10; count += 1) written += encoder.encode(message);
        encoder.take();
      }
    });
    expect(written).toBe(1_050_000);
    expect(counts.allocatedBytes).toBeLessThan(written + 3 * slabSize);
  });

  it('that write in turns claim little more than they write', () => {
    const encoders = Array.from({ length: 1000 }, () => new PacketEncoder('3.1.1'));
    const counts = countsOf(() => {
      for (const encoder of encoders) encoder.encode(message);
      for (const encoder of encoders) encoder.take();
    });
    expect(counts.allocatedBytes).toBeLessThanOrEqual(1000 * 512 + 2 * slabSize);
  });

  it('copy each payload once, and large ones not at all', () => {
    const encoder = new PacketEncoder('3.1.1');
    const large = { ...message, payload: new Uint8Array(1_000_000) };
    const counts = countsOf(() => {
      encoder.encode(message);
      encoder.encode(large);
      encoder.take();
    });
    // The topic name may be copied in one piece, too.
    expect(counts.copiedBytes).toBeGreaterThanOrEqual(100);
    expect(counts.copiedBytes).toBeLessThan(200);
    expect(counts.allocatedBytes).toBeLessThanOrEqual(slabSize);
  });

  it('hold no payload that was taken, nor one that could not be sent', async () => {
    const encoder = new PacketEncoder('3.1.1');
    const references = (() => {
      const taken = { ...message, payload: new Uint8Array(20_000) };
      const refused = { ...message, topic: '#', payload: new Uint8Array(20_000) };
      encoder.encode(taken);
      encoder.take();
      expect(() => encoder.encode(refused)).toThrow(/wildcards/);
      return [taken, refused].map(({ payload }) => new WeakRef(payload));
    })();
    await collectGarbage();
    expect(references.map((reference) => reference.deref())).toStrictEqual([undefined, undefined]);
    expect(encoder.pendingBytes).toBe(0);
  });
});
