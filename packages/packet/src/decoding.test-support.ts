/** Feeding a decoder in tests. */
import { MalformedPacketError } from './errors.ts';
import { PacketDecoder } from './packet-decoder.ts';
import type { PacketSender } from './packet-type.ts';
import type { Packet } from './packets.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import type { StreamDecoder } from './stream-decoder.ts';

export function decoderFrom(
  sender: PacketSender,
  version: ProtocolVersion,
  maximumPacketSize = 268_435_460,
): PacketDecoder {
  const receiver = sender === 'client' ? 'server' : 'client';
  return new PacketDecoder({ version, receiver, maximumPacketSize });
}

export interface Decoded {
  readonly packets: Packet[];
  /** How the stream ended, if it did. */
  readonly error: MalformedPacketError | undefined;
  /** Bytes pushed up to the end, or all. */
  readonly pushedBytes: number;
}

/** Pushes the chunks one by one and takes every packet. Any error but the one declared is thrown on. */
export function decodeChunks(decoder: StreamDecoder, chunks: Iterable<Uint8Array>): Decoded {
  const packets: Packet[] = [];
  let pushedBytes = 0;
  for (const chunk of chunks) {
    decoder.push(chunk);
    pushedBytes += chunk.length;
    try {
      for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
        packets.push(packet);
      }
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error;
      return { packets, error, pushedBytes };
    }
  }
  return { packets, error: undefined, pushedBytes };
}

/** Cuts the bytes into chunks of one size. */
export function* chunksOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) {
    yield bytes.slice(start, start + size);
  }
}

/** Cuts the bytes at the given offsets, in any order. */
export function cutAt(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const ends = [...new Set([...offsets, bytes.length])]
    .filter((offset) => offset <= bytes.length)
    .sort((left, right) => left - right);
  let start = 0;
  return ends.map((end) => {
    const chunk = bytes.slice(start, end);
    start = end;
    return chunk;
  });
}
