/** Every first byte there is, and every form of a Remaining Length. */
import { bytes, packet, properties, publish, string, u16, type Version } from '../support/bytes.ts';
import { hexByte } from './catalogue.ts';
import {
  breach,
  type Expected,
  malformed,
  malformedOrProtocolError,
  open,
  protocolError,
  puback,
  pubcomp,
  pubrec,
  pubrel,
  type Row,
} from './row.ts';

const unknownId = u16(0x4321);

/** [MQTT-2.1.3-1] [MQTT3-2.2.2-2] [MQTT-3.3.1-4] */
export function firstByteTable(version: Version): Row[] {
  const rows: Row[] = [];
  for (let type = 0; type <= 15; type += 1) {
    for (let flags = 0; flags <= 15; flags += 1) {
      rows.push({
        name: `first byte 0x${hexByte((type << 4) | flags)}`,
        send: packet((type << 4) | flags, rightBody(version, type, flags)),
        expected: expectedOf(version, type, flags),
      });
    }
  }
  return rows;
}

/** What follows the fixed header when everything but perhaps the flags is right. */
function rightBody(version: Version, type: number, flags: number): Uint8Array {
  const five = version === '5.0';
  const none = five ? properties() : [];
  switch (type) {
    case 1:
      return bytes(string('MQTT'), five ? 5 : 4, '02 00 00', none, string('me'));
    case 2:
      return bytes('00 00', none);
    case 3:
      return bytes(string('t'), (flags & 6) === 0 ? [] : u16(7), none, 'aa');
    case 4:
    case 5:
    case 6:
    case 7:
      return unknownId;
    case 8:
      return bytes(unknownId, none, string('f'), 0);
    case 9:
      return bytes(unknownId, none, 0);
    case 10:
      return bytes(unknownId, none, string('f'));
    case 11:
      return bytes(unknownId, none, five ? 0 : []);
    case 14:
      return five ? bytes(0, none) : bytes();
    case 15:
      return five ? bytes(0x18, properties(0x15, string('m'))) : bytes();
    default:
      return bytes();
  }
}

function expectedOf(version: Version, type: number, flags: number): Expected {
  const five = version === '5.0';
  switch (type) {
    case 2:
      // A second CONNACK. [MQTT-3.2.0-2]
      return breach(flags === 0 ? protocolError : malformed);
    case 3:
      return publishExpected(flags);
    case 4:
    case 7:
    case 9:
    case 11:
      // Nobody asked, but the specification states no duty to close.
      return flags === 0 ? open() : breach(malformed);
    case 5:
      if (flags !== 0) return breach(malformed);
      return five
        ? open([], [[pubrel, 0x4321, 0x92]])
        : { kind: 'either', reasons: [], replies: [[pubrel, 0x4321, 0]] };
    case 6:
      return flags === 2 ? open([], [[pubcomp, 0x4321, five ? 0x92 : 0]]) : breach(malformed);
    case 13:
      return flags === 0 ? open() : breach(malformed);
    case 14:
      if (five && flags === 0) return { kind: 'disconnected', reasonCode: 0 };
      return breach(malformed);
    case 15:
      return breach(...(flags === 0 ? [protocolError] : malformedOrProtocolError));
    case 0:
      return breach(malformed);
    default:
      // Packets that only a client sends.
      return breach(
        ...(flags === (type === 8 || type === 10 ? 2 : 0)
          ? [protocolError]
          : malformedOrProtocolError),
      );
  }
}

function publishExpected(flags: number): Expected {
  const qos = ((flags >> 1) & 3) as 0 | 1 | 2 | 3;
  if (qos === 3) return breach(malformed);
  const dup = (flags & 8) !== 0;
  if (qos === 0 && dup) return breach(...malformedOrProtocolError);
  const message = { topic: 't', payload: bytes('aa'), qos, dup, retain: (flags & 1) !== 0 };
  if (qos === 0) return open([message]);
  return open([{ ...message, packetIdentifier: 7 }], [[qos === 1 ? puback : pubrec, 7, 0]]);
}

/** [MQTT-1.5.5-1] */
export function remainingLengthTable(version: Version): Row[] {
  const five = version === '5.0';
  // 3.1.1 does not ask for the shortest form: refusing and taking it both conform.
  const notShortest = (delivered: { topic: string; payload: Uint8Array }[]): Row['expected'] =>
    five ? breach(malformed) : { kind: 'either', reasons: [], delivered };
  const body = bytes(string('t'), five ? '00' : [], 'aa');
  const delivered = [{ topic: 't', payload: bytes('aa') }];
  const rows: Row[] = [];
  for (const filler of ['80 00', '80 80 00', '80 80 80 00']) {
    const send = bytes('d0', filler);
    rows.push({
      name: `PINGRESP with Remaining Length 0 as ${filler}`,
      send,
      expected: notShortest([]),
    });
  }
  for (const filler of ['00', '80 00', '80 80 00']) {
    const send = bytes('30', body.length | 0x80, filler, body);
    rows.push({
      name: `PUBLISH with a Remaining Length padded by ${filler}`,
      send,
      expected: notShortest(delivered),
    });
  }
  for (const form of [
    '80 80 80 80',
    'ff ff ff ff',
    '80 80 80 80 01',
    '83 80 80 80 00',
    'ff ff ff ff 7f',
  ]) {
    rows.push({
      name: `Remaining Length ${form}, decided at its fourth byte`,
      send: bytes('30', form),
      alone: true,
      expected: breach(malformed),
    });
  }
  rows.push(...sizeRows(version));
  for (const [name, firstByte] of [
    ['PINGRESP', 'd0'],
    ['an unknown type', '00'],
  ] as const) {
    rows.push({
      name: `${name} with Remaining Length 1`,
      send: bytes(firstByte, '01 00'),
      expected: breach(malformed),
    });
  }
  rows.push({
    name: 'PINGRESP with Remaining Length 200',
    send: packet(0xd0, new Uint8Array(200)),
    expected: breach(malformed),
  });
  return rows;
}

function sizeRows(version: Version): Row[] {
  const overhead = publish(version, { payload: new Uint8Array(200) }).length - 200;
  const limited = { maximumPacketSize: 500 };
  const payload = new Uint8Array(500 - overhead).fill(0x62);
  return [
    {
      name: 'a packet of exactly the Maximum Packet Size',
      options: limited,
      send: publish(version, { payload }),
      expected: open([{ topic: 't', payload }]),
    },
    {
      name: 'a packet one byte over the Maximum Packet Size',
      options: limited,
      send: publish(version, { payload: new Uint8Array(501 - overhead) }),
      expected: breach(0x95),
    },
    {
      name: 'the fixed header alone of a packet one byte over the Maximum Packet Size',
      options: limited,
      send: publish(version, { payload: new Uint8Array(501 - overhead) }).subarray(0, 3),
      alone: true,
      expected: breach(0x95),
    },
    {
      name: 'the fixed header alone of a packet over the default Maximum Packet Size',
      send: bytes('30 fc ff ff 07'),
      alone: true,
      expected: breach(0x95),
    },
    {
      name: 'the largest packet there is, announced and never sent',
      send: bytes('30 ff ff ff 7f'),
      alone: true,
      expected: breach(0x95),
    },
    {
      name: 'a QoS 2 PUBLISH of the largest size, announced and never sent',
      send: bytes('34 ff ff ff 7f 00 01 74'),
      alone: true,
      expected: breach(0x95),
    },
  ];
}
