import { matches, topicFilterProblem, topicNameProblem } from '@mqtt-kit/packet';
import { publish, subscribe, unsubscribe } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { EngineHarness } from '../../../packages/testkit/src/engine-harness.ts';
import { publish as rawPublish } from '../support/bytes.ts';
import { rejection, Stage } from '../support/stage.ts';
import { expectBreach, expectNotEncoded, hexOf, versions } from './statement-support.ts';

/** Fails unless the filter is refused by the client, by the engine's codec and by the rule itself. */
async function expectNoFilter(version: '5.0' | '3.1.1', filter: string): Promise<void> {
  expect(topicFilterProblem(filter)).toBeDefined();
  expectNotEncoded(version, subscribe(1, [filter]));
  expectNotEncoded(version, unsubscribe(1, [filter]));
  const stage = new Stage();
  const client = await stage.connect({ version });
  for (const call of [client.subscribe(filter, () => {}), client.unsubscribe(filter)]) {
    expect(await rejection(call)).toMatchObject({ code: 'invalidArgument' });
  }
  expect(stage.server().received).toHaveLength(1);
}

describe.each(versions)('topic filters, %s', (version) => {
  it.each(['a#', '#/a', 'a/#/b', 'a/b#', '##', '$share/g/a#', '$share/g/#/a'])(
    '[MQTT-4.7.1-1] [MQTT3-4.7.1-2] have # alone in the last level, not as in %s',
    (filter) => expectNoFilter(version, filter),
  );

  it('[MQTT-4.7.1-1] [MQTT3-4.7.1-2] have # alone in the last level, and it takes the parent too', () => {
    for (const filter of ['#', 'a/#', '/#', '$share/g/#', '$share/g/a/#']) {
      expect(topicFilterProblem(filter), filter).toBeUndefined();
    }
    expect(['a', 'a/b', 'a/b/c', 'b'].map((topic) => matches('a/#', topic))).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it.each(['a+', 'a/b+/c', '++', 'a/b+', '$share/g/a+'])(
    '[MQTT-4.7.1-2] [MQTT3-4.7.1-3] have + fill a whole level, not as in %s',
    (filter) => expectNoFilter(version, filter),
  );

  it('[MQTT-4.7.1-2] [MQTT3-4.7.1-3] have + fill a whole level', () => {
    for (const filter of ['+', '+/+', '/+', 'a/+/b', '+/#', '$share/g/+']) {
      expect(topicFilterProblem(filter), filter).toBeUndefined();
    }
    // A client reads a name into it, and sends none.
    expectNotEncoded(version, subscribe(1, ['+a/b']));
    expect(['a/x/b', 'a//b', 'a/b', 'a/x/y/b'].map((topic) => matches('a/+/b', topic))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('[MQTT-4.7.3-1] [MQTT3-4.7.3-1] have a character', () => expectNoFilter(version, ''));

  it('[MQTT-4.7.3-2] [MQTT3-4.7.3-2] have no U+0000', () => expectNoFilter(version, 'a\0b'));

  it('[MQTT-4.7.3-3] [MQTT3-4.7.3-3] have at most 65,535 bytes of UTF-8', async () => {
    expect(topicFilterProblem('a'.repeat(65_535))).toBeUndefined();
    expect(hexOf(version, subscribe(1, ['a'.repeat(65_535)]))).toContain('ff ff 61');
    await expectNoFilter(version, 'a'.repeat(65_536));
    await expectNoFilter(version, 'é'.repeat(32_768));
  });

  it('[MQTT-3.8.3-1] [MQTT3-3.8.3-1] are UTF-8 in SUBSCRIBE', () => {
    expect(hexOf(version, subscribe(1, ['é/+', 'a']))).toMatch(
      version === '5.0'
        ? /^82 0e 00 01 00 00 04 c3 a9 2f 2b 00 00 01 61 00$/
        : /^82 0d 00 01 00 04 c3 a9 2f 2b 00 00 01 61 00$/,
    );
    expectNotEncoded(version, subscribe(1, ['\ud800']));
  });

  it('[MQTT-3.10.3-1] [MQTT3-3.10.3-1] are UTF-8 in UNSUBSCRIBE, one behind the other', () => {
    expect(hexOf(version, unsubscribe(1, ['é/+', 'a']))).toMatch(
      version === '5.0'
        ? /^a2 0c 00 01 00 00 04 c3 a9 2f 2b 00 01 61$/
        : /^a2 0b 00 01 00 04 c3 a9 2f 2b 00 01 61$/,
    );
    expectNotEncoded(version, unsubscribe(1, ['\ud800']));
  });
});

describe.each(versions)('topic names, %s', (version) => {
  it('[MQTT-4.7.0-1] [MQTT3-4.7.1-1] have no wildcards', () => {
    for (const topic of ['+', '#', 'a/+', 'a/#', 'a+b', 'a#b']) {
      expect(topicNameProblem(topic), topic).toBeDefined();
      expectNotEncoded(version, publish(topic));
      expectBreach(version, [0x82, 0x90], rawPublish(version, { topic }));
    }
    for (const topic of ['a', '/', 'a b', '$SYS']) expect(topicNameProblem(topic)).toBeUndefined();
  });

  it('[MQTT-4.7.3-1] [MQTT3-4.7.3-1] have a character, sent and received', async () => {
    expectNotEncoded(version, publish(''));
    expectBreach(version, [0x81, 0x82, 0x90], rawPublish(version, { topic: '' }));
    const stage = new Stage();
    const client = await stage.connect({ version });
    expect(await rejection(client.publish('', 'x'))).toMatchObject({ code: 'invalidArgument' });
    expect(stage.server().received).toHaveLength(1);
  });

  it('[MQTT-4.7.3-2] [MQTT3-4.7.3-2] have no U+0000, sent and received', async () => {
    expectNotEncoded(version, publish('a\0'));
    expectBreach(version, 0x81, rawPublish(version, { topic: '\0' }));
    const stage = new Stage();
    const client = await stage.connect({ version });
    expect(await rejection(client.publish('a\0', 'x'))).toMatchObject({ code: 'invalidArgument' });
    expect(stage.server().received).toHaveLength(1);
  });

  it('[MQTT-4.7.3-3] [MQTT3-4.7.3-3] have at most 65,535 bytes of UTF-8', async () => {
    const stage = new Stage();
    const client = await stage.connect({ version });
    for (const topic of ['a'.repeat(65_536), 'é'.repeat(32_768)]) {
      expectNotEncoded(version, publish(topic));
      expect(await rejection(client.publish(topic, 'x'))).toMatchObject({
        code: 'invalidArgument',
      });
    }
    await client.publish('é'.repeat(32_767), 'x', { qos: 1 });
    expect(stage.sent('publish')).toMatchObject([{ topic: 'é'.repeat(32_767) }]);
    const harness = new EngineHarness({ version }).connected();
    harness.serverBytes(rawPublish(version, { topic: 'a'.repeat(65_535) }));
    expect(harness.take('message')).toHaveLength(1);
  });
});
