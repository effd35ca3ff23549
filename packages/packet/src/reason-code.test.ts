import { describe, expect, it } from 'vitest';
import { decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { PacketEncoder } from './packet-encoder.ts';
import { type PacketSender, PacketType, type PacketTypeName } from './packet-type.ts';
import type { Packet } from './packets.ts';
import { noProperties } from './property.ts';
import { bytesOfHex } from './raw-packets.test-support.ts';
import { ReasonCode, reasonCodeName } from './reason-code.ts';

/** The codes by packet and sender, written out once more, as the packets' own sections list them. */
const expected: readonly [PacketTypeName, PacketSender, string][] = [
  ['connack', 'server', '00 80 81 82 83 84 85 86 87 88 89 8a 8c 90 95 97 99 9a 9b 9c 9d 9f'],
  ['puback', 'server', '00 10 80 83 87 90 91 97 99'],
  ['puback', 'client', '00 80 83 87 90 91 97 99'],
  ['pubrec', 'server', '00 10 80 83 87 90 91 97 99'],
  ['pubrec', 'client', '00 80 83 87 90 91 97 99'],
  ['pubrel', 'server', '00 92'],
  ['pubrel', 'client', '00 92'],
  ['pubcomp', 'server', '00 92'],
  ['pubcomp', 'client', '00 92'],
  ['suback', 'server', '00 01 02 80 83 87 8f 91 97 9e a1 a2'],
  ['unsuback', 'server', '00 11 80 83 87 8f 91'],
  ['disconnect', 'client', '00 04 80 81 82 83 8c 90 93 94 95 96 97 98 99'],
  [
    'disconnect',
    'server',
    '00 80 81 82 83 87 89 8b 8c 8d 8e 8f 90 93 94 95 96 97 98 99 9a 9b 9c 9d 9e 9f a0 a1 a2',
  ],
  ['auth', 'server', '00 18'],
  ['auth', 'client', '18 19'],
];

function hexWith(packet: PacketTypeName, code: string): string {
  switch (packet) {
    case 'connack':
      return `20 03 00 ${code} 00`;
    case 'suback':
      return `90 04 0001 00 ${code}`;
    case 'unsuback':
      return `b0 04 0001 00 ${code}`;
    case 'disconnect':
      return `e0 02 ${code} 00`;
    case 'auth':
      return `f0 06 ${code} 04 15 0001 6d`;
    default: {
      const first = { puback: '40', pubrec: '50', pubrel: '62', pubcomp: '70' }[packet as 'puback'];
      return `${first} 04 0001 ${code} 00`;
    }
  }
}

function packetWith(packet: PacketTypeName, reasonCode: number): Packet {
  const type = PacketType[packet];
  const properties = packet === 'auth' ? { authenticationMethod: 'm' } : noProperties;
  const reasonCodes = [reasonCode];
  return {
    type,
    packetIdentifier: 1,
    sessionPresent: false,
    reasonCode,
    reasonCodes,
    properties,
  } as Packet;
}

describe('reason codes by packet', () => {
  for (const [packet, sender, codes] of expected) {
    it(`${packet} from the ${sender} carries ${codes} and no other`, () => {
      const allowed = codes.split(' ');
      for (let code = 0; code < 256; code += 1) {
        const hex = code.toString(16).padStart(2, '0');
        const { packets, error } = decodeChunks(decoderFrom(sender, '5.0'), [
          bytesOfHex(hexWith(packet, hex)),
        ]);
        expect([hex, packets.length]).toStrictEqual([hex, allowed.includes(hex) ? 1 : 0]);
        if (!allowed.includes(hex)) expect(error?.reasonCode).toBe(0x82);

        const encode = () => new PacketEncoder('5.0', sender).encode(packetWith(packet, code));
        if (allowed.includes(hex)) expect(encode()).toBeGreaterThan(0);
        else expect(encode).toThrow(/reason code is 0x.*, expected one of 0x/);
      }
    });
  }
});

describe('reasonCodeName', () => {
  it('names each code as its key does', () => {
    const letters = (text: string) => text.replace(/[^a-z\d]/gi, '').toLowerCase();
    for (const [key, code] of Object.entries(ReasonCode)) {
      expect(letters(reasonCodeName(code))).toBe(letters(key));
    }
  });

  it('knows each code that some packet may carry, and each of ReasonCode', () => {
    const codes = expected
      .flatMap(([, , list]) => list.split(' '))
      .map((hex) => Number(`0x${hex}`));
    expect(new Set(codes)).toStrictEqual(new Set(Object.values(ReasonCode)));
    for (const code of codes) expect(reasonCodeName(code)).not.toMatch(/Unknown/);
  });

  it('gives the words of the specification', () => {
    expect(reasonCodeName(0x87)).toBe('Not authorized');
    expect(reasonCodeName(0x8e)).toBe('Session taken over');
    expect(reasonCodeName(0x07)).toBe('Unknown reason code 0x07');
  });
});
