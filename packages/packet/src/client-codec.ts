/**
 * Decoder and encoder of a client. They do what `PacketDecoder` and `PacketEncoder` do for that end, without what only
 * a server reads and writes: a page that talks to a server does not load it.
 */
import { checkClientPacket, writeClientPacket } from './client-packets.ts';
import type { Packet } from './packets.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { readServerPacket } from './server-packets.ts';
import { measuredSize, type OtherPackets, SlabEncoder } from './slab-encoder.ts';
import { StreamDecoder } from './stream-decoder.ts';

/** A `PacketDecoder` with `receiver: 'client'`. */
export class ClientPacketDecoder extends StreamDecoder {
  /**
   * @param version the version to read by.
   * @param maximumPacketSize larger packets are refused with 0x95 on their fixed header, before anything is buffered.
   */
  constructor(version: ProtocolVersion, maximumPacketSize: number) {
    super(version, 'server', readServerPacket, maximumPacketSize);
  }
}

/** A `PacketEncoder` with the sender `'client'`. */
export class ClientPacketEncoder extends SlabEncoder {
  constructor(version: ProtocolVersion) {
    super(version, 'client', clientPackets);
  }
}

/**
 * `packetSize` of a packet that a client sends.
 * @throws InvalidPacketError as `PacketEncoder.encode` does.
 */
export function clientPacketSize(packet: Packet, version: ProtocolVersion): number {
  return measuredSize(packet, version, clientPackets);
}

const clientPackets: OtherPackets = { check: checkClientPacket, write: writeClientPacket };
