import { type Packet, PacketDecoder, PacketEncoder, PacketType } from '@mqtt-kit/packet';
import {
  auth,
  connectPacket,
  disconnect,
  pingreq,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  subscribe,
  unsubscribe,
  will,
} from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { EngineHarness } from '../../../packages/testkit/src/engine-harness.ts';
import { binary, publish as rawPublish, string } from '../support/bytes.ts';
import { expectBreach, expectNotEncoded, hexOf, versions } from './statement-support.ts';

const illFormed = ['ed a0 80', 'ed bf bf', 'c0 80', 'ff', 'e2 82', 'f4 90 80 80', '61 80'] as const;

/** Every string of a client's packets that a 3.1.1 packet has too. */
const withString: readonly [string, (text: string, version: '5.0' | '3.1.1') => Packet][] = [
  ['client identifier', (clientId, version) => connectPacket({ version, clientId })],
  ['user name', (username, version) => connectPacket({ version, username })],
  ['will topic', (topic, version) => connectPacket({ version, will: will(topic) })],
  ['topic name', (topic) => publish(topic)],
  ['topic filter of SUBSCRIBE', (filter) => subscribe(1, [filter])],
  ['topic filter of UNSUBSCRIBE', (filter) => unsubscribe(1, [filter])],
];

const withStringProperty: readonly [string, (text: string) => Packet][] = [
  ['Content Type', (contentType) => publish('t', '', { properties: { contentType } })],
  ['Response Topic', (responseTopic) => publish('t', '', { properties: { responseTopic } })],
  ['Reason String', (reasonString) => disconnect(0, { reasonString })],
  ['Authentication Method', (authenticationMethod) => auth(0x18, { authenticationMethod })],
];

describe.each(versions)('strings, %s', (version) => {
  it.each(illFormed)(
    '[MQTT-1.5.4-1] [MQTT3-1.5.3-1] that are no UTF-8 end the connection: %s',
    (hex) => {
      expectBreach(
        version,
        0x81,
        rawPublish(version, { topic: Buffer.from(hex.replaceAll(' ', ''), 'hex') }),
      );
    },
  );

  it.each(withString)(
    '[MQTT-1.5.4-1] [MQTT3-1.5.3-1] with a lone surrogate are not sent: %s',
    (_, packetOf) => {
      for (const text of ['a\ud800', '\udfffa']) expectNotEncoded(version, packetOf(text, version));
    },
  );

  it('[MQTT-1.5.4-2] [MQTT3-1.5.3-2] [MQTT-4.7.3-2] [MQTT3-4.7.3-2] with U+0000 end the connection', () => {
    expectBreach(version, 0x81, rawPublish(version, { topic: 'a\0b' }));
  });

  it.each(withString)(
    '[MQTT-1.5.4-2] [MQTT3-1.5.3-2] with U+0000 are not sent: %s',
    (_, packetOf) => {
      expectNotEncoded(version, packetOf('a\0b', version));
    },
  );

  it('[MQTT-1.5.4-3] [MQTT3-1.5.3-3] keep U+FEFF, read and written', () => {
    const harness = new EngineHarness({ version }).connected();
    const raw = rawPublish(version, { topic: Buffer.from('efbbbf61', 'hex') });
    harness.serverBytes(raw);
    expect(harness.take('message').map(({ packet }) => packet.topic)).toEqual(['\ufeffa']);
    const properties = version === '5.0' ? ' 00' : '';
    const length = version === '5.0' ? '07' : '06';
    expect(hexOf(version, publish('\ufeffa'))).toBe(`30 ${length} 00 04 ef bb bf 61${properties}`);
  });
});

