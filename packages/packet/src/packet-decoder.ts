/** The decoder for either end of a connection. */
import { readClientPacket } from './client-packets.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { readServerPacket } from './server-packets.ts';
import { StreamDecoder } from './stream-decoder.ts';

/** What a decoder has to know of its connection. */
export interface PacketDecoderOptions {
  /** The version to read by. A server's decoder takes it over from the CONNECT packet. */
  readonly version: ProtocolVersion;
  /** Which end reads: a packet that this end may not be sent is a protocol error (0x82). */
  readonly receiver: 'client' | 'server';
  /** Larger packets are refused with 0x95 on their fixed header, before anything is buffered. */
  readonly maximumPacketSize: number;
}

/** Turns a stream of bytes, chunked in any way, into packets. One decoder belongs to one connection. */
export class PacketDecoder extends StreamDecoder {
  constructor({ version, receiver, maximumPacketSize }: PacketDecoderOptions) {
    const [sender, readOther] =
      receiver === 'client'
        ? (['server', readServerPacket] as const)
        : (['client', readClientPacket] as const);
    super(version, sender, readOther, maximumPacketSize);
  }
}
