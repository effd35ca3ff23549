/**
 * The codec beside mqtt-packet 9, in both directions, for all packets where that one is right. Where it differs
 * the packets are kept out of the comparison or changed before it, each time with the reason.
 */
import fc from 'fast-check';
import mqttPacket, { type Packet as TheirPacket } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { packetOf } from './arbitrary-packets.test-support.ts';
import { decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { theirsOf, withoutEmpty } from './mqtt-packet.test-support.ts';
import { PacketEncoder } from './packet-encoder.ts';
import { PacketType } from './packet-type.ts';
import type { Packet, PublishPacket } from './packets.ts';
import type { Properties } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { bytesOfHex } from './raw-packets.test-support.ts';

/** Its User Properties are an object: names that recur move together, and what looks like a number comes first. */
function hasItsUserProperties({ userProperties = [] }: Properties): boolean {
  const names = userProperties.map(([name]) => name);
  return new Set(names).size === names.length && names.every((name) => /^[a-z]+$/i.test(name));
}

function options(version: ProtocolVersion): { protocolVersion: 4 | 5 } {
  return { protocolVersion: version === '5.0' ? 5 : 4 };
}

function encodeOurs(packet: Packet, version: ProtocolVersion): Buffer {
  const encoder = new PacketEncoder(version);
  encoder.encode(packet);
  return Buffer.concat(encoder.take());
}

function encodeTheirs(packet: Packet, version: ProtocolVersion): Buffer {
  return mqttPacket.generate(theirsOf(packet, version) as unknown as TheirPacket, options(version));
}

function decodeTheirs(bytes: Buffer, version: ProtocolVersion): Record<string, unknown> {
  const parser = mqttPacket.parser(options(version));
  let decoded: TheirPacket | undefined;
  parser.on('packet', (packet) => {
    decoded = packet;
  });
  parser.on('error', (error) => {
    throw error;
  });
  parser.parse(bytes);
  return decoded as unknown as Record<string, unknown>;
}

/** Packets that mqtt-packet refuses or gets wrong, each for a reason. */
function isTheirs(packet: Packet): boolean {
  if ('properties' in packet && !hasItsUserProperties(packet.properties)) return false;
  switch (packet.type) {
    case PacketType.connect: {
      // It wants a user name with a password in 5.0 too, where the specification does not.
      if (packet.password !== undefined && packet.username === undefined) return false;
      // It wants a clean start with an empty identifier in 5.0 too, where the specification does not.
      if (packet.clientId === '' && !packet.cleanStart) return false;
      return packet.will === undefined || hasItsUserProperties(packet.will.properties);
    }
    case PacketType.disconnect:
      // It writes 0x8C there, but does not read it.
      return packet.reasonCode !== 0x8c;
    default:
      return true;
  }
}

/** It writes reason code and Property Length where the shorter form would do; both forms mean the same. */
function isShortened(packet: Packet): boolean {
  switch (packet.type) {
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
    case PacketType.disconnect:
      return Object.keys(packet.properties).length === 0;
    default:
      return false;
  }
}

for (const version of ['3.1.1', '5.0'] as const) {
  for (const sender of ['client', 'server'] as const) {
    describe(`mqtt-packet and the packets of a ${sender} in ${version}`, {
      timeout: 30_000,
    }, () => {
      const packets = packetOf(version, sender).filter(isTheirs);

      it('encodes the same bytes', () => {
        fc.assert(
          fc.property(packets, (packet) => {
            fc.pre(version === '3.1.1' || !isShortened(packet));
            expect(encodeOurs(packet, version).toString('hex')).toBe(
              encodeTheirs(packet, version).toString('hex'),
            );
          }),
          { numRuns: 200 },
        );
      });

      it('decodes what ours encodes', () => {
        fc.assert(
          fc.property(packets, (packet) => {
            const decoded = decodeTheirs(encodeOurs(packet, version), version);
            const expected = withoutEmpty(theirsOf(packet, version));
            // User Properties of its parser have no prototype.
            expect(JSON.parse(JSON.stringify(decoded))).toMatchObject(
              JSON.parse(JSON.stringify(expected)),
            );
          }),
          { numRuns: 200 },
        );
      });

      it('encodes what ours decodes', () => {
        fc.assert(
          fc.property(packets, (packet) => {
            const { packets: decoded, error } = decodeChunks(decoderFrom(sender, version), [
              encodeTheirs(packet, version),
            ]);
            expect(error).toBeUndefined();
            expect(decoded).toStrictEqual([packet]);
          }),
          { numRuns: 200 },
        );
      });
    });
  }
}

describe('what mqtt-packet takes and ours refuses, since the specification does', () => {
  const rows: readonly [string, string, number][] = [
    ['[MQTT-1.5.4-1] ill-formed UTF-8', '30 04 0001 ff 00', 0x81],
    ['[MQTT-1.5.4-2] U+0000 in a topic', '30 04 0001 00 00', 0x81],
    ['[MQTT-3.3.2-2] wildcards in a topic', '30 04 0001 23 00', 0x90],
    ['an empty topic without alias', '30 03 0000 00', 0x82],
    ['packet identifier 0', '40 02 0000', 0x82],
    ['a property of another packet', '30 09 0001 74 05 11 00000001', 0x81],
    ['a property twice', '30 0a 0001 74 06 23 0001 23 0002', 0x82],
    ['Topic Alias 0', '30 07 0001 74 03 23 0000', 0x94],
    ['Receive Maximum 0', '20 06 00 00 03 21 0000', 0x82],
    ['[MQTT-1.5.5-1] a Remaining Length that is not the shortest', '40 8200 0001', 0x81],
    ['bytes after the end', 'd0 00 40 05 0001 00 00 00', 0x81],
    ['[MQTT-3.2.2-6] a session with a refusal', '20 03 01 87 00', 0x82],
  ];
  for (const [name, hex, reasonCode] of rows) {
    it(name, () => {
      const bytes = Buffer.from(bytesOfHex(hex));
      expect(decodeTheirs(bytes, '5.0')).toBeDefined();
      const { error } = decodeChunks(decoderFrom('server', '5.0'), [bytes]);
      expect(error?.reasonCode).toBe(reasonCode);
    });
  }
});

describe('what mqtt-packet refuses or loses and ours takes, since the specification does', () => {
  it('the order of User Properties with different names', () => {
    const userProperties = [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
    ] as const;
    const packet: PublishPacket = {
      type: PacketType.publish,
      topic: 't',
      payload: new Uint8Array(0),
      qos: 0,
      retain: false,
      dup: false,
      packetIdentifier: undefined,
      properties: { userProperties },
    };
    const bytes = encodeOurs(packet, '5.0');
    expect(decodeTheirs(bytes, '5.0')['properties']).toMatchObject({
      userProperties: { b: ['1', '3'], a: '2' },
    });
    // [MQTT-3.3.2-18]
    expect(decodeChunks(decoderFrom('server', '5.0'), [bytes]).packets).toStrictEqual([packet]);
  });

  it('DISCONNECT with 0x8C', () => {
    const bytes = Buffer.from(bytesOfHex('e0 02 8c 00'));
    expect(() => decodeTheirs(bytes, '5.0')).toThrow(/Invalid disconnect reason code/);
    expect(decodeChunks(decoderFrom('server', '5.0'), [bytes]).packets).toHaveLength(1);
  });

  it('a refusal in the form of 3.1.1 as an answer to a CONNECT of 5.0', () => {
    const bytes = Buffer.from(bytesOfHex('20 02 00 01'));
    expect(decodeTheirs(bytes, '5.0')).toMatchObject({ reasonCode: 1 });
    expect(decodeChunks(decoderFrom('server', '5.0'), [bytes]).packets).toMatchObject([
      { reasonCode: 0x84 },
    ]);
  });
});
