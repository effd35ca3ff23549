import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ConnectPacket,
  type Packet,
  PacketType,
  type PublishPacket,
  type SubscribePacket,
  type UnsubscribePacket,
} from '@mqtt-kit/packet';
import { listenTcp, publish, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { optionTable } from '../../packages/cli/src/option-table.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import {
  ended,
  namedLikeMosquitto,
  programs,
  type RunOptions,
  run,
  startShell,
} from './programs.ts';

/** Options that no other file here proves by what they put on the wire or on the screen, and files of options. */

beforeAll(programs, 60_000);

const messages: readonly PublishPacket[] = [
  publish('t/kept', 'old', { retain: true }),
  publish('t/live', 'new'),
  publish('t/other', '{"a":{"b":1}}'),
];

/** Runs a program against a broker that grants everything and sends these messages upon SUBSCRIBE. */
async function wire(
  program: 'mqtt-pub' | 'mqtt-sub',
  words: readonly string[],
  options: RunOptions = {},
) {
  const broker = new ScriptedBroker({
    automatic: {
      onPacket: (packet, connection) => {
        if (packet.type !== PacketType.subscribe) return;
        setTimeout(() => connection.send(...messages), 20);
      },
    },
  });
  await using listener = await listenTcp(broker);
  const result = await run(program, ['-p', `${listener.port}`, '-W', '20', ...words], options);
  const packets = broker.connections.flatMap(({ received }) => received);
  const of = <T extends Packet['type']>(type: T) =>
    packets.filter((packet): packet is Extract<Packet, { type: T }> => packet.type === type);
  return { ...result, out: result.stdout.toString(), packets, of };
}

const sub = (...words: string[]) => wire('mqtt-sub', ['-t', 't/#', ...words]);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

it('every option is named by a test of a program', () => {
  const folder = dirname(fileURLToPath(import.meta.url));
  const tests = readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts') && !/mosquitto|completion/.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
  const words = new Set(tests.split(/[\s'"`=,;|)(\]]+/));
  const unnamed = optionTable.filter(
    ({ name, short, aliases = [] }) =>
      !words.has(`-${short}`) && ![name, ...aliases].some((one) => words.has(`--${one}`)),
  );
  expect(unnamed.map(({ name }) => name)).toEqual([]);
});

describe('what mqtt-sub asks for', () => {
  const asked = async (...words: string[]) => {
    const { of } = await sub('-C', '1', ...words);
    const [subscribe] = of(PacketType.subscribe) as readonly SubscribePacket[];
    return subscribe?.subscriptions[0];
  };

  it('--no-local, --retain-as-published and --retain-handling', async () => {
    expect(await asked('-V', '5')).toMatchObject({
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    });
    expect(await asked('--no-local')).toMatchObject({ noLocal: true });
    expect(await asked('--retain-as-published')).toMatchObject({ retainAsPublished: true });
    expect(await asked('--retain-handling', 'always')).toMatchObject({ retainHandling: 0 });
    expect(await asked('--retain-handling', 'new')).toMatchObject({ retainHandling: 1 });
    expect(await asked('--retain-handling', 'never')).toMatchObject({ retainHandling: 2 });
  });

  it('-U unsubscribes, and -E ends when the server has answered', async () => {
    const { code, out, of } = await sub('-U', 't/old', '-U', 't/older', '-E', '-c', '-i', 'x');
    expect({ code, out }).toEqual({ code: 0, out: '' });
    const filters = (of(PacketType.unsubscribe) as readonly UnsubscribePacket[]).flatMap(
      ({ topicFilters }) => topicFilters,
    );
    expect(filters).toEqual(['t/old', 't/older']);
    expect(of(PacketType.disconnect)).toHaveLength(1);
    const { stderr } = await sub('-U', 't/old', '-E');
    expect(stderr).toBe(
      'mqtt-sub: -U has nothing to unsubscribe from without the session of -c -i ID\n',
    );
  });

  it('-I makes an identifier of the process, -k and -x say how long', async () => {
    const { of } = await sub('-C', '1', '-I', 'desk-', '-k', '2m');
    const [connect] = of(PacketType.connect) as readonly ConnectPacket[];
    expect(connect?.clientId).toMatch(/^desk-\d+$/);
    expect(connect?.keepAliveSeconds).toBe(120);
    const kept = await sub('-C', '1', '-i', 'x', '-x', '2h');
    const [again] = kept.of(PacketType.connect) as readonly ConnectPacket[];
    expect(again?.properties.sessionExpiryInterval).toBe(7200);
  });
});

describe('which messages mqtt-sub takes', () => {
  it('-R leaves out what was retained, --retained-only the rest, -T what a filter matches', async () => {
    expect((await sub('-v', '-R', '-C', '2')).out).toBe('t/live new\nt/other {"a":{"b":1}}\n');
    // It ends at the first other one.
    expect((await sub('-v', '--retained-only')).out).toBe('t/kept old\n');
    expect((await sub('-v', '-T', 't/live', '-T', '+/kept', '-C', '1')).out).toBe(
      't/other {"a":{"b":1}}\n',
    );
  });

  it('--remove-retained publishes an empty one for each that was', async () => {
    const { of } = await sub('-C', '3', '--remove-retained');
    const sent = of(PacketType.publish) as readonly PublishPacket[];
    expect(
      sent.map(({ topic, payload, qos, retain }) => [topic, text(payload), qos, retain]),
    ).toEqual([['t/kept', '', 1, true]]);
  });

  it('--random-filter takes none to all', async () => {
    expect((await sub('--random-filter', '100', '-C', '3')).out.split('\n')).toHaveLength(4);
    expect((await sub('--random-filter', '0.0001', '--idle', '0.3')).out).toBe('');
  });

  it('--pretty indents JSON', async () => {
    const { out } = await sub(
      '-T',
      't/kept',
      '-T',
      't/live',
      '-C',
      '1',
      '--output',
      'json',
      '--pretty',
    );
    expect(out).toMatch(/^\{\n {2}"ts"/);
    expect(JSON.parse(out)).toMatchObject({ topic: 't/other' });
  });

  it('--watch keeps a line for each topic, elsewhere they are plain', async () => {
    expect((await sub('--watch', '-C', '2')).out).toBe('t/kept old\nt/live new\n');
  });
});

describe('a request', () => {
  it('-e is the topic of the response, --latency says how long it took', async () => {
    const broker = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.publish) return;
          setTimeout(
            () => connection.send(publish(packet.properties.responseTopic ?? '', 'done')),
            20,
          );
        },
      },
    });
    await using listener = await listenTcp(broker);
    const words = ['--request', '-p', `${listener.port}`, '-t', 'do', '-m', 'x', '-e', 'my/answer'];
    const { code, stdout } = await run('mqtt-sub', [...words, '--latency', '-v', '-W', '20']);
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(/^my\/answer done\nLatency: \d+\.\d\dms\n$/);
  });
});

