/**
 * Packets as bytes and as objects, made by hand from the specification. One table for both directions.
 */
import { PacketType } from './packet-type.ts';
import type { Packet, PublishPacket, SubscriptionRequest } from './packets.ts';
import { noProperties } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';

export interface RawPacket {
  readonly name: string;
  readonly versions: readonly ProtocolVersion[];
  /** The ends that may send it. */
  readonly senders: readonly ('client' | 'server')[];
  readonly hex: string;
  readonly packet: Packet;
  /** Another form says the same more shortly, so that this one is only read. */
  readonly readOnly?: true;
}

const v4: readonly ProtocolVersion[] = ['3.1.1'];
const v5: readonly ProtocolVersion[] = ['5.0'];
const bothVersions: readonly ProtocolVersion[] = ['3.1.1', '5.0'];
const client: readonly 'client'[] = ['client'];
const server: readonly 'server'[] = ['server'];
const bothEnds: readonly ('client' | 'server')[] = ['client', 'server'];

export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (byte) => Number.parseInt(byte, 16));
}

export function hexOf(chunks: readonly Uint8Array[]): string {
  return chunks
    .map((chunk) => Array.from(chunk, (byte) => byte.toString(16).padStart(2, '0')).join(''))
    .join('');
}

function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

function publish(fields: Partial<PublishPacket>): PublishPacket {
  return {
    type: PacketType.publish,
    topic: 'a/b',
    payload: bytes(),
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: undefined,
    properties: noProperties,
    ...fields,
  };
}

function subscription(fields: Partial<SubscriptionRequest>): SubscriptionRequest {
  return {
    topicFilter: 'a',
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    ...fields,
  };
}

const connectDefaults = {
  type: PacketType.connect,
  version: '5.0',
  clientId: '',
  cleanStart: true,
  keepAliveSeconds: 0,
  username: undefined,
  password: undefined,
  will: undefined,
  properties: noProperties,
} as const;

