/**
 * What packets are written to. Each packet has one function that names its fields in order; it runs twice:
 * over a `Measure`, which refuses what cannot be sent and counts, and over a `ByteWriter`, which puts the
 * bytes into room of exactly that size. So nothing is half written, and lengths are right by construction.
 */
import type { ProtocolVersion } from './protocol-version.ts';

export interface Writer {
  readonly version: ProtocolVersion;
  byte(field: string, value: number): void;
  twoByteInteger(field: string, value: number): void;
  fourByteInteger(field: string, value: number): void;
  variableByteInteger(field: string, value: number): void;
  string(field: string, text: string): void;
  binary(field: string, bytes: Uint8Array): void;
  /** Application bytes to the end of the packet, without a length of their own. */
  payload(bytes: Uint8Array): void;
  /** What follows up to `endBlock` has its length in front, as a Variable Byte Integer. */
  beginBlock(): number;
  endBlock(begin: number): void;
}
