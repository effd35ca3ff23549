/** What a server sends, as bytes. Small and plain: speed is not its business. */
import {
  type ModelVersion,
  type PropertyKind,
  type PropertyValue,
  serverPropertyKinds,
} from './model-broker-packets.ts';

/** Properties to send, by identifier, in order. */
export type PropertyList = readonly (readonly [number, PropertyValue])[];

const text = new TextEncoder();
const none: PropertyList = [];

export function encodeConnack(
  version: ModelVersion,
  sessionPresent: boolean,
  reasonCode: number,
  properties: PropertyList,
): Uint8Array {
  const body = [sessionPresent ? 1 : 0, reasonCode];
  if (version === '5.0') pushProperties(body, properties);
  return packet(0x20, body);
}

export interface PublishToClient {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly dup: boolean;
  readonly packetIdentifier: number;
  readonly properties: PropertyList;
}

export function encodePublish(version: ModelVersion, message: PublishToClient): Uint8Array {
  const body: number[] = [];
  pushBytes(body, text.encode(message.topic));
  if (message.qos > 0) pushTwo(body, message.packetIdentifier);
  if (version === '5.0') pushProperties(body, message.properties);
  for (const byte of message.payload) body.push(byte);
  return packet(0x30 | (message.dup ? 8 : 0) | (message.qos << 1), body);
}

const ackTypes = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

export function encodeAck(
  version: ModelVersion,
  kind: keyof typeof ackTypes,
  packetIdentifier: number,
  reasonCode: number,
): Uint8Array {
  const body: number[] = [];
  pushTwo(body, packetIdentifier);
  if (version === '5.0' && reasonCode !== 0) body.push(reasonCode);
  return packet(ackTypes[kind], body);
}

export function encodeSuback(
  version: ModelVersion,
  packetIdentifier: number,
  reasonCodes: readonly number[],
): Uint8Array {
  return answer(0x90, version, packetIdentifier, reasonCodes);
}

export function encodeUnsuback(
  version: ModelVersion,
  packetIdentifier: number,
  reasonCodes: readonly number[],
): Uint8Array {
  return answer(0xb0, version, packetIdentifier, version === '5.0' ? reasonCodes : []);
}

export const pingresp: Uint8Array = Uint8Array.of(0xd0, 0);

/** 5.0 alone: 3.1.1 gives a server no DISCONNECT. */
export function encodeDisconnect(reasonCode: number, serverReference?: string): Uint8Array {
  if (serverReference === undefined) return Uint8Array.of(0xe0, 1, reasonCode);
  const body = [reasonCode];
  pushProperties(body, [[0x1c, serverReference]]);
  return packet(0xe0, body);
}

function answer(
  first: number,
  version: ModelVersion,
  packetIdentifier: number,
  reasonCodes: readonly number[],
): Uint8Array {
  const body: number[] = [];
  pushTwo(body, packetIdentifier);
  if (version === '5.0') pushProperties(body, none);
  body.push(...reasonCodes);
  return packet(first, body);
}

function packet(first: number, body: readonly number[]): Uint8Array {
  const header = [first];
  pushVariable(header, body.length);
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header);
  bytes.set(body, header.length);
  return bytes;
}

function pushProperties(body: number[], properties: PropertyList): void {
  const bytes: number[] = [];
  for (const [identifier, value] of properties) {
    pushVariable(bytes, identifier);
    const kind = serverPropertyKinds.get(identifier);
    if (kind === undefined) throw new RangeError(`expected a known property, got ${identifier}`);
    pushValue(bytes, kind, value);
  }
  pushVariable(body, bytes.length);
  for (const byte of bytes) body.push(byte);
}

function pushValue(bytes: number[], kind: PropertyKind, value: PropertyValue): void {
  if (typeof value === 'number') {
    if (kind === 'byte') bytes.push(value);
    else if (kind === 'two') pushTwo(bytes, value);
    else if (kind === 'variable') pushVariable(bytes, value);
    else {
      pushTwo(bytes, Math.floor(value / 65_536));
      pushTwo(bytes, value % 65_536);
    }
  } else if (typeof value === 'string') pushBytes(bytes, text.encode(value));
  else if (value instanceof Uint8Array) pushBytes(bytes, value);
  else for (const part of value) pushBytes(bytes, text.encode(part));
}

function pushTwo(bytes: number[], value: number): void {
  bytes.push((value >> 8) & 255, value & 255);
}

function pushBytes(bytes: number[], content: Uint8Array): void {
  pushTwo(bytes, content.length);
  for (const byte of content) bytes.push(byte);
}

function pushVariable(bytes: number[], value: number): void {
  let left = value;
  while (left >= 128) {
    bytes.push((left % 128) | 128);
    left = Math.floor(left / 128);
  }
  bytes.push(left);
}
