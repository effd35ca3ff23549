/** Cuts streams of bytes into packets. (2.1.4) */
import { readVariable, variableBytes } from './property-bytes.ts';

/** Bytes that come in pieces; a packet is joined once, when it is whole. */
export class PacketStream {
  #pieces: Uint8Array[] = [];
  #length = 0;
  /** How many bytes there must be for the next packet to be whole, as far as it is known. */
  #needed = 2;

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** The next one, when it is whole. */
  next(): Uint8Array | undefined {
    while (this.#length >= this.#needed) {
      const joined = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
      this.#pieces = [joined];
      const size = packetSize(joined);
      if (size === undefined) {
        this.#needed = this.#length + 1;
      } else if (size > this.#length) {
        this.#needed = size;
      } else {
        this.#length -= size;
        this.#pieces = this.#length === 0 ? [] : [joined.subarray(size)];
        this.#needed = 2;
        return joined.subarray(0, size);
      }
    }
    return undefined;
  }

  /** Those that are whole. */
  *packets(): Generator<Uint8Array, void> {
    for (let packet = this.next(); packet !== undefined; packet = this.next()) yield packet;
  }

  /** Whether what has come cannot be the beginning of a packet: its length goes on and on. */
  get isBroken(): boolean {
    if (this.#length < 5) return false;
    const head = Buffer.concat(this.#pieces).subarray(1, 5);
    return head.every((byte) => byte > 0x7f);
  }
}

/** Of the packet that stands first, as soon as its length is known. */
function packetSize(bytes: Uint8Array): number | undefined {
  const lastOfLength = bytes.subarray(1, 5).findIndex((byte) => byte < 0x80);
  if (lastOfLength < 0) return undefined;
  const [remaining, start] = readVariable(bytes, 1);
  return start + remaining;
}

/** A packet with this first byte, of these parts. */
export function packetOf(firstByte: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.of(firstByte), variableBytes(length), ...parts]);
}
