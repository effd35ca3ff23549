import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Packet, PacketType, type PublishPacket } from '@mqtt-kit/packet';
import { listenTcp, publish, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePorts, portOf } from '../setup/ports.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { ended, programs, type RunOptions, run, shell, start } from './programs.ts';
import { startSocksProxy } from './socks-proxy.ts';

/** What our programs do beyond mosquitto's, proved by the wire and by what they print. */

beforeAll(programs, 60_000);

const messages: readonly PublishPacket[] = [
  publish('home/a/temp', '{"temp":21.5}'),
  publish('home/b/temp', '{"temp":25.25}'),
  publish('home/b/temp', '{"temp":25.25}'),
  publish('home/bytes', Uint8Array.of(0xff, 0, 0x0a), {
    properties: {
      contentType: 'x/y',
      userProperties: [
        ['k', 'v'],
        ['k', 'w'],
      ],
    },
  }),
];

/** Runs mqtt-sub against a broker that sends these messages upon SUBSCRIBE. */
async function shown(words: readonly string[], options: RunOptions = {}) {
  const broker = new ScriptedBroker({
    automatic: {
      onPacket: (packet, connection) => {
        if (packet.type !== PacketType.subscribe) return;
        setTimeout(() => {
          for (const message of messages) connection.send(message);
        }, 20);
      },
    },
  });
  await using listener = await listenTcp(broker);
  const all = ['-p', `${listener.port}`, '-t', 'home/#', '-W', '10', ...words];
  // The listener stays until the program has ended.
  const result = await run('mqtt-sub', all, options);
  return result;
}

/** Runs mqtt-pub against a broker that accepts everything; the messages that it got. */
async function published(words: readonly string[], options: RunOptions = {}) {
  const broker = new ScriptedBroker({ automatic: true });
  await using listener = await listenTcp(broker);
  const result = await run('mqtt-pub', ['-p', `${listener.port}`, ...words], options);
  const got = broker.connections
    .flatMap((connection) => connection.received)
    .filter((packet: Packet): packet is PublishPacket => packet.type === PacketType.publish);
  const texts = got.map(({ topic, payload }) => `${topic} ${new TextDecoder().decode(payload)}`);
  return { ...result, got, texts };
}

