import { cpSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Packet,
  PacketDecoder,
  PacketType,
  type Properties,
  ReasonCode,
  type SubscribePacket,
} from '@mqtt-kit/packet';
import {
  type AutomaticAnswers,
  connack,
  listenTcp,
  puback,
  publish,
  ScriptedBroker,
  type ScriptedConnection,
  suback,
} from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { startChild } from '../setup/child-process.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { ended, type ProgramName, plainEnvironment, programs, run } from './programs.ts';

beforeAll(programs, 60_000);

/** Runs a program against a server with these CONNACK properties; the packets of the first chunk that came from it. */
async function against(
  program: ProgramName,
  words: readonly string[],
  properties: Properties = {},
) {
  const broker = new ScriptedBroker({
    automatic: {
      onPacket: (packet, connection) => {
        if (packet.type === PacketType.connect) connection.send(connack({ properties }));
        if (packet.type === PacketType.subscribe) setImmediate(() => connection.send(message));
        return packet.type === PacketType.connect;
      },
    },
  });
  const message = publish('t', 'hello');
  await using listener = await listenTcp(broker);
  const end = await run(program, ['-h', '127.0.0.1', '-p', `${listener.port}`, ...words]);
  const decoder = new PacketDecoder({
    version: '5.0',
    receiver: 'server',
    maximumPacketSize: 1_000_000,
  });
  decoder.push(broker.current.receivedChunks[0] ?? new Uint8Array());
  const first: PacketType[] = [];
  for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
    first.push(packet.type);
  }
  return { ...end, first };
}

describe('what leaves first', () => {
  it('is CONNECT with the message of QoS 0, in one write', async () => {
    const { code, first } = await against('mqtt-pub', ['-t', 't', '-m', 'm']);
    expect([code, first]).toEqual([0, [PacketType.connect, PacketType.publish]]);
  });

  it('is CONNECT alone where the message needs more than that', async () => {
    for (const option of [['-q', '1'], ['-r']]) {
      const { code, first } = await against('mqtt-pub', ['-t', 't', '-m', 'm', ...option]);
      expect([code, first]).toEqual([0, [PacketType.connect]]);
    }
  });

  it('is CONNECT with SUBSCRIBE, in one write', async () => {
    const { code, first, stdout } = await against('mqtt-sub', ['-t', 't/#', '-t', 't', '-C', '1']);
    expect([code, first]).toEqual([0, [PacketType.connect, PacketType.subscribe]]);
    expect(stdout.toString()).toBe('hello\n');
  });

  it('is CONNECT alone with a session that may go on, or a subscription that may be forbidden', async () => {
    for (const option of [
      ['-c', '-i', 'id', '-t', 't'],
      ['-t', '$share/g/t'],
      ['-t', 't', '-D', 'subscribe', 'subscription-identifier', '7'],
    ]) {
      const { code, first } = await against('mqtt-sub', ['-C', '1', ...option]);
      expect([code, first]).toEqual([0, [PacketType.connect]]);
    }
  });

  it('is told to have failed when the server turns out not to take it', async () => {
    const large = await against('mqtt-pub', ['-t', 't', '-m', 'x'.repeat(500)], {
      maximumPacketSize: 100,
    });
    expect(large.first).toEqual([PacketType.connect, PacketType.publish]);
    expect(large.code).toBe(73);
    expect(large.stderr).toMatch(/PUBLISH of \d+ bytes to 't'|at most 100/);
    const wildcard = await against('mqtt-sub', ['-t', 't/#', '-C', '1'], {
      wildcardSubscriptionAvailable: 0,
    });
    expect(wildcard.first).toEqual([PacketType.connect, PacketType.subscribe]);
    expect(wildcard.code).toBe(74);
    expect(wildcard.stderr).toContain('the server takes no wildcards');
  });
});

