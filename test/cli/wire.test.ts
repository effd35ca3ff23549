import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PacketType, type PublishPacket, type SubscribePacket } from '@mqtt-kit/packet';
import { listenTcp, publish, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { programs, run } from './programs.ts';

/** What the options put on the wire, read by a scripted broker. */

beforeAll(programs, 60_000);

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

/** Runs mqtt-pub against a broker that accepts everything; what it sent, in order. */
async function published(words: readonly string[], options: Parameters<typeof run>[2] = {}) {
  const broker = new ScriptedBroker({ automatic: true });
  await using listener = await listenTcp(broker);
  const result = await run('mqtt-pub', ['-p', `${listener.port}`, ...words], options);
  const packets = broker.connections.flatMap((connection) => connection.received);
  return { ...result, packets, connect: packets[0], connections: broker.connections };
}

/** Runs mqtt-sub for one message against a broker that accepts everything and sends one upon SUBSCRIBE. */
async function subscribed(words: readonly string[], options: Parameters<typeof run>[2] = {}) {
  const broker = new ScriptedBroker({
    automatic: {
      onPacket: (packet, connection) => {
        if (packet.type !== PacketType.subscribe) return;
        setTimeout(() => connection.send(publish('a/b', 'hello')), 20);
      },
    },
  });
  await using listener = await listenTcp(broker);
  const result = await run('mqtt-sub', ['-p', `${listener.port}`, '-C', '1', ...words], options);
  const packets = broker.connections.flatMap((connection) => connection.received);
  return { ...result, packets, connect: packets[0], connections: broker.connections };
}

const publishOf = (packets: readonly { type: number }[]) =>
  packets.find((packet) => packet.type === PacketType.publish) as PublishPacket;

describe('mqtt-pub on the wire', () => {
  it('sends one message and leaves in order', async () => {
    const { code, stdout, stderr, packets } = await published(['-t', 'a/b', '-m', 'hello']);
    expect({ code, stdout: stdout.toString(), stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(packets.map((packet) => packet.type)).toEqual([
      PacketType.connect,
      PacketType.publish,
      PacketType.disconnect,
    ]);
    expect(packets[1]).toMatchObject({ topic: 'a/b', qos: 0, retain: false, dup: false });
    expect(packets[2]).toMatchObject({ reasonCode: 0 });
  });

  it('sends the options of the connection', async () => {
    const { connect } = await published(
      '-t t -m m -i me -k 17 -u alice -P secret --will-topic w --will-payload bye --will-qos 2 --will-retain'.split(
        ' ',
      ),
    );
    expect(connect).toMatchObject({
      version: '5.0',
      clientId: 'me',
      cleanStart: true,
      keepAliveSeconds: 17,
      username: 'alice',
      will: { topic: 'w', qos: 2, retain: true },
    });
    if (connect?.type !== PacketType.connect) throw new Error('no CONNECT');
    expect(text(connect.password)).toBe('secret');
    expect(text(connect.will?.payload)).toBe('bye');
  });

  it('speaks the version it is told to, 5.0 by default', async () => {
    expect((await published(['-t', 't', '-m', 'm'])).connect).toMatchObject({ version: '5.0' });
    for (const version of ['311', 'mqttv311', '3.1.1']) {
      const { code, connect } = await published(['-V', version, '-t', 't', '-m', 'm']);
      expect({ code, connect }).toMatchObject({ code: 0, connect: { version: '3.1.1' } });
    }
  });

  it('keeps the session with -c', async () => {
    const { connect } = await published(['-c', '-i', 'x', '-t', 't', '-m', 'm']);
    expect(connect).toMatchObject({ clientId: 'x', cleanStart: false });
  });

  it.each([
    ['-m, QoS and retain', ['-t', 'a', '-m', 'x', '-q', '1', '-r'], 'x', { qos: 1, retain: true }],
    ['QoS 2', ['-t', 'a', '-m', 'x', '-q2'], 'x', { qos: 2 }],
    ['arguments by position', ['a', 'x'], 'x', { topic: 'a' }],
    ['a message that begins with a dash', ['-t', 'a', '-m', '-1'], '-1', {}],
    ['a message that looks like an option', ['-t', 'a', '-m', '--x'], '--x', {}],
    ['a topic that begins with a dash', ['-t', '-x', '-m', 'y'], 'y', { topic: '-x' }],
    ['quotes in a message', ['-t', 'a', '-m', '"on"'], '"on"', {}],
    ['an empty -m', ['-t', 'a', '-m', ''], '', {}],
    ['-n with -r', ['-t', 'a', '-n', '-r'], '', { retain: true }],
    [
      'the last of several',
      ['-t', 'a', '-q', '2', '-q', '1', '-m', 'x', '-m', 'y'],
      'y',
      { qos: 1 },
    ],
  ])('sends %s', async (_what, words, payload, fields) => {
    const { code, packets } = await published(words);
    expect(code).toBe(0);
    expect(publishOf(packets)).toMatchObject({ topic: 'a', ...fields });
    expect(text(publishOf(packets).payload)).toBe(payload);
  });

  it('sends a file, standard input and bytes of an argument as they are', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
    const file = join(temporaryFolder('payload'), 'bytes');
    writeFileSync(file, bytes);
    const fromFile = await published(['-t', 'a', '-f', file, '-q', '1']);
    expect(Buffer.compare(publishOf(fromFile.packets).payload, bytes)).toBe(0);
    const fromStdin = await published(['-t', 'a', '-s'], { input: bytes });
    expect(Buffer.compare(publishOf(fromStdin.packets).payload, bytes)).toBe(0);
  });

  it('sends lines: CR kept, an empty line empty, the last one without LF too', async () => {
    const { packets, code } = await published(['-t', 'a', '-l'], { input: 'one\r\n\n\0two\nlast' });
    const payloads = packets
      .filter((packet) => packet.type === PacketType.publish)
      .map((packet) => text((packet as PublishPacket).payload));
    expect({ code, payloads }).toEqual({ code: 0, payloads: ['one\r', '', '\0two', 'last'] });
  });

  it('sends the topic of -L and where it says', async () => {
    const broker = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(broker);
    const url = `mqtt://al%20ice:p%40ss@127.0.0.1:${listener.port}/house/attic`;
    expect(await run('mqtt-pub', ['-L', url, '-m', 'x'])).toMatchObject({ code: 0 });
    const [connect, message] = broker.current.received;
    expect(connect).toMatchObject({ username: 'al ice' });
    expect(connect?.type === PacketType.connect && text(connect.password)).toBe('p@ss');
    expect(message).toMatchObject({ topic: 'house/attic' });
  });
});

describe('mqtt-sub on the wire', () => {
  it('asks for all its filters in one SUBSCRIBE, each once', async () => {
    const { code, packets, stdout } = await subscribed([
      '-t', 'a/b', '-t', 'c/+', '-t', 'a/b', '-q', '1',
    ]); // biome-ignore format: one line of words
    const subscribes = packets.filter((packet) => packet.type === PacketType.subscribe);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'hello\n' });
    expect(subscribes).toHaveLength(1);
    expect((subscribes[0] as SubscribePacket).subscriptions).toMatchObject([
      { topicFilter: 'a/b', qos: 1 },
      { topicFilter: 'c/+', qos: 1 },
    ]);
  });

  it('takes the filter by position and from the URL', async () => {
    expect((await subscribed(['a/#'])).stdout.toString()).toBe('hello\n');
    const filters = async (words: string[]) =>
      (await subscribed(words)).packets.flatMap((packet) =>
        packet.type === PacketType.subscribe
          ? packet.subscriptions.map(({ topicFilter }) => topicFilter)
          : [],
      );
    expect(await filters(['a/+'])).toEqual(['a/+']);
    expect(await filters(['-L', 'mqtt://127.0.0.1/a/#'])).toEqual(['a/#']);
  });

  it('keeps the session with -c', async () => {
    const { connect } = await subscribed(['-c', '-i', 'x', '-t', 'a/b']);
    expect(connect).toMatchObject({ clientId: 'x', cleanStart: false });
  });

  it('leaves with DISCONNECT, so that no will is published', async () => {
    const { packets } = await subscribed(['-t', 'a/b', '--will-topic', 'w']);
    expect(packets.at(-1)).toMatchObject({ type: PacketType.disconnect, reasonCode: 0 });
  });
});

