import type { Measure } from './measure.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { encodeAscii, encodeUtf8 } from './utf8-string.ts';
import type { Writer } from './writer.ts';

/** Writes the fields of a measured packet into room that is known to be large enough. */
export class ByteWriter implements Writer {
  readonly version: ProtocolVersion;
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  /** Text was not ASCII though the measure assumed it: what was written is of no use. */
  misfit = false;
  private readonly measure: Measure;
  private blocks = 0;

  constructor(measure: Measure) {
    this.version = measure.version;
    this.measure = measure;
  }

  fixedHeader(firstByte: number, remainingLength: number): void {
    this.blocks = 0;
    this.misfit = false;
    this.byte('first byte', firstByte);
    this.variableByteInteger('Remaining Length', remainingLength);
  }

  byte(_field: string, value: number): void {
    this.bytes[this.offset] = value;
    this.offset += 1;
  }

  twoByteInteger(_field: string, value: number): void {
    const offset = this.offset;
    this.bytes[offset] = value >> 8;
    this.bytes[offset + 1] = value;
    this.offset = offset + 2;
  }

  fourByteInteger(field: string, value: number): void {
    this.twoByteInteger(field, value >>> 16);
    this.twoByteInteger(field, value & 0xffff);
  }

  variableByteInteger(field: string, value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte(field, (rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.byte(field, rest);
  }

  string(field: string, text: string): void {
    const start = this.offset + 2;
    let end = start + text.length;
    if (!this.measure.assumesAscii) {
      end = encodeUtf8(text, this.bytes, start);
    } else if (!encodeAscii(text, this.bytes, start)) {
      this.misfit = true;
    }
    this.twoByteInteger(field, end - start);
    this.offset = end;
  }

  binary(field: string, bytes: Uint8Array): void {
    this.twoByteInteger(field, bytes.length);
    this.bytes.set(bytes, this.offset);
    this.offset += bytes.length;
  }

  payload(bytes: Uint8Array): void {
    if (this.measure.referencedSize > 0) return; // It follows as a chunk of its own.
    this.bytes.set(bytes, this.offset);
    this.offset += bytes.length;
  }

  beginBlock(): number {
    const size = this.measure.blockSizes[this.blocks]!;
    this.blocks += 1;
    this.variableByteInteger('property length', size);
    return this.offset;
  }

  endBlock(_begin: number): void {}
}