/** Runs a program against a server that answers so; how it ended, and what each connection said, by packet. */
async function withAnswers(
  answers: AutomaticAnswers,
  program: ProgramName,
  words: readonly string[],
) {
  const broker = new ScriptedBroker({ automatic: answers });
  await using listener = await listenTcp(broker);
  const end = await run(program, ['-h', '127.0.0.1', '-p', `${listener.port}`, ...words]);
  return {
    code: end.code,
    stdout: end.stdout.toString(),
    // Ports and delays are others each time.
    stderr: end.stderr
      .replaceAll(`${listener.port}`, 'PORT')
      .replace(/(?:in \d+ m?s|at once) \(/g, '('),
    said: broker.connections.map(({ received }) => received.map(withoutIdentity)),
  };
}

/** The client identifier is another one each time. */
function withoutIdentity(packet: Packet): Packet {
  return packet.type === PacketType.connect ? { ...packet, clientId: '' } : packet;
}

/** Says yes to all, but answers the first packet of this type so. */
function answering(
  type: PacketType,
  answer: (connection: ScriptedConnection, packet: Packet) => unknown,
): AutomaticAnswers {
  return {
    onPacket: (packet, connection) => {
      if (packet.type !== type) return false;
      answer(connection, packet);
      return true;
    },
  };
}

const later = (milliseconds: number, work: () => unknown): unknown =>
  setTimeout(work, milliseconds);

const granted = answering(PacketType.subscribe, (connection, packet) => {
  const [{ topicFilter } = { topicFilter: '' }] = (packet as SubscribePacket).subscriptions;
  connection.send(
    suback(packet as SubscribePacket),
    publish(topicFilter.replace('+', 'kitchen'), 'on'),
  );
});

describe('a plain run', () => {
  const published = ['-t', 'house/kitchen', '-m', 'on'];
  const subscribed = ['-t', 'house/+', '-C', '1'];
  /** An option that changes nothing, but takes the client. */
  const byClient = ['-k', '60'];
  const refused = connack({ reasonCode: ReasonCode.notAuthorized });
  const goodbye = { type: PacketType.disconnect, reasonCode: 0x87, properties: {} } as const;

  it.each([
    ['accepts a message', published, {}],
    ['accepts a message of QoS 1', [...published, '-q', '1'], {}],
    ['accepts a retained message', [...published, '-r'], {}],
    [
      'has limits',
      [...published, '-q', '1', '-r'],
      { connackProperties: { maximumQos: 0, retainAvailable: 0 } },
    ],
    ['refuses the connection', published, answering(PacketType.connect, (it) => it.send(refused))],
    [
      'takes its time to accept',
      published,
      answering(PacketType.connect, (it) => later(300, () => it.send(connack()))),
    ],
    [
      'knows 3.1.1 alone',
      published,
      {
        onPacket: (packet: Packet, it: ScriptedConnection) => {
          if (packet.type !== PacketType.connect || packet.version === '3.1.1') return false;
          it.sendRaw('20 02 00 01');
          it.end();
          return true;
        },
      },
    ],
    ['closes at once', published, answering(PacketType.connect, (it) => it.end())],
    [
      'says more in one piece with CONNACK',
      [...published, '-q', '1'],
      answering(PacketType.connect, (it) => it.sendRaw('20 03 00 00 00 62 02 00 09')),
    ],
    ['resets the connection', published, answering(PacketType.connect, (it) => it.reset())],
    [
      'says what nobody understands',
      published,
      answering(PacketType.connect, (it) => it.sendRaw('f7 00')),
    ],
    [
      'hangs up on the message in one piece with CONNACK',
      published,
      answering(PacketType.connect, (it) => {
        it.send(connack(), goodbye);
        it.end();
      }),
    ],
    [
      'refuses the message',
      [...published, '-q', '1'],
      answering(PacketType.publish, (it) => it.send(puback(1, 0x97))),
    ],
    [
      'takes its time to acknowledge',
      [...published, '-q', '1'],
      answering(PacketType.publish, (it) => later(300, () => it.send(puback(1)))),
    ],
    [
      'closes on the message',
      [...published, '-q', '1'],
      answering(PacketType.publish, (it) => it.end()),
    ],
  ] as const)(
    'of mqtt-pub is what the client does when the server %s',
    async (_, words, answers) => {
      const plain = await withAnswers(answers, 'mqtt-pub', words);
      expect(plain).toEqual(await withAnswers(answers, 'mqtt-pub', [...words, ...byClient]));
      expect(plain.said.length).toBeGreaterThan(0);
    },
  );

  it.each([
    ['has a message', granted],
    [
      'takes its time for it',
      answering(PacketType.subscribe, (it, packet) => {
        it.send(suback(packet as SubscribePacket));
        later(300, () => it.send(publish('house/kitchen', 'on')));
      }),
    ],
    [
      'has a large message',
      answering(PacketType.subscribe, (it, packet) =>
        it.send(suback(packet as SubscribePacket), publish('house/kitchen', 'x'.repeat(10_000))),
      ),
    ],
    [
      'has an empty message',
      answering(PacketType.subscribe, (it, packet) =>
        it.send(suback(packet as SubscribePacket), publish('house/kitchen', '')),
      ),
    ],
    [
      'refuses it',
      answering(PacketType.subscribe, (it, packet) =>
        it.send(suback(packet as SubscribePacket, [0x87])),
      ),
    ],
    ['knows no wildcards', { connackProperties: { wildcardSubscriptionAvailable: 0 } }],
    ['refuses the connection', answering(PacketType.connect, (it) => it.send(refused))],
  ] as const)('of mqtt-sub is what the client does when the server %s', async (_, answers) => {
    const plain = await withAnswers(answers, 'mqtt-sub', subscribed);
    expect(plain).toEqual(await withAnswers(answers, 'mqtt-sub', [...subscribed, ...byClient]));
    expect(plain.said.length).toBeGreaterThan(0);
  });
});

describe('what V8 has compiled', () => {
  /** A copy of a program to spoil. */
  async function copyOf(program: ProgramName): Promise<string> {
    const { [program]: path } = await programs();
    const folder = temporaryFolder('compiled');
    cpSync(dirname(path), folder, { recursive: true });
    return join(folder, `${program}.js`);
  }

  async function runCopy(path: string, words: readonly string[]) {
    const line = [...words.slice(0, -1), path, words.at(-1)!];
    return ended(startChild(process.execPath, line, { env: plainEnvironment }));
  }

  const report = join(temporaryFolder('report'), 'report.cjs');
  writeFileSync(
    report,
    `const vm = require('node:vm');
     vm.Script = class extends vm.Script {
       constructor(source, options) {
         super(source, options);
         console.error(require('node:path').basename(options.filename), this.cachedDataRejected);
       }
     };`,
  );

  it.each([
    ['mqtt-pub', 'plain-publish.js', 'publish-program.js', ['-t', 't', '-m', 'm']],
    ['mqtt-sub', 'plain-subscribe.js', 'subscribe-program.js', ['-t', 't', '-C', '1']],
  ] as const)('starts %s', async (program, first, second, words) => {
    const { [program]: path } = await programs();
    // Nobody listens there.
    const line = ['-r', report, path, '-h', '127.0.0.1', '-p', '1', ...words];
    const { stderr } = await ended(startChild(process.execPath, line, { env: plainEnvironment }));
    expect(stderr).toContain('main.js false');
    expect(stderr).toContain(`${first} false`);
    expect(stderr).toContain(`${second} false`);
  });

  it.each([
    ['mqtt-pub', 'plain-publish.js', ['-t', 't', '-m', 'm']],
    ['mqtt-pub', 'plain-publish.js', ['-t', 't', '-m', 'm', '-q', '1']],
    ['mqtt-sub', 'plain-subscribe.js', ['-t', 't', '-C', '1']],
  ] as const)(
    'is read without the client in a plain run of %s (%s)',
    async (program, file, words) => {
      const { [program]: path } = await programs();
      const broker = new ScriptedBroker({ automatic: granted });
      await using listener = await listenTcp(broker);
      const line = ['-r', report, path, '-h', '127.0.0.1', '-p', `${listener.port}`, ...words];
      const { code, lines } = await ended(
        startChild(process.execPath, line, { env: plainEnvironment }),
      );
      expect([code, lines]).toEqual([0, ['main.js false', `${file} false`]]);
    },
  );

  it('is not needed, and does no harm when it does not fit', async () => {
    const path = await copyOf('mqtt-pub');
    const compiled = readdirSync(dirname(path)).filter((name) => name.endsWith('.compiled'));
    expect(compiled.sort()).toEqual([
      'main.js.compiled',
      'plain-publish.js.compiled',
      'publish-program.js.compiled',
    ]);
    const version = async (...options: string[]) =>
      (await runCopy(path, [...options, '--version'])).stdout.toString();
    const right = await version();
    expect(right).toMatch(/^mqtt-pub \d/);
    expect(await version('--no-opt')).toBe(right);
    truncateSync(join(dirname(path), 'main.js.compiled'), 1000);
    expect(await version()).toBe(right);
    writeFileSync(join(dirname(path), 'main.js.compiled'), 'something else');
    expect(await version()).toBe(right);
    for (const name of compiled) rmSync(join(dirname(path), name));
    expect(await version()).toBe(right);
  });
});
