import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Packet } from '@mqtt-kit/packet';
import { listenTcp, ScriptedBroker } from '@mqtt-kit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChild, startChild } from '../setup/child-process.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { programOf, requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import {
  ended,
  type MosquittoName,
  namedLikeMosquitto,
  plainEnvironment,
  programs,
  type Run,
} from './programs.ts';

/**
 * What works with mosquitto's programs works alike with ours called by their names: the same on the screen, the same on
 * the wire, the same exit code. Each line is run by both; the installed ones are 2.0.11, and where 2.1 differs its way
 * is taken.
 */

interface Compared {
  readonly theirs: Run;
  readonly ours: Run;
}

async function both(
  name: MosquittoName,
  words: readonly string[],
  options: { readonly input?: string | Uint8Array; readonly env?: Record<string, string> } = {},
): Promise<Compared> {
  const rest = {
    ...(options.input === undefined ? {} : { input: options.input }),
    env: { ...plainEnvironment, TZ: 'Europe/Zurich', ...options.env },
  };
  const link = await namedLikeMosquitto(name);
  const [theirs, ours] = await Promise.all([
    ended(startChild(programOf(name), words, rest)),
    ended(startChild(process.execPath, [link, ...words], rest)),
  ]);
  return { theirs, ours };
}

/** What a run shows, without what differs from run to run, and with 2.1's way where 2.0.11 has another. */
function shown({ code, stdout, stderr }: Run) {
  const text = stdout
    .toString('latin1')
    .replace(/"tst":(\s*)"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z?\+\d{4}"/g, '"tst":$1"TIME"')
    .replace(/"retain":(\s*)([01])/g, (_whole, blank, flag) => `"retain":${blank}${flag === '1'}`)
    .replace(/Client auto-[0-9A-F-]+/g, 'Client auto')
    .replace(/Client \(null\)/g, 'Client null');
  // 2.0 ends its reasons with a point.
  const said = stderr.replace(/\.\)\.$/gm, ').').replace(/([^)])\.$/gm, '$1');
  return { code, stdout: text, stderr: said };
}

const present = requires('mosquitto', 'mosquitto-clients');

beforeAll(programs, 60_000);