describe('numbers that -D asks for', () => {
  it('a topic alias stands for the topic after the first message', async () => {
    const words = ['-t', 'a/b', '-m', 'x', '--repeat', '3', '-D', 'publish', 'topic-alias', '4'];
    const broker = new ScriptedBroker({
      automatic: { connackProperties: { topicAliasMaximum: 4 } },
    });
    await using listener = await listenTcp(broker);
    const { code } = await run('mqtt-pub', ['-p', `${listener.port}`, ...words]);
    const messages = broker.current.received.filter((packet) => packet.type === PacketType.publish);
    expect(code).toBe(0);
    expect(messages.map(({ topic, properties }) => [topic, properties.topicAlias])).toEqual([
      ['a/b', 4],
      ['', 4],
      ['', 4],
    ]);
  });

  it('a topic alias that the server does not take is told and not sent', async () => {
    const words = ['-t', 'a/b', '-m', 'x', '-D', 'publish', 'topic-alias', '4'];
    const { code, stderr, packets } = await published(words);
    expect(code).toBe(0);
    expect(stderr).toBe('mqtt-pub: the topic alias 4 is not sent: the server takes none\n');
    expect(publishOf(packets)).toMatchObject({ topic: 'a/b', properties: {} });
  });

  it('a Subscription Identifier is sent, and shown when it comes back', async () => {
    const words = ['-t', 'a/b', '-F', '%S', '-D', 'subscribe', 'subscription-identifier', '300'];
    const broker = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.subscribe) return;
          const { subscriptionIdentifiers = [] } = packet.properties;
          setTimeout(() => {
            connection.send(publish('a/b', 'x', { properties: { subscriptionIdentifiers } }));
          }, 20);
        },
      },
    });
    await using listener = await listenTcp(broker);
    const { code, stdout } = await run('mqtt-sub', ['-p', `${listener.port}`, '-C', '1', ...words]);
    expect({ code, text: stdout.toString() }).toEqual({ code: 0, text: '300\n' });
  });
});