describe('strings in properties', () => {
  it.each(illFormed)('[MQTT-1.5.4-1] that are no UTF-8 end the connection: %s', (hex) => {
    const text = binary(hex);
    for (const property of [
      ['03', text],
      ['08', text],
    ]) {
      expectBreach('5.0', 0x81, rawPublish('5.0', { props: property }));
    }
  });

  it.each(illFormed)(
    '[MQTT-1.5.7-1] that are halves of a pair and no UTF-8 end the connection: %s',
    (hex) => {
      expectBreach('5.0', 0x81, rawPublish('5.0', { props: ['26', binary(hex), string('v')] }));
      expectBreach('5.0', 0x81, rawPublish('5.0', { props: ['26', string('k'), binary(hex)] }));
    },
  );

  it('[MQTT-1.5.7-1] that are halves of a pair and ill-formed are not sent', () => {
    for (const bad of ['\ud800', '\0']) {
      for (const pair of [
        [bad, 'v'],
        ['k', bad],
      ] as const) {
        expectNotEncoded('5.0', publish('t', '', { properties: { userProperties: [pair] } }));
      }
    }
  });

  it.each(withStringProperty)(
    '[MQTT-1.5.4-1] [MQTT-1.5.4-2] are not sent ill-formed: %s',
    (_, packetOf) => {
      for (const text of ['a\udc00', 'a\0']) expectNotEncoded('5.0', packetOf(text));
    },
  );

  it('[MQTT-1.5.4-2] with U+0000 end the connection', () => {
    for (const props of [
      ['03', string('\0')],
      ['26', string('a\0'), string('v')],
      ['26', string('k'), string('\0v')],
    ]) {
      expectBreach('5.0', 0x81, rawPublish('5.0', { props }));
    }
  });
});

describe('a Variable Byte Integer', () => {
  it.each([
    [127, '7f'],
    [128, '80 01'],
    [16_383, 'ff 7f'],
    [16_384, '80 80 01'],
    [2_097_151, 'ff ff 7f'],
    [2_097_152, '80 80 80 01'],
  ])('[MQTT-1.5.5-1] is written in the fewest bytes: %i', (value, hex) => {
    const encoder = new PacketEncoder('5.0', 'client');
    // Topic of one character, no properties.
    encoder.encode(publish('t', new Uint8Array(value - 4)));
    const head = Buffer.from(encoder.take()[0]!).toString('hex');
    expect(head.startsWith(`30${hex.replaceAll(' ', '')}000174`)).toBe(true);
  });

  it('[MQTT-1.5.5-1] is written in the fewest bytes as Property Length', () => {
    const userProperties = [['k', 'v'.repeat(121)]] as const;
    expect(hexOf('5.0', publish('t', '', { properties: { userProperties } }))).toMatch(
      /^30 83 01 00 01 74 7f 26 /,
    );
    const longer = [['k', 'v'.repeat(122)]] as const;
    expect(hexOf('5.0', publish('t', '', { properties: { userProperties: longer } }))).toMatch(
      /^30 85 01 00 01 74 80 01 26 /,
    );
  });

  it.each([
    'd0 80 00',
    '40 82 00 00 01',
    '40 82 80 00 00 01',
    '30 05 00 01 74 80 00',
    '30 07 00 01 74 82 00 01 01',
  ])('[MQTT-1.5.5-1] in more bytes than it needs ends the connection: %s', (hex) => {
    expectBreach('5.0', 0x81, hex);
  });
});

