/** PUBLISH from the server: fields, topics, identifiers, payloads. */
import {
  bytes,
  concatenated,
  packet,
  properties,
  publish,
  string,
  u16,
  utf8,
  type Version,
} from '../support/bytes.ts';
import { badStrings } from './catalogue.ts';
import {
  breach,
  type Delivered,
  malformed,
  malformedOrProtocolError,
  open,
  protocolError,
  puback,
  pubcomp,
  pubrec,
  type Row,
} from './row.ts';

const invalidTopic = [malformed, protocolError, 0x90];

export function publishFieldTable(version: Version): Row[] {
  return [...truncatedRows(version), ...topicRows(version), ...identifierRows(version)];
}

/** A body that ends anywhere before its payload lacks a field. */
function truncatedRows(version: Version): Row[] {
  const five = version === '5.0';
  const rows: Row[] = [];
  const props = five ? properties('01 00 03', string('a/b')) : [];
  for (const [name, flags, id] of [
    ['QoS 0', 0, []],
    ['QoS 1', 2, u16(7)],
    ['QoS 2', 4, u16(7)],
  ] as const) {
    const body = bytes(string('topic'), id, props);
    for (let length = 0; length < body.length; length += 1) {
      rows.push({
        name: `${name} cut after ${length} of ${body.length} bytes`,
        send: packet(0x30 | flags, body.subarray(0, length)),
        expected: breach(malformed),
      });
    }
  }
  rows.push({
    name: 'a topic of 65,535 bytes in a packet of 10',
    send: packet(0x30, 'ff ff', utf8('shorter!')),
    expected: breach(malformed),
  });
  if (!five) return rows;
  for (const [name, block] of [
    ['longer than the packet', '05 01 00'],
    ['of 268,435,455', 'ff ff ff 7f'],
    ['not in its shortest form', '80 00'],
    ['of five bytes', '80 80 80 80 00'],
    ['that never ends', 'ff ff'],
    ['that ends inside a property', '01 01 00'],
    ['that ends inside a four byte value', '03 02 00 00 00 01'],
    ['that ends inside a string', '04 03 00 05 61 62 63 64 65'],
  ] as const) {
    rows.push({
      name: `a Property Length ${name}`,
      send: packet(0x30, string('t'), block),
      expected: breach(malformed),
    });
  }
  return rows;
}

function topicRows(version: Version): Row[] {
  const five = version === '5.0';
  const rows: Row[] = [];
  // [MQTT-1.5.4-1] [MQTT-1.5.4-2] [MQTT3-1.5.3-1] [MQTT3-1.5.3-2]
  for (const [name, content] of badStrings) {
    rows.push({
      name: `a topic with ${name}`,
      send: publish(version, { topic: bytes(content) }),
      expected: breach(malformed),
    });
  }
  // [MQTT-3.3.2-2] [MQTT3-3.3.2-2]
  for (const topic of ['#', '+', 'a/#', 'a/+/b', 'a+', 'a#b', '+/', 'x/y/#', '$share/+/x']) {
    rows.push({
      name: `the topic ${topic}`,
      send: publish(version, { topic }),
      expected: breach(...invalidTopic),
    });
  }
  rows.push({
    name: 'a wildcard in a QoS 1 topic',
    send: publish(version, { topic: 'a/+', flags: 2, id: 3 }),
    expected: breach(...invalidTopic),
  });
  rows.push({
    name: 'an empty topic without an alias',
    send: publish(version, { topic: '', payload: 'aa' }),
    expected: breach(...(five ? [protocolError] : invalidTopic)),
  });
  for (const topic of [
    '/',
    '//',
    'a',
    'a/',
    '/a',
    'a//b',
    ' ',
    'a b/ c ',
    '\ufeff',
    '\ufeffa/b',
    'a\ufeff',
    '\ud7ff\ue000',
    'straße/Ω/日本/😀',
    '\u{10fffd}',
    'A',
    'é',
    'e\u0301',
    '__proto__',
    'constructor/prototype',
    'x'.repeat(65_535),
    '日'.repeat(21_845),
    'a/'.repeat(20_000),
  ]) {
    const shown =
      topic.length > 30
        ? `${topic.slice(0, 4)}... of ${utf8(topic).length} bytes`
        : JSON.stringify(topic);
    rows.push({
      name: `the topic ${shown}`,
      send: publish(version, { topic, payload: 'aa' }),
      expected: open([{ topic, payload: bytes('aa') }]),
    });
  }
  // A receiver may refuse these and need not.
  for (const [name, topic] of [
    ['U+0001', '\u0001'],
    ['U+001F', 'a\u001f'],
    ['U+007F', '\u007f'],
    ['U+0085', '\u0085'],
    ['U+FFFF', '\uffff'],
    ['U+FDD0', '\ufdd0'],
    ['U+1FFFE', '\u{1fffe}'],
  ] as const) {
    rows.push({
      name: `a topic with ${name}`,
      send: publish(version, { topic, payload: 'aa' }),
      expected: {
        kind: 'either',
        reasons: [malformed],
        delivered: [{ topic, payload: bytes('aa') }],
      },
    });
  }
  rows.push({
    name: 'a topic that # does not match',
    send: publish(version, { topic: '$SYS/load', payload: 'aa' }),
    expected: open([{ topic: '$SYS/load', payload: bytes('aa') }]),
  });
  return rows;
}

