/** Properties in what a 5.0 server sends after CONNACK. */
import {
  binary,
  bytes,
  type Part,
  packet,
  properties,
  publish,
  string,
  u16,
  u32,
} from '../support/bytes.ts';
import {
  allowedProperties,
  allProperties,
  hexByte,
  property,
  someBadStrings,
  unknownIdentifiers,
} from './catalogue.ts';
import {
  breach,
  type Delivered,
  type Expected,
  malformed,
  malformedOrProtocolError,
  open,
  protocolError,
  type Row,
} from './row.ts';

const five = '5.0';

/** A packet that carries a property block, in a setting where nothing else is wrong with it. */
interface Carrier {
  readonly name: string;
  readonly allowed: readonly number[];
  readonly setting: Pick<Row, 'options' | 'connack' | 'pending'>;
  carry(block: Uint8Array, id: number): Uint8Array;
}

const authentication = { method: 'm', respond: () => undefined };

const carriers: readonly Carrier[] = [
  {
    name: 'PUBLISH',
    allowed: allowedProperties.publish,
    setting: {},
    carry: (block) => packet(0x30, string('t'), block),
  },
  {
    name: 'PUBACK',
    allowed: allowedProperties.acknowledgement,
    setting: { pending: 'publish1' },
    carry: (block, id) => packet(0x40, u16(id), 0, block),
  },
  {
    name: 'PUBREC',
    allowed: allowedProperties.acknowledgement,
    setting: { pending: 'publish2' },
    carry: (block, id) => packet(0x50, u16(id), 0x80, block),
  },
  {
    name: 'PUBREL',
    allowed: allowedProperties.acknowledgement,
    setting: {},
    carry: (block) => packet(0x62, '12 34 92', block),
  },
  {
    name: 'PUBCOMP',
    allowed: allowedProperties.acknowledgement,
    setting: { pending: 'released' },
    carry: (block, id) => packet(0x70, u16(id), 0, block),
  },
  {
    name: 'SUBACK',
    allowed: allowedProperties.acknowledgement,
    setting: { pending: 'subscribe' },
    carry: (block, id) => packet(0x90, u16(id), block, 0),
  },
  {
    name: 'UNSUBACK',
    allowed: allowedProperties.acknowledgement,
    setting: { pending: 'unsubscribe' },
    carry: (block, id) => packet(0xb0, u16(id), block, 0),
  },
  {
    name: 'DISCONNECT',
    allowed: allowedProperties.disconnect,
    setting: {},
    carry: (block) => packet(0xe0, 0x80, block),
  },
  {
    name: 'AUTH',
    allowed: allowedProperties.auth,
    setting: { options: { authentication }, connack: [0x15, string('m')] },
    carry: (block) => packet(0xf0, 0x18, block),
  },
];

/** Each property where it is not allowed, unknown identifiers, repeats, blocks that do not add up. */
export function misplacedPropertyTable(): Row[] {
  const rows: Row[] = [];
  const add = (carrier: Carrier, name: string, block: Uint8Array, expected: Expected): void => {
    rows.push({
      ...carrier.setting,
      name: `${carrier.name}: ${name}`,
      send: ({ id }) => carrier.carry(block, id),
      expected,
    });
  };
  for (const carrier of carriers) {
    for (const { id, name, value } of allProperties) {
      if (carrier.allowed.includes(id)) continue;
      // Session Expiry Interval is known to DISCONNECT, but not from a server. [MQTT-3.14.2-2]
      const expiry = carrier.name === 'DISCONNECT' && id === 0x11;
      add(
        carrier,
        `${name} is not allowed`,
        properties(property(id, value)),
        breach(...(expiry ? malformedOrProtocolError : [malformed])),
      );
    }
    for (const [name, digits] of unknownIdentifiers) {
      add(carrier, `unknown identifier ${name}`, properties(digits, '00 00'), breach(malformed));
    }
    for (const { id, name, value } of allProperties) {
      if (!carrier.allowed.includes(id) || id === 0x26 || id === 0x0b) continue;
      add(
        carrier,
        `${name} twice`,
        properties(property(id, value), property(id, value)),
        breach(protocolError),
      );
    }
    for (const { id, name, value } of allProperties) {
      if (!carrier.allowed.includes(id)) continue;
      const whole = property(id, value);
      for (let length = 1; length < whole.length; length += 1) {
        // The value runs past the block; whether bytes follow in the packet is the carrier's matter.
        add(
          carrier,
          `${name} cut after ${length} of ${whole.length} bytes`,
          properties(whole.subarray(0, length)),
          breach(malformed),
        );
      }
    }
  }
  return rows;
}