describe.runIf(present)('mosquitto_sub and ours print the same', () => {
  let broker: Mosquitto<'plain'>;
  beforeAll(async () => {
    broker = await startMosquitto({ listeners: { plain: {} } });
    const publish = (topic: string, payload: string | Uint8Array, ...more: string[]) =>
      runChild(
        programOf('mosquitto_pub'),
        ['-p', `${broker.port('plain')}`, '-V', '5', '-r', '-t', topic, '-s', ...more],
        { input: payload },
      );
    await publish('all/text', 'hello');
    await publish('all/two words', 'a  b ');
    await publish('all/json', '{"temp":21.50,"on":true,"list":[1,2]}', '-q', '1');
    await publish('all/bytes', Uint8Array.of(0x1b, 0x5b, 0x33, 0, 0xff, 0x0d, 0x0a, 0x07));
    await publish('all/ünicode/°', 'grüezi', '-q', '2');
    await publish('all/long', 'x'.repeat(3000));
    await publish('one', 'only one');
    await publish('float', Uint8Array.of(0, 0, 0xc0, 0x3f));
    await publish(
      'properties',
      'p',
      ...['-D', 'publish', 'content-type', 'text/plain'],
      ...['-D', 'publish', 'response-topic', 'answer/me'],
      ...['-D', 'publish', 'correlation-data', 'c0ffee'],
      ...['-D', 'publish', 'payload-format-indicator', '1'],
      ...['-D', 'publish', 'user-property', 'unit', 'K'],
      ...['-D', 'publish', 'user-property', 'unit', 'C'],
    );
  }, 60_000);
  afterAll(() => broker?.[Symbol.asyncDispose]());

  const formats = [
    '%t', '%p', '%l', '%q', '%r', '%m', '%t %p %l %q %r', '%x', '%X', '%%', 'a@@b', '\\\\', '\\t|\\n|\\a|\\e|\\v|\\r',
    '%10t|', '%-10t|', '%.3t|', '%-12.3t|', '%10p|', '%-10p|', '%3p|', '%010p|', '%05l', '%-5l|', '%5l', '%5m', '%5q', '%5r|',
    '@Y', '@Y-@m-@d', '@a @A @b @B', '@j @u @w @y @C', '@e @k @l @p', '@U @V @W @G', '@n@t', '@Z @z',
    '%A|%C|%D|%E|%F|%P|%R|%S', '%5A|%5C|%5E|%5F|%5R|%5S', 'no conversion', '%j', '',
  ]; // biome-ignore format: many formats on few lines

  it.concurrent.each(formats)('-F %s', async (format) => {
    const words = ['-p', `${broker.port('plain')}`, '-W', '10'];
    const all = await both('mosquitto_sub', [...words, '-t', 'one', '-C', '1', '-F', format]);
    expect(shown(all.ours)).toEqual(shown(all.theirs));
    const properties = ['-t', 'properties', '-C', '1', '-V', '5', '-F', format.replace('%j', '%t')];
    const with50 = await both('mosquitto_sub', [...words, ...properties]);
    expect(shown(with50.ours)).toEqual(shown(with50.theirs));
  });

  it.concurrent.each([
    '-t all/# -C 6',
    '-t all/# -C 6 -v',
    '-t all/# -C 6 -N',
    '-t all/# -C 6 -v -N',
    '-t all/# -C 3 -q 1',
    '-t all/# -C 6 -q 1 -V 5',
    '-t all/+ -t one -C 6 -v',
    '-t all/# -T all/long -C 5 -v',
    '-t all/# -T all/+ -C 1 -v',
    '-t all/json -C 1 -F %j',
    '-t all/json -C 1 -F %J',
    '-t all/json -C 1 -F %j --pretty',
    '-t all/json -C 1 -F %J --pretty',
    '-t all/text -C 1 -F %J',
    '-t all/# -C 6 -F %x',
    '-t one -C 1 -d',
    '-t one -C 1 -d -q 1 -v',
    '-t one -C 1 -d -V 5 -i me5',
    '-t one -C 1 -d -i me3 -k 10',
    '-t one -E',
    '-t nothing -W 1',
    '-t nothing -W 1 --quiet',
    '-t all/# -R -W 1',
    '-t all/# --retained-only -C 6',
    '-t one -U two -C 1',
    '-t one --no-such-option',
    '-t one -C 1 --nodelay -M 5 -A 127.0.0.1',
    '-t one -C 1 -i me -c',
    '-t one -C 1 -x 60 -i mex',
    '-t one -C 1 -I prefix',
    '-t one -C 1 -u user -P password',
    '-t one -C 1 --will-topic w --will-payload x --will-qos 1 --will-retain',
    '-t one -C 1 --retain-as-published -V 5',
    '-t one -C 1 -D subscribe user-property a b -V 5',
    '-t $SYS/broker/version -C 1',
    '-h localhost -t one -C 1',
    '-h host.invalid -t one',
    '-p 1 -t one',
  ])('%s', async (line) => {
    const words = ['-p', `${broker.port('plain')}`, '-W', '10', ...line.split(' ')];
    const { theirs, ours } = await both('mosquitto_sub', words);
    expect(shown(ours)).toEqual(shown(theirs));
  });

  it('the URL of -L, and options from the options file', async () => {
    const url = `mqtt://127.0.0.1:${broker.port('plain')}/one`;
    const byUrl = await both('mosquitto_sub', ['-L', url, '-C', '1', '-v']);
    expect(shown(byUrl.ours)).toEqual({ code: 0, stdout: 'one only one\n', stderr: '' });
    expect(shown(byUrl.ours)).toEqual(shown(byUrl.theirs));
    const folder = temporaryFolder('options');
    const options = [
      '# of all',
      '',
      `-p ${broker.port('plain')}`,
      '-C 1',
      '-v',
      '-t all/two words',
    ];
    writeFileSync(join(folder, 'mosquitto_sub'), `${options.join('\n')}\n`);
    const byFile = await both('mosquitto_sub', [], { env: { XDG_CONFIG_HOME: folder } });
    expect(shown(byFile.ours).stdout).toBe('all/two words a  b \n');
    expect(shown(byFile.ours)).toEqual(shown(byFile.theirs));
  });

  it('%f and %d are the numbers of 2.1', async () => {
    const link = await namedLikeMosquitto('mosquitto_sub');
    const words = ['-p', `${broker.port('plain')}`, '-C', '1', '-W', '10'];
    const run = (topic: string, format: string) =>
      ended(
        startChild(process.execPath, [link, ...words, '-t', topic, '-F', format], {
          env: plainEnvironment,
        }),
      );
    expect((await run('float', '%f %.1f')).stdout.toString()).toBe('1.500000 1.5\n');
    const wrong = await run('one', '%f');
    expect(wrong.stdout.toString()).toBe('\n');
    expect(wrong.stderr).toContain('non-float');
  });

  it.concurrent.each(['-m request', '-n', '-m x -v', '-m x -F %t:%p', '-m x -V 311'])(
    'mosquitto_rr %s',
    async (line) => {
      const words = ['-p', `${broker.port('plain')}`, '-W', '10', '-t', 'asked', '-e', 'one'];
      const { theirs, ours } = await both('mosquitto_rr', [...words, ...line.split(' ')]);
      expect(shown(ours)).toEqual(shown(theirs));
    },
  );
});

