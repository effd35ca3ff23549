import { FaultyStore, puback, pubrec } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage, type Watched, watch } from './client-stage.test-support.ts';
import type { QueueOptions } from './options.ts';
import type { SessionStore } from './session-store.ts';

const texts = ['a1', 'b2', 'a3', 'b4', 'a5', 'c6'];

/** Which of them a queue of three lets through. */
const survivors = {
  reject: ['a1', 'b2', 'a3'],
  dropOldest: ['b4', 'a5', 'c6'],
  wait: texts,
  latestPerTopic: ['a3', 'b4', 'a5'],
} as const;

type Policy = keyof typeof survivors;
type Situation = 'offline' | 'blocked';

const cases = (Object.keys(survivors) as Policy[]).flatMap((overflow) =>
  ([0, 1, 2] as const).flatMap((qos) =>
    (['offline', 'blocked'] as const).flatMap((situation) =>
      [false, true].map((durable) => ({ overflow, qos, situation, durable })),
    ),
  ),
);

const textOf = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** A client whose messages have to wait, and what lets them go. */
async function stalled(situation: Situation, queue: QueueOptions, store?: SessionStore) {
  const stage = new ClientStage({ sessionPresent: (number) => number > 1 });
  const client = await stage.connect({
    clientId: 'c',
    topicAliases: false,
    queue,
    ...(store === undefined ? { cleanStart: false } : { store }),
  });
  if (situation === 'offline') {
    stage.link.connect = { outcome: 'refuse' };
    stage.link.current.cut();
  } else {
    stage.server.pause();
    void client.publish('filler', 'x'.repeat(100_000));
  }
  await stage.clock.settle();
  return {
    stage,
    client,
    async flow(settled: readonly Watched<unknown>[]): Promise<void> {
      stage.link.connect = { outcome: 'accept' };
      if (situation === 'blocked') stage.server.resume();
      await stage.clock.advanceUntil(() => settled.every(({ state }) => state !== 'pending'));
      await stage.clock.settle();
    },
  };
}

/** What a start from the store would still send. */
const waiting = (store: FaultyStore): string[] => {
  const kept = new Map<number, string>();
  for (const operation of store.journal) {
    if (operation.type === 'out') {
      kept.set(operation.sequence, textOf(operation.message.payload));
    } else if (operation.type === 'outDone') kept.delete(operation.sequence);
  }
  return [...kept.values()];
};

describe('a full queue', () => {
  it.each(cases)('$overflow, QoS $qos, $situation, durable store: $durable', async (one) => {
    const { overflow, qos, situation, durable } = one;
    const store = new FaultyStore({ manner: () => 'now' });
    const queue = { maxMessages: 3, overflow };
    const { stage, client, flow } = await stalled(situation, queue, durable ? store : undefined);
    const published = texts.map((text) =>
      watch(client.publish(text.slice(0, 1), text, { qos, timeoutMs: 3_000_000 })),
    );
    await stage.clock.settle();
    expect(client.queued.messages).toBe(3);
    if (durable && qos > 0) {
      const accepted = overflow === 'wait' ? texts.slice(0, 3) : survivors[overflow];
      expect(waiting(store)).toEqual(accepted);
    }
    await flow(published);
    const sent = stage.broker.connections
      .flatMap((connection) => stage.sent('publish', connection))
      .filter(({ topic }) => topic !== 'filler')
      .map(({ payload }) => textOf(payload));
    expect(sent).toEqual(survivors[overflow]);
    expect(texts.filter((_, index) => published[index]?.state === 'resolved')).toEqual(sent);
    for (const { state, code } of published) {
      expect([state, code]).toEqual(
        state === 'resolved' ? ['resolved', undefined] : ['rejected', 'queueFull'],
      );
    }
    expect(client.queued).toEqual({ messages: 0, bytes: 0 });
    expect(waiting(store)).toEqual([]);
  });

  it.each(['dropOldest', 'latestPerTopic', 'reject'] as const)(
    '%s bounds bytes, too, and drops nothing for a message that never fits',
    async (overflow) => {
      const { client, stage, flow } = await stalled('offline', { maxBytes: 100, overflow });
      const small = watch(client.publish('t', 'x'.repeat(50), { qos: 1 }));
      const huge = watch(client.publish('t', 'x'.repeat(100), { qos: 1 }));
      const next = watch(client.publish('t', 'y'.repeat(60), { qos: 1 }));
      await stage.clock.settle();
      expect(huge.code).toBe('queueFull');
      expect(small.code).toBe(overflow === 'reject' ? undefined : 'queueFull');
      await flow([small, next]);
      expect(next.state).toBe(overflow === 'reject' ? 'rejected' : 'resolved');
    },
  );

  it('forgets what is too old, in the store, too', async () => {
    const store = new FaultyStore({ manner: () => 'now' });
    const { client, stage } = await stalled('offline', { maxAgeMs: 1_000 }, store);
    const old = ([0, 1, 2] as const).map((qos) => watch(client.publish('t', 'x', { qos })));
    await stage.clock.advance(2_000);
    expect(old.map(({ code }) => code)).toEqual(['expired', 'expired', 'expired']);
    expect(waiting(store)).toEqual([]);
  });
});

describe('replay', () => {
  it('is pipelined, and new messages are accepted and follow while it is under way', async () => {
    const stage = new ClientStage({
      sessionPresent: (number) => number > 1,
      connack: { receiveMaximum: 50 },
    });
    stage.held.add('publish');
    const client = await stage.connect({ clientId: 'c', cleanStart: false });
    const numbers = Array.from({ length: 80 }, (_, index) => index);
    const all = numbers.map((number) =>
      watch(client.publish(`${number}`, 'x', { qos: number % 2 === 0 ? 1 : 2 })),
    );
    await stage.clock.settle();
    expect(stage.sent('publish')).toHaveLength(50);
    await stage.reconnect();
    // No answer yet: all that the server's Receive Maximum allows is on its way again.
    expect(stage.sent('publish')).toHaveLength(50);
    expect(stage.sent('publish').every(({ dup }) => dup)).toBe(true);
    const late = watch(client.publish('late', 'x', { qos: 1 }));
    await stage.clock.settle();
    expect([late.state, client.queued.messages]).toEqual(['pending', 31]);
    stage.held.delete('publish');
    for (const { qos, packetIdentifier } of stage.sent('publish')) {
      const identifier = packetIdentifier as number;
      stage.server.send(qos === 1 ? puback(identifier) : pubrec(identifier));
    }
    await stage.clock.advanceUntil(() => late.state !== 'pending');
    expect(all.every(({ state }) => state === 'resolved')).toBe(true);
    const topics = stage.sent('publish').map(({ topic }) => topic);
    expect(topics).toEqual([...numbers.map(String), 'late']);
  });
});
