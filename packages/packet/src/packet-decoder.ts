import type { Packet } from './packets.ts';
import type { ProtocolVersion } from './protocol-version.ts';

export interface PacketDecoderOptions {
  /** The version to read by. A server's decoder takes it over from the CONNECT packet. */
  readonly version: ProtocolVersion;
  /** Which end reads: a packet that this end may not be sent is a protocol error (0x82). */
  readonly receiver: 'client' | 'server';
  /** Larger packets are refused with 0x95 on their fixed header, before anything is buffered. */
  readonly maximumPacketSize: number;
}

/** Turns a stream of bytes, chunked in any way, into packets. One decoder belongs to one connection. */
export declare class PacketDecoder {
  constructor(options: PacketDecoderOptions);
  /** The size of the packet under way is known and it is not complete. */
  readonly incomplete: boolean;
  /** Hands over received bytes. They are kept by reference and must not change afterwards. */
  push(chunk: Uint8Array): void;
  /**
   * The next complete packet, or `undefined` when more bytes are needed.
   * Payloads and binary properties are views on the pushed chunks where a packet lies in one chunk.
   * @throws MalformedPacketError with the reason code for the breach; the decoder stays unusable after it.
   */
  next(): Packet | undefined;
}