describe.each(versions)('the flags of the fixed header, %s', (version) => {
  const v5 = version === '5.0';

  it('[MQTT-2.1.3-1] [MQTT3-2.2.2-1] hold what is reserved in every packet of a client', () => {
    const packets: [Packet, string][] = [
      [connectPacket({ version }), '10'],
      [puback(1), '40'],
      [pubrec(1), '50'],
      [pubrel(1), '62'],
      [pubcomp(1), '70'],
      [subscribe(1, ['t']), '82'],
      [unsubscribe(1, ['t']), 'a2'],
      [pingreq(), 'c0'],
      [disconnect(), 'e0'],
    ];
    if (v5) packets.push([auth(0x18, { authenticationMethod: 'm' }), 'f0']);
    for (const [packet, first] of packets) expect(hexOf(version, packet).slice(0, 2)).toBe(first);
  });

  const inbound: readonly [string, number, number, string][] = [
    ['CONNACK', 2, 0, v5 ? '03 00 00 00' : '02 00 00'],
    ['PUBACK', 4, 0, '02 00 01'],
    ['PUBREC', 5, 0, '02 00 01'],
    ['PUBREL', 6, 2, '02 00 01'],
    ['PUBCOMP', 7, 0, '02 00 01'],
    ['SUBACK', 9, 0, v5 ? '04 00 01 00 00' : '03 00 01 00'],
    ['UNSUBACK', 11, 0, v5 ? '04 00 01 00 00' : '02 00 01'],
    ['PINGRESP', 13, 0, '00'],
    ...(v5
      ? ([
          ['DISCONNECT', 14, 0, '00'],
          ['AUTH', 15, 0, '00'],
        ] as const)
      : []),
  ].map(
    ([name, type, flags, rest]) => [name, type, flags, rest] as [string, number, number, string],
  );

  it.each(inbound)(
    '[MQTT-2.1.3-1] [MQTT3-2.2.2-2] end the connection when they are others: %s',
    (_, type, right, rest) => {
      for (let flags = 0; flags < 16; flags += 1) {
        if (flags !== right) expectBreach(version, 0x81, (type << 4) | flags, rest);
      }
    },
  );

  it('[MQTT-2.1.3-1] [MQTT3-2.2.2-2] end the connection when CONNACK has others', () => {
    const harness = new EngineHarness({ version });
    harness.open();
    harness.serverBytes(Uint8Array.of(0x21, v5 ? 3 : 2, 0, 0, ...(v5 ? [0] : [])));
    expect(harness.closed).toBe(true);
    expect(harness.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x81 });
  });

  it('[MQTT-3.6.1-1] [MQTT3-3.6.1-1] are 0010 in PUBREL', () => {
    expect(hexOf(version, pubrel(0x1234))).toBe('62 02 12 34');
    expectBreach(version, 0x81, '60 02 00 01');
  });

  it('[MQTT-3.8.1-1] [MQTT3-3.8.1-1] are 0010 in SUBSCRIBE', () => {
    expect(hexOf(version, subscribe(1, ['t']))).toBe(
      v5 ? '82 07 00 01 00 00 01 74 00' : '82 06 00 01 00 01 74 00',
    );
  });

  it('[MQTT-3.10.1-1] [MQTT3-3.10.1-1] are 0010 in UNSUBSCRIBE', () => {
    expect(hexOf(version, unsubscribe(1, ['t']))).toBe(
      v5 ? 'a2 06 00 01 00 00 01 74' : 'a2 05 00 01 00 01 74',
    );
  });

  it('[MQTT-3.14.1-1] [MQTT3-3.14.1-1] are 0000 in DISCONNECT', () => {
    expect(hexOf(version, disconnect())).toBe('e0 00');
    // Under 3.1.1 a server never sends one.
    expectBreach(version, v5 ? 0x81 : 0x82, 'e1 00');
  });
});

describe('the flags of the fixed header of AUTH', () => {
  it('[MQTT-3.15.1-1] are 0000', () => {
    expect(hexOf('5.0', auth(0x18, { authenticationMethod: 'm' }))).toBe('f0 06 18 04 15 00 01 6d');
    expectBreach('5.0', 0x81, 'f1 06 18 04 15 00 01 6d');
  });
});

describe.each(versions)('QoS bits, %s', (version) => {
  it('[MQTT-3.3.1-4] [MQTT3-3.3.1-4] of 11 end the connection, and are never sent', () => {
    for (const flags of [0x6, 0x7, 0xe, 0xf]) {
      expectBreach(version, 0x81, rawPublish(version, { flags, id: 1 }));
    }
    expectNotEncoded(version, publish('t', '', { qos: 3 as never, packetIdentifier: 1 }));
  });
});

