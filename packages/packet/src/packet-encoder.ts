/** The encoder for either end of a connection, and for both at once. */
import { checkClientPacket, writeClientPacket } from './client-packets.ts';
import { maySend, type PacketSender } from './packet-type.ts';
import type { Packet } from './packets.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { checkServerPacket, writeServerPacket } from './server-packets.ts';
import { measuredSize, type OtherPackets, SlabEncoder } from './slab-encoder.ts';

/**
 * Encodes packets one after the other into slabs, so that all packets of one turn leave in one write.
 * Payloads up to 16 KiB are copied, larger ones are held by reference as chunks of their own.
 */
export class PacketEncoder extends SlabEncoder {
  /**
   * @param version the version of every packet.
   * @param sender refuses the packets, properties and reason codes that only the other end may send; without it
   * those of both ends are taken.
   */
  constructor(version: ProtocolVersion, sender?: PacketSender) {
    super(version, sender, packetsOfBothEnds);
  }
}

/**
 * The size of a packet on the wire in bytes, as Maximum Packet Size counts it.
 * @throws InvalidPacketError as `PacketEncoder.encode` does.
 */
export function packetSize(packet: Packet, version: ProtocolVersion): number {
  return measuredSize(packet, version, packetsOfBothEnds);
}

const packetsOfBothEnds: OtherPackets = {
  check(measure, packet) {
    const check = maySend('client', packet.type, '5.0') ? checkClientPacket : checkServerPacket;
    check(measure, packet);
  },
  write(writer, packet) {
    const write = maySend('client', packet.type, '5.0') ? writeClientPacket : writeServerPacket;
    write(writer, packet);
  },
};
