/** Packets seen on one link, over all its connections, in the order in which each side sent them. */
import { PacketType } from '@mqtt-kit/packet';

export interface WireEvent {
  readonly fromServer: boolean;
  readonly connection: number;
  readonly type: number;
  /** The packet identifier; of a CONNACK whether it says Session Present; of a CONNECT whether it says Clean Start. */
  readonly identifier: number;
  /** The number that a PUBLISH carries; -1 for others. */
  readonly number: number;
  /** When it was seen, in milliseconds since 1970. */
  readonly atMs: number;
}

export class WireTrace {
  readonly events: WireEvent[] = [];
  /** Packets of exchanges of messages so far. */
  exchanged = 0;
  readonly #version: '3.1.1' | '5.0';

  constructor(version: '3.1.1' | '5.0') {
    this.#version = version;
  }

  /** Takes the bytes of one direction of one connection, and tells the types of the packets they complete. */
  tap(connection: number, fromServer: boolean): (chunk: Buffer) => void {
    let rest: Buffer = Buffer.alloc(0);
    return (chunk) => {
      rest = rest.byteLength === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        const length = variableByteInteger(rest, 1);
        if (length === undefined || rest.byteLength < length.end + length.value) return;
        const body = rest.subarray(length.end, length.end + length.value);
        this.#packet(connection, fromServer, rest.readUInt8(0), body);
        rest = rest.subarray(length.end + length.value);
      }
    };
  }

  #packet(connection: number, fromServer: boolean, first: number, body: Buffer): void {
    const type = first >> 4;
    let identifier = 0;
    let number = -1;
    if (type === PacketType.publish) {
      let at = 2 + body.readUInt16BE(0);
      if ((first & 0x06) !== 0) {
        identifier = body.readUInt16BE(at);
        at += 2;
      }
      if (this.#version === '5.0') {
        const properties = variableByteInteger(body, at);
        at = (properties?.end ?? at) + (properties?.value ?? 0);
      }
      number = Number.parseInt(body.toString('latin1', at, at + 16), 10);
    } else if (type >= PacketType.puback && type <= PacketType.pubcomp) {
      identifier = body.readUInt16BE(0);
    } else if (type === PacketType.connack) {
      identifier = body.readUInt8(0);
    } else if (type === PacketType.connect) {
      // Behind the name of the protocol and its version come the flags.
      identifier = (body.readUInt8(7) >> 1) & 1;
    }
    const atMs = performance.timeOrigin + performance.now();
    if (type >= PacketType.publish && type <= PacketType.pubcomp) this.exchanged += 1;
    this.events.push({ fromServer, connection, type, identifier, number, atMs });
  }
}

function variableByteInteger(
  bytes: Buffer,
  start: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let place = 0; place < 4; place++) {
    const byte = bytes[start + place];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 128 ** place;
    if (byte < 0x80) return { value, end: start + place + 1 };
  }
  throw new Error('a remaining length of more than four bytes');
}
