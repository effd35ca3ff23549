import { describe, expect, it } from 'vitest';
import { chunksOf, cutAt, decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { PacketEncoder, packetSize } from './packet-encoder.ts';
import { bytesOfHex, hexOf, rawPackets } from './raw-packets.test-support.ts';

const cases = rawPackets.flatMap((row) =>
  row.versions.flatMap((version) =>
    row.senders.map((sender) => ({
      ...row,
      version,
      sender,
      bytes: bytesOfHex(row.hex),
      title: `${version}, from the ${sender}: ${row.name}`,
    })),
  ),
);

describe('the table of raw packets, decoded', () => {
  for (const { title, version, sender, bytes, packet } of cases) {
    it(title, () => {
      const { packets, error } = decodeChunks(decoderFrom(sender, version), [bytes]);
      expect(error).toBeUndefined();
      expect(packets).toStrictEqual([packet]);
      expect(Object.keys(packets[0]!)).toStrictEqual(Object.keys(packet));
    });
  }

  for (const { title, version, sender, bytes, packet } of cases) {
    it(`${title}, cut at every byte and into single bytes`, () => {
      const twice = Uint8Array.from([...bytes, ...bytes]);
      for (let offset = 0; offset <= twice.length; offset += 1) {
        const { packets } = decodeChunks(decoderFrom(sender, version), cutAt(twice, [offset]));
        expect(packets).toStrictEqual([packet, packet]);
      }
      const { packets } = decodeChunks(decoderFrom(sender, version), chunksOf(twice, 1));
      expect(packets).toStrictEqual([packet, packet]);
    });
  }

  it('has every property in its order, and keys in the order of arrival', () => {
    for (const { version, sender, bytes, packet, readOnly } of cases) {
      if (!('properties' in packet) || readOnly) continue;
      const { packets } = decodeChunks(decoderFrom(sender, version), [bytes]);
      expect(packets[0]).toHaveProperty('properties');
      const { properties } = packets[0] as typeof packet;
      expect(Object.keys(properties)).toStrictEqual(Object.keys(packet.properties));
    }
  });

  it('says nothing of a packet before its last byte, and `incomplete` once its size is known', () => {
    for (const { version, sender, bytes } of cases) {
      const decoder = decoderFrom(sender, version);
      expect(decoder.next()).toBeUndefined();
      expect(decoder.incomplete).toBe(false);
      for (let index = 0; index < bytes.length - 1; index += 1) {
        decoder.push(bytes.subarray(index, index + 1));
        expect(decoder.next()).toBeUndefined();
        expect(decoder.incomplete).toBe(index >= 1);
      }
      decoder.push(bytes.subarray(bytes.length - 1));
      expect(decoder.next()).toBeDefined();
      expect(decoder.incomplete).toBe(false);
    }
  });
});

describe('the table of raw packets, encoded', () => {
  for (const { title, version, sender, bytes, packet, readOnly } of cases) {
    if (readOnly) continue;
    it(title, () => {
      const encoder = new PacketEncoder(version, sender);
      expect(encoder.encode(packet)).toBe(bytes.length);
      expect(encoder.pendingBytes).toBe(bytes.length);
      expect(hexOf(encoder.take())).toBe(hexOf([bytes]));
      expect(packetSize(packet, version)).toBe(bytes.length);
    });
  }

  it('gives every packet of the table side by side in one chunk', () => {
    const written = cases.filter(({ version, readOnly }) => version === '5.0' && !readOnly);
    const encoder = new PacketEncoder('5.0');
    for (const { packet } of written) encoder.encode(packet);
    const chunks = encoder.take();
    expect(chunks).toHaveLength(1);
    expect(hexOf(chunks)).toBe(hexOf(written.map(({ bytes }) => bytes)));
  });
});
