import type { Packet } from './packets.ts';
import type { ProtocolVersion } from './protocol-version.ts';

/**
 * Encodes packets one after the other into slabs, so that all packets of one turn leave in one write.
 * Payloads up to 16 KiB are copied, larger ones are held by reference as chunks of their own.
 */
export declare class PacketEncoder {
  constructor(version: ProtocolVersion);
  readonly version: ProtocolVersion;
  /** Bytes encoded and not yet taken. */
  readonly pendingBytes: number;
  /**
   * Appends one packet and returns its size in bytes.
   * @throws InvalidPacketError, leaving the slab as it was, when a field cannot be put on the wire
   * (a string over 65,535 bytes, a lone surrogate, U+0000, a packet over 268,435,460 bytes).
   */
  encode(packet: Packet): number;
  /** The bytes encoded since the last take. Their memory is the caller's: the encoder goes on in another slab or region. */
  take(): Uint8Array[];
}

/** The size of a packet on the wire, as Maximum Packet Size counts it. */
export declare function packetSize(packet: Packet, version: ProtocolVersion): number;