describe('mqtt-sub prints', () => {
  it.concurrent.each<[string, string]>([
    [
      '-C 3 --output hex -v',
      'home/a/temp 7b2274656d70223a32312e357d\nhome/b/temp 7b2274656d70223a32352e32357d\nhome/b/temp 7b2274656d70223a32352e32357d\n',
    ],
    ['-C 1 --output base64', 'eyJ0ZW1wIjoyMS41fQ==\n'],
    ['-C 2 --output raw', '{"temp":21.5}{"temp":25.25}'],
    ['-C 2 --output null', '{"temp":21.5}\0{"temp":25.25}\0'],
    ['-C 1 --output csv', 'home/a/temp,"{""temp"":21.5}"\n'],
    ['-C 1 --output tsv', 'home/a/temp\t{"temp":21.5}\n'],
    [
      '-C 2 --format {+1}|{topic[1]}|{payload.temp:%.1f}|{size}',
      'a/temp|a|21.5|13\nb/temp|b|25.3|14\n',
    ],
    ['-C 3 --select .temp', '21.5\n25.25\n25.25\n'],
    ['-C 1 --where payload.temp>22', '{"temp":25.25}\n'],
    ['--until payload.temp>22 --select .temp', '21.5\n25.25\n'],
    [
      '--changes -C 3 --output hex',
      '7b2274656d70223a32312e357d\n7b2274656d70223a32352e32357d\nff000a\n',
    ],
    ['--throttle 1m -C 3 --select .temp', '21.5\n25.25\n'],
    ['-T home/+/temp -C 1 --output hex', 'ff000a\n'],
    ['-R -N -C 2', '{"temp":21.5}{"temp":25.25}'],
    [
      '--random-filter 100 -C 4 --output hex',
      '7b2274656d70223a32312e357d\n7b2274656d70223a32352e32357d\n7b2274656d70223a32352e32357d\nff000a\n',
    ],
    ['-C 1 -F %t:%l:%x', 'home/a/temp:13:7b2274656d70223a32312e357d\n'],
    ['-C 1 --table', 'home/a/temp {"temp":21.5}\n'],
    [
      '-C 4 --tree',
      'home (4)\n├ a (1)\n│ └ temp  {"temp":21.5}\n├ b (2)\n│ └ temp (2)  {"temp":25.25}\n└ bytes  \\xff\\x00\\n\n',
    ],
  ])('%s', async (line, expected) => {
    const { stdout, code, stderr } = await shown(line.split(' '));
    expect({ text: stdout.toString('latin1'), code, stderr }).toEqual({
      text: Buffer.from(expected).toString('latin1'),
      code: 0,
      stderr: '',
    });
  });

  it('ends after silence, and says when fewer came than expected', async () => {
    const enough = await shown(['--idle', '2', '--expect', '4', '--output', 'base64']);
    expect(enough.code).toBe(0);
    const few = await shown(['--idle', '2', '--expect', '5', '--output', 'base64']);
    expect({ code: few.code, lines: few.lines }).toEqual({
      code: 27,
      lines: ['mqtt-sub: 4 of at least 5 messages came (--expect)'],
    });
  });

  it('runs a command for each message, which gets it safely', async () => {
    const folder = temporaryFolder('exec');
    const file = join(folder, 'out');
    const command = `printf '%s %s\\n' "$MQTT_TOPIC" "$(cat)" >> '${file}'`;
    const { code } = await shown(['-C', '1', '--exec', command]);
    expect(code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('home/a/temp {"temp":21.5}\n');
  });

  it('figures with --stats, the summary on standard error', async () => {
    const { stdout, lines } = await shown(['-C', '4', '--stats']);
    expect(stdout.toString()).toBe('');
    expect(lines[0]).toMatch(/^4 messages of 3 topics, 44 B in /);
  });
});

describe('a bridge of records', () => {
  it('from mqtt-sub --output ndjson to mqtt-pub --lines json loses nothing', async () => {
    const { stdout } = await shown(['-C', '4', '--output', 'ndjson']);
    const { got, code } = await published(['--lines', 'json'], { input: stdout });
    expect(code).toBe(0);
    const plain = (packet: PublishPacket) => ({
      topic: packet.topic,
      payload: Buffer.from(packet.payload).toString('hex'),
      properties: { ...packet.properties },
    });
    expect(got.map(plain)).toEqual(messages.map(plain));
  });

  it('--record and --replay keep the gaps, or leave them out', async () => {
    const file = join(temporaryFolder('record'), 'recorded.ndjson');
    await shown(['-C', '4', '--record', file, '--output', 'hex']);
    const records = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records.map(({ topic }) => topic)).toEqual(messages.map(({ topic }) => topic));
    records.forEach((record, index) => {
      record.ts = new Date(1_700_000_000_000 + index * 400).toISOString();
    });
    writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const began = performance.now();
    const slow = await published(['--replay', file, '--speed', '2']);
    expect(performance.now() - began).toBeGreaterThanOrEqual(600);
    expect(slow.texts).toHaveLength(4);
    const fast = await published(['--replay', file, '--speed', 'max', '-r', '-q', '1']);
    expect(fast.got.map(({ retain }) => retain)).toEqual([false, false, false, false]);
    expect(fast.texts).toEqual(slow.texts);
  });
});

