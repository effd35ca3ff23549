import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChild, startChild } from '../setup/child-process.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { programOf, requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { freshTopic, open } from './support/clients.ts';
import { Inbox } from './support/inbox.ts';

const allBytes = Uint8Array.from({ length: 256 }, (_, value) => value);
const megabyte = Uint8Array.from({ length: 1_048_576 }, (_, index) => (index * 31) & 255);

const cases = (['3.1.1', '5.0'] as const).flatMap((version) =>
  ([0, 1, 2] as const).map((qos) => ({ version, qos })),
);

describe.runIf(requires('mosquitto', 'mosquitto-clients'))("mosquitto's own clients", () => {
  let broker: Mosquitto<'plain'>;
  let folder: string;
  beforeAll(async () => {
    broker = await startMosquitto({ listeners: { plain: {} } });
    folder = temporaryFolder('payloads');
  });
  afterAll(() => broker?.[Symbol.asyncDispose]());

  const words = (version: string, qos: number, topic: string) => [
    ...['-h', '127.0.0.1', '-p', String(broker.port('plain'))],
    ...['-V', version === '5.0' ? 'mqttv5' : 'mqttv311', '-q', String(qos), '-t', topic],
  ];

  it.each(cases)('hear what we publish: $version at QoS $qos', async ({ version, qos }) => {
    const topic = freshTopic();
    const id = topic.replaceAll('/', '-');
    const listener = startChild(programOf('mosquitto_sub'), [
      ...words(version, qos, `${topic}/#`),
      ...['-i', id, '-C', '5', '-W', '20', '-F', '%t %q %r %l %x'],
    ]);
    await broker.logged(new RegExp(`Sending SUBACK to ${id}`));
    await using client = await open(broker.url('plain'), { version });
    await client.publish(`${topic}/text`, 'grüezi', { qos });
    await client.publish(`${topic}/empty`, '', { qos });
    await client.publish(`${topic}/binary`, allBytes, { qos });
    await client.publish(`${topic}/retained`, 'kept', { qos, retain: true });
    await client.publish(`${topic}/large`, megabyte, { qos });
    expect(await listener.ended).toEqual({ code: 0, signal: null });
    const hex = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('hex');
    expect(listener.stdout.toString().trimEnd().split('\n')).toEqual([
      `${topic}/text ${qos} 0 7 ${hex('grüezi')}`,
      `${topic}/empty ${qos} 0 0 `,
      `${topic}/binary ${qos} 0 256 ${hex(allBytes)}`,
      `${topic}/retained ${qos} 0 4 ${hex('kept')}`,
      `${topic}/large ${qos} 0 ${megabyte.length} ${hex(megabyte)}`,
    ]);
  });

  it.each(cases)('are heard by us: $version at QoS $qos', async ({ version, qos }) => {
    const topic = freshTopic();
    const inbox = new Inbox();
    await using client = await open(broker.url('plain'), { version });
    await client.subscribe(`${topic}/#`, { qos: 2 }, inbox.take);
    const publish = (name: string, rest: readonly string[], input?: Uint8Array) =>
      runChild(
        programOf('mosquitto_pub'),
        [...words(version, qos, `${topic}/${name}`), ...rest],
        input === undefined ? {} : { input },
      );
    const file = join(folder, `${version}-${qos}.bin`);
    writeFileSync(file, allBytes);
    await publish('text', ['-m', 'grüezi']);
    await publish('empty', ['-n']);
    await publish('binary', ['-f', file]);
    await publish('large', ['-s'], megabyte);
    await inbox.holds(4);
    const expected: readonly [string, Uint8Array][] = [
      ['text', Buffer.from('grüezi')],
      ['empty', new Uint8Array(0)],
      ['binary', allBytes],
      ['large', megabyte],
    ];
    for (const [index, [name, payload]] of expected.entries()) {
      const message = inbox.messages[index];
      expect(message).toMatchObject({ topic: `${topic}/${name}`, qos, retain: false });
      expect(Buffer.compare(message?.payload as Uint8Array, payload)).toBe(0);
    }
  });

  it('pass properties on to us, and ours to them', async () => {
    const topic = freshTopic();
    const inbox = new Inbox();
    await using client = await open(broker.url('plain'), { version: '5.0' });
    await client.subscribe(topic, { qos: 1 }, inbox.take);
    await runChild(programOf('mosquitto_pub'), [
      ...words('5.0', 1, topic),
      ...['-m', 'hello', '-D', 'publish', 'content-type', 'text/plain'],
      ...['-D', 'publish', 'user-property', 'a', '1', '-D', 'publish', 'user-property', 'a', '2'],
      ...['-D', 'publish', 'response-topic', 'answer/here'],
      ...['-D', 'publish', 'correlation-data', 'xyz'],
    ]);
    const [message] = await inbox.holds(1);
    expect(message).toMatchObject({
      contentType: 'text/plain',
      responseTopic: 'answer/here',
      userProperties: [
        ['a', '1'],
        ['a', '2'],
      ],
    });
    expect(new TextDecoder().decode(message?.correlationData)).toBe('xyz');

    const id = topic.replaceAll('/', '-');
    const listener = startChild(programOf('mosquitto_sub'), [
      ...words('5.0', 1, `${topic}/back`),
      ...['-i', id, '-C', '1', '-W', '20', '-F', '%C|%R|%D|%P|%p'],
    ]);
    await broker.logged(new RegExp(`Sending SUBACK to ${id}`));
    await client.publish(`${topic}/back`, 'hello', {
      qos: 1,
      contentType: 'text/plain',
      responseTopic: 'answer/here',
      correlationData: new TextEncoder().encode('xyz'),
      userProperties: [['a', '1']],
    });
    expect((await listener.ended).code).toBe(0);
    expect(listener.stdout.toString().trim()).toBe('text/plain|answer/here|xyz|a:1|hello');
  });
});
