import { randomBytes } from 'node:crypto';
import { PacketType } from '@mqtt-kit/packet';
import { listenTcp, publish, ScriptedBroker, suback } from '@mqtt-kit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificates } from '../setup/certificates.ts';
import { type Child, runChild, startChild } from '../setup/child-process.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { programOf, requires } from '../setup/requires.ts';
import { until } from '../setup/until.ts';
import { ended, programs, run, shell, start, startShell } from './programs.ts';

/** mqtt-sub against a real mosquitto and its own mosquitto_pub. */

const here = requires('mosquitto', 'mosquitto-clients');
type Listener = 'plain' | 'tls' | 'webSocket';
let broker: Mosquitto<Listener>;
beforeAll(async () => {
  await programs();
  if (!here) return;
  broker = await startMosquitto({
    listeners: { plain: {}, tls: { certificate: 'server' }, webSocket: { webSocket: true } },
    persistence: true,
  });
}, 60_000);
afterAll(() => broker?.stop('SIGKILL'));

const at = (listener: Listener) => ['-h', '127.0.0.1', '-p', `${broker.port(listener)}`];
const place = () => at('plain').join(' ');

let topics = 0;
const freshTopic = () => `test/${process.pid}/${++topics}`;

async function isSubscribed(topic: string, times = 1): Promise<void> {
  const lines = () => broker.log.split(`\t${topic} (QoS`).length - 1;
  await until(() => lines() >= times, `somebody subscribes to ${topic}`);
}

async function subscriber(topic: string, words: readonly string[]): Promise<Child> {
  const child = await start('mqtt-sub', [...at('plain'), '-t', topic, ...words]);
  await isSubscribed(topic);
  return child;
}

const send = (topic: string, payload: string | Uint8Array, words: readonly string[] = []) =>
  runChild(
    programOf('mosquitto_pub'),
    [...at('plain'), '-t', topic, ...words, ...(payload.length === 0 ? ['-n'] : ['-s'])],
    {
      input: payload,
    },
  );

describe.runIf(here)('mqtt-sub and mosquitto_pub agree', () => {
  const binary = Uint8Array.from({ length: 256 }, (_, index) => index);
  describe.each(['311', '5'])('in version %s', (version) => {
    it.each(['0', '1', '2'])('at QoS %s', async (qos) => {
      for (const payload of [Buffer.from('Grüße'), binary, randomBytes(1_048_576)]) {
        const topic = freshTopic();
        const receiver = await subscriber(topic, ['-V', version, '-q', qos, '-C', '1']);
        await send(topic, payload, ['-q', qos]);
        const { code, stdout, stderr } = await ended(receiver);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(Buffer.compare(stdout, Buffer.concat([payload, Buffer.from('\n')]))).toBe(0);
      }
    });
  });

  it('about empty messages: nothing without -v, and they count', async () => {
    const [topic, other] = [freshTopic(), freshTopic()];
    const silent = await subscriber(topic, ['-C', '2']);
    const verbose = await subscriber(other, ['-C', '2', '-v']);
    for (const one of [topic, other]) {
      await send(one, '');
      await send(one, 'x');
    }
    expect(await ended(silent)).toMatchObject({ code: 0, stdout: Buffer.from('x\n') });
    expect((await ended(verbose)).stdout.toString()).toBe(`${other} (null)\n${other} x\n`);
  });

  it('byte for byte with what mosquitto_sub prints', async () => {
    const topic = freshTopic();
    const ours = await subscriber(`${topic}/#`, ['-v', '-C', '4']);
    const theirs = startChild(programOf('mosquitto_sub'), [
      ...at('plain'),
      '-t',
      `${topic}/#`,
      '-v',
      '-C',
      '4',
    ]);
    await isSubscribed(`${topic}/#`, 2);
    await send(`${topic}/a`, binary);
    await send(`${topic}/b`, '');
    await send(`${topic}/c`, 'x\ny\r\n');
    await send(`${topic}/d`, '\u001b[2J');
    await theirs.ended;
    const { stdout } = await ended(ours);
    expect(stdout.toString('hex')).toBe(theirs.stdout.toString('hex'));
  });

  it('over TLS and WebSocket', async () => {
    const { authority } = certificates();
    const ways: readonly (readonly string[])[] = [
      ['-h', 'localhost', '-p', `${broker.port('tls')}`, '--cafile', authority.path],
      ['-L', `ws://127.0.0.1:${broker.port('webSocket')}/mqtt`],
    ];
    for (const way of ways) {
      const topic = freshTopic();
      const receiver = await start('mqtt-sub', [...way, '-t', topic, '-C', '1']);
      await isSubscribed(topic);
      await send(topic, 'x');
      expect(await ended(receiver)).toMatchObject({ code: 0, stdout: Buffer.from('x\n') });
    }
  });

  it('about a flood, in order', async () => {
    const topic = freshTopic();
    const count = 20_000;
    const lines = Array.from({ length: count }, (_, index) => `${index}\n`).join('');
    const receiver = await subscriber(topic, ['-C', `${count}`, '-W', '20']);
    await runChild(programOf('mosquitto_pub'), [...at('plain'), '-t', topic, '-l'], {
      input: lines,
    });
    const { code, stdout } = await ended(receiver);
    expect({ code, same: stdout.toString() === lines }).toEqual({ code: 0, same: true });
  });
});