/** The packets of a run, without what a client may choose. */
function sent(packets: readonly Packet[]): readonly unknown[] {
  return packets.map((packet) => {
    if (!('properties' in packet)) return packet;
    const properties: Record<string, unknown> = { ...packet.properties };
    // We always say what we take.
    delete properties['maximumPacketSize'];
    // The identifiers by which ours tells its subscriptions apart.
    delete properties['subscriptionIdentifiers'];
    const { packetIdentifier: _own, ...rest } = packet as { packetIdentifier?: number };
    return { ...rest, properties };
  });
}

describe.runIf(present)('mosquitto_pub and ours send the same', () => {
  async function packetsOf(
    program: string,
    first: readonly string[],
    words: readonly string[],
    input?: string,
  ) {
    const broker = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(broker);
    const all = [...first, '-h', '127.0.0.1', '-p', `${listener.port}`, ...words];
    const run = await ended(
      startChild(program, all, {
        env: plainEnvironment,
        ...(input === undefined ? {} : { input }),
      }),
    );
    const packets = broker.connections.flatMap((connection) => connection.received);
    return { code: run.code, stderr: run.stderr, packets: sent(packets) };
  }

  it.concurrent.each<[line: string, input?: string]>([
    ['-t a/b -m hello'],
    ['-t a/b -m hello -q 1'],
    ['-t a/b -m hello -q 2'],
    ['-t a/b -m hello -r'],
    ['-t a/b -n -r'],
    ['-t a/b -m -dash'],
    ['-t a/b -s', 'all of\nthe input\0\n'],
    ['-t a/b -l', 'one\r\n\ntwo\nlast'],
    ['-t a/b -l -q 1', 'one\ntwo\n'],
    ['-t a/b -m x -i me'],
    ['-t a/b -m x -i me -c'],
    ['-t a/b -m x -k 17'],
    ['-t a/b -m x -u user'],
    ['-t a/b -m x -u user -P password'],
    ['-t a/b -m x -q abc'],
    ['-t a/b -m x --repeat 3'],
    ['-t a/b -m x --repeat 3 -q 1'],
    ['-t a/b -m x --repeat 2 --repeat-delay 0.01'],
    ['-t a/b -m x --will-topic w'],
    ['-t a/b -m x --will-topic w --will-payload bye --will-qos 2 --will-retain'],
    ['-t a/b -m x -V 5 -i me'],
    ['-t a/b -m x -V mqttv5 -i me -q 1'],
    ['-t a/b -m x -V 5 -i me -x 100'],
    ['-t a/b -m x -V 5 -i me -x -1'],
    ['-t a/b -m x -V 5 -i me -x ∞'],
    ['-t a/b -m x -V 5 -i me -c'],
    ['-t a/b -m x -V 5 -i me -c -x 5'],
    ['-t a/b -m x -V 5 -i me -D connect receive-maximum 5'],
    ['-t a/b -m x -V 5 -i me -D connect session-expiry-interval 9'],
    ['-t a/b -m x -V 5 -i me -D connect user-property a b -D connect user-property a c'],
    ['-t a/b -m x -V 5 -i me -D connect request-problem-information 0'],
    ['-t a/b -m x -V 5 -i me -D connect request-response-information 1'],
    ['-t a/b -m x -V 5 -i me -D publish content-type text/plain'],
    ['-t a/b -m x -V 5 -i me -D publish payload-format-indicator 1'],
    ['-t a/b -m x -V 5 -i me -D publish message-expiry-interval 60'],
    ['-t a/b -m x -V 5 -i me -D publish response-topic r/t'],
    ['-t a/b -m x -V 5 -i me -D publish correlation-data 1234'],
    ['-t a/b -m x -V 5 -i me -D PUBLISH User-Property k v'],
    ['-t a/b -m x -V 5 -i me --will-topic w -D will will-delay-interval 5 -D will content-type t'],
    ['-t a/b -m x -V 5 -i me -D disconnect reason-string bye'],
    ['-t first -t second -m x'],
    ['-m x -t a/b --quiet'],
  ])('%s', async (line = '', input) => {
    const words = line.split(' ');
    const link = await namedLikeMosquitto('mosquitto_pub');
    const theirs = await packetsOf(programOf('mosquitto_pub'), [], words, input);
    const ours = await packetsOf(process.execPath, [link], words, input);
    expect(ours).toEqual(theirs);
    expect(ours.packets.length).toBeGreaterThan(2);
  });
});