/** Ill-formed strings in every string property that the server may send. */
export function stringPropertyTable(): Row[] {
  const rows: Row[] = [];
  for (const carrier of carriers) {
    const fields: [string, (content: Part) => Part[]][] = [];
    for (const { id, name, type } of allProperties) {
      if (!carrier.allowed.includes(id)) continue;
      if (type === 'string') fields.push([name, (content) => [id, binary(content)]]);
      if (type === 'pair') {
        fields.push([`the name of a ${name}`, (content) => [id, binary(content), string('v')]]);
        fields.push([`the value of a ${name}`, (content) => [id, string('k'), binary(content)]]);
      }
    }
    for (const [field, build] of fields) {
      for (const [name, content] of someBadStrings) {
        rows.push({
          ...carrier.setting,
          name: `${carrier.name}: ${field} with ${name}`,
          send: ({ id }) => carrier.carry(properties(build(content)), id),
          // Under AUTH a wrong method is a protocol error of its own; the string comes first.
          expected: breach(malformed),
        });
      }
    }
  }
  return rows;
}

/** Values of PUBLISH properties: what is delivered exactly, and what is refused. */
export function publishPropertyTable(): Row[] {
  return [...deliveredRows(), ...refusedRows(), ...aliasRows()];
}

function deliveredRows(): Row[] {
  const rows: Row[] = [];
  const add = (name: string, props: Part[], message: Omit<Delivered, 'topic'>): void => {
    rows.push({
      name,
      send: publish(five, { props, payload: 'aa' }),
      expected: open([{ topic: 't', payload: bytes('aa'), ...message }]),
    });
  };
  for (const value of [0, 1] as const) {
    add(`Payload Format Indicator ${value}`, [1, value], { payloadFormatIndicator: value });
  }
  for (const value of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    add(`Message Expiry Interval ${value}`, [2, u32(value)], { messageExpirySeconds: value });
  }
  for (const value of ['', 'text/plain', '\ufefftext', 'x'.repeat(65_535)]) {
    const shown = value.length > 20 ? `of ${value.length} bytes` : JSON.stringify(value);
    add(`Content Type ${shown}`, [3, string(value)], { contentType: value });
  }
  for (const value of ['a', '/', 'answers/here', '$x/y']) {
    add(`Response Topic ${value}`, [8, string(value)], { responseTopic: value });
  }
  for (const value of [new Uint8Array(0), bytes('00 ff 80'), new Uint8Array(65_535).fill(7)]) {
    add(`Correlation Data of ${value.length} bytes`, [9, binary(value)], {
      correlationData: value,
    });
  }
  // [MQTT-1.5.7-1] [MQTT-3.3.2-18]
  const pairs = [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
    ['', ''],
    ['__proto__', 'x'],
    ['constructor', 'y'],
    ['\ufeff', '\ufeff'],
  ] as const;
  add(
    'User Properties with repeated, empty and treacherous names, in their order',
    pairs.map(([key, value]) => [0x26, string(key), string(value)]),
    { userProperties: pairs },
  );
  rows.push({
    name: 'a Subscription Identifier of the client',
    send: ({ subscription }) =>
      publish(five, {
        props: subscription === undefined ? [] : [0x0b, subscription],
        payload: 'aa',
      }),
    expected: open([{ topic: 't', payload: bytes('aa'), subscriptionIdentifiers: [-1] }]),
  });
  add('a Subscription Identifier nobody gave', [0x0b, 'ff ff ff 7f'], {
    subscriptionIdentifiers: [268_435_455],
  });
  add(
    'several Subscription Identifiers nobody gave, in their order',
    ['0b ff 7f 0b 81 01 0b ff 7f'],
    {
      subscriptionIdentifiers: [16_383, 129, 16_383],
    },
  );
  add(
    'all properties at once, in an unusual order',
    [
      [0x26, string('k'), string('1')],
      [0x09, binary('01')],
      [0x08, string('r')],
      [0x26, string('k'), string('2')],
      [0x03, string('c')],
      [0x02, u32(5)],
      [0x01, 1],
      [0x23, u16(16)],
    ],
    {
      userProperties: [
        ['k', '1'],
        ['k', '2'],
      ],
      correlationData: bytes('01'),
      responseTopic: 'r',
      contentType: 'c',
      messageExpirySeconds: 5,
      payloadFormatIndicator: 1,
    },
  );
  const long = Array.from(
    { length: 500 },
    (_, index) => [`name ${index}`, `value ${index}`] as const,
  );
  add(
    '500 User Properties',
    long.map(([key, value]) => [0x26, string(key), string(value)]),
    { userProperties: long },
  );
  return rows;
}