describe.runIf(here)('mqtt-sub -c', () => {
  it('prints what came while it was away', async () => {
    const topic = freshTopic();
    const words = ['-c', '-i', `away-${topics}`, '-q', '1'];
    const first = await subscriber(topic, [...words, '-W', '1']);
    expect(await ended(first)).toMatchObject({ code: 27 });
    for (let n = 0; n < 10; n += 1) await send(topic, `${n}`, ['-q', '1']);
    const second = await run('mqtt-sub', [
      ...at('plain'),
      '-t',
      topic,
      ...words,
      '-C',
      '10',
      '-W',
      '10',
    ]);
    expect(second).toMatchObject({ code: 0 });
    expect(second.stdout.toString()).toBe('0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n');
  });

  it.each(['311', '5'])('takes no more than -C says, in version %s', async (version) => {
    const topic = freshTopic();
    const words = ['-c', '-i', `some-${topics}`, '-q', '1', '-V', version];
    await ended(await subscriber(topic, [...words, '-W', '1']));
    for (let n = 0; n < 6; n += 1) await send(topic, `${n}`, ['-q', '1']);
    let printed = '';
    for (let turn = 0; turn < 3; turn += 1) {
      const { code, stdout } = await run('mqtt-sub', [
        ...at('plain'),
        '-t',
        topic,
        ...words,
        '-C',
        '2',
        '-W',
        '5',
      ]);
      expect(code).toBe(0);
      printed += stdout.toString();
    }
    expect(printed).toBe('0\n1\n2\n3\n4\n5\n');
  });
});

describe.runIf(here)('mqtt-sub, over losses', () => {
  it('comes back, says so on stderr, and goes on printing', async () => {
    const topic = freshTopic();
    const receiver = await subscriber(topic, ['-q', '1']);
    await send(topic, 'before', ['-q', '1']);
    await until(() => receiver.stdout.toString() === 'before\n', 'the first message is printed');
    await broker.stop('SIGKILL');
    await until(() => receiver.stderr.includes('trying again'), 'the loss is told');
    const logged = broker.log.length;
    await broker.start();
    await until(() => receiver.stderr.includes('connected again'), 'the return is told', 40_000);
    await until(() => broker.log.slice(logged).includes(`\t${topic} (QoS`), 'it subscribes again');
    await send(topic, 'after', ['-q', '1']);
    await until(
      () => receiver.stdout.toString() === 'before\nafter\n',
      'the second one is printed',
    );
    await receiver.stop('SIGINT');
    expect((await receiver.ended).code).toBe(0);
  }, 60_000);
});