describe('mqtt-pub publishes', () => {
  it.concurrent.each<[string, string, readonly string[]]>([
    ['--lines tsv', 'a/b\tx\\ty\nc\t\n', ['a/b x\ty', 'c ']],
    ['--lines csv', 'a,"x ""y"", z"\nb,"two\nlines"\n', ['a x "y", z', 'b two\nlines']],
    ['--lines json', '{"topic":"t","payload":{"a":1}}\n\n{"topic":"u"}\n', ['t {"a":1}', 'u ']],
    ['--lines json -t fallback', '{"payload":"x"}\n', ['fallback x']],
    ['-t a --repeat 3 -m x', '', ['a x', 'a x', 'a x']],
    [
      '-t s/{counter} --template --repeat 2 -m {"n":{counter:7}}',
      '',
      ['s/1 {"n":7}', 's/2 {"n":8}'],
    ],
    ['-t log/{counter} --template -l', 'one\ntwo\n', ['log/1 one', 'log/2 two']],
  ])('%s', async (line, input, expected) => {
    const { texts, code, stderr } = await published(line.split(' '), { input });
    expect({ texts, code, stderr }).toEqual({ texts: expected, code: 0, stderr: '' });
  });

  it('no faster than --rate', async () => {
    const began = performance.now();
    const { texts } = await published(['-t', 'a', '-m', 'x', '--repeat', '6', '--rate', '10/s']);
    expect(texts).toHaveLength(6);
    expect(performance.now() - began).toBeGreaterThanOrEqual(490);
  });

  it('what -D says, in every packet', async () => {
    const { got } = await published([
      ...['-t', 'a', '-m', 'x', '-q', '1'],
      ...[
        '-D',
        'publish',
        'content-type',
        'text/plain',
        '-D',
        'publish',
        'user-property',
        'a',
        'b',
      ],
    ]);
    expect(got[0]?.properties).toMatchObject({
      contentType: 'text/plain',
      userProperties: [['a', 'b']],
    });
  });

  it('from its queue what could not be published before', async () => {
    const folder = join(temporaryFolder('queue'), 'queue');
    const [port = 0] = await freePorts(1);
    const words = ['-p', `${port}`, '-q', '1', '-t', 'q', '-l', '--queue', folder];
    const child = await start('mqtt-pub', words, { input: 'one\ntwo\n' });
    const before = await ended(child);
    expect(before.code).toBe(75);
    expect(before.stderr).toContain('2 messages were not acknowledged');
    const broker = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(broker, { port });
    const after = await run('mqtt-pub', words, { input: 'three\n' });
    expect(after.code).toBe(0);
    const got = broker.connections
      .flatMap((connection) => connection.received)
      .filter((packet): packet is PublishPacket => packet.type === PacketType.publish);
    expect(got.map(({ payload }) => new TextDecoder().decode(payload))).toEqual([
      'one',
      'two',
      'three',
    ]);
    expect(listener.port).toBe(port);
  }, 60_000);

  it('from its queue, and waits for those of earlier runs, too, or says how many are left', async () => {
    const folder = join(temporaryFolder('queue'), 'queue');
    const payloads: string[] = [];
    let answered = (_text: string): boolean => false;
    const broker = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.publish) return false;
          const text = new TextDecoder().decode(packet.payload);
          payloads.push(text);
          const { packetIdentifier = 0 } = packet;
          const puback = { packetIdentifier, reasonCode: 0, properties: {} };
          // Later than a client that only closes would wait.
          const delayMs = text === 'old' ? 3000 : 0;
          if (answered(text)) {
            setTimeout(() => connection.send({ type: PacketType.puback, ...puback }), delayMs);
          }
          return true;
        },
      },
    });
    await using listener = await listenTcp(broker);
    const words = ['-p', `${listener.port}`, '-q', '1', '-t', 'q', '-l', '--queue', folder];
    const first = await run('mqtt-pub', words, { input: 'old\n' });
    expect({ code: first.code, stderr: first.stderr }).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('1 message was not acknowledged'),
    });
    answered = (text) => text === 'new';
    const second = await run('mqtt-pub', words, { input: 'new\n' });
    expect({ code: second.code, stderr: second.stderr }).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('1 message was not acknowledged'),
    });
    answered = () => true;
    const third = await run('mqtt-pub', words, { input: 'newest\n' });
    expect(third.code).toBe(0);
    expect(payloads).toEqual(['old', 'old', 'new', 'old', 'newest']);
  }, 120_000);
});

describe('mqtt-sub --request', () => {
  it('prints the response to its own request, and no other', async () => {
    let request: PublishPacket | undefined;
    const broker = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.publish) return false;
          request = packet;
          const { responseTopic = '', correlationData = Uint8Array.of() } = packet.properties;
          const others = { correlationData: Uint8Array.of(1, 2, 3) };
          connection.send(publish(responseTopic, 'not ours', { properties: others }));
          connection.send(publish(responseTopic, 'ours', { properties: { correlationData } }));
          return true;
        },
      },
    });
    await using listener = await listenTcp(broker);
    const words = ['--request', '-p', `${listener.port}`, '-W', '10', 'ask/me', 'what?'];
    const { stdout, code } = await run('mqtt-sub', words);
    expect({ code, text: stdout.toString() }).toEqual({ code: 0, text: 'ours\n' });
    expect(request).toMatchObject({ topic: 'ask/me' });
    expect(request?.properties.correlationData?.length).toBe(12);
    expect(request?.properties.responseTopic).toMatch(/^response\//);
  });
});

