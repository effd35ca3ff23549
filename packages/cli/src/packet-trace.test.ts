import { noProperties, type Packet, PacketType } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { packetLine } from './packet-trace.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('packetLine', () => {
  it('shows what a CONNECT says, without secrets and payloads', () => {
    const line = packetLine('sent', {
      type: PacketType.connect,
      version: '5.0',
      clientId: 'x',
      cleanStart: true,
      keepAliveSeconds: 60,
      username: 'me',
      password: bytes('hunter2'),
      will: {
        topic: 'w',
        payload: bytes('goodbye'),
        qos: 1,
        retain: true,
        properties: noProperties,
      },
      properties: { authenticationMethod: 'm', authenticationData: bytes('hunter2') },
    });
    expect(line).toBe(
      "-> CONNECT MQTT 5.0 client 'x', clean start, keep-alive 60 s, user 'me', password (hidden), will 'w' QoS 1 retain, 7 bytes, authenticationMethod 'm', authenticationData (7 bytes)",
    );
    expect(line).not.toMatch(/hunter2|goodbye/);
  });

  it.each<[Packet, string]>([
    [
      {
        type: PacketType.connack,
        sessionPresent: true,
        reasonCode: 0,
        properties: { receiveMaximum: 20 },
      },
      '<- CONNACK Success (0x00), session present, receiveMaximum 20',
    ],
    [
      {
        type: PacketType.publish,
        topic: 'a/b',
        payload: bytes('5'),
        qos: 1,
        retain: false,
        dup: true,
        packetIdentifier: 3,
        properties: { userProperties: [['k', 'v']], subscriptionIdentifiers: [1, 2] },
      },
      "<- PUBLISH 'a/b' QoS 1 id 3, 1 byte, dup, userProperties k=v, subscriptionIdentifiers 1 2",
    ],
    [
      {
        type: PacketType.puback,
        packetIdentifier: 3,
        reasonCode: 0x87,
        properties: { reasonString: 'no' },
      },
      "<- PUBACK id 3, Not authorized (0x87), reasonString 'no'",
    ],
    [
      {
        type: PacketType.subscribe,
        packetIdentifier: 1,
        subscriptions: [
          {
            topicFilter: 'a/#',
            qos: 2,
            noLocal: false,
            retainAsPublished: false,
            retainHandling: 0,
          },
        ],
        properties: noProperties,
      },
      "<- SUBSCRIBE id 1, 'a/#' QoS 2",
    ],
    [
      {
        type: PacketType.suback,
        packetIdentifier: 1,
        reasonCodes: [2, 0x80],
        properties: noProperties,
      },
      '<- SUBACK id 1, granted QoS 2, Unspecified error (0x80)',
    ],
    [
      {
        type: PacketType.unsubscribe,
        packetIdentifier: 2,
        topicFilters: ['a', 'b'],
        properties: noProperties,
      },
      "<- UNSUBSCRIBE id 2, 'a', 'b'",
    ],
    [{ type: PacketType.pingreq }, '<- PINGREQ'],
    [
      { type: PacketType.disconnect, reasonCode: 0x8e, properties: noProperties },
      '<- DISCONNECT Session taken over (0x8e)',
    ],
  ])('shows %o', (packet, line) => {
    expect(packetLine('received', packet)).toBe(line);
  });
});
