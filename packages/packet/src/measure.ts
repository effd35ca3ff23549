import { InvalidPacketError } from './errors.ts';
import { type PacketSender, PacketType, packetTitle } from './packet-type.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { topicFilterShapeProblem, topicNameShapeProblem } from './topic.ts';
import { maximumStringSize, utf8Size } from './utf8-string.ts';
import { maximumVariableByteInteger, variableByteIntegerSize } from './variable-byte-integer.ts';
import type { Writer } from './writer.ts';

/** Larger payloads are held by reference in place of being copied. */
const largestCopiedPayload = 16 * 1024;

/**
 * Counts the bytes of a packet and refuses, by name, every value that has no place on the wire.
 *
 * Nearly all text is ASCII, and looking at each of its characters is most of the work. So text may first be
 * counted as if it were ASCII; whoever writes it finds out, and then has it measured exactly. What else cannot
 * be sent is refused either way.
 */
export class Measure implements Writer {
  readonly version: ProtocolVersion;
  /** Whose packets these are; `undefined` takes those of both ends. */
  readonly sender: PacketSender | undefined;
  /** Text was counted at one byte a character, without a look at it. */
  assumesAscii = false;
  /** Bytes after the fixed header, so far. */
  size = 0;
  /** How many of them are held by reference. */
  referencedSize = 0;
  /** The lengths of the blocks in the packet, in order: no packet has more than CONNECT, which has two. */
  readonly blockSizes: number[] = [0, 0];
  private blocks = 0;
  private packetType: PacketType = PacketType.connect;

  constructor(version: ProtocolVersion, sender?: PacketSender) {
    this.version = version;
    this.sender = sender;
  }

  begin(packetType: PacketType, assumesAscii: boolean): void {
    this.packetType = packetType;
    this.assumesAscii = assumesAscii;
    this.size = 0;
    this.referencedSize = 0;
    this.blocks = 0;
  }

  byte(field: string, value: number): void {
    this.integer(field, value, 0, 0xff);
    this.size += 1;
  }

  twoByteInteger(field: string, value: number): void {
    this.integer(field, value, 0, 0xffff);
    this.size += 2;
  }

  fourByteInteger(field: string, value: number): void {
    this.integer(field, value, 0, 0xffff_ffff);
    this.size += 4;
  }

  variableByteInteger(field: string, value: number): void {
    this.integer(field, value, 0, maximumVariableByteInteger);
    this.size += variableByteIntegerSize(value);
  }

  string(field: string, text: string): void {
    this.text(field, text);
    const size =
      this.assumesAscii && text.length <= maximumStringSize ? text.length : utf8Size(text);
    if (typeof size === 'string') this.fail(`${field} ${size}`);
    this.size += 2 + size;
  }

  binary(field: string, bytes: Uint8Array): void {
    this.bytes(field, bytes);
    if (bytes.length > 0xffff) {
      this.fail(`${field} is ${bytes.length} bytes long, expected at most 65535`);
    }
    this.size += 2 + bytes.length;
  }

  payload(bytes: Uint8Array): void {
    this.bytes('payload', bytes);
    this.size += bytes.length;
    if (bytes.length > largestCopiedPayload) this.referencedSize += bytes.length;
  }

  beginBlock(): number {
    this.blocks += 1;
    return this.size;
  }

  endBlock(begin: number): void {
    const size = this.size - begin;
    this.blockSizes[this.blocks - 1] = size;
    this.variableByteInteger('property length', size);
  }

  /** Refuses a packet whose Remaining Length has no Variable Byte Integer. */
  finish(): void {
    if (this.size > maximumVariableByteInteger) {
      this.fail(
        `Remaining Length is ${this.size} bytes, expected at most ${maximumVariableByteInteger}`,
      );
    }
  }

  /** Refuses what is not an integer from `least` to `most`. */
  integer(field: string, value: number | undefined, least: number, most: number): void {
    if (!Number.isInteger(value) || value! < least || value! > most) {
      this.fail(`${field} is ${describe(value)}, expected an integer from ${least} to ${most}`);
    }
  }

  /** Refuses what is no topic name. What holds for all text is checked when it is measured. */
  topicName(field: string, topicName: string): void {
    this.text(field, topicName);
    const problem = topicNameShapeProblem(topicName);
    if (problem !== undefined) this.fail(`${field} ${problem}`);
  }

  /** Refuses what is no topic filter. What holds for all text is checked when it is measured. */
  topicFilter(field: string, topicFilter: string): void {
    this.text(field, topicFilter);
    const problem = topicFilterShapeProblem(topicFilter);
    if (problem !== undefined) this.fail(`${field} ${problem}`);
  }

  fail(problem: string): never {
    throw new InvalidPacketError(`${packetTitle(this.packetType)}: ${problem}`);
  }

  private text(field: string, text: string): void {
    if (typeof text !== 'string') this.fail(`${field} is ${describe(text)}, expected a string`);
  }

  private bytes(field: string, bytes: Uint8Array): void {
    // Not by `instanceof`: a Uint8Array of another realm (a frame, a test environment) is as good.
    if (!ArrayBuffer.isView(bytes) || bytes.BYTES_PER_ELEMENT !== 1) {
      // Its content is not shown, since it may be a password.
      this.fail(`${field} is of type ${typeof bytes}, expected a Uint8Array`);
    }
  }
}

/** A value of the wrong kind, short enough for a message. */
function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return value === null || typeof value !== 'object' ? String(value) : typeof value;
}
