/** What must hold for the decoder, whatever the bytes. Each check throws an error that says what did not. */
import {
  MalformedPacketError,
  type Packet,
  PacketDecoder,
  PacketEncoder,
  PacketType,
  packetSize,
} from '@mqtt-kit/packet';
import type { Stream } from './streams.ts';

/** How a stream of bytes was understood. */
export interface Decoded {
  readonly packets: readonly Packet[];
  readonly error: MalformedPacketError | undefined;
}

/** Broken oracles are told by this, everything else that is thrown is a finding as well. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** Large enough for every input here, small enough to be met by a spoiled Remaining Length. */
export const maximumPacketSize = 1 << 20;

/** What a DISCONNECT can say of received bytes that are no packet. */
const legalReasonCodes: ReadonlySet<number> = new Set([
  0x81, 0x82, 0x84, 0x85, 0x8f, 0x90, 0x94, 0x95,
]);

/** The packet, and what was found and expected. */
const sentence = /^([A-Z]+: |packet type).*(expected|must)/s;

export function decoderOf({ version, sender }: Pick<Stream, 'version' | 'sender'>): PacketDecoder {
  const receiver = sender === 'client' ? 'server' : 'client';
  return new PacketDecoder({ version, receiver, maximumPacketSize });
}

/** Everything that is in chunks. Only the declared error is taken, and it must be a legal one that stays. */
export function decode(decoder: PacketDecoder, chunks: readonly Uint8Array[]): Decoded {
  const packets: Packet[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
        packets.push(packet);
      }
    }
  } catch (error) {
    if (!(error instanceof MalformedPacketError)) throw error;
    checkRefusal(decoder, error);
    return { packets, error };
  }
  return { packets, error: undefined };
}

function checkRefusal(decoder: PacketDecoder, error: MalformedPacketError): void {
  if (!legalReasonCodes.has(error.reasonCode)) {
    throw new Finding(`refused with 0x${error.reasonCode.toString(16)}: ${error.message}`);
  }
  if (!sentence.test(error.message)) {
    throw new Finding(`a refusal that does not say what was expected: ${error.message}`);
  }
  if (decoder.incomplete) throw new Finding('waits for more after a refusal');
  // A good packet behind it is not looked at any more.
  decoder.push(Uint8Array.of(0xd0, 0x00));
  try {
    decoder.next();
  } catch (again) {
    if (again === error) return;
    throw again;
  }
  throw new Finding('goes on after a refusal');
}

/** The same packets and the same end for other cuts. */
export function checkChunks(
  stream: Stream,
  bytes: Uint8Array,
  cuts: readonly number[],
  whole: Decoded,
): void {
  const chunks: Uint8Array[] = [];
  let start = 0;
  for (const cut of [...cuts].sort((one, other) => one - other)) {
    chunks.push(bytes.subarray(start, cut));
    start = cut;
  }
  chunks.push(bytes.subarray(start));
  compare('cut', whole, decode(decoderOf(stream), chunks));
}

/** The same packets and the same end byte by byte. */
export function checkSingleBytes(stream: Stream, bytes: Uint8Array, whole: Decoded): void {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1) chunks.push(bytes.subarray(at, at + 1));
  compare('in single bytes', whole, decode(decoderOf(stream), chunks));
}

function compare(how: string, whole: Decoded, cut: Decoded): void {
  const same =
    whole.error?.message === cut.error?.message &&
    whole.error?.reasonCode === cut.error?.reasonCode;
  if (!same) {
    throw new Finding(`${how} it ends by ${cut.error?.message}, whole by ${whole.error?.message}`);
  }
  if (!equal(whole.packets, cut.packets)) throw new Finding(`${how} it gives other packets`);
}

/**
 * What was decoded can be encoded, has the size that is said, and is decoded as the same again. Where all of the bytes
 * were taken they are those that are encoded, but for forms that say the same in other words.
 */
