/**
 * Facts that several tables share: properties, reason codes, and bytes that are no UTF-8 String.
 */
import { binary, bytes, type Part, string, u16, u32 } from '../support/bytes.ts';

export type PropertyType = 'byte' | 'u16' | 'u32' | 'vbi' | 'string' | 'binary' | 'pair';

export interface PropertyFacts {
  readonly id: number;
  readonly name: string;
  readonly type: PropertyType;
  /** A value that is right wherever the property is allowed. */
  readonly value: Part;
}

const facts = (id: number, name: string, type: PropertyType, value: Part): PropertyFacts => ({
  id,
  name,
  type,
  value,
});

/** All 27 properties of 5.0. */
export const allProperties: readonly PropertyFacts[] = [
  facts(0x01, 'Payload Format Indicator', 'byte', '00'),
  facts(0x02, 'Message Expiry Interval', 'u32', u32(60)),
  facts(0x03, 'Content Type', 'string', string('text/plain')),
  facts(0x08, 'Response Topic', 'string', string('answers')),
  facts(0x09, 'Correlation Data', 'binary', binary('01 02')),
  facts(0x0b, 'Subscription Identifier', 'vbi', '05'),
  facts(0x11, 'Session Expiry Interval', 'u32', u32(0)),
  facts(0x12, 'Assigned Client Identifier', 'string', string('assigned')),
  facts(0x13, 'Server Keep Alive', 'u16', u16(60)),
  facts(0x15, 'Authentication Method', 'string', string('method')),
  facts(0x16, 'Authentication Data', 'binary', binary('0a')),
  facts(0x17, 'Request Problem Information', 'byte', '01'),
  facts(0x18, 'Will Delay Interval', 'u32', u32(1)),
  facts(0x19, 'Request Response Information', 'byte', '01'),
  facts(0x1a, 'Response Information', 'string', string('prefix')),
  facts(0x1c, 'Server Reference', 'string', string('other.example:1883')),
  facts(0x1f, 'Reason String', 'string', string('because')),
  facts(0x21, 'Receive Maximum', 'u16', u16(10)),
  facts(0x22, 'Topic Alias Maximum', 'u16', u16(10)),
  facts(0x23, 'Topic Alias', 'u16', u16(1)),
  facts(0x24, 'Maximum QoS', 'byte', '01'),
  facts(0x25, 'Retain Available', 'byte', '01'),
  facts(0x26, 'User Property', 'pair', [string('k'), string('v')]),
  facts(0x27, 'Maximum Packet Size', 'u32', u32(100_000)),
  facts(0x28, 'Wildcard Subscription Available', 'byte', '01'),
  facts(0x29, 'Subscription Identifiers Available', 'byte', '01'),
  facts(0x2a, 'Shared Subscription Available', 'byte', '01'),
];

/** The identifiers allowed in what a server sends. */
export const allowedProperties = {
  connack: [
    0x11, 0x12, 0x13, 0x15, 0x16, 0x1a, 0x1c, 0x1f, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29,
    0x2a,
  ],
  publish: [0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x23, 0x26],
  acknowledgement: [0x1f, 0x26],
  disconnect: [0x1c, 0x1f, 0x26],
  auth: [0x15, 0x16, 0x1f, 0x26],
} as const;

/** Identifiers that no property has. */
export const unknownIdentifiers: readonly (readonly [string, string])[] = [
  0x00, 0x04, 0x05, 0x06, 0x07, 0x0a, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x14, 0x1b, 0x1d, 0x1e, 0x20,
  0x2b, 0x2c, 0x7f,
]
  .map((id) => [hexByte(id), hexByte(id)] as const)
  .concat([
    ['128 in two bytes', '80 01'],
    ['the largest Variable Byte Integer', 'ff ff ff 7f'],
    ['1 in two bytes (not the shortest form)', '81 00'],
    ['one of five bytes', '80 80 80 80 01'],
  ]);

/** Reason codes that each packet from the server may carry. */
export const allowedReasonCodes = {
  connack: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
    0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
  ],
  puback: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  pubrel: [0x00, 0x92],
  suback: [0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  unsuback: [0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  disconnect: [
    0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95,
    0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
  ],
} as const;

/** Every reason code there is, and some that there are not. */
export const triedReasonCodes: readonly number[] = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x0f, 0x10, 0x11, 0x18, 0x19, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84,
  0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94,
  0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2, 0xa3, 0xff,
];

/** Contents of strings that are not allowed: ill-formed UTF-8 and U+0000. */
export const badStrings: readonly (readonly [string, string])[] = [
  ['U+0000', '00'],
  ['U+0000 in the middle', '61 00 62'],
  ['an overlong U+0000', 'c0 80'],
  ['an overlong slash', 'c0 af'],
  ['an overlong form that begins with C1', 'c1 bf'],
  ['an overlong form of three bytes', 'e0 80 80'],
  ['an overlong form of four bytes', 'f0 80 80 80'],
  ['a stray continuation byte', '61 80'],
  ['a sequence of two bytes cut short', '61 c3'],
  ['a sequence of three bytes cut short', '61 e2 82'],
  ['a sequence of four bytes cut short', 'f0 9f 98'],
  ['a sequence that is not continued', 'c3 28'],
  ['the first surrogate', 'ed a0 80'],
  ['the last surrogate', 'ed bf bf'],
  ['a pair of surrogates', 'ed a0 bd ed b8 80'],
  ['a code point above U+10FFFF', 'f4 90 80 80'],
  ['a sequence of five bytes', 'f8 88 80 80 80'],
  ['the byte FE', 'fe'],
  ['the byte FF', '61 ff'],
];

/** A few of them, for fields of the same reader. */
export const someBadStrings: readonly (readonly [string, string])[] = badStrings.filter(
  (_, index) => [0, 2, 9, 12, 15, 18].includes(index),
);

export function hexByte(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/** A property: identifier and value. */
export function property(id: number, value: Part): Uint8Array {
  return bytes(id, value);
}
