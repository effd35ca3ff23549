import { connack, puback, pubcomp, publish, pubrec, pubrel } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { EngineHarness, persistent } from '../../../packages/testkit/src/engine-harness.ts';
import { Stage, watch } from '../support/stage.ts';
import { versions } from './statement-support.ts';

/** Reason codes, or codes of failure, of the messages that were settled since the last call. */
const settled = (harness: EngineHarness): unknown[] =>
  harness
    .take('published')
    .map(({ outcome }) => (outcome.kind === 'acknowledged' ? outcome.reasonCode : outcome.kind));

const deliveries = (harness: EngineHarness): number[] =>
  harness.take('message').map(({ delivery }) => delivery);

const from = (qos: 1 | 2, packetIdentifier: number, dup = false) =>
  publish('t', '', { qos, packetIdentifier, dup });

/** A further process that starts from what an earlier one committed. */
function restarted(harness: EngineHarness): EngineHarness {
  const next = new EngineHarness({ version: harness.version });
  next.engine.restore(harness.committed, next.now);
  next.settle();
  return next;
}

describe.each(versions)('identifiers, %s', (version) => {
  const limits = { queue: { maximumMessages: 100_000, maximumBytes: 1e9 } };

  it('[MQTT-2.2.1-3] [MQTT3-2.3.1-1] [MQTT3-2.3.1-2] are never 0 and never in use, over PUBLISH, SUBSCRIBE and UNSUBSCRIBE', () => {
    const harness = new EngineHarness({ version, recordOperations: false, ...limits }).connected();
    const ids = () =>
      harness.takeSent().map((packet) => (packet as { packetIdentifier: number }).packetIdentifier);
    // These four are never answered.
    harness.publish('t', { qos: 2 });
    harness.subscribe(['t']);
    harness.unsubscribe(['t']);
    harness.publish('t', { qos: 1 });
    const held = ids();
    expect(held).toEqual([1, 2, 3, 4]);
    const seen = new Set<number>();
    for (let round = 0; round < 70; round += 1) {
      harness.publishMany(1_000);
      const sent = ids();
      expect(sent).toHaveLength(1_000);
      for (const id of sent) seen.add(id);
      harness.server(...sent.map((id) => puback(id)));
    }
    expect(seen.size).toBe(65_535 - held.length);
    expect([0, ...held].filter((id) => seen.has(id))).toEqual([]);
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([5, 65_535]);
  }, 30_000);

  it('[MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT3-2.3.1-2] of new messages are unused ones', () => {
    const harness = new EngineHarness({ version, recordOperations: false, ...limits }).connected();
    harness.publish('t', { qos: 1 });
    harness.publish('t', { qos: 2 });
    harness.publishMany(65_533);
    harness.takeSent();
    harness.publish('waits', { qos: 1 });
    harness.publish('waits too', { qos: 2 });
    expect(harness.takeSent()).toEqual([]);
    harness.server(puback(300));
    expect(harness.takeSent()).toMatchObject([{ topic: 'waits', packetIdentifier: 300 }]);
    harness.server(puback(200));
    expect(harness.takeSent()).toMatchObject([{ topic: 'waits too', packetIdentifier: 200 }]);
  }, 30_000);

  it('[MQTT3-2.3.1-3] stay with a message that is sent again, and are free after its last acknowledgement', () => {
    const harness = new EngineHarness({ version, recordOperations: false, ...limits }).resumable();
    harness.publish('one', { qos: 1 });
    harness.publish('two', { qos: 2 });
    harness.reconnect();
    expect(harness.takeSent()).toMatchObject([
      { topic: 'one', packetIdentifier: 1 },
      { topic: 'two', packetIdentifier: 2 },
    ]);
    harness.publishMany(65_533);
    harness.publish('next', { qos: 1 });
    harness.takeSent();
    // Between PUBREC and PUBCOMP the identifier is still in use.
    harness.server(pubrec(2));
    expect(harness.takeSentShort()).toEqual(['pubrel 2']);
    harness.server(pubcomp(2));
    expect(harness.takeSent()).toMatchObject([{ topic: 'next', packetIdentifier: 2 }]);
  }, 30_000);
});

