/**
 * The table of properties against a second one, written out in another way: by packet, and with the values as
 * bytes. All identifiers are tried in all places from both ends.
 */
import { describe, expect, it } from 'vitest';
import { decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { InvalidPacketError } from './errors.ts';
import { PacketEncoder } from './packet-encoder.ts';
import { type PacketSender, PacketType } from './packet-type.ts';
import type { Packet } from './packets.ts';
import { noProperties, type Properties, type PropertyPlace, propertyTable } from './property.ts';
import { bytesOfHex, hexOf } from './raw-packets.test-support.ts';

/** Identifiers by place and sender. */
const placesOfSender: Record<PacketSender, Partial<Record<PropertyPlace, string>>> = {
  client: {
    connect: '11 15 16 17 19 21 22 26 27',
    will: '01 02 03 08 09 18 26',
    publish: '01 02 03 08 09 23 26',
    puback: '1f 26',
    pubrec: '1f 26',
    pubrel: '1f 26',
    pubcomp: '1f 26',
    subscribe: '0b 26',
    unsubscribe: '26',
    disconnect: '11 1f 26',
    auth: '15 16 1f 26',
  },
  server: {
    connack: '11 12 13 15 16 1a 1c 1f 21 22 24 25 26 27 28 29 2a',
    publish: '01 02 03 08 09 0b 23 26',
    puback: '1f 26',
    pubrec: '1f 26',
    pubrel: '1f 26',
    pubcomp: '1f 26',
    suback: '1f 26',
    unsuback: '1f 26',
    disconnect: '1c 1f 26',
    auth: '15 16 1f 26',
  },
};

/** Known to the packet, but only from the other end: a protocol error in place of a malformed packet. */
const onlyFromOtherEnd: Record<PacketSender, Partial<Record<PropertyPlace, string>>> = {
  client: { publish: '0b', disconnect: '1c' },
  server: { disconnect: '11' },
};

/** By identifier: key, a value, its bytes, and values that are not allowed, with their reason code. */
const values: Record<
  string,
  readonly [keyof Properties, unknown, string, Record<string, number>?]
> = {
  '01': ['payloadFormatIndicator', 1, '01', { '02': 0x82, ff: 0x82 }],
  '02': ['messageExpiryInterval', 0x80000001, '80000001'],
  '03': ['contentType', 'é', '0002 c3a9', { '0001 00': 0x81, '0001 ff': 0x81 }],
  '08': [
    'responseTopic',
    'r',
    '0001 72',
    { '0000': 0x90, '0001 2b': 0x90, '0001 23': 0x90, '0001 00': 0x81 },
  ],
  '09': ['correlationData', Uint8Array.of(0, 255), '0002 00ff'],
  '0b': [
    'subscriptionIdentifiers',
    [300],
    'ac02',
    { '00': 0x82, '8000': 0x81, 'ffffffff 00': 0x81 },
  ],
  '11': ['sessionExpiryInterval', 0xffffffff, 'ffffffff'],
  '12': ['assignedClientIdentifier', 'id', '0002 6964', { '0002 c080': 0x81 }],
  '13': ['serverKeepAlive', 0, '0000'],
  '15': ['authenticationMethod', '', '0000', { '0001 80': 0x81 }],
  '16': ['authenticationData', Uint8Array.of(), '0000'],
  '17': ['requestProblemInformation', 0, '00', { '02': 0x82 }],
  '18': ['willDelayInterval', 1, '00000001'],
  '19': ['requestResponseInformation', 1, '01', { '02': 0x82 }],
  '1a': ['responseInformation', '', '0000', { '0003 eda080': 0x81 }],
  '1c': ['serverReference', 'h', '0001 68', { '0001 00': 0x81 }],
  '1f': ['reasonString', '\ufeff', '0003 efbbbf', { '0001 00': 0x81 }],
  '21': ['receiveMaximum', 65535, 'ffff', { '0000': 0x82 }],
  '22': ['topicAliasMaximum', 0, '0000'],
  '23': ['topicAlias', 1, '0001', { '0000': 0x94 }],
  '24': ['maximumQos', 1, '01', { '02': 0x82 }],
  '25': ['retainAvailable', 0, '00', { '02': 0x82 }],
  '26': [
    'userProperties',
    [['k', '']],
    '0001 6b 0000',
    { '0001 00 0000': 0x81, '0000 0001 ff': 0x81 },
  ],
  '27': ['maximumPacketSize', 1, '00000001', { '00000000': 0x82 }],
  '28': ['wildcardSubscriptionAvailable', 1, '01', { '02': 0x82 }],
  '29': ['subscriptionIdentifiersAvailable', 0, '00', { '02': 0x82 }],
  '2a': ['sharedSubscriptionAvailable', 1, '01', { '80': 0x82 }],
};

const method = '15 0001 6d';

function sized(hex: string): string {
  return hex.replace(/\s/g, '').length / 2 < 128
    ? (hex.replace(/\s/g, '').length / 2).toString(16).padStart(2, '0') + hex
    : expect.unreachable();
}

/** A packet with a block of properties, in bytes. */
function hexWith(place: PropertyPlace, block: string): string {
  const properties = sized(block);
  const connect = '0004 4d515454 05';
  switch (place) {
    case 'connect':
      return `10${sized(`${connect} 02 0000 ${properties} 0000`)}`;
    case 'will':
      return `10${sized(`${connect} 06 0000 00 0000 ${properties} 0001 77 0000`)}`;
    case 'connack':
      return `20${sized(`00 00 ${properties}`)}`;
    case 'publish':
      return `30${sized(`0001 74 ${properties}`)}`;
    case 'subscribe':
      return `82${sized(`0001 ${properties} 0001 61 00`)}`;
    case 'suback':
      return `90${sized(`0001 ${properties} 00`)}`;
    case 'unsubscribe':
      return `a2${sized(`0001 ${properties} 0001 61`)}`;
    case 'unsuback':
      return `b0${sized(`0001 ${properties} 00`)}`;
    case 'disconnect':
      return `e0${sized(`00 ${properties}`)}`;
    case 'auth':
      return `f0${sized(`18 ${properties}`)}`;
    default: {
      const first = { puback: '40', pubrec: '50', pubrel: '62', pubcomp: '70' }[place as 'puback'];
      return `${first}${sized(`0001 00 ${properties}`)}`;
    }
  }
}

/** The same packet as an object. */
function packetWith(place: PropertyPlace, properties: Properties): Packet {
  const will = { topic: 'w', payload: new Uint8Array(0), qos: 0, retain: false, properties };
  const fields = {
    type: PacketType[place === 'will' ? 'connect' : place],
    version: '5.0',
    clientId: '',
    cleanStart: true,
    keepAliveSeconds: 0,
    will: place === 'will' ? will : undefined,
    topic: 't',
    payload: new Uint8Array(0),
    qos: 0,
    packetIdentifier: place === 'publish' ? undefined : 1,
    reasonCode: place === 'auth' ? 0x18 : 0,
    reasonCodes: [0],
    subscriptions: [{ topicFilter: 'a', qos: 0, retainHandling: 0 }],
    topicFilters: ['a'],
    properties: place === 'will' ? noProperties : properties,
  };
  return fields as unknown as Packet;
}

function propertiesOf(place: PropertyPlace, packet: Packet | undefined): Properties | undefined {
  if (place === 'will')
    return packet?.type === PacketType.connect ? packet.will?.properties : undefined;
  return packet !== undefined && 'properties' in packet ? packet.properties : undefined;
}

const places = (['client', 'server'] as const).flatMap((sender) =>
  Object.entries(placesOfSender[sender]).map(([place, identifiers]) => ({
    sender,
    place: place as PropertyPlace,
    identifiers: identifiers.split(' '),
    otherEnd: onlyFromOtherEnd[sender][place as PropertyPlace],
    title: `${place} from the ${sender}`,
  })),
);

function decodeBlock(sender: PacketSender, place: PropertyPlace, block: string) {
  const { packets, error } = decodeChunks(decoderFrom(sender, '5.0'), [
    bytesOfHex(hexWith(place, block)),
  ]);
  return { properties: propertiesOf(place, packets[0]), reasonCode: error?.reasonCode, error };
}

describe('the table of properties', () => {
  it('has the 27 properties of 5.0, each under its identifier', () => {
    const rows = Object.entries(propertyTable).map(([key, { identifier }]) => [
      identifier.toString(16).padStart(2, '0'),
      key,
    ]);
    expect(rows.sort()).toStrictEqual(
      Object.entries(values)
        .map(([identifier, [key]]) => [identifier, key])
        .sort(),
    );
    expect(rows).toHaveLength(27);
  });

  for (const { title, sender, place, identifiers, otherEnd } of places) {
    it(`takes in ${title} ${identifiers.join(' ')} and no other`, () => {
      for (let number = 0; number < 128; number += 1) {
        const identifier = number.toString(16).padStart(2, '0');
        const [key, value, bytes] = values[identifier] ?? [undefined, undefined, '0000'];
        // Authentication Data may not come alone.
        const extra = identifier === '16' && place !== 'will' ? method : '';
        const block = `${extra} ${identifier} ${bytes}`;
        const { properties, reasonCode } = decodeBlock(sender, place, block);
        const withMethod = extra === '' ? {} : { authenticationMethod: 'm' };
        if (key !== undefined && identifiers.includes(identifier)) {
          expect([identifier, properties]).toStrictEqual([
            identifier,
            { ...withMethod, [key]: value },
          ]);
        } else {
          const expected = identifier === otherEnd ? 0x82 : 0x81;
          expect([identifier, properties, reasonCode]).toStrictEqual([
            identifier,
            undefined,
            expected,
          ]);
        }
      }
    });

    it(`writes in ${title} ${identifiers.join(' ')} and no other`, () => {
      for (const [identifier, [key, value, bytes]] of Object.entries(values)) {
        // An AUTH without method may not be sent, nor Authentication Data alone.
        const needsMethod = (place === 'auth' || identifier === '16') && identifier !== '15';
        const withMethod = needsMethod ? { authenticationMethod: 'm' } : {};
        const packet = packetWith(place, { ...withMethod, [key]: value });
        const encoder = new PacketEncoder('5.0', sender);
        if (identifiers.includes(identifier)) {
          encoder.encode(packet);
          const block = `${needsMethod ? method : ''} ${identifier} ${bytes}`;
          expect(hexOf(encoder.take())).toBe(hexWith(place, block).replace(/\s/g, ''));
        } else {
          expect(() => encoder.encode(packet)).toThrow(InvalidPacketError);
          expect(() => encoder.encode(packet)).toThrow(
            /given, expected only (in|from the) |without Authentication Method/,
          );
          expect(encoder.pendingBytes).toBe(0);
        }
      }
    });

    it(`refuses in ${title} values that are not allowed, and repeats`, () => {
      for (const identifier of identifiers) {
        const [key, , bytes, refused = {}] = values[identifier]!;
        const extra = identifier === '16' ? method : '';
        for (const [value, expected] of Object.entries(refused)) {
          const { reasonCode } = decodeBlock(sender, place, `${extra} ${identifier} ${value}`);
          expect([identifier, value, reasonCode]).toStrictEqual([identifier, value, expected]);
        }
        const twice = decodeBlock(
          sender,
          place,
          `${extra} ${identifier} ${bytes} ${identifier} ${bytes}`,
        );
        const repeats = identifier === '26' || (identifier === '0b' && place === 'publish');
        expect([key, twice.reasonCode]).toStrictEqual([key, repeats ? undefined : 0x82]);
        if (!repeats) expect(twice.error?.message).toMatch(/found twice, expected once/);
        else expect(twice.properties?.[key]).toHaveLength(2);
      }
    });

    it(`refuses in ${title} values that run past the block`, () => {
      for (const identifier of identifiers) {
        const bytes = values[identifier]![2].replace(/\s/g, '');
        for (let end = 0; end < bytes.length; end += 2) {
          const { reasonCode } = decodeBlock(sender, place, `${identifier} ${bytes.slice(0, end)}`);
          expect([identifier, reasonCode]).toStrictEqual([identifier, 0x81]);
        }
      }
    });
  }
});

describe('properties, decoded', () => {
  it('keep the order of arrival, and of User Properties with one name', () => {
    const { properties } = decodeBlock(
      'server',
      'publish',
      '26 0001 61 0001 31 03 0000 26 0001 62 0001 32 26 0001 61 0001 33 01 01',
    );
    expect(Object.keys(properties!)).toStrictEqual([
      'userProperties',
      'contentType',
      'payloadFormatIndicator',
    ]);
    // [MQTT-3.3.2-18]
    expect(properties?.userProperties).toStrictEqual([
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
    ]);
  });

  it('keep User Properties as pairs, whatever their names', () => {
    const { properties } = decodeBlock('server', 'puback', '26 0009 5f5f70726f746f5f5f 0001 78');
    expect(properties).toStrictEqual({ userProperties: [['__proto__', 'x']] });
    expect(Object.getPrototypeOf(properties)).toBe(Object.prototype);
  });

  it('are refused by an identifier of two bytes, in the shortest form or not', () => {
    expect(decodeBlock('server', 'puback', '80 01').error?.message).toMatch(/identifier is 0x80/);
    expect(decodeBlock('server', 'puback', '9f 00 0000').error?.message).toMatch(/shortest form/);
    expect(decodeBlock('server', 'puback', 'ff ff ff ff 01').error?.message).toMatch(/fourth byte/);
  });

  it('[MQTT-1.5.5-1] have their length in the shortest form', () => {
    const { error } = decodeChunks(decoderFrom('server', '5.0'), [
      bytesOfHex('30 05 0001 74 8000'),
    ]);
    expect(error?.message).toMatch(/property length is longer than need be/);
    const five = decodeChunks(decoderFrom('server', '5.0'), [
      bytesOfHex('30 08 0001 74 ffffffff 01'),
    ]);
    expect(five.error?.message).toMatch(/property length goes on after its fourth byte/);
  });

  it('shares one object for none', () => {
    expect(decodeBlock('server', 'puback', '').properties).toBe(noProperties);
    expect(Object.isFrozen(noProperties)).toBe(true);
  });
});
