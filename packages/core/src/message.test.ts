import type { PublishPacket } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { MqttUsageError } from './errors.ts';
import { ReceivedMessage } from './message.ts';
import { parseTopicPattern } from './topic-pattern.ts';

function packet(payload: string | Uint8Array, fields: Partial<PublishPacket> = {}): PublishPacket {
  return {
    type: 3,
    topic: 'house/kitchen/light',
    payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    qos: 1,
    retain: true,
    dup: false,
    packetIdentifier: 7,
    properties: {},
    ...fields,
  };
}

describe('ReceivedMessage', () => {
  it('gives what the packet holds', () => {
    const correlationData = new Uint8Array([1]);
    const received = packet('x', {
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 60,
        contentType: 'text/plain',
        responseTopic: 'r',
        correlationData,
        userProperties: [
          ['a', '1'],
          ['a', '2'],
        ],
        subscriptionIdentifiers: [3, 4],
      },
    });
    const message = new ReceivedMessage(received, undefined);
    expect(message).toMatchObject({
      topic: 'house/kitchen/light',
      qos: 1,
      retain: true,
      dup: false,
      packetIdentifier: 7,
      payloadFormatIndicator: 1,
      messageExpirySeconds: 60,
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData,
      userProperties: [
        ['a', '1'],
        ['a', '2'],
      ],
      subscriptionIdentifiers: [3, 4],
    });
    expect(message.payload).toBe(received.payload);
  });

  it('has empty lists where the packet has none', () => {
    const message = new ReceivedMessage(packet(''), undefined);
    expect(message.userProperties).toEqual([]);
    expect(message.subscriptionIdentifiers).toEqual([]);
    expect(message.contentType).toBeUndefined();
  });

  it('names what the wildcards of its subscription stand for', () => {
    const pattern = parseTopicPattern('filter', 'house/+room/#rest');
    const message = new ReceivedMessage(packet(''), pattern);
    expect(message.params).toEqual({ room: 'kitchen', rest: ['light'] });
    expect(message.params).toBe(message.params);
    expect(new ReceivedMessage(packet(''), undefined).params).toEqual({});
  });

  it('reads text, and U+FFFD for what is none', () => {
    expect(new ReceivedMessage(packet('größe'), undefined).text()).toBe('größe');
    expect(new ReceivedMessage(packet('\ufeffa'), undefined).text()).toBe('\ufeffa');
    expect(new ReceivedMessage(packet(Uint8Array.of(0xff, 0x61)), undefined).text()).toBe(
      '\ufffda',
    );
  });

  it('reads JSON, or says where it is none', () => {
    expect(new ReceivedMessage(packet('{"on":true}'), undefined).json()).toEqual({ on: true });
    const problem = (payload: string) => {
      try {
        new ReceivedMessage(packet(payload), undefined).json();
      } catch (error) {
        expect(error).toBeInstanceOf(MqttUsageError);
        return (error as Error).message;
      }
      throw new Error('it was taken');
    };
    expect(problem('{"on": yes}')).toMatch(
      /^the message on "house\/kitchen\/light" is not JSON: .*position 7/,
    );
    expect(problem('')).toContain('expected a value at position 0');
  });

  it('shows what matters when it is printed', () => {
    expect(Object.keys(new ReceivedMessage(packet('x'), undefined))).toEqual([
      'topic',
      'payload',
      'qos',
      'retain',
      'dup',
      'redelivered',
      'deliveryId',
      'packetIdentifier',
    ]);
  });
});
