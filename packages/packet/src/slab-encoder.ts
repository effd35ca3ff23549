/**
 * Turning packets into bytes. A packet is first measured, which also refuses what cannot be sent; only then is
 * anything written, into room of the right size. So a failure leaves everything as it was.
 */
import { checkAuth, writeAuth } from './auth.ts';
import { ByteWriter } from './byte-writer.ts';
import { checkDisconnect, writeDisconnect } from './disconnect.ts';
import { InvalidPacketError } from './errors.ts';
import { Measure } from './measure.ts';
import { fixedFlags, maySend, type PacketSender, PacketType } from './packet-type.ts';
import type { AcknowledgePacket, Packet, PublishPacket } from './packets.ts';
import { plainRemainingLength, writePlainPublish } from './plain-publish.ts';
import { noProperties } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { checkPublish, publishFlags, writePublish } from './publish.ts';
import { checkAcknowledge, isAcknowledgement, writeAcknowledge } from './publish-ack.ts';
import type { QoS } from './qos.ts';
import { ReasonCode } from './reason-code.ts';
import { SlabRegion } from './slab.ts';
import { variableByteIntegerSize } from './variable-byte-integer.ts';
import type { Writer } from './writer.ts';

/** What is known of packets that only one end sends. */
export interface OtherPackets {
  /** Refuses what the fields say together, and every packet that is none of these. */
  check(measure: Measure, packet: Packet): void;
  /** Writes what follows the fixed header. */
  write(writer: Writer, packet: Packet): void;
}

/**
 * Encodes packets one after the other into slabs, so that all packets of one turn leave in one write.
 * Payloads up to 16 KiB are copied, larger ones are held by reference as chunks of their own.
 */
export class SlabEncoder {
  readonly version: ProtocolVersion;
  readonly #hasProperties: boolean;
  readonly #others: OtherPackets;
  readonly #measure: Measure;
  readonly #writer: ByteWriter;
  readonly #region = new SlabRegion();
  /** Complete chunks; the one under way is what the region holds from `#chunkStart` to the writer's offset. */
  #chunks: Uint8Array[] = [];
  #chunkStart = 0;
  #pendingBytes = 0;

  /**
   * @param version the version of every packet.
   * @param sender whose packets these are; `undefined` takes those of both ends.
   * @param others what that end alone sends.
   */
  constructor(version: ProtocolVersion, sender: PacketSender | undefined, others: OtherPackets) {
    this.version = version;
    this.#hasProperties = version === '5.0';
    this.#others = others;
    this.#measure = new Measure(version, sender);
    this.#writer = new ByteWriter(this.#measure);
  }

  /** Bytes encoded and not yet taken. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Where the last packet was written, unless its payload is a chunk of its own, and where it ends there. */
  get writtenTo(): Uint8Array {
    return this.#writer.bytes;
  }

  get writtenEnd(): number {
    return this.#writer.offset;
  }

  /**
   * Appends one packet and returns its size in bytes.
   * Under 3.1.1 properties and subscription options but the QoS have no place on the wire and are left out.
   * @throws InvalidPacketError, leaving the bytes as they were, when a field cannot be put on the wire
   * (a string over 65,535 bytes, a lone surrogate, U+0000, a packet over 268,435,460 bytes, a property that
   * does not belong there, a refusal that 3.1.1 cannot express).
   */
  encode(packet: Packet): number {
    if (packet.type === PacketType.publish) {
      const size = this.#encodePlainPacket(packet);
      if (size > 0) return size;
    }
    const size =
      (saysSuccess(packet) && this.#writeSuccess(packet.type, packet.packetIdentifier)) ||
      this.#write(packet, true) ||
      this.#write(packet, false);
    this.#pendingBytes += size;
    return size;
  }

  /**
   * Appends a PUBACK, PUBREC, PUBREL or PUBCOMP that says nothing but success, and returns its size, or 0 and appends
   * nothing when its identifier is none: then `encode` is to be asked, which has the words for that.
   */
  encodeSuccess(type: AcknowledgePacket['type'], packetIdentifier: number): number {
    const size = this.#writeSuccess(type, packetIdentifier);
    this.#pendingBytes += size;
    return size;
  }

  /**
   * Appends a PUBLISH without properties and returns its size, or 0 and appends nothing when there is anything unusual
   * about it: then `encode` is to be asked, which has the words for what is wrong.
   * @param packetIdentifier 0 at QoS 0
   */
  encodePlainPublish(
    topic: string,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
    dup: boolean,
    packetIdentifier: number,
  ): number {
    const length = plainRemainingLength(topic, payload, qos, dup, packetIdentifier);
    if (length === 0) return 0;
    const hasProperties = this.#hasProperties;
    const remainingLength = hasProperties ? length + 1 : length;
    const size = (remainingLength < 0x80 ? 2 : 3) + remainingLength;
    this.#makeRoom(size);
    const writer = this.#writer;
    const { bytes, offset } = writer;
    if (
      !writePlainPublish(
        topic,
        payload,
        qos,
        retain,
        dup,
        packetIdentifier,
        hasProperties,
        remainingLength,
        bytes,
        offset,
      )
    )
      return 0;
    writer.offset = offset + size;
    this.#pendingBytes += size;
    return size;
  }

  /**
   * The bytes encoded since the last take, in order. The views may be kept, but not changed, since a message that is to
   * be sent again may be read from them; and their buffer must not be transferred, since others have parts of it.
   */
  take(): Uint8Array[] {
    this.#endChunk();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#region.release(this.#chunkStart);
    this.#writer.bytes = this.#region.bytes;
    this.#writer.offset = 0;
    this.#chunkStart = 0;
    this.#pendingBytes = 0;
    return chunks;
  }

  #encodePlainPacket(packet: PublishPacket): number {
    const { topic, payload, qos, retain, dup, packetIdentifier, properties } = packet;
    if (properties !== noProperties || packetIdentifier === 0) return 0;
    const identifier = packetIdentifier === undefined ? 0 : packetIdentifier;
    return this.encodePlainPublish(topic, payload, qos, retain, dup, identifier);
  }