function identifierRows(version: Version): Row[] {
  const rows: Row[] = [];
  for (const qos of [1, 2] as const) {
    const flags = qos << 1;
    rows.push({
      name: `QoS ${qos} with Packet Identifier 0`,
      send: publish(version, { flags, id: 0, payload: 'aa' }),
      expected: breach(protocolError),
    });
    for (const id of [1, 255, 256, 65_535]) {
      rows.push({
        name: `QoS ${qos} with Packet Identifier ${id}`,
        send: publish(version, { flags, id, payload: 'aa' }),
        expected: open(
          [{ topic: 't', payload: bytes('aa'), qos, packetIdentifier: id }],
          [[qos === 1 ? puback : pubrec, id, 0]],
        ),
      });
    }
  }
  return rows;
}

export function exchangeTable(version: Version): Row[] {
  const five = version === '5.0';
  const one = publish(version, { flags: 4, id: 9, payload: '01' });
  const again = publish(version, { flags: 12, id: 9, payload: '01' });
  const release = packet(0x62, u16(9));
  const first = { topic: 't', payload: bytes('01'), qos: 2, packetIdentifier: 9 } as const;
  const rows: Row[] = [
    {
      // [MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT3-4.3.3-2]
      name: 'a whole QoS 2 exchange in one chunk',
      send: concatenated([one, release]),
      expected: open(
        [first],
        [
          [pubrec, 9, 0],
          [pubcomp, 9, 0],
        ],
      ),
    },
    {
      // [MQTT-4.3.3-10]
      name: 'QoS 2 sent again before PUBREL is delivered once',
      before: [{ send: one, replies: 1 }],
      send: concatenated([again, release]),
      expected: open(
        [first],
        [
          [pubrec, 9, 0],
          [pubrec, 9, 0],
          [pubcomp, 9, 0],
        ],
      ),
    },
    {
      name: 'QoS 2 sent again before PUBREL without DUP is delivered once',
      before: [{ send: one, replies: 1 }],
      send: concatenated([one, one, release]),
      expected: open(
        [first],
        [
          [pubrec, 9, 0],
          [pubrec, 9, 0],
          [pubrec, 9, 0],
          [pubcomp, 9, 0],
        ],
      ),
    },
    {
      // [MQTT-4.3.3-12]
      name: 'the same QoS 2 identifier after PUBREL is a new message',
      before: [
        { send: one, replies: 1 },
        { send: concatenated([release, one]), replies: 2 },
      ],
      send: release,
      expected: open(
        [first, first],
        [
          [pubrec, 9, 0],
          [pubcomp, 9, 0],
          [pubrec, 9, 0],
          [pubcomp, 9, 0],
        ],
      ),
    },
    {
      name: 'PUBREL sent again is answered again',
      before: [{ send: one, replies: 1 }],
      send: concatenated([release, release]),
      expected: open(
        [first],
        [
          [pubrec, 9, 0],
          [pubcomp, 9, 0],
          [pubcomp, 9, five ? 0x92 : 0],
        ],
      ),
    },
    {
      name: 'three QoS 1 messages in one chunk are acknowledged in their order',
      send: concatenated([3, 1, 2].map((id) => publish(version, { flags: 2, id, payload: [id] }))),
      expected: open(
        [3, 1, 2].map((id) => ({
          topic: 't',
          payload: Uint8Array.of(id),
          qos: 1,
          packetIdentifier: id,
        })),
        [
          [puback, 3, 0],
          [puback, 1, 0],
          [puback, 2, 0],
        ],
      ),
    },
    {
      // [MQTT-4.3.2-5]
      name: 'a QoS 1 identifier used again after PUBACK is a new message, whatever DUP says',
      send: concatenated([
        publish(version, { flags: 2, id: 3, payload: '01' }),
        publish(version, { flags: 10, id: 4, payload: '02' }),
      ]),
      expected: open(
        [
          { topic: 't', payload: bytes('01'), qos: 1, packetIdentifier: 3 },
          { topic: 't', payload: bytes('02'), qos: 1, dup: true, packetIdentifier: 4 },
        ],
        [
          [puback, 3, 0],
          [puback, 4, 0],
        ],
      ),
    },
    {
      name: 'a message before a breach in the same chunk is delivered and nothing behind it',
      send: concatenated([
        publish(version, { topic: 'before', payload: '01' }),
        bytes('00 00'),
        publish(version, { topic: 'between', payload: '02' }),
        publish(version, { topic: 'between', flags: 2, id: 5 }),
      ]),
      expected: {
        kind: 'breach',
        reasons: [malformed],
        delivered: [{ topic: 'before', payload: bytes('01') }],
      },
    },
    {
      name: 'after a breach, what follows is not answered',
      send: concatenated([
        bytes('d1 00'),
        publish(version, { flags: 2, id: 5 }),
        publish(version, { flags: 4, id: 6 }),
        packet(0x62, u16(6)),
      ]),
      expected: breach(malformed),
    },
    {
      name: 'a second breach behind the first is not answered',
      send: bytes('d1 00 00 00 ff 00'),
      expected: breach(malformed),
    },
  ];
  if (five) rows.push(...receiveMaximumRows());
  return rows;
}

