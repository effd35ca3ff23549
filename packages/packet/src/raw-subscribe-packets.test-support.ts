/** SUBSCRIBE, UNSUBSCRIBE and their acknowledgements. */
import { PacketType } from './packet-type.ts';
import { noProperties } from './property.ts';
import { client, type RawPacket, server, subscription, v4, v5 } from './raw-packet.test-support.ts';

export const rawSubscribePackets: readonly RawPacket[] = [
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
];