describe('packets without properties', () => {
  it.each([
    ['CONNECT', connectPacket(), '10 13 00 04 4d 51 54 54 05 02 00 00 00 00 06 63 6c 69 65 6e 74'],
    ['PUBLISH', publish('t', 'x'), '30 05 00 01 74 00 78'],
    ['SUBSCRIBE', subscribe(1, ['t']), '82 07 00 01 00 00 01 74 00'],
    ['UNSUBSCRIBE', unsubscribe(1, ['t']), 'a2 06 00 01 00 00 01 74'],
    [
      'CONNECT with a will',
      connectPacket({ will: will('w', 'x') }),
      '10 1a 00 04 4d 51 54 54 05 06 00 00 00 00 06 63 6c 69 65 6e 74 00 00 01 77 00 01 78',
    ],
  ] as const)('[MQTT-2.2.2-1] say so by a Property Length of 0: %s', (_, packet, hex) => {
    expect(hexOf('5.0', packet)).toBe(hex);
  });
});

const publishCodes = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];
const releaseCodes = [0x00, 0x92];

/** The codes of 256 that the client's decoder takes in a packet whose reason code is its byte `at`. */
function taken(at: number, ...hex: readonly number[]): number[] {
  return allBytes.filter((code) => {
    const bytes = Uint8Array.from(hex);
    bytes[at] = code;
    const decoder = new PacketDecoder({
      version: '5.0',
      receiver: 'client',
      maximumPacketSize: 1000,
    });
    decoder.push(bytes);
    try {
      return decoder.next() !== undefined;
    } catch {
      return false;
    }
  });
}

/** The codes of 256 that a client's encoder writes. */
function given(packetOf: (reasonCode: number) => Packet): number[] {
  return allBytes.filter((code) => {
    try {
      new PacketEncoder('5.0', 'client').encode(packetOf(code));
      return true;
    } catch {
      return false;
    }
  });
}

const allBytes = Array.from({ length: 256 }, (_, code) => code);

describe('reason codes', () => {
  it('[MQTT-3.4.2-1] of PUBACK are those of the list, read and written', () => {
    expect(taken(4, 0x40, 3, 0, 1, 0)).toEqual(publishCodes);
    expect(given((code) => puback(1, code))).toEqual(publishCodes.filter((code) => code !== 0x10));
    expectBreach('5.0', [0x81, 0x82], '40 03 00 01 05');
  });

  it('[MQTT-3.5.2-1] of PUBREC are those of the list, read and written', () => {
    expect(taken(4, 0x50, 3, 0, 1, 0)).toEqual(publishCodes);
    expect(given((code) => pubrec(1, code))).toEqual(publishCodes.filter((code) => code !== 0x10));
    expectBreach('5.0', [0x81, 0x82], '50 03 00 01 92');
  });

  it('[MQTT-3.6.2-1] of PUBREL are 0x00 and 0x92, read and written', () => {
    expect(taken(4, 0x62, 3, 0, 1, 0)).toEqual(releaseCodes);
    expect(given((code) => pubrel(1, code))).toEqual(releaseCodes);
    expectBreach('5.0', [0x81, 0x82], '62 03 00 01 80');
  });

  it('[MQTT-3.7.2-1] of PUBCOMP are 0x00 and 0x92, read and written', () => {
    expect(taken(4, 0x70, 3, 0, 1, 0)).toEqual(releaseCodes);
    expect(given((code) => pubcomp(1, code))).toEqual(releaseCodes);
    const harness = new EngineHarness().connected();
    harness.server(pubrel(9));
    expect(harness.takeSent()).toEqual([
      { type: PacketType.pubcomp, packetIdentifier: 9, reasonCode: 0x92, properties: {} },
    ]);
  });

  it('[MQTT-3.14.2-1] of DISCONNECT are those of the list, read and written', () => {
    expect(given((code) => disconnect(code))).toEqual([
      0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x8c, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    ]);
    expect(taken(2, 0xe0, 1, 0)).toEqual([
      0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94,
      0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ]);
  });

  it('[MQTT-3.15.2-1] of AUTH are 0x18 and 0x19 from a client, 0x00 and 0x18 from a server', () => {
    expect(given((code) => auth(code, { authenticationMethod: 'm' }))).toEqual([0x18, 0x19]);
    expect(taken(2, 0xf0, 6, 0, 4, 0x15, 0, 1, 0x6d)).toEqual([0x00, 0x18]);
  });
});