/** [MQTT-3.3.4-9]: with handlers that never end, nothing is acknowledged. */
function receiveMaximumRows(): Row[] {
  const held = (count: number, flags: number): Uint8Array =>
    concatenated(
      Array.from({ length: count }, (_, index) =>
        publish('5.0', { flags, id: index + 1, payload: [index] }),
      ),
    );
  const three = (qos: 1 | 2): Delivered[] =>
    [0, 1, 2].map((index) => ({
      topic: 't',
      payload: Uint8Array.of(index),
      qos,
      packetIdentifier: index + 1,
    }));
  const setting = { options: { receiveMaximum: 3 }, stuck: true };
  return [
    {
      ...setting,
      name: 'QoS 1 messages up to the Receive Maximum, and acknowledgements of none',
      send: held(3, 2),
      expected: open(three(1)),
    },
    {
      ...setting,
      name: 'one QoS 1 message more than the Receive Maximum',
      send: held(4, 2),
      expected: { kind: 'breach', reasons: [0x93], delivered: three(1) },
    },
    {
      ...setting,
      name: 'one QoS 2 message more than the Receive Maximum',
      send: held(4, 4),
      expected: { kind: 'breach', reasons: [0x93], delivered: three(2) },
    },
    {
      name: 'QoS 2 messages that are not released count against the Receive Maximum',
      options: { receiveMaximum: 3 },
      send: held(4, 4),
      expected: {
        kind: 'breach',
        reasons: [0x93],
        delivered: three(2),
        optionalReplies: [
          [pubrec, 1, 0],
          [pubrec, 2, 0],
          [pubrec, 3, 0],
        ],
      },
    },
    {
      ...setting,
      name: 'repeats of identifiers that are held take no second place in the Receive Maximum',
      send: concatenated([held(3, 4), held(3, 12)]),
      expected: open(three(2)),
    },
  ];
}

export function payloadTable(version: Version): Row[] {
  const rows: Row[] = [];
  for (const [name, payload] of [
    ['no', new Uint8Array(0)],
    ['one zero byte of', new Uint8Array(1)],
    ['ill-formed UTF-8 as', bytes('ff fe c0 80')],
    ['127 bytes of', patterned(127)],
    ['128 bytes of', patterned(128)],
    ['16,384 bytes of', patterned(16_384)],
    ['64 KiB of', patterned(65_536)],
    ['1 MiB of', patterned(1_048_576)],
  ] as const) {
    for (const qos of [0, 1, 2] as const) {
      rows.push({
        name: `${name} payload at QoS ${qos}`,
        send: publish(version, qos === 0 ? { payload } : { flags: qos << 1, id: 77, payload }),
        expected:
          qos === 0
            ? open([{ topic: 't', payload }])
            : open(
                [{ topic: 't', payload, qos, packetIdentifier: 77 }],
                [[qos === 1 ? puback : pubrec, 77, 0]],
              ),
      });
    }
  }
  const many = Array.from({ length: 1_000 }, (_, index) => u16(index));
  rows.push({
    name: '1,000 QoS 0 messages in one chunk',
    send: concatenated(many.map((payload) => publish(version, { payload }))),
    expected: open(many.map((payload) => ({ topic: 't', payload }))),
  });
  rows.push({
    name: 'messages and unknown acknowledgements in one chunk',
    send: concatenated([
      publish(version, { payload: '01' }),
      packet(0x40, u16(0x7777)),
      bytes('d0 00'),
      publish(version, { payload: '02' }),
      packet(0x70, u16(0x7777)),
      publish(version, { payload: '03' }),
    ]),
    expected: open(['01', '02', '03'].map((digit) => ({ topic: 't', payload: bytes(digit) }))),
  });
  rows.push({
    name: 'DUP and RETAIN with QoS 1',
    send: publish(version, { flags: 11, id: 2, payload: 'aa' }),
    expected: open(
      [{ topic: 't', payload: bytes('aa'), qos: 1, dup: true, retain: true, packetIdentifier: 2 }],
      [[puback, 2, 0]],
    ),
  });
  rows.push({
    name: 'DUP with QoS 0',
    send: publish(version, { flags: 8, payload: 'aa' }),
    expected: breach(...malformedOrProtocolError),
  });
  return rows;
}

function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}
