import { describe, expect, it } from 'vitest';
import { decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { InvalidPacketError } from './errors.ts';
import { PacketEncoder, packetSize } from './packet-encoder.ts';
import { type PacketSender, PacketType } from './packet-type.ts';
import type {
  ConnackPacket,
  ConnectPacket,
  Packet,
  PublishPacket,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  WillPacketPart,
} from './packets.ts';
import { noProperties, type Properties } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { hexOf } from './raw-packets.test-support.ts';

const none = noProperties;
const noBytes = new Uint8Array(0);

function publish(fields: object = {}): PublishPacket {
  return {
    type: PacketType.publish,
    topic: 'a/b',
    payload: noBytes,
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: undefined,
    properties: none,
    ...fields,
  };
}

function connect(version: ProtocolVersion, fields: object = {}): ConnectPacket {
  return {
    type: PacketType.connect,
    version,
    clientId: 'c',
    cleanStart: true,
    keepAliveSeconds: 60,
    username: undefined,
    password: undefined,
    will: undefined,
    properties: none,
    ...fields,
  };
}

function will(fields: object = {}): WillPacketPart {
  return { topic: 'w', payload: noBytes, qos: 0, retain: false, properties: none, ...fields };
}

function subscribe(fields: object = {}, options: object = {}): SubscribePacket {
  const subscription: SubscriptionRequest = {
    topicFilter: 'a',
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    ...options,
  };
  return {
    type: PacketType.subscribe,
    packetIdentifier: 1,
    subscriptions: [subscription],
    properties: none,
    ...fields,
  };
}

function connack(fields: object = {}): ConnackPacket {
  return {
    type: PacketType.connack,
    sessionPresent: false,
    reasonCode: 0,
    properties: none,
    ...fields,
  };
}

function suback(reasonCodes: number[]): SubackPacket {
  return { type: PacketType.suback, packetIdentifier: 1, reasonCodes, properties: none };
}

function unsuback(reasonCodes: number[]): UnsubackPacket {
  return { type: PacketType.unsuback, packetIdentifier: 1, reasonCodes, properties: none };
}

function acknowledge(type: 4 | 5 | 6 | 7, packetIdentifier: number, reasonCode = 0): Packet {
  return { type, packetIdentifier, reasonCode, properties: none };
}

const long = 'é'.repeat(32_768);
const both: readonly ProtocolVersion[] = ['3.1.1', '5.0'];
const v4: readonly ProtocolVersion[] = ['3.1.1'];
const v5: readonly ProtocolVersion[] = ['5.0'];

/** What may not be sent: the message names the packet, the field, what was given and what is expected. */
const invalid: readonly [
  string,
  readonly ProtocolVersion[],
  (version: ProtocolVersion) => Packet,
  RegExp,
][] = [
  [
    '[MQTT-3.3.1-2] DUP at QoS 0',
    both,
    () => publish({ dup: true }),
    /PUBLISH: DUP is set with QoS 0/,
  ],
  ['QoS 3', both, () => publish({ qos: 3, packetIdentifier: 1 }), /QoS is 3, expected .* 0 to 2/],
  ['QoS 0.5', both, () => publish({ qos: 0.5 }), /QoS is 0.5/],
  ['QoS -1', both, () => publish({ qos: -1 }), /QoS is -1/],
  ['QoS undefined', both, () => publish({ qos: undefined }), /QoS is undefined/],
  [
    '[MQTT-2.2.1-3] no identifier',
    both,
    () => publish({ qos: 1 }),
    /packet identifier is undefined, expected .* 1 to 65535/,
  ],
  ['identifier 0', both, () => publish({ qos: 2, packetIdentifier: 0 }), /packet identifier is 0/],
  ['identifier 65,536', both, () => publish({ qos: 1, packetIdentifier: 65_536 }), /is 65536/],
  ['identifier 1.5', both, () => publish({ qos: 1, packetIdentifier: 1.5 }), /is 1.5/],
  ['identifier "1"', both, () => publish({ qos: 1, packetIdentifier: '1' }), /is "1"/],
  [
    '[MQTT-2.2.1-2] identifier at QoS 0',
    both,
    () => publish({ packetIdentifier: 1 }),
    /is 1 with QoS 0, expected undefined/,
  ],
  [
    '[MQTT-3.3.2-2] "+" in the topic',
    both,
    () => publish({ topic: 'a/+' }),
    /topic name must not contain wildcards/,
  ],
  ['"#" in the topic', both, () => publish({ topic: '#' }), /found "#" at index 0/],
  ['[MQTT-4.7.3-1] no topic', v4, () => publish({ topic: '' }), /topic name must not be empty/],
  ['no topic, no alias', v5, () => publish({ topic: '' }), /empty without Topic Alias/],
  [
    '[MQTT3-4.7.3-1] an alias in 3.1.1',
    v4,
    () => publish({ topic: '', properties: { topicAlias: 1 } }),
    /must not be empty/,
  ],
  [
    '[MQTT-4.7.3-2] U+0000',
    both,
    () => publish({ topic: 'a\0' }),
    /topic name must not contain U\+0000, found at index 1/,
  ],
  [
    '[MQTT-1.5.4-1] a lone surrogate',
    both,
    () => publish({ topic: 'é\ud83d' }),
    /topic name .*lone surrogate U\+D83D at index 1/,
  ],
  [
    'a lone surrogate in long text',
    both,
    () => publish({ topic: `${'a'.repeat(99)}\ude00` }),
    /U\+DE00 at index 99/,
  ],
  [
    '[MQTT-4.7.3-3] a long topic',
    both,
    () => publish({ topic: long }),
    /topic name must be at most 65535 bytes of UTF-8, found 65536/,
  ],
  ['a long ASCII topic', both, () => publish({ topic: 'a'.repeat(65_536) }), /found 65536/],
  [
    'a topic that is no string',
    both,
    () => publish({ topic: 5 }),
    /topic name is 5, expected a string/,
  ],
  [
    'a payload that is a string',
    both,
    () => publish({ payload: 'x' }),
    /payload is of type string, expected a Uint8Array/,
  ],
  [
    'a payload of 16-bit numbers',
    both,
    () => publish({ payload: new Uint16Array(1) }),
    /expected a Uint8Array/,
  ],
  [
    '[MQTT-3.3.2-8] alias 0',
    v5,
    () => publish({ properties: { topicAlias: 0 } }),
    /Topic Alias is 0, expected at least 1/,
  ],
  [
    'alias 65,536',
    v5,
    () => publish({ properties: { topicAlias: 65_536 } }),
    /Topic Alias is 65536, expected .* 0 to 65535/,
  ],
  [
    '[MQTT-3.3.2-14] wildcard in Response Topic',
    v5,
    () => publish({ properties: { responseTopic: 'r/#' } }),
    /Response Topic must not contain wildcards/,
  ],
  [
    'an empty Response Topic',
    v5,
    () => publish({ properties: { responseTopic: '' } }),
    /Response Topic must not be empty/,
  ],
  [
    'a number for Response Topic',
    v5,
    () => publish({ properties: { responseTopic: 7 } }),
    /Response Topic is 7, expected a string/,
  ],
  [
    'format 2',
    v5,
    () => publish({ properties: { payloadFormatIndicator: 2 } }),
    /Payload Format Indicator is 2, expected 0 or 1/,
  ],
  [
    'format true',
    v5,
    () => publish({ properties: { payloadFormatIndicator: true } }),
    /Payload Format Indicator is true, expected 0 or 1/,
  ],
  [
    'expiry -1',
    v5,
    () => publish({ properties: { messageExpiryInterval: -1 } }),
    /Message Expiry Interval is -1, expected .* 0 to 4294967295/,
  ],
  [
    'expiry 2^32',
    v5,
    () => publish({ properties: { messageExpiryInterval: 2 ** 32 } }),
    /is 4294967296/,
  ],
  [
    'expiry NaN',
    v5,
    () => publish({ properties: { messageExpiryInterval: Number.NaN } }),
    /is NaN/,
  ],
  [
    'long correlation data',
    v5,
    () => publish({ properties: { correlationData: new Uint8Array(65_536) } }),
    /Correlation Data is 65536 bytes long, expected at most 65535/,
  ],
  [
    'an unknown property',
    v5,
    () => publish({ properties: { retained: 1 } }),
    /retained is no property/,
  ],
  [
    'a property named like a method',
    v5,
    () => publish({ properties: { toString: 1 } }),
    /toString is no property/,
  ],
  [
    'a property of CONNECT',
    v5,
    () => publish({ properties: { receiveMaximum: 1 } }),
    /Receive Maximum given, expected only in CONNECT, CONNACK/,
  ],
  [
    'user properties as an object',
    v5,
    () => publish({ properties: { userProperties: { a: 'b' } } }),
    /User Property is no array/,
  ],
  [
    'a user property that is no pair',
    v5,
    () => publish({ properties: { userProperties: [['a']] } }),
    /User Property is object, expected a pair of strings/,
  ],
  [
    'a user property that is a string',
    v5,
    () => publish({ properties: { userProperties: ['ab'] } }),
    /User Property is string, expected a pair/,
  ],
  [
    'a user property of three',
    v5,
    () => publish({ properties: { userProperties: [['a', 'b', 'c']] } }),
    /expected a pair of strings/,
  ],
  [
    '[MQTT-1.5.7-1] a surrogate in a user property',
    v5,
    () => publish({ properties: { userProperties: [['a', '\ud800']] } }),
    /User Property .*lone surrogate/,
  ],
  [
    'Subscription Identifier 0',
    v5,
    () => publish({ properties: { subscriptionIdentifiers: [0] } }),
    /Subscription Identifier is 0/,
  ],
  [
    'Subscription Identifier 2^28',
    v5,
    () => publish({ properties: { subscriptionIdentifiers: [2 ** 28] } }),
    /is 268435456, expected .* 0 to 268435455/,
  ],
  [
    'another version',
    both,
    (version) => connect(version === '5.0' ? '3.1.1' : '5.0'),
    /version is .*, expected that of the encoder/,
  ],
  [
    'Keep Alive 65,536',
    both,
    (version) => connect(version, { keepAliveSeconds: 65_536 }),
    /CONNECT: Keep Alive is 65536/,
  ],
  [
    'Keep Alive 0.5',
    both,
    (version) => connect(version, { keepAliveSeconds: 0.5 }),
    /Keep Alive is 0.5/,
  ],
  [
    '[MQTT3-3.1.3-7] no identifier without Clean Session',
    v4,
    (version) => connect(version, { clientId: '', cleanStart: false }),
    /client identifier is empty without Clean Session/,
  ],
  [
    '[MQTT3-3.1.2-22] password alone',
    v4,
    (version) => connect(version, { password: noBytes }),
    /password without user name/,
  ],
  [
    'a long password',
    both,
    (version) => connect(version, { username: 'u', password: new Uint8Array(65_536) }),
    /password is 65536 bytes long/,
  ],
  [
    'a password that is a string',
    both,
    (version) => connect(version, { username: 'u', password: 'p' }),
    /password is of type string, expected a Uint8Array/,
  ],
  [
    'a long client identifier',
    both,
    (version) => connect(version, { clientId: long }),
    /client identifier must be at most/,
  ],
  [
    'U+0000 in the user name',
    both,
    (version) => connect(version, { username: '\0' }),
    /user name must not contain U\+0000/,
  ],
  [
    '[MQTT-3.1.2-12] Will QoS 3',
    both,
    (version) => connect(version, { will: will({ qos: 3 }) }),
    /Will QoS is 3/,
  ],
  [
    'a wildcard in the will topic',
    both,
    (version) => connect(version, { will: will({ topic: 'w/#' }) }),
    /will topic must not contain wildcards/,
  ],
  [
    'no will topic',
    both,
    (version) => connect(version, { will: will({ topic: '' }) }),
    /will topic must not be empty/,
  ],
  [
    'a long will payload',
    both,
    (version) => connect(version, { will: will({ payload: new Uint8Array(65_536) }) }),
    /will payload is 65536 bytes long, expected at most 65535/,
  ],
  [
    'a will property in CONNECT',
    v5,
    (version) => connect(version, { properties: { willDelayInterval: 1 } }),
    /Will Delay Interval given, expected only in WILL/,
  ],
  [
    'Topic Alias in the will',
    v5,
    (version) => connect(version, { will: will({ properties: { topicAlias: 1 } }) }),
    /Topic Alias given, expected only in PUBLISH/,
  ],
  [
    'Receive Maximum 0',
    v5,
    (version) => connect(version, { properties: { receiveMaximum: 0 } }),
    /Receive Maximum is 0/,
  ],
  [
    'Authentication Data alone',
    v5,
    (version) => connect(version, { properties: { authenticationData: noBytes } }),
    /without Authentication Method/,
  ],
  [
    '[MQTT-3.2.2-6] session with refusal',
    both,
    () => connack({ sessionPresent: true, reasonCode: 0x87 }),
    /CONNACK: Session Present with a refusal/,
  ],
  [
    '[MQTT3-3.2.2-6] no return code for it',
    v4,
    () => connack({ reasonCode: 0x97 }),
    /0x97 \(Quota exceeded\) has no return code in 3.1.1/,
  ],
  [
    '[MQTT-3.2.2-8] no code of CONNACK',
    v5,
    () => connack({ reasonCode: 0x92 }),
    /reason code is 0x92, expected one of/,
  ],
  [
    '[MQTT-3.8.3-2] no subscription',
    both,
    () => subscribe({ subscriptions: [] }),
    /SUBSCRIBE: no subscription given/,
  ],
  [
    'SUBSCRIBE identifier 0',
    both,
    () => subscribe({ packetIdentifier: 0 }),
    /packet identifier is 0/,
  ],
  ['SUBSCRIBE QoS 3', both, () => subscribe({}, { qos: 3 }), /requested QoS is 3/],
  ['Retain Handling 3', v5, () => subscribe({}, { retainHandling: 3 }), /Retain Handling is 3/],
  [
    '[MQTT-3.8.3-4] No Local when shared',
    v5,
    () => subscribe({}, { topicFilter: '$share/g/a', noLocal: true }),
    /No Local given for a shared subscription/,
  ],
  [
    'an invalid filter',
    both,
    () => subscribe({}, { topicFilter: 'a#' }),
    /topic filter must have "#" alone/,
  ],
  ['no filter', both, () => subscribe({}, { topicFilter: '' }), /topic filter must not be empty/],
  [
    'a long filter',
    both,
    () => subscribe({}, { topicFilter: long }),
    /topic filter must be at most 65535/,
  ],
  [
    'two Subscription Identifiers',
    v5,
    () => subscribe({ properties: { subscriptionIdentifiers: [1, 2] } }),
    /Subscription Identifier given 2 times, expected once/,
  ],
  [
    '[MQTT-3.10.3-2] no filters',
    both,
    () => ({ type: 10, packetIdentifier: 1, topicFilters: [], properties: none }),
    /UNSUBSCRIBE: no topic filter given/,
  ],
  [
    'UNSUBSCRIBE from "+a"',
    both,
    () => ({ type: 10, packetIdentifier: 1, topicFilters: ['+a'], properties: none }),
    /alone in its level/,
  ],
  [
    'UNSUBSCRIBE identifier 0',
    both,
    () => ({ type: 10, packetIdentifier: 0, topicFilters: ['a'], properties: none }),
    /packet identifier is 0/,
  ],
  ['SUBACK without codes', both, () => suback([]), /SUBACK: no reason code given/],
  ['[MQTT-3.9.3-2] SUBACK with 0x03', both, () => suback([0, 3]), /reason code is 0x03/],
  ['UNSUBACK without codes', v5, () => unsuback([]), /UNSUBACK: no reason code given/],
  [
    'UNSUBACK that refuses, in 3.1.1',
    v4,
    () => unsuback([0, 0x87]),
    /0x87, which 3.1.1 cannot say/,
  ],
  ['PUBACK identifier 0', both, () => acknowledge(4, 0), /PUBACK: packet identifier is 0/],
  [
    'PUBREL identifier 70,000',
    both,
    () => acknowledge(6, 70_000),
    /PUBREL: packet identifier is 70000/,
  ],
  [
    'PUBACK that refuses, in 3.1.1',
    v4,
    () => acknowledge(4, 1, 0x87),
    /PUBACK: .* 0x87, which 3.1.1 cannot say/,
  ],
  [
    'PUBREC that refuses, in 3.1.1',
    v4,
    () => acknowledge(5, 1, 0x80),
    /PUBREC: .* 0x80, which 3.1.1 cannot say/,
  ],
  [
    'DISCONNECT with will, in 3.1.1',
    v4,
    () => ({ type: 14, reasonCode: 4, properties: none }),
    /DISCONNECT: .* 0x04, which 3.1.1 cannot say/,
  ],
  [
    'AUTH in 3.1.1',
    v4,
    () => ({ type: 15, reasonCode: 0x18, properties: { authenticationMethod: 'm' } }),
    /AUTH: 3.1.1 has no such packet/,
  ],
  [
    'AUTH without method',
    v5,
    () => ({ type: 15, reasonCode: 0x18, properties: none }),
    /AUTH: Authentication Method is missing/,
  ],
  [
    'an unknown type',
    both,
    () => ({ type: 16 }) as unknown as Packet,
    /packet type is 16, expected 1 to 15/,
  ],
  ['type 0', both, () => ({ type: 0 }) as unknown as Packet, /packet type is 0, expected 1 to 15/],
];

describe('what may not be sent', () => {
  for (const [name, versions, packetOf, message] of invalid) {
    for (const version of versions) {
      it(`${version}: ${name}`, () => {
        const encoder = new PacketEncoder(version);
        encoder.encode({ type: PacketType.pingreq });
        const packet = packetOf(version);
        expect(() => encoder.encode(packet)).toThrow(InvalidPacketError);
        expect(() => encoder.encode(packet)).toThrow(message);
        expect(() => packetSize(packet, version)).toThrow(message);
        // Everything is as it was.
        expect(encoder.pendingBytes).toBe(2);
        encoder.encode({ type: PacketType.pingresp });
        expect(hexOf(encoder.take())).toBe('c000d000');
      });
    }
  }

  it('a packet over 268,435,460 bytes, by one byte', () => {
    const room = 268_435_455 - 2 - 1;
    const payload = new Uint8Array(room);
    expect(packetSize(publish({ topic: 'a', payload }), '3.1.1')).toBe(268_435_460);
    const tooLong = publish({ topic: 'ab', payload });
    expect(() => packetSize(tooLong, '3.1.1')).toThrow(/Remaining Length is 268435456 bytes/);
    const encoder = new PacketEncoder('3.1.1');
    expect(() => encoder.encode(tooLong)).toThrow(InvalidPacketError);
    expect(encoder.take()).toStrictEqual([]);
    expect(encoder.encode(publish({ topic: 'a', payload }))).toBe(268_435_460);
    expect(encoder.take()[1]).toBe(payload);
  });

  it('from the end that does not send it', () => {
    const fromServer: Packet[] = [
      connack(),
      suback([0]),
      unsuback([0]),
      { type: PacketType.pingresp },
      publish({ properties: { subscriptionIdentifiers: [1] } }),
      { type: PacketType.disconnect, reasonCode: 0x8e, properties: none },
      { type: PacketType.auth, reasonCode: 0, properties: { authenticationMethod: 'm' } },
    ];
    const fromClient: Packet[] = [
      connect('5.0'),
      subscribe(),
      { type: PacketType.unsubscribe, packetIdentifier: 1, topicFilters: ['a'], properties: none },
      { type: PacketType.pingreq },
      { type: PacketType.disconnect, reasonCode: 0x04, properties: none },
      { type: PacketType.auth, reasonCode: 0x19, properties: { authenticationMethod: 'm' } },
    ];
    for (const [packets, sender] of [
      [fromServer, 'client'],
      [fromClient, 'server'],
    ] as [Packet[], PacketSender][]) {
      const other = sender === 'client' ? 'server' : 'client';
      for (const packet of packets) {
        expect(() => new PacketEncoder('5.0', sender).encode(packet)).toThrow(InvalidPacketError);
        expect(new PacketEncoder('5.0', other).encode(packet)).toBeGreaterThan(0);
        expect(new PacketEncoder('5.0').encode(packet)).toBeGreaterThan(0);
      }
    }
    expect(() =>
      new PacketEncoder('3.1.1', 'server').encode({ type: 14, reasonCode: 0, properties: none }),
    ).toThrow(/DISCONNECT: a server may not send it in 3.1.1/);
  });
});

describe('what 3.1.1 has no room for', () => {
  const properties: Properties = { userProperties: [['a', 'b']] };

  it('is left out: properties, subscription options, codes of success', () => {
    const packets: [Packet, string][] = [
      [publish({ properties }), '30050003612f62'],
      [subscribe({ properties }, { noLocal: true, retainHandling: 2, qos: 1 }), '8206000100016101'],
      [acknowledge(4, 1, 0x10), '40020001'],
      [unsuback([0, 0x11]), 'b0020001'],
      [connack({ properties }), '20020000'],
      [{ type: PacketType.disconnect, reasonCode: 0, properties }, 'e000'],
    ];
    for (const [packet, hex] of packets) {
      const encoder = new PacketEncoder('3.1.1');
      expect(encoder.encode(packet)).toBe(hex.length / 2);
      expect(hexOf(encoder.take())).toBe(hex);
    }
  });

  it('[MQTT3-3.9.3-2] is said with the one failure of SUBACK', () => {
    const encoder = new PacketEncoder('3.1.1');
    encoder.encode(suback([0, 1, 2, 0x80, 0x87, 0xa2]));
    expect(hexOf(encoder.take())).toBe('90080001000102808080');
  });
});

describe('the bytes of an encoder', () => {
  it('hold copies of payloads up to 16 KiB, and larger ones by reference', () => {
    const encoder = new PacketEncoder('3.1.1');
    const small = new Uint8Array(16 * 1024).fill(1);
    const large = new Uint8Array(16 * 1024 + 1).fill(2);
    encoder.encode(publish({ payload: small }));
    encoder.encode(publish({ payload: large }));
    encoder.encode({ type: PacketType.pingreq });
    const [first, second, third, ...rest] = encoder.take();
    expect(first?.length).toBe(1 + 3 + 5 + small.length + 1 + 3 + 5);
    expect(second).toBe(large);
    expect(hexOf([third!])).toBe('c000');
    expect(rest).toStrictEqual([]);
    small.fill(9);
    expect(first?.[9]).toBe(1);
  });

  it('belong to the taker: nothing is written over them', () => {
    const encoders = [new PacketEncoder('5.0'), new PacketEncoder('5.0'), new PacketEncoder('5.0')];
    const taken: { chunks: Uint8Array[]; hex: string }[] = [];
    for (let turn = 0; turn < 200; turn += 1) {
      for (const [index, encoder] of encoders.entries()) {
        const size = (turn * 37 + index * 101) % 700;
        encoder.encode(publish({ payload: new Uint8Array(size).fill(turn) }));
        encoder.encode({ type: PacketType.pingreq });
        if ((turn + index) % 3 === 0) {
          const chunks = encoder.take();
          taken.push({ chunks, hex: hexOf(chunks) });
        }
      }
    }
    for (const { chunks, hex } of taken) expect(hexOf(chunks)).toBe(hex);
  });

  it('are right when many encoders write in turns', () => {
    const encoders = Array.from({ length: 50 }, () => new PacketEncoder('3.1.1'));
    for (let turn = 0; turn < 60; turn += 1) {
      for (const [index, encoder] of encoders.entries()) {
        encoder.encode(
          publish({ topic: `t/${index}/${turn}`, payload: new Uint8Array(index * 40) }),
        );
      }
    }
    for (const [index, encoder] of encoders.entries()) {
      const pendingBytes = encoder.pendingBytes;
      const chunks = encoder.take();
      expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(pendingBytes);
      // Regions double, so that taking turns does not end in a chunk for each packet.
      expect(chunks.length).toBeLessThan(14);
      const { packets } = decodeChunks(decoderFrom('client', '3.1.1'), chunks);
      expect(packets.map((packet) => (packet as PublishPacket).topic)).toStrictEqual(
        Array.from({ length: 60 }, (_, turn) => `t/${index}/${turn}`),
      );
    }
  });

  it('are nothing after a take, and nothing before the first packet', () => {
    const encoder = new PacketEncoder('5.0');
    expect(encoder.take()).toStrictEqual([]);
    encoder.encode({ type: PacketType.pingreq });
    expect(encoder.take()).toHaveLength(1);
    expect(encoder.pendingBytes).toBe(0);
    expect(encoder.take()).toStrictEqual([]);
  });

  it('hold packets larger than a slab, text that is not ASCII, and what comes after', () => {
    const encoder = new PacketEncoder('5.0');
    const topicFilters = Array.from({ length: 9000 }, (_, index) => `größe/${index}/日本`);
    const packet: Packet = {
      type: PacketType.unsubscribe,
      packetIdentifier: 1,
      topicFilters,
      properties: none,
    };
    encoder.encode({ type: PacketType.pingreq });
    expect(encoder.encode(packet)).toBe(packetSize(packet, '5.0'));
    encoder.encode({ type: PacketType.pingreq });
    const { packets } = decodeChunks(decoderFrom('client', '5.0'), encoder.take());
    expect(packets).toStrictEqual([{ type: 12 }, packet, { type: 12 }]);
  });

  it('write properties in the order of their keys, and none whose value is undefined', () => {
    const encoder = new PacketEncoder('5.0');
    const properties = { topicAlias: 1, contentType: undefined, payloadFormatIndicator: 0 };
    encoder.encode(publish({ topic: 'a', properties }));
    encoder.encode(publish({ topic: 'a', properties: { contentType: undefined } }));
    encoder.encode({ type: 4, packetIdentifier: 1, reasonCode: 0, properties: {} });
    expect(hexOf(encoder.take())).toBe('30090001610523000101003004000161004002' + '0001');
  });
});