describe.runIf(here)('mqtt-sub ends', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s with DISCONNECT and 0',
    async (signal) => {
      const topic = freshTopic();
      const id = `ends-${topics}`;
      const receiver = await subscriber(topic, [
        '-i',
        id,
        '--will-topic',
        'will/ends',
        '--will-payload',
        'x',
      ]);
      expect(await receiver.stop(signal)).toEqual({ code: 0, signal: null });
      expect(receiver.stderr).toBe('');
      await until(
        () => broker.log.includes(`Received DISCONNECT from ${id}`),
        'DISCONNECT arrives',
      );
    },
  );

  it('by SIGINT while it connects', async () => {
    const deaf = new ScriptedBroker({ automatic: { onPacket: () => true } });
    await using listener = await listenTcp(deaf);
    const child = await start('mqtt-sub', ['-h', '127.0.0.1', '-p', `${listener.port}`, '-t', 'a']);
    await until(() => deaf.connections.length === 1, 'mqtt-sub connects');
    expect(await child.stop('SIGINT')).toEqual({ code: 0, signal: null });
  });

  it('at once when nobody reads any more, without a further message', async () => {
    const topic = freshTopic();
    const line = `$SUB ${place()} -t ${topic} | head -1; echo "codes \${PIPESTATUS[@]}"`;
    const pipeline = await startShell(line);
    await isSubscribed(topic);
    await send(topic, 'one');
    const { stdout, stderr } = await ended(pipeline);
    expect({ stdout: stdout.toString(), stderr }).toEqual({
      stdout: 'one\ncodes 0 0\n',
      stderr: '',
    });
  });

  it('when the reader goes away amid a flood', async () => {
    const topic = freshTopic();
    const pipeline = await startShell(
      `$SUB ${place()} -t ${topic} | head -c 100000 | wc -c; echo "codes \${PIPESTATUS[@]}"`,
    );
    await isSubscribed(topic);
    const flood = startChild(programOf('mosquitto_pub'), [...at('plain'), '-t', topic, '-l'], {
      input: `${'x'.repeat(99)}\n`.repeat(50_000),
    });
    const { stdout, stderr } = await ended(pipeline);
    await flood.ended;
    expect({ stdout: stdout.toString(), stderr }).toEqual({
      stdout: '100000\ncodes 0 0 0\n',
      stderr: '',
    });
  });

  it('with an error when the disk is full, and acknowledges nothing that was not written', async () => {
    const topic = freshTopic();
    const id = `full-${topics}`;
    const words = `${place()} -t ${topic} -q 1 -c -i ${id}`;
    const child = await startShell(`$SUB ${words} > /dev/full`);
    await isSubscribed(topic);
    await send(topic, 'precious', ['-q', '1']);
    const { code, lines, stderr } = await ended(child);
    expect(code).toBe(1);
    expect(lines.length).toBeLessThanOrEqual(3);
    expect(stderr).toContain('cannot write to standard output: no space left on the device');
    const again = await shell(`$SUB ${words} -C 1 -W 5`);
    expect(again.stdout.toString()).toBe('precious\n');
  });

  it('when its output is closed from the start', async () => {
    const topic = freshTopic();
    const child = await startShell(`$SUB ${place()} -t ${topic} -C 1 >&-`);
    await isSubscribed(topic);
    await send(topic, 'x');
    const { stderr } = await ended(child);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});

describe('mqtt-sub and a slow reader', () => {
  it('reads no further than it can print, and loses nothing', async () => {
    const count = 3000;
    const payload = 'x'.repeat(20_000);
    const flooding = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.subscribe) return;
          setImmediate(() => {
            for (let n = 0; n < count; n += 1) connection.send(publish('a', `${n} ${payload}`));
          });
        },
      },
    });
    await using listener = await listenTcp(flooding);
    const words = `-h 127.0.0.1 -p ${listener.port} -t a -C ${count}`;
    // Most of 60 MB has to wait somewhere while the reader sleeps: not in mqtt-sub.
    const line = `
      $SUB ${words} > >(sleep 3; cut -d' ' -f1) & sub=$!
      sleep 2.5; grep VmRSS /proc/$sub/status >&2
      wait $sub; wait`;
    const { stdout, stderr } = await shell(line);
    const lines = stdout.toString().trim().split('\n');
    expect(lines.length).toBe(count);
    expect(lines.every((text, index) => text === `${index}`)).toBe(true);
    const kilobytes = Number(/VmRSS:\s+(\d+) kB/.exec(stderr)?.[1]);
    expect(kilobytes).toBeGreaterThan(20_000);
    expect(kilobytes).toBeLessThan(110_000);
  }, 30_000);

  it('goes on answering the server meanwhile', async () => {
    const server = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.subscribe) return;
          setImmediate(() => {
            for (let n = 0; n < 200; n += 1) connection.send(publish('a', 'x'.repeat(20_000)));
          });
        },
      },
    });
    await using listener = await listenTcp(server);
    const line = `$SUB -h 127.0.0.1 -p ${listener.port} -t a -k 1 -C 200 | { sleep 3; wc -l; }`;
    const { stdout } = await shell(line);
    expect(stdout.toString().trim()).toBe('200');
    const pings = server.current.received.filter((packet) => packet.type === PacketType.pingreq);
    expect(pings.length).toBeGreaterThanOrEqual(1);
  }, 30_000);
});

describe('mqtt-sub beside another client with its client identifier', () => {
  it('says so once, and comes back ever later', async () => {
    // As a server under 3.1.1 that gives the session to whoever came last: it closes without a word.
    const takingOver = new ScriptedBroker({
      automatic: {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.subscribe) return false;
          connection.send(suback(packet));
          connection.end();
          return true;
        },
      },
    });
    await using listener = await listenTcp(takingOver);
    const words = ['-h', '127.0.0.1', '-p', `${listener.port}`, '-t', 'a', '-V', '311'];
    const { code, lines } = await run('mqtt-sub', [...words, '-i', 'same', '-W', '6']);
    expect(code).toBe(27);
    const hints = lines.filter((line) => line.includes("client identifier 'same'"));
    expect(hints).toEqual([expect.stringContaining('another client may use')]);
    // Without longer and longer delays these would be a hundred.
    expect(listener.acceptedSockets).toBeGreaterThan(5);
    expect(listener.acceptedSockets).toBeLessThan(30);
  });
});
