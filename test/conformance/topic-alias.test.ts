import { publish, pubrel } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { reconnecting, rejection, Stage, statuses, textOf, watch } from './support/stage.ts';

function aliased(topic: string, topicAlias: number, payload: string) {
  return publish(topic, payload, { properties: { topicAlias } });
}

/** An alias saves bytes on long topics alone. */
const topic = 'a/topic/that/is/longer/than/an/alias';

describe('a Topic Alias of the server', () => {
  it('[MQTT-3.3.2-10] is set, used, set anew, and forgotten with its connection', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: string[] = [];
    await client.subscribe('#', { qos: 2 }, (message) =>
      got.push(`${message.topic} ${message.text()}`),
    );
    stage
      .server()
      .send(
        aliased('a', 1, '1'),
        aliased('', 1, '2'),
        aliased('b', 16, '3'),
        aliased('', 16, '4'),
        aliased('c', 1, '5'),
        aliased('', 1, '6'),
      );
    await stage.settle();
    expect(got.splice(0)).toEqual(['a 1', 'a 2', 'b 3', 'b 4', 'c 5', 'c 6']);
    // At QoS 2 too, with the repeat by alias and by name.
    stage.hold.add('pubrec');
    const twice = { qos: 2, packetIdentifier: 5, properties: { topicAlias: 1 } } as const;
    stage.server().send(publish('', '7', twice), publish('', '7', { ...twice, dup: true }));
    stage.server().send(publish('c', '7', { qos: 2, packetIdentifier: 5, dup: true }), pubrel(5));
    await stage.settle();
    expect(got.splice(0)).toEqual(['c 7']);
    expect(stage.sent('pubcomp')).toMatchObject([{ packetIdentifier: 5, reasonCode: 0 }]);
    // [MQTT-3.3.2-7]
    await stage.breakConnection();
    stage.server(2).send(aliased('', 1, '8'));
    await stage.settle();
    expect(got).toEqual([]);
    expect([0x82, 0x94]).toContain(stage.sent('disconnect', 2)[0]?.reasonCode);
  });

  it.each([
    ['0', {}, 't', 0],
    ['above the maximum', { topicAliasMaximum: 3 }, 't', 4],
    ['above the maximum, without a topic', { topicAliasMaximum: 3 }, '', 4],
    ['that was never offered', { topicAliasMaximum: 0 }, 't', 1],
  ])(
    '[MQTT-3.3.2-8] [MQTT-3.3.2-11] %s ends the connection with 0x94',
    async (_name, options, topic, alias) => {
      const stage = new Stage();
      const client = await stage.connect(options);
      const seen = statuses(client);
      const bytes = topic === 't' ? [0x30, 7, 0, 1, 0x74, 3] : [0x30, 6, 0, 0, 3];
      stage.server().sendRaw(Uint8Array.of(...bytes, 0x23, 0, alias));
      await stage.settle();
      expect(stage.sent('disconnect')).toMatchObject([{ reasonCode: 0x94 }]);
      expect(reconnecting(seen)).toHaveLength(1);
    },
  );

  it('that stands for nothing ends the connection', async () => {
    const stage = new Stage();
    await stage.connect();
    stage.server().sendRaw('30 06 00 00 03 23 00 02');
    await stage.settle();
    expect([0x82, 0x94]).toContain(stage.sent('disconnect')[0]?.reasonCode);
  });
});

describe('a Topic Alias of the client', () => {
  /** The topics as a server understands them, and the aliases used. */
  function understood(
    stage: Stage,
    number: number,
  ): { topics: string[]; aliases: number[]; byAlias: boolean[] } {
    const known = new Map<number, string>();
    const topics: string[] = [];
    const aliases: number[] = [];
    const byAlias: boolean[] = [];
    for (const { topic, properties } of stage.sent('publish', number)) {
      const { topicAlias } = properties;
      if (topicAlias !== undefined) {
        aliases.push(topicAlias);
        if (topic !== '') known.set(topicAlias, topic);
      }
      topics.push(topic === '' ? (known.get(topicAlias ?? 0) ?? 'unknown') : topic);
      byAlias.push(topic === '');
    }
    return { topics, aliases, byAlias };
  }

  it('[MQTT-3.2.2-17] stays within the maximum of the server, and the least recently used goes first', async () => {
    const stage = new Stage({ connack: () => ({ topicAliasMaximum: 2 }) });
    const client = await stage.connect();
    const topics = [...'aaabbbaaacccaaabbb'].map((letter) => `topic/with/a/long/name/${letter}`);
    for (const topic of topics) await client.publish(topic, 'x', { qos: 1 });
    const seen = understood(stage, 1);
    expect(seen.topics).toEqual(topics);
    expect(Math.min(...seen.aliases)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...seen.aliases)).toBeLessThanOrEqual(2);
    // A topic that recurs goes by its alias: at the latest at its third time.
    expect([2, 5, 8, 11, 17].map((index) => seen.byAlias[index])).toEqual(Array(5).fill(true));
    // When c came, b had been used longer ago than a.
    expect(seen.byAlias[12]).toBe(true);
  });

  it.each([[{}], [{ topicAliasMaximum: 0 }]])(
    '[MQTT-3.2.2-18] is never used where the server offers none: %j',
    async (properties) => {
      const stage = new Stage({ connack: () => properties });
      const client = await stage.connect();
      for (let count = 0; count < 10; count += 1) await client.publish(topic, 'x', { qos: 1 });
      expect(understood(stage, 1)).toMatchObject({ topics: Array(10).fill(topic), aliases: [] });
    },
  );

  it('can be turned off', async () => {
    const stage = new Stage({ connack: () => ({ topicAliasMaximum: 10 }) });
    const client = await stage.connect({ topicAliases: false });
    for (let count = 0; count < 10; count += 1) await client.publish(topic, 'x', { qos: 1 });
    expect(understood(stage, 1).aliases).toEqual([]);
  });

  it('[MQTT-3.3.2-7] is never carried into another connection by a stored message', async () => {
    const stage = new Stage({
      sessionPresent: (number) => number > 1,
      connack: (number) => ({ topicAliasMaximum: number === 2 ? 0 : 5 }),
    });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    for (let count = 0; count < 3; count += 1) await client.publish(topic, 'x', { qos: 1 });
    stage.hold.add('publish');
    const all = [1, 2, 3].map((count) => watch(client.publish(topic, `held ${count}`, { qos: 2 })));
    await stage.settle();
    expect(understood(stage, 1).byAlias.slice(-3)).toContain(true);
    stage.link.current.cut();
    await stage.settle();
    all.push(watch(client.publish(topic, 'offline', { qos: 1 })));
    await stage.clock.advanceUntil(() => client.connected);
    await stage.settle();
    expect(understood(stage, 2)).toMatchObject({ topics: Array(4).fill(topic), aliases: [] });
    await stage.breakConnection();
    expect(understood(stage, 3).topics).toEqual(Array(4).fill(topic));
    expect(understood(stage, 3).byAlias[0]).toBe(false);
    expect(stage.sent('publish', 3).map((packet) => textOf(packet.payload))).toEqual([
      'held 1',
      'held 2',
      'held 3',
      'offline',
    ]);
  });

  it('given by hand is refused: the client assigns them', async () => {
    const stage = new Stage({ connack: () => ({ topicAliasMaximum: 5 }) });
    const client = await stage.connect();
    for (const topicAlias of [0, 1, 6, 65_536]) {
      expect(await rejection(client.publish('t', 'x', { topicAlias } as object))).toMatchObject({
        code: 'invalidArgument',
      });
    }
    expect(stage.sent('publish')).toHaveLength(0);
  });
});
