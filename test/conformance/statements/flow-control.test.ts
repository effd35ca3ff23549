import type { PublishPacket } from '@mqtt-kit/packet';
import { connack, puback, pubcomp, publish, pubrec, pubrel } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { EngineHarness, persistent } from '../../../packages/testkit/src/engine-harness.ts';
import { publish as rawPublish } from '../support/bytes.ts';
import { expectNotEncoded } from './statement-support.ts';

const limited = (receiveMaximum: number): EngineHarness =>
  new EngineHarness().resumable({ properties: { receiveMaximum } });

describe('Receive Maximum', () => {
  it('[MQTT-3.3.4-7] [MQTT-4.9.0-2] is never exceeded: PUBACK, PUBCOMP and a refusing PUBREC make room', () => {
    const harness = limited(2);
    for (const qos of [1, 2, 2, 1, 1] as const) harness.publish('t', { qos });
    expect(harness.takeSentShort()).toEqual(['publish 1', 'publish 2']);
    harness.server(pubrec(2));
    expect(harness.takeSentShort()).toEqual(['pubrel 2']);
    harness.server(puback(1));
    expect(harness.takeSentShort()).toEqual(['publish 3']);
    harness.server(pubcomp(2));
    expect(harness.takeSentShort()).toEqual(['publish 4']);
    harness.server(pubrec(3, 0x97));
    expect(harness.takeSentShort()).toEqual(['publish 5']);
    harness.server(puback(4), puback(5));
    expect(harness.takeSentShort()).toEqual([]);
  });

  it('[MQTT-3.3.4-7] [MQTT-4.9.0-2] holds for what is sent again, by the word of each connection', () => {
    const harness = limited(4);
    for (let count = 0; count < 4; count += 1) harness.publish('t', { qos: 1 });
    expect(harness.takeSent()).toHaveLength(4);
    const answer = { sessionPresent: true, properties: { receiveMaximum: 2 } };
    harness.reconnect(persistent, answer);
    harness.publish('new', { qos: 1 });
    expect(harness.takeSentShort()).toEqual(['publish 1 dup', 'publish 2 dup']);
    harness.server(puback(1));
    expect(harness.takeSentShort()).toEqual(['publish 3 dup']);
    harness.reconnect(persistent, { sessionPresent: true, properties: { receiveMaximum: 9 } });
    expect(harness.takeSentShort()).toHaveLength(4);
  });

  it('[MQTT-3.3.4-8] [MQTT-4.9.0-3] of nothing left holds back nothing but PUBLISH', () => {
    const harness = limited(1);
    harness.publish('t', { qos: 2 });
    harness.publish('waits', { qos: 1 });
    harness.takeSent();
    harness.subscribe(['t']);
    harness.unsubscribe(['t']);
    harness.server(
      publish('t', '', { qos: 1, packetIdentifier: 7 }),
      publish('t', '', { qos: 2, packetIdentifier: 8 }),
    );
    harness.acknowledge(1);
    harness.acknowledge(2);
    harness.server(pubrel(8), pubrec(1));
    harness.advance(60_000);
    harness.disconnect();
    expect(harness.takeSentShort()).toEqual([
      'subscribe 2',
      'unsubscribe 3',
      'puback 7',
      'pubrec 8',
      'pubcomp 8',
      'pubrel 1',
      'pingreq',
      'disconnect',
    ]);
  });

  it('[MQTT-3.3.4-8] [MQTT-4.9.0-3] of nothing left lets QoS 0 pass', () => {
    const harness = limited(1);
    harness.publish('t', { qos: 1 });
    harness.publish('waits', { qos: 1 });
    harness.publish('passes');
    expect(harness.takeSentShort()).toEqual(['publish 1', 'publish passes']);
  });

  it('[MQTT-4.9.0-1] is 65,535 when the server says nothing', () => {
    const queue = { maximumMessages: 100_000, maximumBytes: 1e9 };
    const harness = new EngineHarness({ queue, recordOperations: false }).connected();
    harness.publishMany(65_535);
    expect(harness.takeSent()).toHaveLength(65_535);
    harness.publish('t', { qos: 1 });
    expect(harness.takeSent()).toEqual([]);
  }, 30_000);

  it('[MQTT-4.9.0-1] is never 0', () => {
    const harness = new EngineHarness();
    harness.open();
    harness.serverBytes(Uint8Array.of(0x20, 6, 0, 0, 3, 0x21, 0, 0));
    expect(harness.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
    expect(harness.closed).toBe(true);
  });
});

describe('Topic Aliases of a client', () => {
  const aliasing = (topicAliasMaximum?: number): EngineHarness =>
    new EngineHarness({ useTopicAliases: true }).resumable(
      topicAliasMaximum === undefined ? {} : { properties: { topicAliasMaximum } },
    );
  const sent = (harness: EngineHarness): [string, number | undefined][] =>
    (harness.takeSent() as PublishPacket[])
      .filter(({ type }) => type === 3)
      .map(({ topic, properties }) => [topic, properties.topicAlias]);

  it('[MQTT-3.2.2-17] [MQTT-3.3.2-9] stay within the maximum of the server', () => {
    const harness = aliasing(3);
    for (let round = 0; round < 3; round += 1) {
      for (let topic = 0; topic < 10; topic += 1) harness.publish(`topic/${topic}`);
    }
    const aliases = sent(harness).flatMap(([, alias]) => (alias === undefined ? [] : [alias]));
    expect(aliases.length).toBeGreaterThan(0);
    for (const alias of aliases) expect([1, 2, 3]).toContain(alias);
  });

  it('[MQTT-3.2.2-18] are not used where the server gives none', () => {
    for (const maximum of [undefined, 0]) {
      const harness = aliasing(maximum);
      for (let count = 0; count < 3; count += 1) harness.publish('long/topic');
      expect(sent(harness)).toEqual(Array(3).fill(['long/topic', undefined]));
    }
  });

  it('[MQTT-3.3.2-7] [MQTT-3.2.2-18] die with the connection', () => {
    const harness = aliasing(1);
    for (let count = 0; count < 2; count += 1) harness.publish('long/topic');
    expect(sent(harness)).toEqual([
      ['long/topic', 1],
      ['', 1],
    ]);
    const properties = { topicAliasMaximum: 1 };
    harness.reconnect(persistent, { sessionPresent: true, properties });
    harness.publish('long/topic');
    expect(sent(harness)).toEqual([['long/topic', 1]]);
    harness.reconnect();
    harness.publish('long/topic');
    expect(sent(harness)).toEqual([['long/topic', undefined]]);
  });
});

describe('Topic Aliases of a server', () => {
  const aliased = (topic: string, topicAlias: number) =>
    publish(topic, '', { properties: { topicAlias } });
  const allowing = (topicAliasMaximum: number): EngineHarness =>
    new EngineHarness().connected({ properties: { topicAliasMaximum } });

  it('[MQTT-3.3.2-8] are not 0, and neither are ours', () => {
    expectNotEncoded('5.0', aliased('t', 0));
    const harness = allowing(10);
    harness.serverBytes(rawPublish('5.0', { props: ['23 00 00'] }));
    expect(harness.closed).toBe(true);
    expect(harness.takeSentShort()).toEqual(['disconnect 0x94']);
    expect(harness.take('message')).toEqual([]);
  });

  it('[MQTT-3.3.2-10] from 1 to our maximum are taken, and set anew', () => {
    const harness = allowing(10);
    for (let alias = 1; alias <= 10; alias += 1) harness.server(aliased(`topic/${alias}`, alias));
    harness.server(aliased('other', 4));
    harness.takeEvents();
    for (let alias = 1; alias <= 10; alias += 1) harness.server(aliased('', alias));
    const topics = harness.take('message').map(({ packet }) => packet.topic);
    expect(topics).toEqual(
      Array.from({ length: 10 }, (_, index) => (index === 3 ? 'other' : `topic/${index + 1}`)),
    );
    harness.server(aliased('t', 11));
    expect(harness.takeSentShort()).toEqual(['disconnect 0x94']);
  });

  it('[MQTT-3.3.2-7] die with the connection', () => {
    const harness = allowing(10);
    harness.server(aliased('t', 1));
    harness.cut();
    harness.takeEvents();
    harness.takeSent();
    harness.open({ properties: { topicAliasMaximum: 10 } });
    harness.server(connack(), aliased('', 1));
    expect(harness.closed).toBe(true);
    expect(harness.take('message')).toEqual([]);
    expect(['disconnect 0x82', 'disconnect 0x94']).toContain(harness.takeSentShort().at(-1));
  });
});