describe.each(versions)('sending QoS 1, %s', (version) => {
  it('[MQTT-4.3.2-2] [MQTT3-4.3.2-1] begins with DUP 0', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.publish('t', { qos: 1 });
    expect(harness.takeSent()).toMatchObject([{ qos: 1, dup: false, packetIdentifier: 1 }]);
  });

  it('[MQTT-4.3.2-3] [MQTT3-4.3.2-1] is not done before the PUBACK of its identifier', () => {
    const harness = new EngineHarness({ version }).resumable();
    harness.publish('t', { qos: 1 });
    harness.publish('t', { qos: 1 });
    harness.server(puback(9));
    harness.advance(30_000);
    expect(settled(harness)).toEqual([]);
    harness.server(puback(2));
    expect(settled(harness)).toEqual([0]);
    harness.reconnect();
    expect(harness.takeSentShort()).toEqual(['publish 1 dup']);
    harness.server(puback(1));
    expect(settled(harness)).toEqual([0]);
  });

  it('[MQTT-4.3.2-3] [MQTT3-4.3.2-1] resolves its promise by PUBACK alone', async () => {
    const stage = new Stage();
    stage.hold.add('publish');
    const client = await stage.connect({ version });
    const publishing = watch(client.publish('t', 'x', { qos: 1 }));
    await stage.advance(60_000);
    expect(publishing.settled).toBe(false);
    stage.server().send(puback(1));
    await stage.settle();
    expect(publishing.resolved).toBe(true);
  });
});

describe.each(versions)('receiving QoS 1, %s', (version) => {
  it('[MQTT-4.3.2-4] [MQTT3-4.3.2-2] is answered by PUBACK with its identifier once the message is owned', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.server(from(1, 0x1234));
    expect(harness.takeSent()).toEqual([]);
    harness.acknowledge(1);
    expect(harness.takeSentShort()).toEqual([`puback ${0x1234}`]);
  });

  it('[MQTT-4.3.2-5] [MQTT3-4.3.2-2] takes the identifier as new after PUBACK, whatever DUP says', () => {
    const harness = new EngineHarness({ version }).connected();
    for (const delivery of [1, 2, 3]) {
      harness.server(from(1, 7, delivery > 1));
      expect(deliveries(harness)).toEqual([delivery]);
      harness.acknowledge(delivery);
      expect(harness.takeSentShort()).toEqual(['puback 7']);
    }
  });
});

describe.each(versions)('sending QoS 2, %s', (version) => {
  it('[MQTT-4.3.3-2] [MQTT3-4.3.3-1] begins with DUP 0', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.publish('t', { qos: 2 });
    expect(harness.takeSent()).toMatchObject([{ qos: 2, dup: false, packetIdentifier: 1 }]);
  });

  it('[MQTT-4.3.3-3] [MQTT3-4.3.3-1] sends PUBLISH again until PUBREC came, also from a store', () => {
    const harness = new EngineHarness({ version }).resumable();
    harness.publish('t', { qos: 2 });
    for (let round = 0; round < 2; round += 1) {
      harness.reconnect();
      expect(harness.takeSentShort()).toEqual(['publish 1 dup']);
    }
    const next = restarted(harness);
    next.open(persistent);
    next.takeSent();
    next.server(connack({ sessionPresent: true }));
    expect(next.takeSentShort()).toEqual(['publish 1 dup']);
  });

  it('[MQTT-4.3.3-4] [MQTT3-4.3.3-1] answers PUBREC by PUBREL with its identifier', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.publish('t', { qos: 2 });
    harness.publish('t', { qos: 2 });
    harness.takeSent();
    harness.server(pubrec(2, version === '5.0' ? 0x10 : 0));
    expect(harness.takeSentShort()).toEqual(['pubrel 2']);
    expect(settled(harness)).toEqual([]);
  });

  it('[MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT3-4.3.3-1] sends PUBREL again until PUBCOMP came, and PUBLISH never', () => {
    const harness = new EngineHarness({ version }).resumable();
    harness.publish('t', { qos: 2 });
    harness.server(pubrec(1));
    for (let round = 0; round < 2; round += 1) {
      harness.reconnect();
      expect(harness.takeSentShort()).toEqual(['pubrel 1']);
    }
    const next = restarted(harness);
    next.open(persistent);
    next.takeSent();
    next.server(connack({ sessionPresent: true }));
    expect(next.takeSentShort()).toEqual(['pubrel 1']);
    next.server(pubcomp(1));
    next.reconnect();
    expect(next.takeSentShort()).toEqual([]);
  });
});

