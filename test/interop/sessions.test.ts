import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startScript } from '../setup/child-script.ts';
import { startCuttingProxy } from '../setup/cutting-proxy.ts';
import { until } from '../setup/until.ts';
import { type Broker, brokerCases } from './support/brokers.ts';
import { freshTopic, open, statusOf } from './support/clients.ts';
import { Inbox } from './support/inbox.ts';

const clientWithWill = fileURLToPath(new URL('scripts/client-with-will.ts', import.meta.url));
const publishAndClose = fileURLToPath(new URL('scripts/publish-and-close.ts', import.meta.url));
const quick = { minDelayMs: 10, maxDelayMs: 50 };

// Most of the time is spent waiting for servers and processes.
describe.concurrent.each(brokerCases)(
  'sessions with $name',
  ({ available, version, start, saysTakenOver }) => {
    let broker: Broker;
    beforeAll(async () => {
      if (available) broker = await start();
    });
    afterAll(() => broker?.[Symbol.asyncDispose]());
    const it_ = it.runIf(available);
    const connectTo = (options = {}) =>
      open(broker.url('tcp'), { version, reconnect: quick, ...options });

    it_('publish the will of a client whose process was killed', async () => {
      const topic = freshTopic();
      const inbox = new Inbox();
      await using watcher = await connectTo();
      await watcher.subscribe(topic, { qos: 1 }, inbox.take);
      await using child = await startScript(clientWithWill, [broker.url('tcp'), version, topic]);
      await until(
        () => child.stdout.includes('connected') || !child.running,
        'the client with the will connects',
      );
      expect(child.stderr).toBe('');
      expect(inbox.texts).toEqual([]);
      await child.stop('SIGKILL');
      const [will] = await inbox.holds(1);
      expect(will).toMatchObject({ topic, qos: 1 });
      expect(will?.text()).toBe('died');
      const late = new Inbox();
      await using second = await connectTo();
      await second.subscribe(topic, { qos: 1 }, late.take);
      expect((await late.holds(1))[0]?.retain).toBe(true);
    });

    it_('do not publish the will of a client that closes', async () => {
      const topic = freshTopic();
      const inbox = new Inbox();
      await using watcher = await connectTo();
      await watcher.subscribe(`${topic}/#`, { qos: 1 }, inbox.take);
      await using client = await connectTo({
        will: { topic: `${topic}/will`, payload: 'died', qos: 1 },
      });
      await client.close();
      await watcher.publish(`${topic}/end`, 'end', { qos: 1 });
      await inbox.holdsText('end');
      expect(inbox.texts).toEqual(['end']);
    });

    it_('outlive a lost connection: what was queued arrives, in order and once', async () => {
      const topic = freshTopic();
      const inbox = new Inbox();
      await using proxy = await startCuttingProxy({ port: broker.port('tcp') });
      await using sleeper = await open(`mqtt://127.0.0.1:${proxy.port}`, {
        version,
        reconnect: quick,
        clientId: `sleeper-${topic.replaceAll('/', '-')}`,
        cleanStart: false,
      });
      expect(sleeper.status).toMatchObject({ state: 'connected', sessionPresent: false, version });
      await sleeper.subscribe(topic, { qos: 2 }, inbox.take);
      await using publisher = await connectTo();
      proxy.refusing = true;
      proxy.cut();
      await statusOf(sleeper, 'reconnecting');
      for (const qos of [1, 2] as const) {
        for (const n of [1, 2, 3]) {
          await publisher.publish(topic, `${n} at QoS ${qos}`, { qos });
        }
      }
      // What the sleeper itself sends meanwhile waits for the connection.
      const sent = sleeper.publish(topic, 'from the sleeper', { qos: 2 });
      proxy.refusing = false;
      const status = await statusOf(sleeper, 'connected');
      expect(status.sessionPresent).toBe(true);
      expect((await sent).reasonCode).toBe(0);
      await publisher.publish(topic, 'end', { qos: 2 });
      const texts = await inbox.holdsText('end');
      expect(texts.filter((text) => text.endsWith('QoS 1'))).toEqual(
        [1, 2, 3].map((n) => `${n} at QoS 1`),
      );
      expect(texts.filter((text) => text.endsWith('QoS 2'))).toEqual(
        [1, 2, 3].map((n) => `${n} at QoS 2`),
      );
      expect(texts.filter((text) => text === 'from the sleeper').length).toBe(1);
      expect(texts.length).toBe(8);
    });

    it_('are taken over by a later client of the same name that adopts them', async () => {
      const topic = freshTopic();
      const clientId = `adopted-${topic.replaceAll('/', '-')}`;
      await using first = await connectTo({ clientId, cleanStart: false });
      await first.subscribe(topic, { qos: 1 }, () => {});
      await first.close();
      await using publisher = await connectTo();
      await publisher.publish(topic, 'queued', { qos: 1 });
      await using second = await connectTo({
        clientId,
        cleanStart: false,
        foreignSession: 'adopt',
      });
      expect(second.status).toMatchObject({ state: 'connected', sessionPresent: true });
      const inbox = new Inbox();
      await second.subscribe(topic, { qos: 1 }, inbox.take);
      expect((await inbox.holds(1))[0]?.text()).toBe('queued');
    });

    it_('end when the client starts clean', async () => {
      const topic = freshTopic();
      const clientId = `clean-${topic.replaceAll('/', '-')}`;
      await using first = await connectTo({ clientId, cleanStart: false });
      await first.subscribe(topic, { qos: 1 }, () => {});
      await first.close();
      await using publisher = await connectTo();
      await publisher.publish(topic, 'queued', { qos: 1 });
      await using clean = await connectTo({ clientId, cleanStart: true });
      expect(clean.status).toMatchObject({ sessionPresent: false });
      const inbox = new Inbox();
      await clean.subscribe(topic, { qos: 1 }, inbox.take);
      await publisher.publish(topic, 'end', { qos: 1 });
      await inbox.holdsText('end');
      expect(inbox.texts).toEqual(['end']);
    });

    it_('of one client id belong to whoever connects last', async () => {
      const clientId = `twice-${freshTopic().replaceAll('/', '-')}`;
      await using first = await connectTo({ clientId, reconnect: false });
      await using second = await connectTo({ clientId });
      const { reason } = await statusOf(first, 'closed');
      expect(reason?.code).toBe(saysTakenOver ? 'sessionTakenOver' : 'connectionLost');
      expect(second.connected).toBe(true);
      await second.publish(freshTopic(), 'still here', { qos: 1 });
    });

    it_.each(['tcp', 'tls', 'webSocket', 'secureWebSocket'] as const)(
      'leave nothing behind that keeps a process alive: over %s',
      async (transport) => {
        const words = [broker.url(transport), version, freshTopic()];
        await using child = await startScript(publishAndClose, words);
        expect(await child.ended).toEqual({ code: 0, signal: null });
        expect(child.stdout.toString()).toBe('closed with 0 unsent and 0 unacknowledged\n');
      },
    );

    it_(
      'are lost with the server: the client connects again, subscribes again, and sends what waited',
      async () => {
        await using own = await start();
        const topic = freshTopic();
        const inbox = new Inbox();
        await using client = await open(own.url('tcp'), { version, reconnect: quick });
        await client.subscribe(`${topic}/a`, { qos: 1 }, inbox.take);
        await client.subscribe(`${topic}/b/+`, { qos: 2 }, inbox.take);
        await own.stop();
        await statusOf(client, 'reconnecting');
        const waited = client.publish(freshTopic(), 'waited', { qos: 1 });
        await own.start();
        expect((await statusOf(client, 'connected')).sessionPresent).toBe(false);
        expect([0, 0x10]).toContain((await waited).reasonCode);
        await using publisher = await open(own.url('tcp'), { version });
        for (const name of ['a', 'b/c']) {
          await until(async () => {
            await publisher.publish(`${topic}/${name}`, name, { qos: 2 });
            return inbox.texts.includes(name);
          }, `the subscription that matches ${name} stands again`);
        }
        const qosOf = (name: string) =>
          inbox.messages.find(({ topic }) => topic.endsWith(name))?.qos;
        expect([qosOf('/a'), qosOf('/b/c')]).toEqual([1, 2]);
      },
    );
  },
);
