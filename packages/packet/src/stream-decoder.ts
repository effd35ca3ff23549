/**
 * Turning a stream of bytes into packets.
 *
 * The decoder is between packets, within a fixed header, or within the body of a packet whose size it knows.
 * Chunks wait in a queue until `next` asks. A body that lies in one chunk is read where it lies. Any other is
 * assembled: its pieces are copied as they are met into a buffer that grows with what has arrived, never with
 * what was announced, so that a peer cannot make us hold memory that it did not send. The buffer at least
 * doubles when it grows, which keeps the copying linear however small the chunks are. Who reads into its `space`
 * saves the copying: of payloads of 64 KiB, one behind the other, receiving takes a quarter less.
 *
 * What can be refused is refused at the first byte that shows it: type, direction and flags at the first byte
 * of a packet, a size over the limit at the last byte of Remaining Length.
 */
import { readAuth } from './auth.ts';
import { readDisconnect } from './disconnect.ts';
import { MalformedPacketError } from './errors.ts';
import { fixedFlags, maySend, type PacketSender, PacketType } from './packet-type.ts';
import type { Packet } from './packets.ts';
import { noProperties } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { publishFlagsProblem, readPublish } from './publish.ts';
import { isAcknowledgement, readAcknowledge } from './publish-ack.ts';
import { Reader } from './reader.ts';
import { ReasonCode } from './reason-code.ts';
import { variableByteIntegerSize } from './variable-byte-integer.ts';

/** Reads a packet that only the other end sends. */
export type ReadOther = (reader: Reader) => Packet;

/** The first allocation for a body in pieces; smaller bodies have their size. */
const smallestAssembly = 256;

/** What it grows to at most by the size of the body before: who has sent large packets sends more of them. */
const largestFirstAssembly = 131_072;

/** Less is not worth a read of its own. */
const smallestSpace = 4_096;

/** Up to this many bytes a loop is quicker than making the view that a copy in one piece needs. */
const fewBytes = 16;

const noBytes = new Uint8Array(0);

/** Turns a stream of bytes, chunked in any way, into packets. One decoder belongs to one connection. */
export class StreamDecoder {
  readonly #maximumPacketSize: number;
  readonly #reader: Reader;
  readonly #readOther: ReadOther;
  #error: MalformedPacketError | undefined = undefined;

  // Received and not yet read: `#chunk` from `#offset` on, then the queue from `#queueIndex` on.
  #chunk: Uint8Array = noBytes;
  #offset = 0;
  #queue: Uint8Array[] = [];
  #queueIndex = 0;

  // The fixed header of the packet under way. Type 0 is reserved, so a first byte of 0 means: between packets.
  #firstByte = 0;
  #remainingLength = 0;
  #lengthBytes = 0;
  #incomplete = false;

  // The pieces of a body that does not lie in one chunk.
  #assembly: Uint8Array = noBytes;
  #assembled = 0;
  #firstAssembly = smallestAssembly;

  /**
   * @param version the version to read by.
   * @param sender the other end.
   * @param readOther reads what that end alone sends.
   * @param maximumPacketSize larger packets are refused.
   */
  constructor(
    version: ProtocolVersion,
    sender: PacketSender,
    readOther: ReadOther,
    maximumPacketSize: number,
  ) {
    this.#reader = new Reader(version, sender);
    this.#readOther = readOther;
    this.#maximumPacketSize = maximumPacketSize;
  }

  /** The size of the packet under way is known and it is not complete. */
  get incomplete(): boolean {
    return this.#incomplete;
  }

