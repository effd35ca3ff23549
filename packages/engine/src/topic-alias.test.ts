import type { PublishPacket } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { EngineHarness, persistent } from '../../testkit/src/engine-harness.ts';
import { publish } from '../../testkit/src/packet-builders.ts';

const aliased = (topic: string, topicAlias: number, fields = {}) =>
  publish(topic, '', { properties: { topicAlias }, ...fields });
const topics = (h: EngineHarness): string[] => h.take('message').map(({ packet }) => packet.topic);

/** What was sent: topic and alias. */
const sent = (h: EngineHarness): [string, number | undefined][] =>
  h
    .takeSent()
    .filter((packet): packet is PublishPacket => 'topic' in packet)
    .map(({ topic, properties }) => [topic, properties.topicAlias]);

describe("the server's topic aliases", () => {
  const maximum = (topicAliasMaximum: number) => ({ properties: { topicAliasMaximum } });

  it('[MQTT-3.3.2-10] stand for the topic they came with last, from 1 to our maximum', () => {
    const h = new EngineHarness().connected(maximum(3));
    h.server(
      aliased('a', 1),
      aliased('c', 3),
      aliased('', 1),
      aliased('', 3),
      aliased('b', 1),
      aliased('', 1),
    );
    expect(topics(h)).toEqual(['a', 'c', 'a', 'c', 'b', 'b']);
  });

  it('are resolved at QoS 1 and 2, and before a repetition is told from a new message', () => {
    const h = new EngineHarness().connected(maximum(1));
    h.server(
      aliased('a', 1, { qos: 2, packetIdentifier: 1 }),
      aliased('b', 1, { qos: 2, packetIdentifier: 1, dup: true }),
      aliased('', 1, { qos: 1, packetIdentifier: 2 }),
    );
    expect(topics(h)).toEqual(['a', 'b']);
  });

  it.each([
    ['0 is malformed or invalid', 3, aliased('a', 0), [0x94, 0x82]],
    ['above our maximum', 3, aliased('a', 4), [0x94]],
    ['we allowed none', 0, aliased('a', 1), [0x94]],
    ['it stands for nothing', 3, aliased('', 2), [0x82]],
  ] as const)('end the connection: %s', (_, topicAliasMaximum, packet, reasonCodes) => {
    const h = new EngineHarness().connected(maximum(topicAliasMaximum));
    // An alias of 0 cannot be encoded by an honest codec, so it is written by hand.
    if (packet.properties.topicAlias === 0) {
      h.serverBytes(Uint8Array.of(0x30, 7, 0, 1, 0x61, 3, 0x23, 0, 0));
    } else {
      h.server(packet);
    }
    const end = h.takeEnd();
    expect(end.kind).toBe('breach');
    expect(reasonCodes).toContain(end.kind === 'breach' ? end.reasonCode : 0);
  });

  it('[MQTT-3.3.2-7] die with the connection', () => {
    const h = new EngineHarness().connected(maximum(3));
    h.server(aliased('a', 1));
    h.reconnect(maximum(3), {});
    h.takeEvents();
    h.server(aliased('', 1));
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
  });
});

describe('our topic aliases', () => {
  const harness = (topicAliasMaximum: number, more = {}): EngineHarness =>
    new EngineHarness({ useTopicAliases: true }).resumable({
      properties: { topicAliasMaximum, ...more },
    });

  it('take the place of a topic that was sent before', () => {
    const h = harness(2);
    for (const topic of ['long/one', 'long/one', 'long/two', 'long/one']) h.publish(topic);
    expect(sent(h)).toEqual([
      ['long/one', 1],
      ['', 1],
      ['long/two', 2],
      ['', 1],
    ]);
  });

  it("[MQTT-3.2.2-17] [MQTT-3.3.2-9] stay within the server's maximum: the one used longest ago goes", () => {
    const h = harness(2);
    for (const topic of ['topic/a', 'topic/b', 'topic/a', 'topic/c', 'topic/a', 'topic/b']) {
      h.publish(topic);
    }
    expect(sent(h)).toEqual([
      ['topic/a', 1],
      ['topic/b', 2],
      ['', 1],
      ['topic/c', 2],
      ['', 1],
      ['topic/b', 2],
    ]);
  });

  it('[MQTT-3.2.2-18] are not used where the server gives none, or nobody wants them', () => {
    const h = harness(0);
    const unwanted = new EngineHarness().connected({}, { properties: { topicAliasMaximum: 9 } });
    const older = new EngineHarness({ version: '3.1.1', useTopicAliases: true }).connected();
    for (const one of [h, unwanted, older]) {
      one.publish('topic/a');
      one.publish('topic/a');
      expect(sent(one)).toEqual([
        ['topic/a', undefined],
        ['topic/a', undefined],
      ]);
    }
  });

  it('are not used for topics as short as they are', () => {
    const h = harness(2);
    h.publish('abc');
    h.publish('abc');
    expect(sent(h)).toEqual([
      ['abc', undefined],
      ['abc', undefined],
    ]);
  });

  it('keep the other properties of the message', () => {
    const h = harness(2);
    for (let count = 0; count < 2; count++) {
      h.publish('topic/a', { properties: { contentType: 'x' } });
    }
    expect(h.takeSent()).toMatchObject([
      { topic: 'topic/a', properties: { contentType: 'x', topicAlias: 1 } },
      { topic: '', properties: { contentType: 'x', topicAlias: 1 } },
    ]);
  });

  it('are never in what is sent again, nor in a store', () => {
    const h = harness(2);
    h.publish('topic/a', { qos: 1 });
    h.publish('topic/a', { qos: 1 });
    expect(sent(h)).toEqual([
      ['topic/a', 1],
      ['', 1],
    ]);
    h.reconnect(persistent, { sessionPresent: true, properties: { topicAliasMaximum: 2 } });
    expect(sent(h)).toEqual([
      ['topic/a', undefined],
      ['topic/a', undefined],
    ]);
    expect(JSON.stringify(h.committed)).not.toContain('topicAlias');
  });

  it('begin anew with each connection', () => {
    const h = harness(2);
    h.publish('topic/a');
    h.reconnect(persistent, { sessionPresent: true, properties: { topicAliasMaximum: 2 } });
    h.takeSent();
    h.publish('topic/a');
    expect(sent(h)).toEqual([['topic/a', 1]]);
  });

  it('are given only when the packet that makes them known was encoded', () => {
    const h = harness(2);
    h.publish('topic/a', { properties: { contentType: '\ud800' } });
    h.publish('topic/a');
    expect(sent(h)).toEqual([['topic/a', 1]]);
  });

  it("do not push a packet over the server's Maximum Packet Size", () => {
    const h = harness(2, { maximumPacketSize: 30 });
    const fitting = 'x'.repeat(30 - 2 - 2 - 7 - 1);
    h.publish('topic/a', { payload: fitting });
    expect(sent(h)).toEqual([['topic/a', undefined]]);
    h.publish('topic/a');
    h.publish('topic/a', { payload: fitting });
    expect(sent(h)).toEqual([
      ['topic/a', 1],
      ['', 1],
    ]);
  });
});
