import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  noProperties,
  PacketDecoder,
  PacketEncoder,
  PacketType,
  type ProtocolVersion,
  type PublishPacket,
  type QoS,
} from './index.ts';

/** Longer than the plain way takes, too, and with all kinds of characters. */
const topics = fc.oneof(
  fc.stringMatching(/^[a-z/]{1,40}$/),
  fc.string({ minLength: 1, maxLength: 200, unit: 'binary' }),
  fc.constantFrom(
    'a',
    'house/kitchen',
    'a+',
    '#',
    'a\0',
    'ü/ß',
    '\u{1F600}',
    'x'.repeat(128),
    'x'.repeat(129),
  ),
);

const packets: fc.Arbitrary<PublishPacket> = fc
  .record({
    topic: topics,
    size: fc.constantFrom(0, 1, 93, 120, 127, 200, 16_200, 16_250, 16_384, 16_385),
    qos: fc.constantFrom<QoS>(0, 1, 2),
    retain: fc.boolean(),
    dup: fc.boolean(),
    packetIdentifier: fc.integer({ min: 1, max: 0xffff }),
  })
  .map(({ topic, size, qos, retain, dup, packetIdentifier }) => ({
    type: PacketType.publish,
    topic,
    payload: new Uint8Array(size).fill(7),
    qos,
    retain,
    dup: dup && qos > 0,
    packetIdentifier: qos > 0 ? packetIdentifier : undefined,
    properties: noProperties,
  }));

const versions = fc.constantFrom<ProtocolVersion>('3.1.1', '5.0');

/** The bytes, or what the encoder says against the packet. */
function encoded(packet: PublishPacket, version: ProtocolVersion): string {
  const encoder = new PacketEncoder(version);
  try {
    const size = encoder.encode(packet);
    const bytes = Buffer.concat(encoder.take());
    expect(bytes.length).toBe(size);
    return bytes.toString('hex');
  } catch (error) {
    return String(error);
  }
}

describe('a PUBLISH without properties', () => {
  it('has the same bytes, and the same faults, as it has in the general way', () => {
    fc.assert(
      fc.property(packets, versions, (packet, version) => {
        // Any other object without a property goes the general way.
        const general = encoded({ ...packet, properties: {} }, version);
        // More than once, since a name may have become known.
        for (let turn = 0; turn < 6; turn += 1) expect(encoded(packet, version)).toBe(general);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['a packet identifier with QoS 0', { packetIdentifier: 1 }],
    ['DUP with QoS 0', { dup: true }],
    ['no packet identifier with QoS 1', { qos: 1 }],
    ['a fraction as packet identifier', { qos: 1, packetIdentifier: 1.5 }],
    ['the packet identifier 65536', { qos: 2, packetIdentifier: 65_536 }],
    ['QoS 3', { qos: 3, packetIdentifier: 1 }],
    ['a payload that is no Uint8Array', { payload: 'text' }],
    ['a topic that is no string', { topic: 7 }],
    ['an empty topic', { topic: '' }],
  ])('is refused with %s', (_what, fields) => {
    const plain = {
      type: PacketType.publish,
      topic: 'a',
      payload: new Uint8Array(1),
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: undefined,
      properties: noProperties,
    };
    const packet = { ...plain, ...fields } as unknown as PublishPacket;
    expect(encoded(packet, '5.0')).toMatch(/^InvalidPacketError: PUBLISH: /);
  });
});

describe('topic names that come again', () => {
  it('are told from others of the same length and the same end', () => {
    const ends = ['0123456789', '0123456789x'];
    const names = ends.flatMap((end) =>
      ['a', 'b', 'c'].flatMap((first) => [`${first}/m/${end}`, `${first}/n/${end}`]),
    );
    for (let turn = 0; turn < 3; turn += 1) {
      for (const topic of names) expect(decodedTopic(topic)).toBe(topic);
    }
  });

  it('are never mistaken for text that is not ASCII', () => {
    for (const topic of ['\u00c3\u00bc', '\u00fc', '\u00c3\u00bc', '\u00fc']) {
      expect(decodedTopic(topic)).toBe(topic);
    }
  });

  it('are found again whatever was found in between', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-c/]{1,3}$/), { maxLength: 60 }), (names) => {
        for (const topic of names) expect(decodedTopic(topic)).toBe(topic);
      }),
    );
  });
});

function decodedTopic(topic: string): string {
  const encoder = new PacketEncoder('3.1.1');
  const decoder = new PacketDecoder({
    version: '3.1.1',
    receiver: 'client',
    maximumPacketSize: 1000,
  });
  encoder.encode({
    type: PacketType.publish,
    topic,
    payload: new Uint8Array(2),
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: undefined,
    properties: noProperties,
  });
  for (const chunk of encoder.take()) decoder.push(chunk);
  return (decoder.next() as PublishPacket).topic;
}
