import { cpSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PacketDecoder, PacketType, type Properties } from '@mqtt-kit/packet';
import { connack, listenTcp, publish, ScriptedBroker } from '@mqtt-kit/testkit';
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
    ['mqtt-pub', 'publish-program.js', ['-t', 't', '-m', 'm']],
    ['mqtt-sub', 'subscribe-program.js', ['-t', 't']],
  ] as const)('starts %s', async (program, second, words) => {
    const { [program]: path } = await programs();
    // Nobody listens there.
    const line = ['-r', report, path, '-h', '127.0.0.1', '-p', '1', ...words];
    const { stderr } = await ended(startChild(process.execPath, line, { env: plainEnvironment }));
    expect(stderr).toContain('main.js false');
    expect(stderr).toContain(`${second} false`);
  });

  it('is not needed, and does no harm when it does not fit', async () => {
    const path = await copyOf('mqtt-pub');
    const compiled = readdirSync(dirname(path)).filter((name) => name.endsWith('.compiled'));
    expect(compiled.sort()).toEqual(['main.js.compiled', 'publish-program.js.compiled']);
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
