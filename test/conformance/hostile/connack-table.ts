/** What stands in place of CONNACK, or in it: nothing is sent back before a connection is accepted. */
import type { ConnectOptions } from 'mqtt-kit';
import {
  bytes,
  type Part,
  packet,
  properties,
  publish,
  string,
  u16,
  u32,
  utf8,
  type Version,
} from '../support/bytes.ts';
import {
  allowedProperties,
  allowedReasonCodes,
  allProperties,
  badStrings,
  hexByte,
  property,
  someBadStrings,
  triedReasonCodes,
  unknownIdentifiers,
} from './catalogue.ts';

export type ConnackExpected =
  /** The client closes without a byte; the attempt fails as a breach. */
  | { readonly kind: 'breach' }
  /** The server said no: the attempt fails with its reason code. */
  | { readonly kind: 'refused'; readonly reasonCode: number }
  | { readonly kind: 'accepted' }
  /** Refused or accepted, as the implementation likes. */
  | { readonly kind: 'either' };

export interface ConnackRow {
  readonly name: string;
  readonly options?: ConnectOptions;
  readonly send: Uint8Array;
  readonly expected: ConnackExpected;
}

const breach: ConnackExpected = { kind: 'breach' };
const acceptedRow: ConnackExpected = { kind: 'accepted' };

/** The 5.0 reason codes that 3.1.1's return codes 1 to 5 stand for. */
const reasonOfReturnCode = [0x84, 0x85, 0x88, 0x86, 0x87];

export function connackTable(version: Version): ConnackRow[] {
  return [
    ...firstPacketRows(version),
    ...formRows(version),
    ...codeRows(version),
    ...(version === '5.0' ? propertyRows() : []),
  ];
}

