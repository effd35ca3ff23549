import { describe, expect, it } from 'vitest';
import { ClientPacketDecoder, ClientPacketEncoder, clientPacketSize } from './client-codec.ts';
import { decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { PacketEncoder, packetSize } from './packet-encoder.ts';
import type { Packet } from './packets.ts';
import { bytesOfHex, hexOf, rawPackets } from './raw-packets.test-support.ts';
import type { SlabEncoder } from './slab-encoder.ts';

const rows = rawPackets.flatMap(({ name, versions, senders, hex, packet, readOnly }) =>
  versions.map((version) => ({
    title: `${name}, ${version}`,
    version,
    bytes: bytesOfHex(hex),
    packet,
    isWritten: !readOnly && senders.includes('client'),
  })),
);

/** The bytes, or what was refused. */
function encoded(encoder: SlabEncoder, packet: Packet): string {
  try {
    encoder.encode(packet);
    return hexOf(encoder.take());
  } catch (error) {
    return String(error);
  }
}

describe('the codec of a client does as that of either end', () => {
  it.each(rows)('with $title', ({ version, bytes, packet, isWritten }) => {
    const received = decodeChunks(new ClientPacketDecoder(version, 1 << 20), [bytes]);
    expect(received).toEqual(decodeChunks(decoderFrom('server', version), [bytes]));
    expect(encoded(new ClientPacketEncoder(version), packet)).toBe(
      encoded(new PacketEncoder(version, 'client'), packet),
    );
    if (isWritten) expect(clientPacketSize(packet, version)).toBe(packetSize(packet, version));
  });

  it('has no size for what a server sends', () => {
    const suback = rawPackets.find(({ senders }) => !senders.includes('client'));
    expect(() => clientPacketSize(suback?.packet as Packet, '5.0')).toThrow(/^packet type is /);
  });
});
