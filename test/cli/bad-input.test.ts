import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PacketType, type SubscribePacket } from '@mqtt-kit/packet';
import { connack, listenTcp, publish, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { portOf } from '../setup/ports.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { ended, type ProgramName, programs, run, shell, start } from './programs.ts';

/**
 * What people get wrong at a terminal, by the numbers of the project's list of bad input: each is told by what was
 * given and what was expected, in at most three lines, before anything is sent, with exit code 64 where the command
 * line is at fault.
 */

beforeAll(programs, 60_000);

const folder = temporaryFolder('bad-input');
const missing = join(folder, 'missing');
const certificate = join(folder, 'ca.pem');
const options = join(folder, 'options');
writeFileSync(certificate, '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n');
writeFileSync(options, '# of all\n-q 1\n--tpoic x\n');
mkdirSync(join(folder, 'directory'));

describe('a mistake in the command line ends with 64, before anything is sent', () => {
  it.concurrent.each<[number, ProgramName, readonly string[], RegExp]>([
    [66, 'mqtt-pub', ['-m', 'x'], /^mqtt-pub: no topic given\n {2}Try: /],
    [66, 'mqtt-sub', [], /^mqtt-sub: no topic given\n {2}Try: /],
    [67, 'mqtt-pub', ['--tpoic', 'x'], /unknown option --tpoic\n {2}Did you mean --topic\?/],
    [68, 'mqtt-pub', ['-q', '3', '-t', 'a', '-m', 'x'], /-q expects 0, 1 or 2, not '3'/],
    [69, 'mqtt-pub', ['-p', 'abc'], /-p expects a whole number from 1 to 65535, not 'abc'/],
    [69, 'mqtt-pub', ['-p', '0'], /-p expects a whole number from 1 to 65535, not '0'/],
    [70, 'mqtt-pub', ['-t', 'a', '-m', 'x', '-f', 'y'], /-m and -f each say what to publish/],
    [71, 'mqtt-pub', ['-t', 'a', '-f', missing], /-f: cannot read '.*missing': no such file/],
    [71, 'mqtt-pub', ['-t', 'a', '-f', join(folder, 'directory')], /-f: .*: it is a directory/],
    [72, 'mqtt-pub', ['-t', 'a', '-l', '-m', 'x'], /-m and -l each say what to publish/],
    [74, 'mqtt-sub', ['-t', 'a', '-C', '0'], /-C expects a whole number from 1, not '0'/],
    [74, 'mqtt-sub', ['-t', 'a', '-C', '-1'], /-C expects a whole number from 1, not '-1'/],
    [74, 'mqtt-sub', ['-t', 'a', '-C', 'x'], /-C expects a whole number from 1, not 'x'/],
    [75, 'mqtt-sub', ['-t', 'a', '-W', '-5'], /-W expects a time above 0 .*, not '-5'/],
    [
      76,
      'mqtt-sub',
      ['src', 'test', 'README.md'],
      /unexpected arguments: .*'src' 'test'.*\n.*quotes/,
    ],
    [77, 'mqtt-pub', ['-t', 'a', '-m', 'x', '-V', '311', '-P', 'x'], /no password without a user/],
    [
      78,
      'mqtt-sub',
      ['-L', 'mqtt://h/t', '--cafile', certificate],
      /--cafile is about TLS.*\n.*mqtts:/,
    ],
    [
      81,
      'mqtt-pub',
      ['-t', 'a', '-m', 'x', '--will-payload', 'y'],
      /--will-payload needs --will-topic/,
    ],
    [82, 'mqtt-sub', ['-t', 'a', '-F', '%z'], /-F has no conversion %z\n {2}There are %t/],
    [82, 'mqtt-sub', ['-t', 'a', '--format', '{nme}'], /--format: there is no nme in a message/],
    [82, 'mqtt-sub', ['-t', 'a', '--where', 'payload >'], /--where: its end is missing/],
    [85, 'mqtt-pub', ['-o', options, '-t', 'a', '-m', 'x'], /options:3: unknown option --tpoic/],
    [85, 'mqtt-pub', ['-o', missing, '-t', 'a', '-m', 'x'], /-o: cannot read .*no such file/],
    [
      88,
      'mqtt-pub',
      ['-t', 'a', '-m', 'x', '--repeat', '99999999999'],
      /--repeat expects a whole number/,
    ],
    [88, 'mqtt-pub', ['-t', 'a', '-m', 'x', '--repeat', '2', '--repeat-delay', '9999h'], /24 days/],
    [90, 'mqtt-sub', ['-t', 'a', '--record', join(missing, 'file')], /--record: cannot write/],
  ])('%i: %s %j', async (_number, program, words, expected) => {
    const { code, stdout, stderr, lines } = await run(program, ['-h', 'host.invalid', ...words]);
    expect(stderr).toMatch(expected);
    expect({ code, stdout: stdout.length }).toEqual({ code: 64, stdout: 0 });
    expect(lines.length).toBeLessThanOrEqual(3);
  });

  it('80: bytes that are no UTF-8 in a topic', async () => {
    const { code, stderr } = await shell("$PUB -h host.invalid -t $'a\\xff' -m x");
    expect(code).toBe(64);
    expect(stderr).toContain('UTF-8');
  });

  it('73: standard input that is empty, or a directory, in place of a message', async () => {
    const empty = await run('mqtt-pub', ['-t', 'a', '-s'], { input: '' });
    expect(empty.lines).toContain('mqtt-pub: -s: standard input is empty');
    expect((await shell('$PUB -t a -l </')).lines).toEqual(
      expect.arrayContaining([expect.stringContaining('-l: standard input is a directory')]),
    );
    expect((await shell('$PUB -t a -l </')).code).toBe(64);
    expect((await shell('$PUB -t a -s </')).code).toBe(64);
  });

  it('87: an environment variable with a value that nobody knows', async () => {
    const env = { MQTT_COMPAT: 'mosqito' };
    const { code, lines } = await run('mqtt-pub', ['-t', 'a', '-m', 'x'], { env });
    expect({ code, first: lines[0] }).toEqual({
      code: 64,
      first: "mqtt-pub: MQTT_COMPAT expects mosquitto or nothing, not 'mosqito'",
    });
  });
});

describe('what goes wrong outside the command line', () => {
  it('79: TLS spoken to a plain port, and plain to a TLS port, get a hint', async () => {
    const server = createServer((socket) => socket.end(Buffer.from('150303000202460000', 'hex')));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = `${portOf(server)}`;
    const plain = await run('mqtt-pub', ['-h', '127.0.0.1', '-p', port, '-t', 'a', '-m', 'x']);
    expect(plain.code).not.toBe(0);
    expect(plain.stderr).toMatch(/TLS|mqtts/);
    server.close();
  });

  it('89: a host without an address', async () => {
    const { code, lines } = await run('mqtt-sub', ['-h', 'host.invalid', '-t', 'a']);
    expect({ code, first: lines[0] }).toMatchObject({
      code: 68,
      first: expect.stringContaining('host.invalid'),
    });
  });

  it('86: a password file that others can read is told', async () => {
    const file = join(folder, 'password');
    writeFileSync(file, 'secret\n', { mode: 0o644 });
    const { stderr } = await run('mqtt-pub', [
      ...['-h', 'host.invalid', '-u', 'me', '--password-file', file],
      ...['-t', 'a', '-m', 'x'],
    ]);
    expect(stderr).toContain('chmod 600');
    expect(stderr).not.toContain('secret');
  });

  it('91: 5.0 asked of a server that speaks 3.1.1 alone says what to do', async () => {
    const broker = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.connect) return false;
          connection.send(connack({ reasonCode: 0x84 }));
          connection.end();
          return true;
        },
      },
    });
    await using listener = await listenTcp(broker);
    const words = ['-p', `${listener.port}`, '-V', '5', '-t', 'a', '-m', 'x'];
    const { code, stderr } = await run('mqtt-pub', words);
    expect(code).toBe(76);
    expect(stderr).toContain('-V 311');
  });

  it('92: a topic given twice is subscribed to once, and its messages come once', async () => {
    const broker = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type === PacketType.subscribe) {
            setTimeout(() => connection.send(publish('a', 'x')), 20);
          }
        },
      },
    });
    await using listener = await listenTcp(broker);
    const words = ['-p', `${listener.port}`, '-t', 'a', '-t', 'a', '--idle', '2'];
    const { stdout } = await run('mqtt-sub', words);
    expect(stdout.toString()).toBe('x\n');
    const [subscribe] = broker.current.received.filter(
      (packet): packet is SubscribePacket => packet.type === PacketType.subscribe,
    );
    expect(subscribe?.subscriptions.map(({ topicFilter }) => topicFilter)).toEqual(['a']);
  });

  it('84: SIGINT and SIGTERM while it connects', async () => {
    const server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = `${portOf(server)}`;
    const connected = new Promise((resolve) => server.once('connection', resolve));
    const child = await start('mqtt-pub', ['-h', '127.0.0.1', '-p', port, '-t', 'a', '-m', 'x']);
    await connected;
    process.kill(child.pid, 'SIGTERM');
    const { code, stderr } = await ended(child);
    expect(code).toBe(143);
    expect(stderr).toContain('1 message was not published');
    server.close();
  });
});