describe('what mqtt-pub publishes', () => {
  const published = async (...words: string[]) => {
    const { of, ...result } = await wire('mqtt-pub', words);
    return {
      ...result,
      sent: of(PacketType.publish).map((one) => `${one.topic} ${text(one.payload)}`),
    };
  };

  it('--devices, --seed and --for make a simulation that repeats', async () => {
    const words = ['-t', 'd/{id}', '--simulate', 't=walk(20,0.2,15..30)', '--speed', 'max'];
    const some = [...words, '--devices', '3', '--for', '2', '--seed', 'one'];
    const first = await published(...some);
    expect(new Set(first.sent.map((line) => line.split(' ')[0])).size).toBe(3);
    expect(first.sent.length).toBeGreaterThanOrEqual(3);
    expect((await published(...some)).sent).toEqual(first.sent);
    expect((await published(...some.slice(0, -1), 'two')).sent).not.toEqual(first.sent);
    expect((await published(...words, '--repeat', '2')).sent).toHaveLength(2);
  });

  it('--loop begins a replay again', async () => {
    const file = join(temporaryFolder('replay'), 'file');
    writeFileSync(file, '{"topic":"a","payload":"1"}\n{"topic":"a","payload":"2"}\n');
    const { sent, code } = await published('--replay', file, '--speed', 'max', '--loop', '-W', '1');
    expect(code).toBe(27);
    expect(sent.slice(0, 5)).toEqual(['a 1', 'a 2', 'a 1', 'a 2', 'a 1']);
  });

  it('-M bounds what is under way', async () => {
    let most = 0;
    let open = 0;
    const broker = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.publish) return;
          open += 1;
          most = Math.max(most, open);
          setTimeout(() => {
            open -= 1;
            connection.send({
              type: PacketType.puback,
              packetIdentifier: packet.packetIdentifier ?? 0,
              reasonCode: 0,
              properties: {},
            });
          }, 20);
          return true;
        },
      },
    });
    await using listener = await listenTcp(broker);
    const words = ['-p', `${listener.port}`, '-t', 'a', '-l', '-q', '1', '-M', '2'];
    const { code } = await run('mqtt-pub', words, { input: '1\n2\n3\n4\n5\n6\n7\n' });
    expect({ code, most }).toEqual({ code: 0, most: 2 });
  });

  it('--nodelay changes nothing, -S is refused in so many words', async () => {
    expect((await published('-t', 'a', '-m', 'x', '--nodelay')).sent).toEqual(['a x']);
    const { code, stderr } = await published('-t', 'a', '-m', 'x', '-S');
    expect({ code, stderr }).toMatchObject({ code: 64, stderr: expect.stringContaining('-h') });
  });
});

