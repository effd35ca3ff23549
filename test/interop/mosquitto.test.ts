import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type MqttClient } from 'mqtt-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { freshTopic, open, statusOf } from './support/clients.ts';
import { Inbox } from './support/inbox.ts';

const quick = { minDelayMs: 10, maxDelayMs: 50 };

const startWithListeners = () =>
  startMosquitto({
    listeners: {
      plain: {},
      limits: { settings: ['max_qos 1', 'max_topic_alias 3'] },
      passwords: {
        users: { alice: 'secret', bob: 'pass:word' },
        acl: ['user alice', 'topic readwrite house/#', 'user bob', 'topic read house/#'],
      },
    },
  });

describe.runIf(requires('mosquitto'))('mosquitto', () => {
  let broker: Mosquitto<'plain' | 'limits' | 'passwords'>;
  beforeAll(async () => {
    broker = await startWithListeners();
  });
  afterAll(() => broker?.[Symbol.asyncDispose]());

  describe.each(['3.1.1', '5.0'] as const)('%s', (version) => {
    it('keeps sessions, queued and retained messages when it is killed and started again', async () => {
      await using own = await startMosquitto({ persistence: true, listeners: { plain: {} } });
      const topic = freshTopic();
      const inbox = new Inbox();
      await using sleeper = await connect(own.url('plain'), {
        version,
        reconnect: quick,
        clientId: 'sleeper',
        cleanStart: false,
      });
      await sleeper.subscribe(topic, { qos: 2 }, inbox.take);
      await using publisher = await open(own.url('plain'), { version, reconnect: quick });
      await publisher.publish(`${topic}/kept`, 'kept', { qos: 1, retain: true });
      await publisher.publish(topic, 'before', { qos: 2 });
      await inbox.holdsText('before');
      await own.stop('SIGKILL');
      await statusOf(sleeper, 'reconnecting');
      await own.start();
      expect((await statusOf(sleeper, 'connected')).sessionPresent).toBe(true);
      await statusOf(publisher, 'connected');
      await publisher.publish(topic, 'after', { qos: 2 });
      expect(await inbox.holdsText('after')).toEqual(['before', 'after']);
      const late = new Inbox();
      await publisher.subscribe(`${topic}/#`, { qos: 1 }, late.take);
      expect((await late.holds(1))[0]).toMatchObject({ topic: `${topic}/kept`, retain: true });
    });

    it('shares one subscription among its members', async () => {
      const topic = freshTopic();
      const members = [new Inbox(), new Inbox(), new Inbox()];
      const join = async (inbox: Inbox | undefined): Promise<MqttClient> => {
        const member = await open(broker.url('plain'), { version });
        await member.subscribe(`$share/workers/${topic}/+n`, { qos: 1 }, inbox?.take);
        return member;
      };
      await using _first = await join(members[0]);
      await using _second = await join(members[1]);
      await using _third = await join(members[2]);
      await using publisher = await open(broker.url('plain'), { version });
      const sent = Array.from({ length: 30 }, (_, n) => `${n}`);
      for (const n of sent) await publisher.publish(`${topic}/${n}`, n, { qos: 1 });
      const all = () => members.flatMap(({ texts }) => texts);
      await expect.poll(() => all().length, { timeout: 5_000, interval: 5 }).toBe(30);
      expect(all().sort((a, b) => Number(a) - Number(b))).toEqual(sent);
      for (const { messages } of members) {
        expect(messages.length).toBe(10);
        expect(messages[0]?.params).toEqual({ n: messages[0]?.text() });
      }
    });

    it('takes a name and a password, and refuses wrong ones', async () => {
      const url = broker.url('passwords');
      await using client = await open(url, { version, username: 'bob', password: 'pass:word' });
      expect(client.connected).toBe(true);
      const inUrl = url.replace('//', '//alice:secret@');
      await using other = await open(inUrl, { version });
      expect(other.connected).toBe(true);
      for (const options of [{ username: 'alice', password: 'wrong' }, {}]) {
        await expect(connect(url, { version, ...options })).rejects.toMatchObject({
          code: 'notAuthorized',
          reasonCode: expect.toSatisfy((code) => code === 0x86 || code === 0x87),
        });
      }
    });

    it('grants and refuses by its access control list', async () => {
      const url = broker.url('passwords');
      await using alice = await open(url, { version, username: 'alice', password: 'secret' });
      await using bob = await open(url, { version, username: 'bob', password: 'pass:word' });
      const inbox = new Inbox();
      await bob.subscribe('house/kitchen', { qos: 1 }, inbox.take);
      await alice.publish('house/kitchen', 'from alice', { qos: 1 });
      await inbox.holdsText('from alice');
      const refused = bob.publish('house/kitchen', 'from bob', { qos: 1 });
      if (version === '5.0') {
        await expect(refused).rejects.toMatchObject({ code: 'publishRefused', reasonCode: 0x87 });
        await expect(bob.publish('house/kitchen', 'b', { qos: 2 })).rejects.toMatchObject({
          code: 'publishRefused',
          reasonCode: 0x87,
        });
      } else {
        // 3.1.1 has no way to refuse one message: mosquitto drops it in silence.
        expect((await refused).reasonCode).toBe(0);
      }
      await alice.publish('house/kitchen', 'end', { qos: 1 });
      await inbox.holdsText('end');
      expect(inbox.texts).toEqual(['from alice', 'end']);
      // A read is checked message by message, so that mosquitto grants the SUBSCRIBE itself.
      expect(bob.connected).toBe(true);
    });

    it('refuses a subscription, and the others of the same call stand', async () => {
      await using own = await startWithForbiddenTopics();
      await using client = await connect(own.url('plain'), { version });
      const refusal = { code: 'subscribeRefused', reasonCode: version === '5.0' ? 0x87 : 0x80 };
      const forbidden = client.subscribe('secret/plans', { qos: 1 }, () => {});
      await expect(forbidden).rejects.toMatchObject({
        ...refusal,
        message: expect.stringContaining('secret/plans'),
      });
      const inbox = new Inbox();
      await client.subscribe('open/plans', { qos: 1 }, inbox.take);
      await client.publish('open/plans', 'heard', { qos: 1 });
      await inbox.holdsText('heard');
      expect(client.connected).toBe(true);
    });
  });

  it('limits the size of packets, and the client says so without losing its connection', async () => {
    await using own = await startMosquitto({
      listeners: { plain: {} },
      settings: ['max_packet_size 2000'],
    });
    await using client = await connect(own.url('plain'), { version: '5.0' });
    expect(client.server).toMatchObject({ maximumPacketSize: 2_000 });
    const topic = freshTopic();
    const inbox = new Inbox();
    await client.subscribe(topic, { qos: 1 }, inbox.take);
    await expect(client.publish(topic, new Uint8Array(2_000), { qos: 1 })).rejects.toMatchObject({
      code: 'serverLimit',
      message: expect.stringMatching(/2,?000/),
    });
    await client.publish(topic, 'fits', { qos: 1 });
    expect(await inbox.holdsText('fits')).toEqual(['fits']);
  });

  it('limits the QoS, and the client says so without losing its connection', async () => {
    await using client = await open(broker.url('limits'), { version: '5.0' });
    expect(client.server).toMatchObject({ maximumQos: 1, topicAliasMaximum: 3 });
    const topic = freshTopic();
    await expect(client.publish(topic, 'too high', { qos: 2 })).rejects.toMatchObject({
      code: 'serverLimit',
      message: expect.stringMatching(/QoS/),
    });
    const inbox = new Inbox();
    const { grants } = await client.subscribe(topic, { qos: 2 }, inbox.take);
    expect(grants[0]?.reasonCode).toBe(1);
    await client.publish(topic, 'fits', { qos: 1 });
    await inbox.holdsText('fits');
    expect(client.connected).toBe(true);
  });

  it('takes topic aliases', async () => {
    await using client = await open(broker.url('limits'), { version: '5.0' });
    const topic = freshTopic();
    const inbox = new Inbox();
    await client.subscribe(`${topic}/#`, { qos: 1 }, inbox.take);
    const sent: string[] = [];
    for (let n = 0; n < 60; n++) {
      const name = `${topic}/${n % 5}`;
      sent.push(name);
      await client.publish(name, `${n}`, { qos: 1 });
    }
    await inbox.holds(60);
    expect(inbox.messages.map((message) => message.topic)).toEqual(sent);
  });
});

/** A mosquitto whose plugin refuses `secret/#` in SUBACK; its access control lists let every SUBSCRIBE pass. */
function startWithForbiddenTopics(): Promise<Mosquitto<'plain'>> {
  const topic = 'secret/#';
  const file = join(temporaryFolder('dynamic-security'), 'roles.json');
  const allowed = { publishClientSend: true, publishClientReceive: true };
  const forbidden = { acltype: 'subscribePattern', topic, allow: false };
  writeFileSync(
    file,
    JSON.stringify({
      defaultACLAccess: { ...allowed, subscribe: true, unsubscribe: true },
      clients: [],
      groups: [{ groupname: 'anybody', roles: [{ rolename: 'visitor' }] }],
      roles: [{ rolename: 'visitor', acls: [forbidden] }],
      anonymousGroup: 'anybody',
    }),
  );
  const plugin = readdirSync('/usr/lib')
    .map((folder) => join('/usr/lib', folder, 'mosquitto_dynamic_security.so'))
    .find((path) => existsSync(path));
  if (plugin === undefined) throw new Error('mosquitto_dynamic_security.so is not installed');
  return startMosquitto({
    listeners: { plain: { settings: [`plugin ${plugin}`, `plugin_opt_config_file ${file}`] } },
  });
}