describe('sending QoS 2', () => {
  it('[MQTT-4.3.3-4] sends no PUBREL after a PUBREC of 0x80 and above, and frees identifier and quota', () => {
    const harness = new EngineHarness().connected({}, { properties: { receiveMaximum: 1 } });
    harness.publish('t', { qos: 2 });
    harness.publish('next', { qos: 1 });
    harness.takeSent();
    harness.server(pubrec(1, 0x97));
    expect(harness.takeSent()).toMatchObject([{ topic: 'next' }]);
    expect(settled(harness)).toEqual([0x97]);
  });

  it('[MQTT-4.3.3-7] applies no expiry to what was sent', () => {
    const harness = new EngineHarness().resumable();
    harness.publish('t', { qos: 2, properties: { messageExpiryInterval: 1 } });
    harness.advance(5_000);
    harness.reconnect();
    expect(harness.takeSentShort()).toEqual(['publish 1 dup']);
    harness.advance(5_000);
    harness.server(pubrec(1));
    expect(harness.takeSentShort()).toEqual(['pubrel 1']);
    harness.server(pubcomp(1));
    expect(settled(harness)).toEqual([0]);
  });
});

describe.each(versions)('receiving QoS 2, %s', (version) => {
  it('[MQTT-4.3.3-8] [MQTT3-4.3.3-2] is answered by PUBREC with its identifier', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.server(from(2, 0xabcd));
    expect(harness.takeSent()).toEqual([]);
    harness.acknowledge(1);
    expect(harness.takeSentShort()).toEqual([`pubrec ${0xabcd}`]);
  });

  it('[MQTT-4.3.3-10] [MQTT3-4.3.3-2] delivers repeats before PUBREL once, over reconnection and restart, and answers each', () => {
    const harness = new EngineHarness({ version }).resumable();
    harness.server(from(2, 7));
    expect(deliveries(harness)).toEqual([1]);
    harness.acknowledge(1);
    harness.takeSent();
    harness.server(from(2, 7, true), from(2, 7));
    expect([deliveries(harness), harness.takeSentShort()]).toEqual([[], ['pubrec 7', 'pubrec 7']]);
    harness.reconnect();
    harness.server(from(2, 7, true));
    expect([deliveries(harness), harness.takeSentShort()]).toEqual([[], ['pubrec 7']]);
    const next = restarted(harness);
    next.open(persistent);
    next.takeSent();
    next.server(connack({ sessionPresent: true }), from(2, 7, true));
    expect([deliveries(next), next.takeSentShort()]).toEqual([[], ['pubrec 7']]);
  });

  it('[MQTT-4.3.3-11] [MQTT3-4.3.3-2] answers PUBREL by PUBCOMP with its identifier, known or not', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.server(from(2, 7));
    harness.acknowledge(1);
    harness.takeSent();
    harness.server(pubrel(7), pubrel(8));
    const unknown = version === '5.0' ? 'pubcomp 8 0x92' : 'pubcomp 8';
    expect(harness.takeSentShort()).toEqual(['pubcomp 7', unknown]);
  });

  it('[MQTT-4.3.3-12] [MQTT3-4.3.3-2] takes the identifier as new after PUBCOMP, whatever DUP says', () => {
    const harness = new EngineHarness({ version }).connected();
    for (const delivery of [1, 2, 3]) {
      harness.server(from(2, 7, delivery > 1));
      expect(deliveries(harness)).toEqual([delivery]);
      harness.acknowledge(delivery);
      harness.server(pubrel(7));
      expect(harness.takeSentShort()).toEqual(['pubrec 7', 'pubcomp 7']);
    }
  });
});

