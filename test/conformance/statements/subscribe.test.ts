import { sharedSubscription, topicFilterProblem } from '@mqtt-kit/packet';
import { subscribe, subscription, unsubscribe } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { rejection, Stage } from '../support/stage.ts';
import { expectNotEncoded, hexOf, versions } from './statement-support.ts';

describe.each(versions)('a request, %s', (version) => {
  const v5 = version === '5.0';

  it('[MQTT-3.8.3-2] [MQTT3-3.8.3-3] to subscribe has at least one filter, with its options', async () => {
    expectNotEncoded(version, subscribe(1, []));
    const stage = new Stage();
    const client = await stage.connect({ version });
    expect(await rejection(client.subscribe([], {}, () => {}))).toMatchObject({
      code: 'invalidArgument',
    });
    expect(stage.server().received).toHaveLength(1);
    expect(hexOf(version, subscribe(1, [subscription('t', { qos: 2 })]))).toBe(
      v5 ? '82 07 00 01 00 00 01 74 02' : '82 06 00 01 00 01 74 02',
    );
  });

  it('[MQTT-3.10.3-2] [MQTT3-3.10.3-2] to unsubscribe has at least one filter', async () => {
    expectNotEncoded(version, unsubscribe(1, []));
    const stage = new Stage();
    const client = await stage.connect({ version });
    expect(await rejection(client.unsubscribe([]))).toMatchObject({ code: 'invalidArgument' });
    expect(stage.server().received).toHaveLength(1);
  });

  it('[MQTT-3.8.3-5] [MQTT3-3.8.3-4] has no reserved bits in its options, and a QoS of 0 to 2', async () => {
    for (const qos of [0, 1, 2] as const) {
      for (const noLocal of [false, true]) {
        for (const retainAsPublished of [false, true]) {
          for (const retainHandling of [0, 1, 2] as const) {
            const options = { qos, noLocal, retainAsPublished, retainHandling };
            const hex = hexOf(version, subscribe(1, [subscription('t', options)]));
            const byte = Number.parseInt(hex.slice(-2), 16);
            const flags = Number(noLocal) * 4 + Number(retainAsPublished) * 8 + retainHandling * 16;
            expect(byte).toBe(v5 ? qos + flags : qos);
          }
        }
      }
    }
    expectNotEncoded(version, subscribe(1, [subscription('t', { qos: 3 as never })]));
    if (v5) {
      const retainHandling = 3 as never;
      expectNotEncoded(version, subscribe(1, [subscription('t', { retainHandling })]));
    }
    const stage = new Stage();
    const client = await stage.connect({ version });
    const call = client.subscribe('t', { qos: 3 as never }, () => {});
    expect(await rejection(call)).toMatchObject({ code: 'invalidArgument' });
    expect(stage.server().received).toHaveLength(1);
  });
});

describe('a shared subscription', () => {
  it('[MQTT-3.8.3-4] has no No Local', async () => {
    expectNotEncoded('5.0', subscribe(1, [subscription('$share/g/t', { noLocal: true })]));
    const stage = new Stage();
    const client = await stage.connect({ version: '5.0' });
    const call = client.subscribe('$share/g/t', { noLocal: true }, () => {});
    expect(await rejection(call)).toMatchObject({ code: 'invalidArgument' });
    expect(stage.server().received).toHaveLength(1);
  });

  it.each(['$share//t', '$share/', '$share//'])(
    '[MQTT-4.8.2-1] has a name of at least one character, not as in %s',
    async (filter) => {
      expect(topicFilterProblem(filter)).toBeDefined();
      expectNotEncoded('5.0', subscribe(1, [filter]));
      const stage = new Stage();
      const client = await stage.connect({ version: '5.0' });
      expect(await rejection(client.subscribe(filter, () => {}))).toMatchObject({
        code: 'invalidArgument',
      });
      expect(stage.server().received).toHaveLength(1);
    },
  );

  it('[MQTT-4.8.2-1] is $share, a name and a filter', async () => {
    expect(topicFilterProblem('$share/g/a/+')).toBeUndefined();
    expect(sharedSubscription('$share/g/a/+')).toMatchObject({ topicFilter: 'a/+' });
    const stage = new Stage();
    const client = await stage.connect({ version: '5.0' });
    await client.subscribe('$share/g/a/+', () => {});
    expect(stage.sent('subscribe')).toMatchObject([
      { subscriptions: [{ topicFilter: '$share/g/a/+' }] },
    ]);
  });

  it.each(['$share/g', '$share/g/', '$share/g+/t', '$share/+/t', '$share/g#/t', '$share/#'])(
    '[MQTT-4.8.2-2] has a name without wildcards, followed by a filter, not as in %s',
    async (filter) => {
      expect(topicFilterProblem(filter)).toBeDefined();
      expectNotEncoded('5.0', subscribe(1, [filter]));
      const stage = new Stage();
      const client = await stage.connect({ version: '5.0' });
      expect(await rejection(client.subscribe(filter, () => {}))).toMatchObject({
        code: 'invalidArgument',
      });
      expect(stage.server().received).toHaveLength(1);
    },
  );

  it('[MQTT-4.8.2-2] may have a filter that begins with a slash', () => {
    expect(topicFilterProblem('$share/g//t')).toBeUndefined();
    expect(sharedSubscription('$share/g//t')).toMatchObject({ topicFilter: '/t' });
  });
});