function refusedRows(): Row[] {
  const rows: Row[] = [];
  const refuse = (name: string, props: Part[], ...reasons: number[]): void => {
    rows.push({
      name,
      send: publish(five, { props, payload: 'aa' }),
      expected: breach(...reasons),
    });
  };
  for (const value of [2, 0x80, 0xff]) {
    refuse(`Payload Format Indicator 0x${hexByte(value)}`, [1, value], malformed, protocolError);
  }
  refuse('Subscription Identifier 0', ['0b 00'], protocolError);
  refuse('Subscription Identifier 0 behind a good one', ['0b 01 0b 00'], protocolError);
  refuse('Subscription Identifier not in its shortest form', ['0b 81 00'], malformed);
  refuse('Subscription Identifier of five bytes', ['0b 80 80 80 80 01'], malformed);
  // [MQTT-3.3.2-14]
  for (const topic of ['#', '+', 'a/+', 'a/#', 'a+b']) {
    refuse(`Response Topic ${topic}`, [8, string(topic)], malformed, protocolError, 0x90);
  }
  refuse('an empty Response Topic', [8, string('')], malformed, protocolError, 0x90);
  return rows;
}

function aliasRows(): Row[] {
  const rows: Row[] = [];
  const alias = (value: number): Part[] => [0x23, u16(value)];
  const named = (topic: string, value: number, digit: string): Uint8Array =>
    publish(five, { topic, props: alias(value), payload: digit });
  const got = (topic: string, digit: string): Delivered => ({ topic, payload: bytes(digit) });
  // [MQTT-3.3.2-8] [MQTT-3.3.2-11]
  for (const [name, value, options] of [
    ['0', 0, {}],
    ['17 of 16', 17, {}],
    ['65,535 of 16', 65_535, {}],
    ['3 of 2', 3, { topicAliasMaximum: 2 }],
    ['1 where none was offered', 1, { topicAliasMaximum: 0 }],
  ] as const) {
    for (const topic of ['t', '']) {
      rows.push({
        name: `Topic Alias ${name}, ${topic === '' ? 'no topic' : 'with a topic'}`,
        options,
        send: named(topic, value, 'aa'),
        expected: breach(0x94),
      });
    }
  }
  rows.push({
    name: 'an alias that stands for nothing',
    send: named('', 5, 'aa'),
    expected: breach(protocolError, 0x94),
  });
  rows.push({
    name: 'an alias that stands for nothing, at QoS 2',
    send: publish(five, { topic: '', flags: 4, id: 3, props: alias(5) }),
    expected: breach(protocolError, 0x94),
  });
  // [MQTT-3.3.2-10]
  rows.push({
    name: 'every alias from 1 to the maximum, set and used',
    send: bytes(
      Array.from({ length: 16 }, (_, index) => named(`topic ${index}`, index + 1, '01')),
      Array.from({ length: 16 }, (_, index) => named('', index + 1, '02')),
    ),
    expected: open([
      ...Array.from({ length: 16 }, (_, index) => got(`topic ${index}`, '01')),
      ...Array.from({ length: 16 }, (_, index) => got(`topic ${index}`, '02')),
    ]),
  });
  rows.push({
    name: 'an alias that is set anew stands for the new topic',
    send: bytes(named('a', 1, '01'), named('', 1, '02'), named('b', 1, '03'), named('', 1, '04')),
    expected: open([got('a', '01'), got('a', '02'), got('b', '03'), got('b', '04')]),
  });
  rows.push({
    name: 'a refused message behind good aliases',
    send: bytes(named('a', 1, '01'), named('', 2, '02')),
    expected: { kind: 'breach', reasons: [protocolError, 0x94], delivered: [got('a', '01')] },
  });
  rows.push({
    name: 'a QoS 2 message by alias and its repeat',
    before: [
      {
        send: bytes(
          named('a', 1, '01'),
          publish(five, { topic: '', flags: 4, id: 9, props: alias(1), payload: '02' }),
        ),
        replies: 1,
      },
    ],
    send: bytes(
      publish(five, { topic: '', flags: 12, id: 9, props: alias(1), payload: '02' }),
      packet(0x62, u16(9)),
    ),
    expected: open(
      [got('a', '01'), { ...got('a', '02'), qos: 2, packetIdentifier: 9 }],
      [
        [5, 9, 0],
        [5, 9, 0],
        [7, 9, 0],
      ],
    ),
  });
  return rows;
}
