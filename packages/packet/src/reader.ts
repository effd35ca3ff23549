/**
 * A cursor over the bytes of one packet. It never passes the end, and whatever it cannot read becomes a
 * `MalformedPacketError` that names the packet, the field, what was found and what was expected.
 */
import { MalformedPacketError } from './errors.ts';
import { knownTopicName, rememberTopicName } from './known-topic-names.ts';
import { type PacketSender, PacketType, packetTitle } from './packet-type.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { ReasonCode } from './reason-code.ts';
import { topicNameShapeProblem } from './topic.ts';
import { decodeUtf8 } from './utf8-string.ts';

const noBytes = new Uint8Array(0);
const noWords = new DataView(noBytes.buffer);

export class Reader {
  version: ProtocolVersion;
  readonly sender: PacketSender;
  packetType: PacketType = PacketType.connect;
  /** Where the next field begins. */
  offset = 0;
  /** Where the packet ends, or the block of properties that is being read. */
  end = 0;
  private bytes: Uint8Array = noBytes;
  /** The memory of `bytes`, asked for once: a view is made in half the time then, and nearly every packet needs one. */
  private buffer: ArrayBufferLike = noBytes.buffer;
  /** Where they begin in it. */
  private base = 0;
  /** `bytes` as words, which are compared in half the time of bytes. */
  private words: DataView = noWords;

  constructor(version: ProtocolVersion, sender: PacketSender) {
    this.version = version;
    this.sender = sender;
  }

  /** Takes on the bytes of another packet, its fixed header left out. */
  begin(packetType: PacketType, bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.bytes) this.hold(bytes);
    this.packetType = packetType;
    this.offset = start;
    this.end = end;
  }

  /** Lets go of the bytes, so that they do not outlive their packets here. */
  release(): void {
    this.bytes = noBytes;
    this.buffer = noBytes.buffer;
    this.words = noWords;
  }

  byte(field: string): number {
    if (this.offset >= this.end) this.failShort(field, 1);
    const value = this.bytes[this.offset]!;
    this.offset += 1;
    return value;
  }

  twoByteInteger(field: string): number {
    const offset = this.offset;
    if (offset + 2 > this.end) this.failShort(field, 2);
    this.offset = offset + 2;
    return (this.bytes[offset]! << 8) | this.bytes[offset + 1]!;
  }

  fourByteInteger(field: string): number {
    const high = this.twoByteInteger(field);
    // Multiplied, since a shift would make values from 2^31 on negative.
    return high * 0x10000 + this.twoByteInteger(field);
  }

  variableByteInteger(field: string): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte(field);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) {
          this.malformed(`${field} is longer than need be, expected the shortest form`); // [MQTT-1.5.5-1]
        }
        return value;
      }
    }
    return this.malformed(`${field} goes on after its fourth byte, expected at most four`);
  }

  string(field: string): string {
    const start = this.skipSized(field);
    const text = decodeUtf8(this.bytes, start, this.offset);
    if (text === undefined) {
      this.malformed(`${field} is ill-formed UTF-8, expected well-formed without surrogates`); // [MQTT-1.5.4-1]
    }
    const nul = text.indexOf('\0');
    if (nul >= 0) this.malformed(`${field} has U+0000 at index ${nul}, expected none`); // [MQTT-1.5.4-2]
    return text;
  }

  /** A topic name that may be sent: not checked again where the same was checked before. */
  topicName(field: string): string {
    const start = this.offset + 2;
    const { bytes } = this;
    if (start <= this.end) {
      const end = start + ((bytes[start - 2]! << 8) | bytes[start - 1]!);
      const known = end <= this.end ? knownTopicName(this.words, start, end - start) : undefined;
      if (known !== undefined) {
        this.offset = end;
        return known;
      }
    }
    return this.unknownTopicName(field);
  }

  /** Passes a Property Length of 0, which nearly every packet has. */
  passNoProperties(): boolean {
    if (this.offset >= this.end || this.bytes[this.offset] !== 0) return false;
    this.offset += 1;
    return true;
  }

  binary(field: string): Uint8Array {
    const start = this.skipSized(field);
    return this.view(start, this.offset);
  }

  /** All bytes that are left. */
  rest(): Uint8Array {
    const start = this.offset;
    this.offset = this.end;
    return this.view(start, this.end);
  }

  /** In each packet that has one it is not zero. [MQTT-2.2.1-3] [MQTT3-2.3.1-1] */
  packetIdentifier(): number {
    const identifier = this.twoByteInteger('packet identifier');
    if (identifier === 0) this.protocolError('packet identifier is 0, expected 1 to 65535');
    return identifier;
  }

  /** Bytes after the last field make a packet malformed. */
  finish(): void {
    const left = this.end - this.offset;
    if (left > 0) this.malformed(`bytes left after the last field: ${left}, expected 0`);
  }

  malformed(problem: string): never {
    return this.fail(ReasonCode.malformedPacket, problem);
  }

  protocolError(problem: string): never {
    return this.fail(ReasonCode.protocolError, problem);
  }

  fail(reasonCode: number, problem: string): never {
    throw new MalformedPacketError(reasonCode, `${packetTitle(this.packetType)}: ${problem}`);
  }

  /** A view on the packet's bytes, but for nothing: that would hold on to the whole chunk. */
  private view(start: number, end: number): Uint8Array {
    if (start === end) return noBytes;
    // What `subarray` does, in half its time: it looks for a species first.
    return new Uint8Array(this.buffer, this.base + start, end - start);
  }

  private hold(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.buffer = bytes.buffer;
    this.base = bytes.byteOffset;
    this.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  private unknownTopicName(field: string): string {
    const start = this.offset + 2;
    const name = this.string(field);
    if (name === '') return name;
    const problem = topicNameShapeProblem(name);
    if (problem !== undefined) this.fail(ReasonCode.topicNameInvalid, `${field} ${problem}`); // [MQTT-3.3.2-2]
    rememberTopicName(name, this.words, start, this.offset - start);
    return name;
  }

  /** Passes a field with its two length bytes, and returns where its content begins; it ends at `offset`. */
  private skipSized(field: string): number {
    const size = this.twoByteInteger(field);
    const start = this.offset;
    if (start + size > this.end) this.failShort(field, size);
    this.offset = start + size;
    return start;
  }

  private failShort(field: string, expected: number): never {
    const left = this.end - this.offset;
    return this.malformed(`bytes left for ${field}: ${left}, expected ${expected}`);
  }
}
