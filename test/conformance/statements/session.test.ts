import { type ConnectOptions, memoryStore, type SessionStore } from '@mqtt-kit/core';
import { connack, puback, publish, pubrec, pubrel } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { EngineHarness, persistent } from '../../../packages/testkit/src/engine-harness.ts';
import { Stage, watch } from '../support/stage.ts';
import { versions } from './statement-support.ts';

/** A further process that starts from what an earlier one committed. */
function restarted(harness: EngineHarness): EngineHarness {
  const next = new EngineHarness({ version: harness.version });
  next.engine.restore(harness.committed, next.now);
  next.settle();
  return next;
}

const from = (qos: 1 | 2, packetIdentifier: number, dup = false) =>
  publish('t', '', { qos, packetIdentifier, dup });

describe.each(versions)('a session, %s', (version) => {
  const v5 = version === '5.0';
  const kept: ConnectOptions = {
    version,
    clientId: 'client',
    cleanStart: false,
    ...(v5 ? { sessionExpirySeconds: 1000 } : {}),
  };

  it('[MQTT3-3.1.2-4] [MQTT-3.1.2-23] [MQTT3-4.1.0-1] is kept over its connection and its process', () => {
    const harness = new EngineHarness({ version }).resumable();
    harness.publish('out', { qos: 1 });
    harness.server(from(2, 7));
    harness.acknowledge(1);
    harness.reconnect();
    expect(harness.takeSentShort()).toEqual(['publish 1 dup']);
    harness.cut();
    const next = restarted(harness);
    next.open(persistent);
    next.takeSent();
    next.server(connack({ sessionPresent: true }), from(2, 7, true));
    expect(next.takeSentShort().sort()).toEqual(['publish 1 dup', 'pubrec 7']);
    expect(next.take('message')).toEqual([]);
  });

  it('[MQTT-3.1.2-4] [MQTT3-3.1.2-6] is dropped by a clean start: nothing is resumed, old identifiers are forgotten', () => {
    const harness = new EngineHarness({ version }).resumable();
    harness.publish('received', { qos: 2 });
    harness.publish('open', { qos: 1 });
    harness.server(pubrec(1), from(2, 7));
    harness.acknowledge(1);
    harness.takeEvents();
    harness.cut();
    harness.takeSent();
    harness.open({ cleanStart: true });
    harness.server(connack());
    const sent = harness.takeSent().slice(1);
    expect(sent.filter(({ type }) => type === 6)).toEqual([]);
    expect(sent).not.toContainEqual(expect.objectContaining({ dup: true }));
    harness.server(from(2, 7));
    expect(harness.take('message')).toHaveLength(1);
  });

  it('[MQTT-3.1.2-4] [MQTT3-3.1.2-6] does not outlive a connection that was asked to be its end', () => {
    const harness = new EngineHarness({ version }).connected({ cleanStart: true });
    harness.server(from(2, 7));
    harness.acknowledge(1);
    harness.takeEvents();
    harness.cut();
    harness.takeSent();
    harness.open({ cleanStart: true });
    harness.server(connack(), from(2, 7));
    expect(harness.take('message')).toHaveLength(1);
  });

  it('[MQTT-3.1.3-2] [MQTT3-3.1.3-2] belongs to its client identifier: a store is asked for it by that name', async () => {
    const stores = new Map<string, SessionStore>();
    const asked: string[] = [];
    const shared = (): SessionStore => {
      let own: SessionStore;
      return {
        durable: true,
        load(identity) {
          asked.push(identity.clientId);
          own = stores.get(identity.clientId) ?? memoryStore();
          stores.set(identity.clientId, own);
          return own.load(identity);
        },
        commit: (operations) => own.commit(operations),
        clear: () => own.clear(),
        close: () => own.close(),
      };
    };
    const stage = new Stage({ sessionPresent: (connection) => connection === 3 });
    stage.hold.add('publish');
    const first = await stage.connect({ ...kept, clientId: 'one', store: shared() });
    const publishing = watch(first.publish('t', 'x', { qos: 1 }));
    await stage.settle();
    await first.close({ timeoutMs: 0 });
    await stage.connect({ ...kept, clientId: 'two', store: shared() });
    await stage.settle();
    expect(stage.sent('publish', 2)).toEqual([]);
    await stage.connect({ ...kept, clientId: 'one', store: shared() });
    await stage.settle();
    expect(stage.sent('publish', 3)).toMatchObject([{ topic: 't', dup: true }]);
    expect(asked).toEqual(['one', 'two', 'one']);
    await publishing.done;
  });

  it('[MQTT-4.1.0-1] [MQTT3-4.1.0-2] is whole as long as its connection stands, however long that is', () => {
    const harness = new EngineHarness({ version }).connected({
      keepAliveSeconds: 0,
      ...(v5 ? { cleanStart: false, properties: { sessionExpiryInterval: 1 } } : {}),
    });
    harness.publish('out', { qos: 2 });
    harness.server(from(2, 7));
    harness.acknowledge(1);
    harness.takeSent();
    harness.takeEvents();
    harness.advance(3_600_000);
    harness.publishMany(500);
    harness.takeSent();
    harness.server(from(2, 7, true), pubrec(1));
    expect(harness.takeSentShort()).toEqual(['pubrec 7', 'pubrel 1']);
    expect(harness.take('message')).toEqual([]);
  });

  it('[MQTT-4.4.0-1] [MQTT3-4.4.0-1] sends all again on resuming, with the old identifiers', () => {
    const harness = new EngineHarness({ version }).resumable();
    for (const qos of [1, 2, 2, 1] as const) harness.publish('t', { qos });
    harness.server(pubrec(2));
    harness.reconnect();
    expect(harness.takeSentShort()).toEqual([
      'publish 1 dup',
      'pubrel 2',
      'publish 3 dup',
      'publish 4 dup',
    ]);
  });

  it('[MQTT-4.4.0-1] sends nothing again at any other time', () => {
    const harness = new EngineHarness({ version }).connected({ keepAliveSeconds: 0 });
    harness.publish('t', { qos: 1 });
    harness.publish('t', { qos: 2 });
    harness.publish('t', { qos: 2 });
    harness.server(pubrec(3));
    harness.takeSent();
    harness.advance(3_600_000);
    harness.writable(false);
    harness.writable(true);
    expect(harness.takeSent()).toEqual([]);
  });

  it('[MQTT-4.6.0-1] [MQTT3-4.6.0-1] sends again in the order of the first time, whatever the identifiers and the store', () => {
    const harness = new EngineHarness({ version, recordOperations: true }).resumable();
    // Rotates the identifiers so that the order of sending is not theirs.
    harness.publishMany(900);
    harness.server(...Array.from({ length: 900 }, (_, index) => puback(index + 1)));
    for (let round = 0; round < 72; round += 1) {
      harness.publishMany(900);
      const base = 900 * (round + 1);
      const ids = Array.from({ length: 900 }, (_, index) => ((base + index) % 65_535) + 1);
      if (round < 71) harness.server(...ids.map((id) => puback(id)));
      else harness.server(...ids.slice(0, -170).map((id) => puback(id)));
    }
    harness.takeSent();
    const order: string[] = [];
    harness.reconnect();
    order.push(...harness.takeSentShort());
    expect(order).toHaveLength(170);
    const ids = order.map((short) => Number(short.split(' ')[1]));
    expect(ids.some((id, index) => index > 0 && id < ids[index - 1]!)).toBe(true);
    const next = restarted(harness);
    next.open(persistent);
    next.takeSent();
    next.server(connack({ sessionPresent: true }));
    expect(next.takeSentShort()).toEqual(order);
    const expected = ids.map((_, index) => ((ids[0]! - 1 + index) % 65_535) + 1);
    expect(ids).toEqual(expected);
  }, 30_000);

  it('[MQTT-4.6.0-1] [MQTT3-4.6.0-1] sends again in the order of the first time, QoS 1 and 2 mixed', () => {
    const harness = new EngineHarness({ version }).resumable();
    for (const [topic, qos] of [
      ['a', 2],
      ['b', 1],
      ['c', 2],
      ['d', 1],
    ] as const) {
      harness.publish(topic, { qos });
    }
    harness.takeSent();
    harness.reconnect();
    const topics = harness.takeSent().map((packet) => 'topic' in packet && packet.topic);
    expect(topics).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('a session', () => {
  it('[MQTT-3.1.2-23] ends with its connection when it has no Session Expiry Interval', () => {
    const harness = new EngineHarness().connected({ cleanStart: false });
    harness.server(from(2, 7));
    harness.acknowledge(1);
    harness.takeEvents();
    harness.cut();
    harness.takeSent();
    harness.open({ cleanStart: false });
    harness.server(connack(), from(2, 7));
    expect(harness.take('message')).toHaveLength(1);
  });

  it('[MQTT-3.1.2-23] [MQTT-3.2.2-4] of that kind is no more the one of the client, though the server presents it', () => {
    const harness = new EngineHarness().connected({ cleanStart: false });
    harness.server(from(2, 7));
    harness.cut();
    harness.takeSent();
    harness.open({ cleanStart: false });
    harness.server(connack({ sessionPresent: true }));
    expect(harness.takeSentShort().slice(1)).toEqual(['disconnect 0x82']);
    expect(harness.closed).toBe(true);
  });

  it('[MQTT-3.2.2-4] that only the server knows ends the connection', () => {
    for (const request of [persistent, { cleanStart: true }]) {
      const harness = new EngineHarness();
      harness.open(request);
      harness.takeSent();
      harness.server(connack({ sessionPresent: true }));
      expect(harness.closed).toBe(true);
      expect(harness.takeSentShort()).toEqual(['disconnect 0x82']);
      expect(harness.take('connected')).toEqual([]);
    }
  });

  it('[MQTT-3.2.2-5] that the server lost is dropped: no PUBREL, no DUP, no old identifier known', () => {
    const harness = new EngineHarness().resumable();
    harness.publish('open', { qos: 1 });
    harness.publish('received', { qos: 2 });
    harness.server(pubrec(2), from(2, 7));
    harness.acknowledge(1);
    harness.takeEvents();
    harness.reconnect(persistent, { sessionPresent: false });
    const sent = harness.takeSent();
    expect(sent).toMatchObject([{ type: 3, topic: 'open', dup: false }]);
    harness.server(pubrel(7));
    expect(harness.takeSentShort()).toEqual(['pubcomp 7 0x92']);
    harness.server(from(2, 7));
    expect(harness.take('message')).toHaveLength(1);
  });

  it('[MQTT-4.4.0-2] sends nothing again that was refused', () => {
    const harness = new EngineHarness().resumable();
    harness.publish('t', { qos: 1 });
    harness.publish('t', { qos: 2 });
    harness.publish('t', { qos: 1 });
    harness.server(puback(1, 0x97), pubrec(2, 0x80));
    harness.reconnect();
    expect(harness.takeSentShort()).toEqual(['publish 3 dup']);
  });
});

describe('a store that fails', () => {
  it.each(versions)(
    '[MQTT3-4.8.0-2] ends the connection before the message is answered, %s',
    async (version) => {
      const inner = memoryStore();
      let failing = false;
      const store: SessionStore = {
        durable: true,
        load: (identity) => inner.load(identity),
        commit: (operations) => {
          if (failing) throw new Error('no space left');
          return inner.commit(operations);
        },
        clear: () => inner.clear(),
        close: () => inner.close(),
      };
      const stage = new Stage();
      const client = await stage.connect({ version, clientId: 'client', cleanStart: false, store });
      client.on('error', () => {});
      await client.subscribe('#', () => {});
      failing = true;
      stage.server().send(from(2, 7));
      await stage.settle();
      expect(stage.sent('pubrec')).toEqual([]);
      expect(stage.server().isClosed).toBe(true);
    },
  );
});