describe('--dry-run', () => {
  it('shows the packets and connects to nobody; the password is hidden', async () => {
    const { stdout, code } = await run('mqtt-pub', [
      ...['-h', 'host.invalid', '--dry-run', '-t', 'a/b', '-m', 'hello', '-q', '2'],
      ...['-u', 'me', '-P', 'secret', '-i', 'x'],
    ]);
    const text = stdout.toString();
    expect(code).toBe(0);
    const heads = text
      .split('\n')
      .filter((line) => line.startsWith('->'))
      .map((line) => line.split(' ')[1]);
    expect(heads).toEqual(['CONNECT', 'PUBLISH', 'PUBREL', 'DISCONNECT']);
    expect(text).toContain('34 0d 00 03 61 2f 62 00 01 00 68 65 6c 6c 6f');
    expect(text).not.toMatch(/secret|73 65 63 72 65 74/);
    const sub = await run('mqtt-sub', ['--dry-run', '-h', 'host.invalid', 'a/#']);
    expect(sub.stdout.toString()).toContain("SUBSCRIBE id 1, 'a/#' QoS 0");
    expect(sub.code).toBe(0);
  });
});

describe('profiles', () => {
  it('are added, listed, shown, used and removed; their file is for nobody else', async () => {
    const folder = temporaryFolder('profiles');
    const env = { XDG_CONFIG_HOME: folder };
    const profile = (...words: string[]) => run('mqtt-pub', ['profile', ...words], { env });
    const added = await profile('add', 'home', '-h', 'host.invalid', '-u', 'me', '-P', 'secret');
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const file = join(folder, 'mqtt-kit', 'profiles', 'home');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await profile('show', 'home')).stdout.toString()).toBe(
      '--host host.invalid\n--username me\n--pw ***\n',
    );
    const publishing = ['-t', 'a', '-m', 'x', '--dry-run'];
    expect((await run('mqtt-pub', [...publishing, '--profile', 'home'], { env })).stdout.toString()) //
      .toContain("user 'me'");
    expect((await run('mqtt-pub', publishing, { env })).stdout.toString()).not.toContain("'me'");
    await profile('use', 'home');
    expect((await profile('ls')).stdout.toString()).toBe('* home\n');
    expect((await run('mqtt-pub', publishing, { env })).stdout.toString()).toContain("user 'me'");
    const wrong = await run('mqtt-pub', [...publishing, '--profile', 'hoem'], { env });
    expect(wrong).toMatchObject({ code: 64 });
    expect(wrong.stderr).toContain('Did you mean home?');
    await profile('rm', 'home');
    expect((await profile('ls')).stdout.toString()).toBe('');
  });

  it('that others can read are refused', async () => {
    const folder = temporaryFolder('open-profile');
    mkdirSync(join(folder, 'mqtt-kit', 'profiles'), { recursive: true });
    writeFileSync(join(folder, 'mqtt-kit', 'profiles', 'open'), '-P secret\n', { mode: 0o644 });
    const words = ['-t', 'a', '-m', 'x', '--profile', 'open'];
    const { code, stderr } = await run('mqtt-pub', words, { env: { XDG_CONFIG_HOME: folder } });
    expect(code).toBe(64);
    expect(stderr).toContain('chmod 600');
  });
});

describe('the way to the server', () => {
  it('leads through a SOCKS5 proxy that resolves the name', async () => {
    const broker = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(broker);
    await using proxy = await startSocksProxy(listener.port);
    const { code } = await run('mqtt-pub', [
      ...['--proxy', proxy.url, '-h', 'name.invalid', '-t', 'a', '-m', 'x', '-q', '1'],
    ]);
    expect(code).toBe(0);
    expect(proxy.asked).toEqual(['050102', '\u0001\u0002me\u0004p@ss', 'name.invalid']);
    expect(
      broker.connections.flatMap(({ received }) => received).map(({ type }) => type),
    ).toContain(PacketType.publish);
  });

  it('begins at the address of -A', async () => {
    let from: string | undefined;
    const server = createServer((socket) => {
      from = socket.remoteAddress;
      socket.destroy();
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const words = [
      '-h',
      '127.0.0.1',
      '-p',
      `${portOf(server)}`,
      '-A',
      '127.0.0.9',
      '-t',
      'a',
      '-m',
      'x',
    ];
    await run('mqtt-pub', words);
    expect(from).toBe('127.0.0.9');
    server.close();
  });

  it('takes the password that a command prints', async () => {
    const { stdout } = await shell(
      `$PUB --dry-run -t a -m x -u me --password-command 'echo geheim; echo more' -i x`,
    );
    expect(stdout.toString()).toContain('password (hidden)');
    expect(stdout.toString()).toContain('** ** ** ** ** **');
    const { code, stderr } = await shell(`$PUB -t a -m x -u me --password-command 'exit 3'`);
    expect({ code, stderr }).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('exit code 3'),
    });
  });
});