  /** In the short form, in a sixth of the time of measuring it first. */
  #writeSuccess(type: AcknowledgePacket['type'], packetIdentifier: number): number {
    if (
      !(packetIdentifier >= 1 && packetIdentifier <= 0xffff && Number.isInteger(packetIdentifier))
    )
      return 0;
    this.#makeRoom(4);
    const writer = this.#writer;
    const { bytes, offset } = writer;
    bytes[offset] = (type << 4) | fixedFlags(type);
    bytes[offset + 1] = 2;
    bytes[offset + 2] = packetIdentifier >> 8;
    bytes[offset + 3] = packetIdentifier;
    writer.offset = offset + 4;
    return 4;
  }

  /** Appends a packet and returns its size, or 0 and appends nothing if its text is not ASCII as assumed. */
  #write(packet: Packet, assumesAscii: boolean): number {
    const measure = this.#measure;
    measurePacket(measure, packet, assumesAscii, this.#others);
    const size = 1 + variableByteIntegerSize(measure.size) + measure.size;
    this.#makeRoom(size - measure.referencedSize);
    const writer = this.#writer;
    const start = writer.offset;
    writer.fixedHeader(firstByte(packet), measure.size);
    writePacket(writer, packet, this.#others);
    if (writer.misfit) {
      writer.offset = start;
      return 0;
    }
    if (measure.referencedSize > 0) {
      this.#endChunk();
      this.#chunks.push((packet as PublishPacket).payload);
    }
    return size;
  }

  /** Lets the writer go on where `size` more bytes fit. */
  #makeRoom(size: number): void {
    const writer = this.#writer;
    const region = this.#region;
    if (region.grow(writer.offset + size)) return;
    this.#endChunk();
    region.open(size);
    writer.bytes = region.bytes;
    writer.offset = region.start;
    this.#chunkStart = region.start;
  }

  /** Makes a chunk of what was written since the last one. */
  #endChunk(): void {
    const { bytes, offset } = this.#writer;
    if (offset > this.#chunkStart) this.#chunks.push(bytes.subarray(this.#chunkStart, offset));
    this.#chunkStart = offset;
  }
}

function saysSuccess(packet: Packet): packet is AcknowledgePacket {
  if (!isAcknowledgement(packet.type)) return false;
  const { reasonCode, properties } = packet as AcknowledgePacket;
  return reasonCode === ReasonCode.success && properties === noProperties;
}

/** The size of a packet on the wire in bytes. Throws as `encode` does. */
export function measuredSize(
  packet: Packet,
  version: ProtocolVersion,
  others: OtherPackets,
): number {
  const measure = measures[version];
  measurePacket(measure, packet, false, others);
  return 1 + variableByteIntegerSize(measure.size) + measure.size;
}

const measures: Readonly<Record<ProtocolVersion, Measure>> = {
  '3.1.1': new Measure('3.1.1'),
  '5.0': new Measure('5.0'),
};

/** For callers without types, and for packets that only the other end sends. */
export function refusePacketType({ type }: Packet): never {
  throw new InvalidPacketError(`packet type is ${type}, expected 1 to 15`);
}

function measurePacket(
  measure: Measure,
  packet: Packet,
  assumesAscii: boolean,
  others: OtherPackets,
): void {
  measure.begin(packet.type, assumesAscii);
  const { sender, version } = measure;
  if (sender !== undefined && !maySend(sender, packet.type, version)) {
    measure.fail(`a ${sender} may not send it in ${version}, expected it from the other end only`);
  }
  checkPacket(measure, packet, others);
  writePacket(measure, packet, others);
  measure.finish();
}

function firstByte(packet: Packet): number {
  const flags =
    packet.type === PacketType.publish
      ? publishFlags(packet.qos, packet.retain, packet.dup)
      : fixedFlags(packet.type);
  return (packet.type << 4) | flags;
}

/** Refuses what the fields say together. What each says alone is refused when it is measured. */
function checkPacket(measure: Measure, packet: Packet, others: OtherPackets): void {
  switch (packet.type) {
    case PacketType.publish:
      checkPublish(measure, packet);
      break;
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
      checkAcknowledge(measure, packet);
      break;
    case PacketType.disconnect:
      checkDisconnect(measure, packet);
      break;
    case PacketType.auth:
      checkAuth(measure, packet);
      break;
    default:
      others.check(measure, packet);
  }
}

/** Writes what follows the fixed header. */
function writePacket(writer: Writer, packet: Packet, others: OtherPackets): void {
  switch (packet.type) {
    case PacketType.publish:
      writePublish(writer, packet);
      break;
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
      writeAcknowledge(writer, packet);
      break;
    case PacketType.disconnect:
      writeDisconnect(writer, packet);
      break;
    case PacketType.auth:
      writeAuth(writer, packet);
      break;
    default:
      others.write(writer, packet);
  }
}