export const rawPackets: readonly RawPacket[] = [
  // CONNECT
  {
    name: 'CONNECT of the least that there can be',
    versions: v4,
    senders: client,
    hex: '10 0c 0004 4d515454 04 02 0000 0000',
    packet: { ...connectDefaults, version: '3.1.1' },
  },
  {
    name: 'CONNECT of the least that there can be',
    versions: v5,
    senders: client,
    hex: '10 0d 0004 4d515454 05 02 0000 00 0000',
    packet: { ...connectDefaults, version: '5.0' },
  },
  {
    name: 'CONNECT with everything',
    versions: v4,
    senders: client,
    hex: '10 1f 0004 4d515454 04 f4 ffff 0003 646576 0001 77 0002 00ff 0002 6d65 0003 736563',
    packet: {
      ...connectDefaults,
      version: '3.1.1',
      clientId: 'dev',
      cleanStart: false,
      keepAliveSeconds: 65_535,
      username: 'me',
      password: bytes(0x73, 0x65, 0x63),
      will: { topic: 'w', payload: bytes(0, 255), qos: 2, retain: true, properties: noProperties },
    },
  },
  {
    name: 'CONNECT with every property, of the will too',
    versions: v5,
    senders: client,
    hex: `10 63
      0004 4d515454 05 ee 003c
      2b 11 00000e10 15 0001 6d 16 0002 0102 17 00 19 01 21 0014 22 000a
         26 0001 61 0001 62 26 0001 61 0001 63 27 00010000
      0001 69
      1f 18 00000005 01 01 02 ffffffff 03 0001 74 08 0003 722f31 09 0001 ff
         26 0000 0000
      0001 77 0000
      0001 75
      0000`,
    packet: {
      ...connectDefaults,
      version: '5.0',
      clientId: 'i',
      keepAliveSeconds: 60,
      username: 'u',
      password: bytes(),
      will: {
        topic: 'w',
        payload: bytes(),
        qos: 1,
        retain: true,
        properties: {
          willDelayInterval: 5,
          payloadFormatIndicator: 1,
          messageExpiryInterval: 4_294_967_295,
          contentType: 't',
          responseTopic: 'r/1',
          correlationData: bytes(255),
          userProperties: [['', '']],
        },
      },
      properties: {
        sessionExpiryInterval: 3600,
        authenticationMethod: 'm',
        authenticationData: bytes(1, 2),
        requestProblemInformation: 0,
        requestResponseInformation: 1,
        receiveMaximum: 20,
        topicAliasMaximum: 10,
        userProperties: [
          ['a', 'b'],
          ['a', 'c'],
        ],
        maximumPacketSize: 65_536,
      },
    },
  },
  {
    name: 'CONNECT with a password and no user name, which 5.0 allows',
    versions: v5,
    senders: client,
    hex: '10 10 0004 4d515454 05 42 0000 00 0000 0001 01',
    packet: { ...connectDefaults, version: '5.0', password: bytes(1) },
  },
  {
    name: 'CONNECT without identifier that resumes, which 5.0 allows',
    versions: v5,
    senders: client,
    hex: '10 0d 0004 4d515454 05 00 0000 00 0000',
    packet: { ...connectDefaults, version: '5.0', cleanStart: false },
  },

  // CONNACK
  ...[0x00, 0x84, 0x85, 0x88, 0x86, 0x87].map(
    (reasonCode, returnCode): RawPacket => ({
      name: `CONNACK with return code ${returnCode}`,
      versions: v4,
      senders: server,
      hex: `20 02 00 0${returnCode}`,
      packet: {
        type: PacketType.connack,
        sessionPresent: false,
        reasonCode,
        properties: noProperties,
      },
    }),
  ),
  ...[0x84, 0x85, 0x88, 0x86, 0x87].map(
    (reasonCode, index): RawPacket => ({
      name: `CONNACK in the form of 3.1.1 with return code ${index + 1}`,
      versions: v5,
      senders: server,
      hex: `20 02 00 0${index + 1}`,
      packet: {
        type: PacketType.connack,
        sessionPresent: false,
        reasonCode,
        properties: noProperties,
      },
      readOnly: true,
    }),
  ),
  {
    name: 'CONNACK with a session',
    versions: v4,
    senders: server,
    hex: '20 02 01 00',
    packet: {
      type: PacketType.connack,
      sessionPresent: true,
      reasonCode: 0,
      properties: noProperties,
    },
  },
  {
    name: 'CONNACK with a session',
    versions: v5,
    senders: server,
    hex: '20 03 01 00 00',
    packet: {
      type: PacketType.connack,
      sessionPresent: true,
      reasonCode: 0,
      properties: noProperties,
    },
  },
  {
    name: 'CONNACK that refuses',
    versions: v5,
    senders: server,
    hex: '20 03 00 87 00',
    packet: {
      type: PacketType.connack,
      sessionPresent: false,
      reasonCode: 0x87,
      properties: noProperties,
    },
  },
  {
    name: 'CONNACK with every property',
    versions: v5,
    senders: server,
    hex: `20 3f 00 00
      3c 11 00000000 12 0002 6964 13 001e 15 0001 6d 16 0000 1a 0001 72 1c 0001 73 1f 0001 78
         21 0001 22 ffff 24 01 25 00 26 0001 6b 0001 76 27 ffffffff 28 00 29 01 2a 00`,
    packet: {
      type: PacketType.connack,
      sessionPresent: false,
      reasonCode: 0,
      properties: {
        sessionExpiryInterval: 0,
        assignedClientIdentifier: 'id',
        serverKeepAlive: 30,
        authenticationMethod: 'm',
        authenticationData: bytes(),
        responseInformation: 'r',
        serverReference: 's',
        reasonString: 'x',
        receiveMaximum: 1,
        topicAliasMaximum: 65_535,
        maximumQos: 1,
        retainAvailable: 0,
        userProperties: [['k', 'v']],
        maximumPacketSize: 4_294_967_295,
        wildcardSubscriptionAvailable: 0,
        subscriptionIdentifiersAvailable: 1,
        sharedSubscriptionAvailable: 0,
      },
    },
  },

  // PUBLISH
  {
    name: 'PUBLISH with neither payload nor properties',
    versions: v4,
    senders: bothEnds,
    hex: '30 05 0003 612f62',
    packet: publish({}),
  },
  {
    name: 'PUBLISH with neither payload nor properties',
    versions: v5,
    senders: bothEnds,
    hex: '30 06 0003 612f62 00',
    packet: publish({}),
  },
  {
    name: 'PUBLISH with an empty retained payload, which clears',
    versions: v4,
    senders: bothEnds,
    hex: '31 05 0003 612f62',
    packet: publish({ retain: true }),
  },
  {
    name: 'PUBLISH at QoS 1',
    versions: v4,
    senders: bothEnds,
    hex: '32 09 0003 612f62 0001 6869',
    packet: publish({ qos: 1, packetIdentifier: 1, payload: bytes(0x68, 0x69) }),
  },
  {
    name: 'PUBLISH at QoS 2, sent again, retained',
    versions: v4,
    senders: bothEnds,
    hex: '3d 08 0003 612f62 ffff 00',
    packet: publish({
      qos: 2,
      dup: true,
      retain: true,
      packetIdentifier: 65_535,
      payload: bytes(0),
    }),
  },
  {
    name: 'PUBLISH at QoS 1, sent again',
    versions: v5,
    senders: bothEnds,
    hex: '3a 0a 0003 612f62 0102 00 6869',
    packet: publish({
      qos: 1,
      dup: true,
      packetIdentifier: 0x0102,
      payload: bytes(0x68, 0x69),
    }),
  },
  {
    name: '[MQTT-1.5.4-3] PUBLISH whose topic begins with U+FEFF, and text of every length in UTF-8',
    versions: v4,
    senders: bothEnds,
    hex: '30 0f 000d efbbbf 41 c3a9 e697a5 f09f9880',
    packet: publish({ topic: '\ufeffAé日😀' }),
  },
  {
    name: 'PUBLISH whose topic has control characters and a non-character, which are tolerated',
    versions: v4,
    senders: bothEnds,
    hex: '30 09 0007 01 7f c285 efbfbe',
    packet: publish({ topic: '\u0001\u007f\u0085\ufffe' }),
  },
  {
    name: 'PUBLISH with an alias and its topic',
    versions: v5,
    senders: bothEnds,
    hex: '30 09 0003 612f62 03 23 0001',
    packet: publish({ properties: { topicAlias: 1 } }),
  },
  {
    name: 'PUBLISH with an alias in place of a topic',
    versions: v5,
    senders: bothEnds,
    hex: '30 06 0000 03 23 ffff',
    packet: publish({ topic: '', properties: { topicAlias: 65_535 } }),
  },
  {
    name: 'PUBLISH with every property of a client, User Properties apart from each other',
    versions: v5,
    senders: bothEnds,
    hex: `30 2b 0001 74
      26 26 0001 6b 0001 32 09 0002 0102 08 0001 72 03 0002 6373 02 00000001 01 00 23 0002
         26 0001 6b 0001 31
      6f`,
    packet: publish({
      topic: 't',
      payload: bytes(0x6f),
      properties: {
        userProperties: [
          ['k', '2'],
          ['k', '1'],
        ],
        correlationData: bytes(1, 2),
        responseTopic: 'r',
        contentType: 'cs',
        messageExpiryInterval: 1,
        payloadFormatIndicator: 0,
        topicAlias: 2,
      },
    }),
    readOnly: true,
  },
  {
    name: 'PUBLISH of a server with several Subscription Identifiers',
    versions: v5,
    senders: server,
    hex: '30 0e 0001 74 0a 0b 01 0b 80 01 0b ffffff7f',
    packet: publish({
      topic: 't',
      properties: { subscriptionIdentifiers: [1, 128, 268_435_455] },
    }),
  },

  // PUBACK, PUBREC, PUBREL, PUBCOMP
  ...(
    [
      ['PUBACK', PacketType.puback, '40'],
      ['PUBREC', PacketType.pubrec, '50'],
      ['PUBREL', PacketType.pubrel, '62'],
      ['PUBCOMP', PacketType.pubcomp, '70'],
    ] as const
  ).flatMap(([name, type, first]): RawPacket[] => {
    const failure = type === PacketType.puback || type === PacketType.pubrec ? 0x97 : 0x92;
    const code = failure.toString(16);
    const fields = { type, packetIdentifier: 0x1234 };
    return [
      {
        name: `${name} in the form of two bytes`,
        versions: bothVersions,
        senders: bothEnds,
        hex: `${first} 02 1234`,
        packet: { ...fields, reasonCode: 0, properties: noProperties },
      },
      {
        name: `${name} with a reason code alone`,
        versions: v5,
        senders: bothEnds,
        hex: `${first} 03 1234 ${code}`,
        packet: { ...fields, reasonCode: failure, properties: noProperties },
      },
      {
        name: `${name} with success said, which is not the shortest form`,
        versions: v5,
        senders: bothEnds,
        hex: `${first} 03 1234 00`,
        packet: { ...fields, reasonCode: 0, properties: noProperties },
        readOnly: true,
      },
      {
        name: `${name} with no properties said, which is not the shortest form`,
        versions: v5,
        senders: bothEnds,
        hex: `${first} 04 1234 00 00`,
        packet: { ...fields, reasonCode: 0, properties: noProperties },
        readOnly: true,
      },
      {
        name: `${name} with properties`,
        versions: v5,
        senders: bothEnds,
        hex: `${first} 0f 1234 00 0b 1f 0001 78 26 0001 6b 0001 76`,
        packet: {
          ...fields,
          reasonCode: 0,
          properties: { reasonString: 'x', userProperties: [['k', 'v']] },
        },
      },
    ];
  }),
  {
    name: 'PUBACK of a server: no matching subscribers',
    versions: v5,
    senders: server,
    hex: '40 03 0001 10',
    packet: {
      type: PacketType.puback,
      packetIdentifier: 1,
      reasonCode: 0x10,
      properties: noProperties,
    },
  },

  // SUBSCRIBE
  {
    name: 'SUBSCRIBE for three filters',
    versions: v4,
    senders: client,
    hex: '82 10 000a 0001 61 00 0003 2b2f62 01 0001 23 02',
    packet: {
      type: PacketType.subscribe,
      packetIdentifier: 10,
      subscriptions: [
        subscription({}),
        subscription({ topicFilter: '+/b', qos: 1 }),
        subscription({ topicFilter: '#', qos: 2 }),
      ],
      properties: noProperties,
    },
  },
  {
    name: 'SUBSCRIBE with all options and properties',
    versions: v5,
    senders: client,
    hex: `82 1f 000a
      0b 0b ffff7f 26 0001 6b 0001 76
      0001 61 2e
      000a 2473686172652f672f61 19`,
    packet: {
      type: PacketType.subscribe,
      packetIdentifier: 10,
      subscriptions: [
        subscription({ qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 }),
        subscription({
          topicFilter: '$share/g/a',
          qos: 1,
          retainAsPublished: true,
          retainHandling: 1,
        }),
      ],
      properties: { subscriptionIdentifiers: [2_097_151], userProperties: [['k', 'v']] },
    },
  },

  // SUBACK
  {
    name: 'SUBACK with every return code',
    versions: v4,
    senders: server,
    hex: '90 06 000a 00 01 02 80',
    packet: {
      type: PacketType.suback,
      packetIdentifier: 10,
      reasonCodes: [0, 1, 2, 0x80],
      properties: noProperties,
    },
  },
  {
    name: 'SUBACK with every reason code',
    versions: v5,
    senders: server,
    hex: '90 13 000a 04 1f 0001 78 00 01 02 80 83 87 8f 91 97 9e a1 a2',
    packet: {
      type: PacketType.suback,
      packetIdentifier: 10,
      reasonCodes: [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
      properties: { reasonString: 'x' },
    },
  },

  // UNSUBSCRIBE
  {
    name: 'UNSUBSCRIBE from two filters',
    versions: v4,
    senders: client,
    hex: 'a2 0a 000a 0003 612f23 0001 2f',
    packet: {
      type: PacketType.unsubscribe,
      packetIdentifier: 10,
      topicFilters: ['a/#', '/'],
      properties: noProperties,
    },
  },
  {
    name: 'UNSUBSCRIBE with a User Property',
    versions: v5,
    senders: client,
    hex: 'a2 0d 000a 07 26 0001 6b 0001 76 0001 2b',
    packet: {
      type: PacketType.unsubscribe,
      packetIdentifier: 10,
      topicFilters: ['+'],
      properties: { userProperties: [['k', 'v']] },
    },
  },

  // UNSUBACK
  {
    name: 'UNSUBACK, which has no codes in 3.1.1',
    versions: v4,
    senders: server,
    hex: 'b0 02 000a',
    packet: {
      type: PacketType.unsuback,
      packetIdentifier: 10,
      reasonCodes: [],
      properties: noProperties,
    },
  },
  {
    name: 'UNSUBACK with every reason code',
    versions: v5,
    senders: server,
    hex: 'b0 0e 000a 04 1f 0001 78 00 11 80 83 87 8f 91',
    packet: {
      type: PacketType.unsuback,
      packetIdentifier: 10,
      reasonCodes: [0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
      properties: { reasonString: 'x' },
    },
  },

  // PINGREQ, PINGRESP
  {
    name: 'PINGREQ',
    versions: bothVersions,
    senders: client,
    hex: 'c0 00',
    packet: { type: PacketType.pingreq },
  },
  {
    name: 'PINGRESP',
    versions: bothVersions,
    senders: server,
    hex: 'd0 00',
    packet: { type: PacketType.pingresp },
  },

  // DISCONNECT
  {
    name: 'DISCONNECT',
    versions: bothVersions,
    senders: client,
    hex: 'e0 00',
    packet: { type: PacketType.disconnect, reasonCode: 0, properties: noProperties },
  },
  {
    name: 'DISCONNECT of a server, with nothing said',
    versions: v5,
    senders: server,
    hex: 'e0 00',
    packet: { type: PacketType.disconnect, reasonCode: 0, properties: noProperties },
  },
  {
    name: 'DISCONNECT with a reason code alone',
    versions: v5,
    senders: server,
    hex: 'e0 01 8e',
    packet: { type: PacketType.disconnect, reasonCode: 0x8e, properties: noProperties },
  },
  {
    name: 'DISCONNECT with no properties said, which is not the shortest form',
    versions: v5,
    senders: bothEnds,
    hex: 'e0 02 81 00',
    packet: { type: PacketType.disconnect, reasonCode: 0x81, properties: noProperties },
    readOnly: true,
  },
  {
    name: 'DISCONNECT with 0x8C, which the table of DISCONNECT forgets',
    versions: v5,
    senders: bothEnds,
    hex: 'e0 01 8c',
    packet: { type: PacketType.disconnect, reasonCode: 0x8c, properties: noProperties },
  },
  {
    name: 'DISCONNECT of a client with will and a new Session Expiry Interval',
    versions: v5,
    senders: client,
    hex: 'e0 07 04 05 11 00000001',
    packet: {
      type: PacketType.disconnect,
      reasonCode: 4,
      properties: { sessionExpiryInterval: 1 },
    },
  },
  {
    name: 'DISCONNECT of a server that sends elsewhere',
    versions: v5,
    senders: server,
    hex: 'e0 0d 9c 0b 1f 0001 78 1c 0004 683a3137',
    packet: {
      type: PacketType.disconnect,
      reasonCode: 0x9c,
      properties: { reasonString: 'x', serverReference: 'h:17' },
    },
  },

  // AUTH
  {
    name: 'AUTH with nothing said',
    versions: v5,
    senders: server,
    hex: 'f0 00',
    packet: { type: PacketType.auth, reasonCode: 0, properties: noProperties },
    readOnly: true,
  },
  {
    name: 'AUTH that goes on',
    versions: v5,
    senders: bothEnds,
    hex: 'f0 0a 18 08 15 0001 6d 16 0001 ff',
    packet: {
      type: PacketType.auth,
      reasonCode: 0x18,
      properties: { authenticationMethod: 'm', authenticationData: bytes(255) },
    },
  },
  {
    name: 'AUTH of a client that begins anew',
    versions: v5,
    senders: client,
    hex: 'f0 0d 19 0b 15 0001 6d 26 0001 6b 0001 76',
    packet: {
      type: PacketType.auth,
      reasonCode: 0x19,
      properties: { authenticationMethod: 'm', userProperties: [['k', 'v']] },
    },
  },
];
