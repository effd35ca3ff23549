/** PUBLISH and its acknowledgements. */
import { PacketType } from './packet-type.ts';
import { noProperties } from './property.ts';
import {
  bothEnds,
  bothVersions,
  bytes,
  publish,
  type RawPacket,
  server,
  v4,
  v5,
} from './raw-packet.test-support.ts';

export const rawPublishPackets: readonly RawPacket[] = [
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
];
