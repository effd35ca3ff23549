import { connect } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import { startAedes } from '../setup/aedes.ts';
import { startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { freshTopic, open } from './support/clients.ts';
import { Inbox } from './support/inbox.ts';

describe("version: 'auto'", () => {
  it.runIf(requires('openssl')).each(['tcp', 'tls', 'webSocket'] as const)(
    'falls back to 3.1.1 where 5.0 is not spoken: aedes 1.2 over %s',
    async (listener) => {
      await using broker = await startAedes('3.1.1');
      await using client = await open(broker.url(listener));
      expect(client.status).toMatchObject({ state: 'connected', version: '3.1.1' });
      const inbox = new Inbox();
      const topic = freshTopic();
      await client.subscribe(topic, { qos: 2 }, inbox.take);
      await client.publish(topic, 'hello', { qos: 2 });
      await inbox.holdsText('hello');
    },
  );

  it.runIf(requires('openssl'))('speaks 5.0 with aedes 2', async () => {
    await using broker = await startAedes('5.0');
    await using client = await open(broker.url('tcp'));
    expect(client.status).toMatchObject({ state: 'connected', version: '5.0' });
  });

  it.runIf(requires('mosquitto'))('speaks 5.0 with mosquitto', async () => {
    await using broker = await startMosquitto({ listeners: { plain: {} } });
    await using client = await open(broker.url('plain'));
    expect(client.status).toMatchObject({ state: 'connected', version: '5.0' });
  });

  it.runIf(requires('openssl'))('does not fall back when 5.0 is asked for', async () => {
    await using broker = await startAedes('3.1.1');
    await expect(connect(broker.url('tcp'), { version: '5.0' })).rejects.toMatchObject({
      code: 'serverRefused',
      reasonCode: 0x84,
    });
  });
});