describe('receiving QoS 2', () => {
  it('[MQTT-4.3.3-9] takes the identifier as new after a PUBREC that refuses', () => {
    const harness = new EngineHarness().connected();
    harness.server(from(2, 7));
    harness.acknowledge(1, 0x97);
    expect(harness.takeSentShort()).toEqual(['pubrec 7 0x97']);
    expect(deliveries(harness)).toEqual([1]);
    harness.server(from(2, 7));
    expect(deliveries(harness)).toEqual([2]);
    harness.acknowledge(2);
    harness.server(pubrel(7));
    expect(harness.takeSentShort()).toEqual(['pubrec 7', 'pubcomp 7']);
  });

  it('[MQTT-4.3.3-13] goes on with the acknowledgements of a message that has expired', () => {
    const harness = new EngineHarness().resumable();
    const properties = { messageExpiryInterval: 1 };
    harness.server(publish('t', '', { qos: 2, packetIdentifier: 7, properties }));
    harness.sleep(20_000);
    harness.acknowledge(1);
    expect(harness.takeSentShort()).toContain('pubrec 7');
    harness.sleep(20_000);
    harness.server(pubrel(7));
    expect(harness.takeSentShort()).toContain('pubcomp 7');
    harness.server(publish('t', '', { qos: 2, packetIdentifier: 8, properties }));
    harness.reconnect();
    harness.sleep(20_000);
    harness.server(publish('t', '', { qos: 2, packetIdentifier: 8, dup: true, properties }));
    harness.acknowledge(2);
    expect(harness.takeSentShort()).toContain('pubrec 8');
  });
});

describe.each(versions)('acknowledging, %s', (version) => {
  it('[MQTT-4.5.0-2] [MQTT3-4.5.0-2] happens by QoS when no subscription wants the message, and when its handler throws', async () => {
    const stage = new Stage();
    const client = await stage.connect({ version });
    client.on('error', () => {});
    await client.subscribe('wanted', () => {
      throw new Error('no');
    });
    const server = stage.server();
    let id = 10;
    for (const topic of ['wanted', 'unwanted']) {
      for (const qos of [1, 2] as const) {
        id += 1;
        server.send(publish(topic, '', { qos, packetIdentifier: id }));
      }
    }
    await stage.advance(60_000);
    expect(stage.sent('puback').map(({ packetIdentifier }) => packetIdentifier)).toEqual([11, 13]);
    expect(stage.sent('pubrec').map(({ packetIdentifier }) => packetIdentifier)).toEqual([12, 14]);
  });

  it('[MQTT-4.6.0-2] [MQTT3-4.6.0-2] sends PUBACK in the order of PUBLISH', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.server(from(1, 3), from(1, 1), from(1, 2));
    harness.acknowledge(2);
    harness.acknowledge(3);
    expect(harness.takeSent()).toEqual([]);
    harness.acknowledge(1);
    expect(harness.takeSentShort()).toEqual(['puback 3', 'puback 1', 'puback 2']);
  });

  it('[MQTT-4.6.0-2] [MQTT3-4.6.0-2] [MQTT-4.6.0-3] [MQTT3-4.6.0-3] keeps that order while the first handler is slow', async () => {
    for (const qos of [1, 2] as const) {
      const stage = new Stage();
      const client = await stage.connect({ version });
      const release: (() => void)[] = [];
      await client.subscribe('t', { concurrency: 3, qos }, () =>
        release.length === 0
          ? new Promise<void>((resolve) => release.push(resolve))
          : Promise.resolve(),
      );
      stage.server().send(from(qos, 9), from(qos, 4), from(qos, 6));
      await stage.settle();
      const type = qos === 1 ? 'puback' : 'pubrec';
      expect(stage.sent(type)).toEqual([]);
      release[0]!();
      await stage.settle();
      expect(stage.sent(type).map(({ packetIdentifier }) => packetIdentifier)).toEqual([9, 4, 6]);
    }
  });

  it('[MQTT-4.6.0-3] [MQTT3-4.6.0-3] sends PUBREC in the order of PUBLISH', () => {
    const harness = new EngineHarness({ version }).connected();
    harness.server(from(2, 3), from(2, 1), from(2, 2));
    harness.acknowledge(3);
    harness.acknowledge(2);
    expect(harness.takeSent()).toEqual([]);
    harness.acknowledge(1);
    expect(harness.takeSentShort()).toEqual(['pubrec 3', 'pubrec 1', 'pubrec 2']);
  });

  it('[MQTT-4.6.0-4] [MQTT3-4.6.0-4] sends PUBREL in the order of PUBREC', () => {
    const harness = new EngineHarness({ version }).connected();
    for (let count = 0; count < 3; count += 1) harness.publish('t', { qos: 2 });
    harness.takeSent();
    harness.server(pubrec(3));
    harness.server(pubrec(1), pubrec(2));
    expect(harness.takeSentShort()).toEqual(['pubrel 3', 'pubrel 1', 'pubrel 2']);
  });
});
