/** CONNECT, CONNACK, PINGREQ, PINGRESP, DISCONNECT and AUTH. */
import { PacketType } from './packet-type.ts';
import { noProperties } from './property.ts';
import {
  bothEnds,
  bothVersions,
  bytes,
  client,
  type RawPacket,
  server,
  v4,
  v5,
} from './raw-packet.test-support.ts';

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

export const rawConnectionPackets: readonly RawPacket[] = [
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
