/**
 * The properties of a packet as bytes, one after the other (2.2.2): for what is to be sent exactly as somebody asks for
 * it, in an order or with a number that the client would choose otherwise.
 */

/** A property: its identifier, and its bytes with that. */
export interface PropertyBytes {
  readonly identifier: number;
  readonly bytes: Uint8Array;
}

/** Sizes of the values that have a fixed one; the others begin with their length. */
const fixedSizes: ReadonlyMap<number, number> = new Map([
  ...[0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a].map((id) => [id, 1] as const),
  ...[0x13, 0x21, 0x22, 0x23].map((id) => [id, 2] as const),
  ...[0x02, 0x11, 0x18, 0x27].map((id) => [id, 4] as const),
]);

const subscriptionIdentifier = 0x0b;
const userProperty = 0x26;

/** Identifiers by the names of the specification, in mosquitto's spelling. */
export const propertyIdentifiers: Readonly<Record<string, number>> = {
  'payload-format-indicator': 0x01,
  'message-expiry-interval': 0x02,
  'content-type': 0x03,
  'response-topic': 0x08,
  'correlation-data': 0x09,
  'subscription-identifier': subscriptionIdentifier,
  'session-expiry-interval': 0x11,
  'authentication-method': 0x15,
  'authentication-data': 0x16,
  'request-problem-information': 0x17,
  'will-delay-interval': 0x18,
  'request-response-information': 0x19,
  'server-reference': 0x1c,
  'reason-string': 0x1f,
  'receive-maximum': 0x21,
  'topic-alias-maximum': 0x22,
  'topic-alias': 0x23,
  'user-property': userProperty,
  'maximum-packet-size': 0x27,
};

/** A number of variable length, and where it ends. (1.5.5) */
export function readVariable(bytes: Uint8Array, at: number): readonly [value: number, end: number] {
  let value = 0;
  let factor = 1;
  for (let end = at; ; end += 1) {
    const byte = bytes[end] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return [value, end + 1];
    factor *= 128;
  }
}

export function variableBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | (rest > 127 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Uint8Array.from(bytes);
}

/** The properties of the section at `at`, and where that ends. They are well-formed: the client encoded or checks them. */
export function readProperties(
  bytes: Uint8Array,
  at: number,
): readonly [properties: readonly PropertyBytes[], end: number] {
  const [length, start] = readVariable(bytes, at);
  const end = start + length;
  const properties: PropertyBytes[] = [];
  for (let index = start; index < end; ) {
    const next = Math.min(valueEnd(bytes, index), end);
    properties.push({ identifier: bytes[index]!, bytes: bytes.subarray(index, next) });
    index = next;
  }
  return [properties, end];
}

function valueEnd(bytes: Uint8Array, at: number): number {
  const identifier = bytes[at]!;
  const fixed = fixedSizes.get(identifier);
  if (fixed !== undefined) return at + 1 + fixed;
  if (identifier === subscriptionIdentifier) return readVariable(bytes, at + 1)[1];
  const first = textEnd(bytes, at + 1);
  return identifier === userProperty ? textEnd(bytes, first) : first;
}

/** Where text or binary data ends that begins at `at` with its length. */
export function textEnd(bytes: Uint8Array, at: number): number {
  return at + 2 + (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0));
}

/** The section of properties with its length. */
export function propertiesSection(properties: readonly PropertyBytes[]): Uint8Array {
  const length = properties.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return Buffer.concat([variableBytes(length), ...properties.map(({ bytes }) => bytes)]);
}

export function twoByteProperty(identifier: number, value: number): PropertyBytes {
  return { identifier, bytes: Uint8Array.of(identifier, value >> 8, value & 0xff) };
}

export function variableProperty(identifier: number, value: number): PropertyBytes {
  return { identifier, bytes: Uint8Array.of(identifier, ...variableBytes(value)) };
}
