import { describe, expect, it } from 'vitest';
import { ClientPacketDecoder } from './client-codec.ts';
import { PacketType } from './packet-type.ts';

/** PUBLISH packets at QoS 0 without a payload, as 3.1.1 has them, somewhere in a larger piece of memory. */
function packets(topics: readonly string[]): Uint8Array {
  const bytes: number[] = [];
  for (const topic of topics) {
    const name = [...new TextEncoder().encode(topic)];
    const length = name.length + 2;
    const size = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
    bytes.push(0x30, ...size, name.length >> 8, name.length & 0xff, ...name);
  }
  const memory = new Uint8Array(bytes.length + 7).fill(0x2f);
  memory.set(bytes, 5);
  return memory.subarray(5, 5 + bytes.length);
}

function topicsOf(decoder: ClientPacketDecoder): string[] {
  const found: string[] = [];
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
    if (packet.type === PacketType.publish) found.push(packet.topic);
  }
  return found;
}

function received(topics: readonly string[]): string[] {
  const decoder = new ClientPacketDecoder('3.1.1', 1_000_000);
  decoder.push(packets(topics));
  return topicsOf(decoder);
}

describe('a topic name that was received before', () => {
  it('is told from one that differs in any single byte, at any length', () => {
    for (const length of [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 23, 24, 63, 127, 128, 129]) {
      const base = 'abcdefghij/'.repeat(12).slice(0, length);
      const others = Array.from(
        base,
        (_, index) => `${base.slice(0, index)}~${base.slice(index + 1)}`,
      );
      const topics = [base, ...others, ...others.toReversed(), base];
      expect(received(topics)).toEqual(topics);
      expect(received(topics)).toEqual(topics);
    }
  });

  it('is told from one that goes on behind it or ends before it', () => {
    const topics = Array.from({ length: 140 }, (_, length) => 'z'.repeat(length + 1));
    expect(received(topics)).toEqual(topics);
    expect(received(topics.toReversed())).toEqual(topics.toReversed());
  });

  it('stays right when there are more names than are remembered, and names beyond ASCII', () => {
    const topics = Array.from(
      { length: 5_000 },
      (_, n) => `site/${n % 3 ? 'ä' : 'a'}/${n * 7_919}`,
    );
    for (let round = 0; round < 2; round++) expect(received(topics)).toEqual(topics);
  });

  it('is found in packets that come in pieces', () => {
    const topics = Array.from({ length: 50 }, (_, n) => `device/${n % 5}/reading`);
    const bytes = packets(topics);
    for (const size of [1, 2, 7, 20, 21, 64]) {
      const decoder = new ClientPacketDecoder('3.1.1', 1_000);
      const found: string[] = [];
      for (let start = 0; start < bytes.length; start += size) {
        decoder.push(bytes.subarray(start, start + size));
        found.push(...topicsOf(decoder));
      }
      expect(found).toEqual(topics);
    }
  });

  it('is refused for a wildcard as often as it comes', () => {
    for (let round = 0; round < 3; round++) {
      expect(() => received(['device/+/reading'])).toThrow(/topic name must not contain wildcards/);
    }
  });
});