describe('a file of options', () => {
  const fileOf = (content: string) => {
    const file = join(temporaryFolder('options'), 'file');
    writeFileSync(file, content);
    return file;
  };

  it('by -o comes before the command line, which wins', async () => {
    const file = fileOf(
      [
        '# a comment',
        '',
        '-t from/file',
        '-m  two blanks and an end ',
        '--qos 1',
        '-D publish user-property key a value',
        '-D publish content-type text/plain',
        '--retain',
      ].join('\r\n'),
    );
    const { of } = await wire('mqtt-pub', ['-o', file]);
    const [one] = of(PacketType.publish) as readonly PublishPacket[];
    expect(one).toMatchObject({ topic: 'from/file', qos: 1, retain: true });
    expect(text(one?.payload ?? new Uint8Array())).toBe(' two blanks and an end ');
    expect(one?.properties).toMatchObject({
      contentType: 'text/plain',
      userProperties: [['key', 'a value']],
    });
    const other = await wire('mqtt-pub', ['-t', 'from/line', '-q', '0', '-o', file]);
    expect(other.of(PacketType.publish)[0]).toMatchObject({ topic: 'from/line', qos: 0 });
  });

  it('comes after a profile', async () => {
    const home = temporaryFolder('home');
    const folder = join(home, 'mqtt-kit', 'profiles');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'desk'), '-i by-profile\n-u by-profile\n-P x\n', { mode: 0o600 });
    const env = { XDG_CONFIG_HOME: home };
    const words = ['-t', 'a', '-m', 'x', '--profile', 'desk', '-o', fileOf('-u by-file\n')];
    const { of } = await wire('mqtt-pub', words, { env });
    expect(of(PacketType.connect)[0]).toMatchObject({
      clientId: 'by-profile',
      username: 'by-file',
    });
  });

  it('is told with its line when it holds a mistake, and by its name when it is not there', async () => {
    const file = fileOf('-t a\n\n--nonsense 1\n');
    for (const [words, message] of [
      [['-o', file], `${file}:3: unknown option --nonsense`],
      [['-o', fileOf('-q 7\n')], /:1: -q expects 0, 1 or 2, not '7'/],
      [['-o', fileOf('-t a\n-m\n')], /:2: -m needs a value: -m TEXT$/],
      [['-o', '/nonexistent/x'], "-o: cannot read '/nonexistent/x': no such file"],
      [['-o', '/'], "-o: cannot read '/': it is a directory"],
    ] as const) {
      const { code, stderr } = await run('mqtt-pub', ['-m', 'x', ...words]);
      expect(code).toBe(64);
      expect(stderr.split('\n')[0]).toMatch(message);
    }
  });

  it("is mosquitto's own in XDG_CONFIG_HOME, else in HOME, or that of -o, when called so", async () => {
    const xdg = temporaryFolder('xdg');
    const home = temporaryFolder('home');
    mkdirSync(join(home, '.config'));
    writeFileSync(join(xdg, 'mosquitto_pub'), '-t by/xdg\n-i by-xdg\n');
    writeFileSync(join(home, '.config', 'mosquitto_pub'), '# mine\n-t by/home\n-m given\n');
    const file = fileOf('-t by/o\n-m o\n');
    const program = await namedLikeMosquitto('mosquitto_pub');
    const sent = async (words: string, env: Readonly<Record<string, string>>) => {
      const broker = new ScriptedBroker({ automatic: true });
      await using listener = await listenTcp(broker);
      const command = `${process.execPath} ${program} -h 127.0.0.1 -p ${listener.port} ${words}`;
      await ended(await startShell(command, env));
      return broker.current.received.flatMap((packet) =>
        packet.type === PacketType.publish ? [`${packet.topic} ${text(packet.payload)}`] : [],
      );
    };
    expect(await sent('-m line', { HOME: home, XDG_CONFIG_HOME: xdg })).toEqual(['by/xdg line']);
    expect(await sent('', { HOME: home })).toEqual(['by/home given']);
    expect(await sent('-t line', { HOME: home })).toEqual(['line given']);
    expect(await sent(`-o ${file}`, { HOME: home, XDG_CONFIG_HOME: xdg })).toEqual(['by/o o']);
    expect(await sent('-t a -m x -o /nonexistent/x', { HOME: home })).toEqual(['a x']);
  });
});

describe('profiles', () => {
  it('lie in XDG_CONFIG_HOME, else in HOME, and XDG_CONFIG_HOME wins', async () => {
    const xdg = temporaryFolder('xdg');
    const home = temporaryFolder('home');
    for (const [env, id] of [
      [{ HOME: home }, 'in-home'],
      [{ HOME: home, XDG_CONFIG_HOME: xdg }, 'in-xdg'],
    ] as const) {
      await run('mqtt-pub', ['profile', 'add', 'desk', '-i', id], { env });
      const { of } = await wire('mqtt-pub', ['-t', 'a', '-m', 'x', '--profile', 'desk'], { env });
      expect(of(PacketType.connect)[0]).toMatchObject({ clientId: id });
    }
    expect(readdirSync(join(xdg, 'mqtt-kit', 'profiles'))).toEqual(['desk']);
    expect(readdirSync(join(home, '.config', 'mqtt-kit', 'profiles'))).toEqual(['desk']);
  });
});
