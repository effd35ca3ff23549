/**
 * What a client sent, taken apart by an independent reader: just enough of each packet for tests.
 */
import { inHex, type Version } from './bytes.ts';

export interface ClientPacket {
  readonly firstByte: number;
  /** The high nibble of the first byte. */
  readonly type: number;
  readonly flags: number;
  /** What follows the fixed header. */
  readonly body: Uint8Array;
}

/** Cuts whole packets off the front of what came. */
export class ClientStream {
  #rest: Uint8Array = new Uint8Array(0);

  push(chunk: Uint8Array): ClientPacket[] {
    const joined = new Uint8Array(this.#rest.length + chunk.length);
    joined.set(this.#rest);
    joined.set(chunk, this.#rest.length);
    const packets: ClientPacket[] = [];
    let at = 0;
    for (;;) {
      const header = fixedHeader(joined, at);
      if (header === undefined || joined.length < header.end) break;
      const firstByte = joined[at]!;
      packets.push({
        firstByte,
        type: firstByte >> 4,
        flags: firstByte & 0x0f,
        body: joined.slice(header.start, header.end),
      });
      at = header.end;
    }
    this.#rest = joined.slice(at);
    return packets;
  }

  /** Bytes of a packet that is not complete. */
  get rest(): Uint8Array {
    return this.#rest;
  }
}

function fixedHeader(data: Uint8Array, at: number): { start: number; end: number } | undefined {
  let length = 0;
  for (let index = 0; index < 4; index += 1) {
    const byte = data[at + 1 + index];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** index;
    if (byte < 0x80) {
      const start = at + 2 + index;
      return { start, end: start + length };
    }
  }
  throw new Error(`the client sent a Remaining Length of more than 4 bytes: ${inHex(data)}`);
}

/** Reads fields one after the other. */
export class Fields {
  at = 0;
  readonly data: Uint8Array;
  constructor(data: Uint8Array) {
    this.data = data;
  }
  get left(): number {
    return this.data.length - this.at;
  }
  u8(): number {
    return this.bytes(1)[0]!;
  }
  u16(): number {
    const [high, low] = this.bytes(2);
    return high! * 256 + low!;
  }
  u32(): number {
    return this.u16() * 65_536 + this.u16();
  }
  vbi(): number {
    let value = 0;
    for (let index = 0; index < 4; index += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * 128 ** index;
      if (byte < 0x80) return value;
    }
    throw new Error('the client sent a Variable Byte Integer of more than 4 bytes');
  }
  binary(): Uint8Array {
    return this.bytes(this.u16());
  }
  string(): string {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.binary());
  }
  bytes(count: number): Uint8Array {
    if (count > this.left)
      throw new Error(`the client sent a truncated packet: ${inHex(this.data)}`);
    this.at += count;
    return this.data.slice(this.at - count, this.at);
  }
}

export interface SentProperty {
  readonly id: number;
  readonly value: number | string | Uint8Array | readonly [string, string];
}

const byteProperties = [0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a];
const u16Properties = [0x13, 0x21, 0x22, 0x23];
const u32Properties = [0x02, 0x11, 0x18, 0x27];
const stringProperties = [0x03, 0x08, 0x12, 0x15, 0x1a, 0x1c, 0x1f];
const binaryProperties = [0x09, 0x16];

export function readProperties(fields: Fields): SentProperty[] {
  const length = fields.vbi();
  const end = fields.at + length;
  const found: SentProperty[] = [];
  while (fields.at < end) {
    const id = fields.vbi();
    if (byteProperties.includes(id)) found.push({ id, value: fields.u8() });
    else if (u16Properties.includes(id)) found.push({ id, value: fields.u16() });
    else if (u32Properties.includes(id)) found.push({ id, value: fields.u32() });
    else if (stringProperties.includes(id)) found.push({ id, value: fields.string() });
    else if (binaryProperties.includes(id)) found.push({ id, value: fields.binary() });
    else if (id === 0x0b) found.push({ id, value: fields.vbi() });
    else if (id === 0x26) found.push({ id, value: [fields.string(), fields.string()] });
    else throw new Error(`the client sent an unknown property 0x${id.toString(16)}`);
  }
  if (fields.at !== end) throw new Error('the client sent a property that runs past its block');
  return found;
}

export interface SentAcknowledgement {
  readonly type: number;
  readonly id: number;
  readonly reasonCode: number;
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP. */
export function readAcknowledgement(sent: ClientPacket): SentAcknowledgement {
  const fields = new Fields(sent.body);
  const id = fields.u16();
  const reasonCode = fields.left > 0 ? fields.u8() : 0;
  if (fields.left > 0) readProperties(fields);
  return { type: sent.type, id, reasonCode };
}

/** DISCONNECT: `undefined` for 3.1.1, which has no reason. */
export function readDisconnect(sent: ClientPacket): { reasonCode: number; props: SentProperty[] } {
  const fields = new Fields(sent.body);
  const reasonCode = fields.left > 0 ? fields.u8() : 0;
  const props = fields.left > 0 ? readProperties(fields) : [];
  if (fields.left > 0) throw new Error(`bytes behind DISCONNECT: ${inHex(sent.body)}`);
  return { reasonCode, props };
}

export interface SentPublish {
  readonly topic: string;
  readonly id: number | undefined;
  readonly qos: number;
  readonly dup: boolean;
  readonly retain: boolean;
  readonly props: SentProperty[];
  readonly payload: Uint8Array;
}

export function readPublish(version: Version, sent: ClientPacket): SentPublish {
  const fields = new Fields(sent.body);
  const qos = (sent.flags >> 1) & 3;
  const topic = fields.string();
  const id = qos > 0 ? fields.u16() : undefined;
  const props = version === '5.0' ? readProperties(fields) : [];
  const payload = fields.bytes(fields.left);
  return {
    topic,
    id,
    qos,
    dup: (sent.flags & 8) !== 0,
    retain: (sent.flags & 1) !== 0,
    props,
    payload,
  };
}

export interface SentSubscribe {
  readonly id: number;
  readonly props: SentProperty[];
  readonly filters: readonly { readonly filter: string; readonly options: number }[];
}

export function readSubscribe(version: Version, sent: ClientPacket): SentSubscribe {
  const fields = new Fields(sent.body);
  const id = fields.u16();
  const props = version === '5.0' ? readProperties(fields) : [];
  const filters: { filter: string; options: number }[] = [];
  while (fields.left > 0) filters.push({ filter: fields.string(), options: fields.u8() });
  return { id, props, filters };
}

export function readUnsubscribe(
  version: Version,
  sent: ClientPacket,
): { id: number; filters: string[] } {
  const fields = new Fields(sent.body);
  const id = fields.u16();
  if (version === '5.0') readProperties(fields);
  const filters: string[] = [];
  while (fields.left > 0) filters.push(fields.string());
  return { id, filters };
}