  /**
   * Memory for the next bytes, where a large packet is under way: read into from its start on, and pushed, they need not
   * be copied. It holds until the next `push`.
   */
  get space(): Uint8Array | undefined {
    const assembled = this.#assembled;
    if (assembled === 0 || this.#assembly.length - assembled < smallestSpace) return undefined;
    return this.#assembly.subarray(assembled);
  }

  /**
   * Hands over received bytes. They are kept by reference and must not change afterwards.
   * After an error they are ignored.
   */
  push(chunk: Uint8Array): void {
    if (this.#error !== undefined || chunk.length === 0) return;
    if (this.#isInSpace(chunk)) {
      this.#assembled += chunk.length;
      return;
    }
    const bytes = plainView(chunk);
    if (this.#offset === this.#chunk.length && this.#queueIndex === this.#queue.length) {
      this.#chunk = bytes;
      this.#offset = 0;
    } else {
      this.#queue.push(bytes);
    }
  }

  /**
   * The next complete packet, or `undefined` when more bytes are needed.
   * Payloads and binary properties are views on the pushed chunks where a packet lies in one chunk.
   * @throws MalformedPacketError with the reason code for the breach; the decoder stays unusable after it
   * and throws the same error again.
   */
  next(): Packet | undefined {
    if (this.#error !== undefined) throw this.#error;
    try {
      const usual = this.#firstByte === 0 ? this.#readUsual() : undefined;
      if (usual !== undefined) return usual;
      if (!this.#incomplete && !this.#readFixedHeader()) return undefined;
      return this.#readBody();
    } catch (error) {
      if (error instanceof MalformedPacketError) this.#fail(error);
      throw error;
    }
  }

  /**
   * Reads what nearly all packets are, in one step: PUBLISH, or an acknowledgement without reason and properties, whole
   * in the chunk. What is unusual or wrong about the fixed header of any other is left to the general way, untouched.
   * Receiving at QoS 0 takes a tenth less with it, and acknowledgements are read in half the time.
   */
  #readUsual(): Packet | undefined {
    const chunk = this.#chunk;
    const start = this.#offset;
    if (start + 4 > chunk.length) return undefined;
    const firstByte = chunk[start]!;
    const type = firstByte >> 4;
    let length = chunk[start + 1]!;
    if (type === PacketType.publish) {
      let body = start + 2;
      if (length >= 0x80) {
        const high = chunk[body]!;
        if (high === 0 || high >= 0x80) return undefined;
        length = (length & 0x7f) | (high << 7);
        body += 1;
      }
      const end = body + length;
      if (end > chunk.length || end - start > this.#maximumPacketSize) return undefined;
      if (publishFlagsProblem(firstByte & 0x0f) !== undefined) return undefined;
      const reader = this.#reader;
      reader.begin(PacketType.publish, chunk, body, end);
      const packet = readPublish(reader, firstByte & 0x0f);
      this.#offset = end;
      return packet;
    }
    if (length !== 2 || !isAcknowledgement(type)) return undefined;
    if ((firstByte & 0x0f) !== fixedFlags(type) || this.#maximumPacketSize < 4) return undefined;
    const packetIdentifier = (chunk[start + 2]! << 8) | chunk[start + 3]!;
    if (packetIdentifier === 0) return undefined;
    this.#offset = start + 4;
    return { type, packetIdentifier, reasonCode: ReasonCode.success, properties: noProperties };
  }

  /** Reads the fixed header as far as it has arrived; `true` when it is complete. */
  #readFixedHeader(): boolean {
    if (this.#firstByte === 0) {
      if (!this.#haveByte()) return false;
      const firstByte = this.#chunk[this.#offset]!;
      this.#checkFirstByte(firstByte);
      this.#offset += 1;
      this.#firstByte = firstByte;
      this.#remainingLength = 0;
      this.#lengthBytes = 0;
    }
    for (;;) {
      if (!this.#haveByte()) return false;
      const byte = this.#chunk[this.#offset]!;
      this.#offset += 1;
      this.#remainingLength |= (byte & 0x7f) << (7 * this.#lengthBytes);
      this.#lengthBytes += 1;
      if (byte < 0x80) break;
      if (this.#lengthBytes === 4) {
        this.#refuse(
          ReasonCode.malformedPacket,
          'Remaining Length goes on after its fourth byte, expected at most four',
        );
      }
    }
    this.#checkRemainingLength();
    this.#incomplete = true;
    return true;
  }

  /** Reads the body if all of it has arrived. */
  #readBody(): Packet | undefined {
    const length = this.#remainingLength;
    if (this.#assembled === 0) {
      if (length > 0 && !this.#haveByte()) return undefined;
      const start = this.#offset;
      const end = start + length;
      if (end <= this.#chunk.length) {
        this.#offset = end;
        return this.#readPacket(this.#chunk, start, end);
      }
    }
    while (this.#assembled < length) {
      if (!this.#haveByte()) return undefined;
      this.#assemble();
    }
    const body = this.#assembly;
    this.#assembly = noBytes;
    this.#assembled = 0;
    this.#firstAssembly = Math.min(Math.max(length, smallestAssembly), largestFirstAssembly);
    return this.#readPacket(body, 0, length);
  }

  /** Copies what the chunk has of the body. */
  #assemble(): void {
    const chunk = this.#chunk;
    const start = this.#offset;
    const end = Math.min(chunk.length, start + this.#remainingLength - this.#assembled);
    const assembled = this.#assembled + end - start;
    if (assembled > this.#assembly.length) {
      const size = Math.max(2 * assembled, this.#firstAssembly);
      const larger = new Uint8Array(Math.min(size, this.#remainingLength));
      larger.set(this.#assembly);
      this.#assembly = larger;
    }
    copy(chunk, start, end, this.#assembly, this.#assembled);
    this.#assembled = assembled;
    this.#offset = end;
  }

  /** Whether it lies there already, behind what has come of the body. */
  #isInSpace({ buffer, byteOffset }: Uint8Array): boolean {
    const assembled = this.#assembled;
    return assembled > 0 && buffer === this.#assembly.buffer && byteOffset === assembled;
  }

  #readPacket(bytes: Uint8Array, start: number, end: number): Packet {
    const reader = this.#reader;
    const firstByte = this.#firstByte;
    reader.begin((firstByte >> 4) as PacketType, bytes, start, end);
    const packet = readPacket(reader, firstByte & 0x0f, this.#readOther);
    reader.release();
    if (packet.type === PacketType.connect) this.#checkShortestForm();
    this.#firstByte = 0;
    this.#incomplete = false;
    return packet;
  }

  /** What the first byte gives away: a reserved type, a packet for the other end, wrong flags. */
  #checkFirstByte(firstByte: number): void {
    const { sender, version } = this.#reader;
    const type = firstByte >> 4;
    const flags = firstByte & 0x0f;
    if (type === 0) {
      throw new MalformedPacketError(
        ReasonCode.malformedPacket,
        'packet type is 0, which is reserved, expected 1 to 15',
      );
    }
    this.#reader.packetType = type as PacketType;
    if (type === PacketType.auth && version === '3.1.1') {
      this.#refuse(ReasonCode.malformedPacket, 'packet type is 15, expected 1 to 14 in 3.1.1');
    }
    if (!maySend(sender, type as PacketType, version)) {
      this.#refuse(
        ReasonCode.protocolError,
        `a ${sender} may not send it in ${version}, expected it from the other end only`,
      );
    }
    if (type === PacketType.publish) {
      const problem = publishFlagsProblem(flags);
      if (problem !== undefined) this.#refuse(ReasonCode.malformedPacket, problem);
    } else if (flags !== fixedFlags(type)) {
      // [MQTT-2.1.3-1] [MQTT3-2.2.2-2]
      this.#refuse(
        ReasonCode.malformedPacket,
        `flags are ${binary(flags)}, expected ${binary(fixedFlags(type))}`,
      );
    }
  }

  #checkRemainingLength(): void {
    const { packetType, version } = this.#reader;
    const length = this.#remainingLength;
    const expected = onlyRemainingLength(packetType, version);
    if (expected !== undefined && length !== expected) {
      this.#refuse(
        ReasonCode.malformedPacket,
        `Remaining Length is ${length}, expected ${expected}`,
      );
    }
    // The version of a CONNECT is not known yet.
    if (packetType !== PacketType.connect) this.#checkShortestForm();
    const size = 1 + this.#lengthBytes + length;
    if (size > this.#maximumPacketSize) {
      this.#refuse(
        ReasonCode.packetTooLarge,
        `packet size is ${size}, expected at most ${this.#maximumPacketSize}`,
      );
    }
  }

  /** 3.1.1 does not say that Remaining Length has its shortest form. [MQTT-1.5.5-1] */
  #checkShortestForm(): void {
    const shortest = variableByteIntegerSize(this.#remainingLength);
    if (this.#lengthBytes > shortest && this.#reader.version === '5.0') {
      this.#refuse(
        ReasonCode.malformedPacket,
        `Remaining Length has ${this.#lengthBytes} bytes, expected the shortest form of ${shortest}`,
      );
    }
  }

  #refuse(reasonCode: number, problem: string): never {
    return this.#reader.fail(reasonCode, problem);
  }

  /** After a breach nothing is read any more, and nothing is held. */
  #fail(error: MalformedPacketError): void {
    this.#error = error;
    this.#incomplete = false;
    this.#chunk = noBytes;
    this.#offset = 0;
    this.#queue = [];
    this.#queueIndex = 0;
    this.#assembly = noBytes;
    this.#assembled = 0;
    this.#reader.release();
  }

  /** Whether there is an unread byte at `#offset` of `#chunk`, which moves on to the next chunk where one is used up. */
  #haveByte(): boolean {
    if (this.#offset < this.#chunk.length) return true;
    this.#offset = 0;
    if (this.#queueIndex < this.#queue.length) {
      this.#chunk = this.#queue[this.#queueIndex]!;
      this.#queueIndex += 1;
      // Used chunks are cut off in bulk: one by one would take time for each chunk behind them.
      if (2 * this.#queueIndex > this.#queue.length) {
        this.#queue.splice(0, this.#queueIndex);
        this.#queueIndex = 0;
      }
      return true;
    }
    this.#chunk = noBytes;
    // Until here all packets of a chunk are read through the same views.
    this.#reader.release();
    this.#queue = [];
    this.#queueIndex = 0;
    return false;
  }
}

function readPacket(reader: Reader, flags: number, readOther: ReadOther): Packet {
  const type = reader.packetType;
  switch (type) {
    case PacketType.publish:
      return readPublish(reader, flags);
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
      return readAcknowledge(reader, type);
    case PacketType.disconnect:
      return readDisconnect(reader);
    case PacketType.auth:
      return readAuth(reader);
    default:
      return readOther(reader);
  }
}

/** The Remaining Length of a packet that can have no other, or `undefined`. */
function onlyRemainingLength(type: PacketType, version: ProtocolVersion): number | undefined {
  if (type === PacketType.pingreq || type === PacketType.pingresp) return 0;
  if (version === '5.0') return undefined;
  switch (type) {
    case PacketType.connack:
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
    case PacketType.unsuback:
      return 2;
    case PacketType.disconnect:
      return 0;
    default:
      return undefined;
  }
}

function binary(flags: number): string {
  return flags.toString(2).padStart(4, '0');
}

/**
 * The chunk itself, or the same bytes as a plain Uint8Array: views on a `Buffer` would be `Buffer`s, which are
 * slower to make and behave differently (`toString`, `slice`) from what a browser gives.
 */
function plainView(chunk: Uint8Array): Uint8Array {
  return chunk.constructor === Uint8Array
    ? chunk
    : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

function copy(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
): void {
  if (end - start > fewBytes) {
    target.set(source.subarray(start, end), offset);
    return;
  }
  for (let index = start; index < end; index += 1) {
    target[offset + index - start] = source[index]!;
  }
}