export function checkRoundTrip(
  stream: Stream,
  bytes: Uint8Array,
  { packets, error }: Decoded,
): void {
  let { version } = stream;
  let at = 0;
  for (const packet of packets) {
    // A server reads on in the version that CONNECT names.
    if (packet.type === PacketType.connect) version = packet.version;
    const end = endOfPacket(bytes, at);
    if (!isReadOnly(packet)) {
      const encoder = new PacketEncoder(version, stream.sender);
      const size = encoder.encode(packet);
      if (size !== packetSize(packet, version)) throw new Finding(`has not the size of ${size}`);
      const chunks = encoder.take();
      const written = chunks.length === 1 ? chunks[0]! : new Uint8Array(Buffer.concat(chunks));
      if (written.length !== size) {
        throw new Finding(`${written.length} bytes were written, ${size} were said`);
      }
      const again = decode(decoderOf({ version, sender: stream.sender }), [written]);
      if (again.error !== undefined) {
        throw new Finding(`cannot be read when encoded again: ${again.error.message}`);
      }
      if (again.packets.length !== 1 || !equal(again.packets[0], packet)) {
        throw new Finding('is another packet when encoded and read again');
      }
      checkSameBytes(packet, bytes.subarray(at, end), written);
    }
    at = end;
  }
  if (at > bytes.length) throw new Finding('reads more than there is');
  if (error === undefined && endOfPacket(bytes, at) - at > maximumPacketSize) {
    throw new Finding('waits for a packet over the limit');
  }
}

/** By Remaining Length alone, which this reads for itself; where that has not arrived, the end of the bytes. */
function endOfPacket(bytes: Uint8Array, start: number): number {
  let length = 0;
  let at = start + 1;
  for (let shift = 0; at < bytes.length; shift += 7) {
    const byte = bytes[at]!;
    at += 1;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return at + length;
  }
  return bytes.length;
}

/**
 * The same bytes, in their places but where properties that recur are brought together. Only the packets whose end may
 * be left out, the refusal of 3.1.1 in a stream of 5.0, and loose lengths of 3.1.1 have other sizes.
 */
function checkSameBytes(packet: Packet, given: Uint8Array, written: Uint8Array): void {
  if (given.length === written.length) {
    const at = given.findIndex((byte, index) => byte !== written[index]);
    const mayMove = 'properties' in packet && Object.keys(packet.properties).length > 0;
    if (at < 0 || (mayMove && equal(given.toSorted(), written.toSorted()))) return;
    throw new Finding(`byte ${at} is another when encoded again`);
  }
  const shorter = written.length < given.length;
  const { type } = packet;
  const mayBeShorter = shorter && 'reasonCode' in packet && type !== PacketType.connack;
  const isLoose = shorter && given[1]! >= 0x80 && written.length >= given.length - 3;
  const isOldRefusal = type === PacketType.connack && packet.reasonCode >= 0x80;
  if (mayBeShorter || isLoose || isOldRefusal) return;
  throw new Finding(`${given.length} bytes are ${written.length} when encoded again`);
}

/** An AUTH without method can be read, since its receiver is the one to judge, but not sent. */
function isReadOnly(packet: Packet): boolean {
  return packet.type === PacketType.auth && packet.properties.authenticationMethod === undefined;
}

/** Whether two values of packets are the same, keys in the same order. */
export function equal(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) {
    return false;
  }
  if (one instanceof Uint8Array || Array.isArray(one)) {
    const [these, those] = [one as ArrayLike<unknown>, other as ArrayLike<unknown>];
    if (Array.isArray(one) !== Array.isArray(other) || these.length !== those.length) return false;
    for (let at = 0; at < these.length; at += 1) if (!equal(these[at], those[at])) return false;
    return true;
  }
  const keys = Object.keys(one);
  const others = Object.keys(other);
  if (keys.length !== others.length) return false;
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at]!;
    if (key !== others[at]) return false;
    if (!equal((one as never)[key], (other as never)[key])) return false;
  }
  return true;
}