/** [MQTT-3.2.0-1] [MQTT3-3.2.0-1] */
function firstPacketRows(version: Version): ConnackRow[] {
  const none = version === '5.0' ? '00' : '';
  const rows: ConnackRow[] = [];
  for (const [name, send] of [
    ['type 0', bytes('00 00')],
    [
      'CONNECT',
      packet(0x10, string('MQTT'), version === '5.0' ? 5 : 4, '02 00 00', none, string('c')),
    ],
    ['a QoS 0 PUBLISH', publish(version)],
    ['a QoS 1 PUBLISH', publish(version, { flags: 2, id: 1 })],
    ['a QoS 2 PUBLISH', publish(version, { flags: 4, id: 1 })],
    ['PUBACK', bytes('40 02 00 01')],
    ['PUBREC', bytes('50 02 00 01')],
    ['PUBREL', bytes('62 02 00 01')],
    ['PUBCOMP', bytes('70 02 00 01')],
    ['SUBSCRIBE', packet(0x82, '00 01', none, string('f'), 0)],
    ['SUBACK', packet(0x90, '00 01', none, 0)],
    ['UNSUBSCRIBE', packet(0xa2, '00 01', none, string('f'))],
    ['UNSUBACK', packet(0xb0, '00 01', none, version === '5.0' ? 0 : [])],
    ['PINGREQ', bytes('c0 00')],
    ['PINGRESP', bytes('d0 00')],
    ['DISCONNECT', bytes('e0 00')],
    ['DISCONNECT with a reason', bytes('e0 01 8b')],
    ['AUTH', packet(0xf0, 0x18, properties(0x15, string('m')))],
    ['an HTTP answer', utf8('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a TLS alert', bytes('15 03 01 00 02 02 46')],
    ['an SSH greeting', utf8('SSH-2.0-OpenSSH_9.9\r\n')],
    ['an SMTP greeting', utf8('220 mail.example ESMTP Postfix (Debian/GNU), at your service\r\n')],
    ['a Redis error', utf8('-ERR unknown command\r\n')],
    ['512 zero bytes', new Uint8Array(512)],
    ['a packet of unlimited size', bytes('30 ff ff ff 7f')],
    ['a Remaining Length of five bytes', bytes('20 80 80 80 80 01')],
  ] as const) {
    rows.push({ name: `in place of CONNACK ${name}`, send, expected: breach });
  }
  return rows;
}

function formRows(version: Version): ConnackRow[] {
  const five = version === '5.0';
  const none = five ? '00' : '';
  const rows: ConnackRow[] = [];
  for (let flags = 1; flags <= 15; flags += 1) {
    rows.push({
      name: `CONNACK with first byte 0x2${flags.toString(16)}`,
      send: packet(0x20 | flags, '00 00', none),
      expected: breach,
    });
  }
  // [MQTT-3.2.2-1]
  for (const flags of [0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xfe, 0xff]) {
    rows.push({
      name: `CONNACK with acknowledge flags 0x${hexByte(flags)}`,
      send: packet(0x20, flags, 0, none),
      expected: breach,
    });
  }
  const whole = bytes('00 00', none);
  for (let length = 0; length < whole.length; length += 1) {
    rows.push({
      name: `CONNACK cut after ${length} of ${whole.length} bytes`,
      send: packet(0x20, whole.subarray(0, length)),
      expected: breach,
    });
  }
  rows.push({
    name: 'CONNACK with a byte too many',
    send: packet(0x20, '00 00', none, 0),
    expected: breach,
  });
  rows.push({
    name: 'the shortest CONNACK',
    send: packet(0x20, '00 00', none),
    expected: acceptedRow,
  });
  // [MQTT-3.2.2-6] [MQTT3-3.2.2-4]
  rows.push({
    name: 'CONNACK that refuses and has a session present',
    send: packet(0x20, '01', five ? 0x87 : 5, none),
    expected: { kind: 'either' },
  });
  rows.push({
    name: 'two CONNACK packets, the second a refusal',
    send: bytes(packet(0x20, '00', five ? 0x88 : 3, none), packet(0x20, '00 00', none)),
    expected: { kind: 'refused', reasonCode: 0x88 },
  });
  return rows;
}

function codeRows(version: Version): ConnackRow[] {
  if (version === '3.1.1') {
    return [1, 2, 3, 4, 5, 6, 7, 0x7f, 0x80, 0x84, 0x86, 0xff].map((code) => {
      const reasonCode = reasonOfReturnCode[code - 1];
      return {
        name: `CONNACK with return code ${code}`,
        send: bytes('20 02 00', code),
        expected: reasonCode === undefined ? breach : { kind: 'refused', reasonCode },
      };
    });
  }
  // [MQTT-3.2.2-8]
  const rows: ConnackRow[] = triedReasonCodes
    .filter((code) => code !== 0)
    .map((code) => ({
      name: `CONNACK with reason code 0x${hexByte(code)}`,
      send: packet(0x20, 0, code, properties()),
      expected: allowedReasonCodes.connack.some((other) => other === code)
        ? { kind: 'refused', reasonCode: code }
        : breach,
    }));
  rows.push({
    name: 'CONNACK of 3.1.1 that says: unacceptable protocol version',
    send: bytes('20 02 00 01'),
    expected: { kind: 'refused', reasonCode: 0x84 },
  });
  return rows;
}

function propertyRows(): ConnackRow[] {
  const rows: ConnackRow[] = [];
  const add = (name: string, props: Part, expected: ConnackExpected): void => {
    rows.push({
      name: `CONNACK: ${name}`,
      send: packet(0x20, '00 00', properties(props)),
      expected,
    });
  };
  const allowed = allProperties.filter(({ id }) =>
    allowedProperties.connack.some((other) => other === id),
  );
  // These answer to something that CONNECT must have said first.
  const conditional = [0x12, 0x15, 0x16, 0x1a];
  for (const { id, name, value } of allProperties) {
    if (!allowed.some((other) => other.id === id)) {
      add(`${name} is not allowed`, property(id, value), breach);
    } else {
      if (!conditional.includes(id)) add(name, property(id, value), acceptedRow);
      if (id !== 0x26) add(`${name} twice`, [property(id, value), property(id, value)], breach);
      const whole = property(id, value);
      for (let length = 1; length < whole.length; length += 1) {
        add(
          `${name} cut after ${length} of ${whole.length} bytes`,
          whole.subarray(0, length),
          breach,
        );
      }
    }
  }
  for (const [name, digits] of unknownIdentifiers) {
    add(`unknown identifier ${name}`, [digits, '00 00'], breach);
  }
  // [MQTT-4.12.0-6]: seen and refused, or not looked at.
  for (const { id, name, value } of allowed.filter(
    (other) => conditional.includes(other.id) && other.id !== 0x16,
  )) {
    add(`${name} that nobody asked for`, property(id, value), { kind: 'either' });
  }
  add('Authentication Data without a method', property(0x16, '00 01 00'), breach);
  for (const [id, name] of [
    [0x24, 'Maximum QoS'],
    [0x25, 'Retain Available'],
    [0x28, 'Wildcard Subscription Available'],
    [0x29, 'Subscription Identifiers Available'],
    [0x2a, 'Shared Subscription Available'],
  ] as const) {
    for (const value of [0, 1]) add(`${name} ${value}`, [id, value], acceptedRow);
    for (const value of [2, 0x80, 0xff]) add(`${name} 0x${hexByte(value)}`, [id, value], breach);
  }
  add('Receive Maximum 0', [0x21, u16(0)], breach);
  add('Receive Maximum 1', [0x21, u16(1)], acceptedRow);
  add('Maximum Packet Size 0', [0x27, u32(0)], breach);
  add('Maximum Packet Size 4,294,967,295', [0x27, u32(0xffff_ffff)], acceptedRow);
  add('Session Expiry Interval 4,294,967,295', [0x11, u32(0xffff_ffff)], acceptedRow);
  add('Topic Alias Maximum 0', [0x22, u16(0)], acceptedRow);
  add('Topic Alias Maximum 65,535', [0x22, u16(65_535)], acceptedRow);
  add('Server Keep Alive 0', [0x13, u16(0)], acceptedRow);
  add('User Properties with equal names', ['26 00 01 61 00 00', '26 00 01 61 00 00'], acceptedRow);
  add(
    'all properties at once',
    allowed
      .filter(({ id }) => !conditional.includes(id))
      .map(({ id, value }) => property(id, value)),
    acceptedRow,
  );
  rows.push({
    name: 'CONNACK: an Assigned Client Identifier for an empty one',
    options: { clientId: '' },
    send: packet(0x20, '00 00', properties(0x12, string('assigned'))),
    expected: acceptedRow,
  });
  for (const [name, content] of badStrings) {
    add(`Reason String with ${name}`, ['1f', u16(bytes(content).length), content], breach);
  }
  for (const { id, name } of allowed.filter(
    (other) => other.type === 'string' && other.id !== 0x1f,
  )) {
    for (const [what, content] of someBadStrings) {
      add(`${name} with ${what}`, [id, u16(bytes(content).length), content], breach);
    }
  }
  for (const [what, content] of someBadStrings) {
    const bad = [u16(bytes(content).length), content];
    add(`the name of a User Property with ${what}`, [0x26, bad, string('v')], breach);
    add(`the value of a User Property with ${what}`, [0x26, string('k'), bad], breach);
  }
  for (const [name, block] of [
    ['past the end', '05'],
    ['not in its shortest form', '80 00'],
    ['of five bytes', '80 80 80 80 00'],
    ['that ends inside a property', '02 21 00 05'],
  ] as const) {
    rows.push({
      name: `CONNACK: a Property Length ${name}`,
      send: packet(0x20, '00 00', block),
      expected: breach,
    });
  }
  return rows;
}