describe('the password', () => {
  const passwordOf = async (words: string[], env: Record<string, string> = {}) => {
    const { connect, code, stderr } = await published(['-t', 't', '-m', 'm', ...words], { env });
    if (connect?.type !== PacketType.connect) throw new Error(`no CONNECT: ${code} ${stderr}`);
    return { username: connect.username, password: text(connect.password) };
  };

  it('comes from -P, else --password-file, else MQTT_PASSWORD', async () => {
    const file = join(temporaryFolder('password'), 'file');
    writeFileSync(file, 'from file\n', { mode: 0o600 });
    const env = { MQTT_PASSWORD: 'from environment', MQTT_HOST: 'host.invalid', MQTT_QOS: '7' };
    const all = ['-u', 'me', '--password-file', file, '-P', 'from -P'];
    expect(await passwordOf(all, env)).toMatchObject({ password: 'from -P' });
    expect(await passwordOf(all.slice(0, 4), env)).toMatchObject({ password: 'from file' });
    expect(await passwordOf(['-u', 'me'], env)).toMatchObject({ password: 'from environment' });
    expect(await passwordOf([], env)).toEqual({ username: undefined, password: undefined });
    expect(await passwordOf(['-u', 'me'])).toEqual({ username: 'me', password: undefined });
  });

  it('comes from the first line of standard input by --password-file -', async () => {
    const { connect } = await published(
      ['-t', 't', '-m', 'm', '-u', 'me', '--password-file', '-'],
      { input: 'typed\nrest\n' },
    );
    expect(connect?.type === PacketType.connect && text(connect.password)).toBe('typed');
  });

  it('is shown nowhere', async () => {
    const { stderr } = await published(['-t', 't', '-m', 'm', '-u', 'me', '-P', 'hunter2', '-d']);
    expect(stderr).toContain("user 'me', password (hidden)");
    expect(stderr).not.toContain('hunter2');
    const refused = await run('mqtt-pub', [
      '-L', 'mqtt://me:hunter2@127.0.0.1:1/t', '-m', 'm', '-d',
    ]); // biome-ignore format: one line of words
    expect(refused.code).toBe(69);
    expect(refused.stderr).not.toContain('hunter2');
  });
});

describe('-d', () => {
  it('shows each packet on stderr, and leaves stdout to messages', async () => {
    const { stderr, stdout } = await subscribed(['-t', 'a/b', '-d', '-i', 'x']);
    expect(stdout.toString()).toBe('hello\n');
    const lines = stderr.split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^-> CONNECT MQTT 5\.0 client 'x', clean start/),
        expect.stringMatching(/^-> SUBSCRIBE id \d+, 'a\/b' QoS 0/),
        expect.stringMatching(/^<- CONNACK Success/),
        expect.stringMatching(/^<- PUBLISH 'a\/b' QoS 0, 5 bytes/),
        expect.stringMatching(/^-> DISCONNECT/),
      ]),
    );
  });
});
