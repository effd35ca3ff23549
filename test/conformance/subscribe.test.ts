import type { Message, MqttError, Subscription } from '@mqtt-kit/core';
import { publish, suback, unsuback } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { errors, reconnecting, rejection, Stage, statuses, utf8, watch } from './support/stage.ts';

describe('subscribe', () => {
  it('takes one filter or a list, and tells what was granted for each', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.hold.add('subscribe');
    const single = watch(client.subscribe('a', { qos: 2 }, () => {}));
    await stage.settle();
    stage.server().send(suback(stage.sent('subscribe')[0]!, [1]));
    await stage.settle();
    expect(single.value?.grants).toEqual([{ topicFilter: 'a', reasonCode: 1 }]);
    expect(single.value?.topicFilters).toEqual(['a']);
    stage.hold.delete('subscribe');
    const list = await client.subscribe(['b', 'c/+', 'd/#'], { qos: 1 }, () => {});
    expect(list.grants).toEqual([
      { topicFilter: 'b', reasonCode: 1 },
      { topicFilter: 'c/+', reasonCode: 1 },
      { topicFilter: 'd/#', reasonCode: 1 },
    ]);
    const asked = stage.sent('subscribe').flatMap((packet) => packet.subscriptions);
    expect(asked.map(({ topicFilter, qos }) => [topicFilter, qos])).toEqual([
      ['a', 2],
      ['b', 1],
      ['c/+', 1],
      ['d/#', 1],
    ]);
  });

  it.each([
    '',
    '#/a',
    'a#',
    'a/#/b',
    '+/#/x',
    'a/b#',
    'a+',
    'a/b+/c',
    'a\0b',
    '\ud800',
    'x'.repeat(65_536),
  ])(
    '[MQTT-4.7.1-1] [MQTT-4.7.3-1] refuses the filter %j before anything is sent',
    async (filter: string) => {
      const stage = new Stage();
      const client = await stage.connect();
      const calls = [client.subscribe(filter, () => {}), client.subscribe(['good', filter])];
      for (const call of calls)
        expect(await rejection(call)).toMatchObject({ code: 'invalidArgument' });
      expect(await rejection(client.unsubscribe(filter))).toMatchObject({
        code: 'invalidArgument',
      });
      await stage.settle();
      expect(stage.server().received).toHaveLength(1);
    },
  );

  it('[MQTT-3.8.3-2] refuses an empty list of filters', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    expect(await rejection(client.subscribe([], {}, () => {}))).toMatchObject({
      code: 'invalidArgument',
    });
    expect(await rejection(client.unsubscribe([]))).toMatchObject({ code: 'invalidArgument' });
    expect(stage.server().received).toHaveLength(1);
  });

  it('strips the names of wildcards before the wire and fills params from them', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: unknown[] = [];
    await client.subscribe('house/+room/#path', (message) => {
      got.push([message.params.room, message.params.path]);
    });
    expect(stage.sent('subscribe')[0]?.subscriptions[0]?.topicFilter).toBe('house/+/#');
    stage.server().send(publish('house/kitchen/light/1', ''), publish('house/attic', ''));
    await stage.settle();
    expect(got).toEqual([
      ['kitchen', ['light', '1']],
      ['attic', []],
    ]);
  });

  it('[MQTT-4.8.2-1] takes shared subscriptions and dispatches by the filter inside', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: string[] = [];
    await client.subscribe('$share/group/a/+', { qos: 1 }, (message) => got.push(message.topic));
    expect(stage.sent('subscribe')[0]?.subscriptions[0]?.topicFilter).toBe('$share/group/a/+');
    stage.server().send(publish('a/1', ''), publish('b/1', ''));
    await stage.settle();
    expect(got).toEqual(['a/1']);
  });

  it.each([
    '$share/',
    '$share/group',
    '$share/group/',
    '$share//a',
    '$share/+/a',
    '$share/g#/a',
    '$share/g+/a',
  ])('[MQTT-4.8.2-2] refuses the shared filter %s', async (filter) => {
    const stage = new Stage();
    const client = await stage.connect();
    expect(await rejection(client.subscribe(filter, () => {}))).toMatchObject({
      code: 'invalidArgument',
    });
    expect(stage.server().received).toHaveLength(1);
  });

  it('[MQTT-3.8.3-4] refuses noLocal on a shared subscription', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    expect(
      await rejection(client.subscribe('$share/g/a', { noLocal: true }, () => {})),
    ).toMatchObject({ code: 'invalidArgument' });
    expect(stage.server().received).toHaveLength(1);
  });

  it('[MQTT-3.8.3-1] sends and matches filters that are not ASCII', async () => {
    const stage = new Stage();
    const client = await stage.connect({ version: '3.1.1' });
    const got: string[] = [];
    const before = stage.server().receivedBytes.length;
    await client.subscribe('straße/日本/😀', (message) => got.push(message.topic));
    const filter = utf8('straße/日本/😀');
    const sent = stage.server().receivedBytes.subarray(before);
    expect([...sent.subarray(0, 1), ...sent.subarray(4)]).toEqual([
      0x82,
      0,
      filter.length,
      ...filter,
      0,
    ]);
    stage.server().send(publish('straße/日本/😀', ''), publish('strasse/日本/😀', ''));
    await stage.settle();
    expect(got).toEqual(['straße/日本/😀']);
  });

  it('[MQTT-3.8.3-5] puts all 5.0 options and a Subscription Identifier on the wire', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.subscribe(
      'a',
      {
        qos: 2,
        noLocal: true,
        retainAsPublished: true,
        retainHandling: 'never',
        userProperties: [['k', 'v']],
      },
      () => {},
    );
    await client.subscribe('+', { retainHandling: 'ifNew' }, () => {});
    const [first, second] = stage.sent('subscribe');
    expect(first?.properties.userProperties).toEqual([['k', 'v']]);
    const identifiers = [first, second].map(
      (packet) => packet?.properties.subscriptionIdentifiers?.[0],
    );
    expect(identifiers.every((identifier) => identifier !== undefined && identifier > 0)).toBe(
      true,
    );
    expect(new Set(identifiers).size).toBe(2);
    const bytes = stage.server().receivedBytes;
    // The options byte ends the packet: QoS 2, No Local, Retain As Published, Retain Handling 2.
    const end = bytes.findIndex(
      (byte, index) => byte === 0x61 && bytes[index - 1] === 1 && bytes[index - 2] === 0,
    );
    expect(bytes[end + 1]).toBe(0b0010_1110);
    expect(bytes.at(-1)).toBe(0b0001_0000);
  });

  it('sends no Subscription Identifier where the server has none', async () => {
    const stage = new Stage({ connack: () => ({ subscriptionIdentifiersAvailable: 0 }) });
    const client = await stage.connect();
    const got: string[] = [];
    await client.subscribe('a', (message) => got.push(message.topic));
    expect(stage.sent('subscribe')[0]?.properties.subscriptionIdentifiers ?? []).toEqual([]);
    stage.server().send(publish('a', ''));
    await stage.settle();
    expect(got).toEqual(['a']);
  });

  it.each([
    ['wildcardSubscriptionAvailable', 'a/+'],
    ['wildcardSubscriptionAvailable', '#'],
    ['sharedSubscriptionAvailable', '$share/g/a'],
  ])('refuses what the server does not offer: %s, %s', async (property, filter) => {
    const stage = new Stage({ connack: () => ({ [property]: 0 }) });
    const client = await stage.connect();
    expect(await rejection(client.subscribe(filter, () => {}))).toMatchObject({
      code: 'serverLimit',
    });
    expect(stage.sent('subscribe')).toHaveLength(0);
    expect(client.connected).toBe(true);
    expect((await client.subscribe('plain', () => {})).grants).toHaveLength(1);
  });

  it('sends a filter again when its options change, and not when they are the same', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.subscribe('a', { qos: 1 }, () => {});
    await client.subscribe('a', { qos: 1 }, () => {});
    await client.subscribe('a', { qos: 0 }, () => {});
    expect(stage.sent('subscribe')).toHaveLength(1);
    await client.subscribe('a', { qos: 2 }, () => {});
    expect(stage.sent('subscribe').map((packet) => packet.subscriptions[0]?.qos)).toEqual([1, 2]);
    for (const options of [{ noLocal: true }, { retainAsPublished: true }]) {
      expect(await rejection(client.subscribe('a', options, () => {}))).toMatchObject({
        code: 'invalidArgument',
      });
    }
    expect(stage.sent('subscribe')).toHaveLength(2);
  });

  it('keeps granted filters when others of the same call are refused', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: string[] = [];
    stage.hold.add('subscribe');
    const subscribing = watch(
      client.subscribe(['good', 'bad'], { qos: 1 }, (message) => got.push(message.topic)),
    );
    await stage.settle();
    answerSubscribes(stage, 1, { bad: 0x87 });
    await stage.settle();
    stage.hold.delete('subscribe');
    expect(subscribing.settled).toBe(true);
    const grants = subscribing.value?.grants ?? [];
    if (subscribing.resolved) {
      expect(grants).toEqual([
        { topicFilter: 'good', reasonCode: 1 },
        { topicFilter: 'bad', reasonCode: 0x87 },
      ]);
    } else {
      expect(subscribing.error).toMatchObject({ code: 'subscribeRefused', reasonCode: 0x87 });
      expect((subscribing.error as MqttError).message).toContain('bad');
    }
    stage.server().send(publish('good', 'x'));
    await stage.settle();
    expect(got).toEqual(['good']);
    await stage.breakConnection();
    const again = stage.sent('subscribe', 2).flatMap((packet) => packet.subscriptions);
    expect(again.map(({ topicFilter }) => topicFilter)).toEqual(['good']);
  });

  it.each([[[]], [[0, 0]], [[0, 0, 0]]])(
    '[MQTT-3.8.4-6] takes a SUBACK of the wrong number of codes for a protocol error: %j',
    async (codes) => {
      const stage = new Stage();
      const client = await stage.connect();
      const seen = statuses(client);
      stage.hold.add('subscribe');
      const subscribing = watch(client.subscribe('a', () => {}));
      await stage.settle();
      const { packetIdentifier } = stage.sent('subscribe')[0]!;
      stage
        .server()
        .sendRaw(
          Uint8Array.of(0x90, 3 + codes.length, packetIdentifier >> 8, packetIdentifier & 255, 0),
          Uint8Array.from(codes),
        );
      stage.hold.delete('subscribe');
      await stage.settle();
      const [goodbye] = stage.sent('disconnect');
      expect(codes.length === 0 ? [0x81, 0x82] : [0x82]).toContain(goodbye?.reasonCode);
      expect(reconnecting(seen)[0]?.reason.code).toMatch(/protocolError|malformedPacket/);
      await stage.clock.advanceUntil(() => subscribing.settled);
      expect(subscribing.resolved).toBe(true);
    },
  );

  it('[MQTT-3.2.2-15] splits a list that is too long for one packet, and keeps its order', async () => {
    const stage = new Stage({ connack: () => ({ maximumPacketSize: 1_000 }) });
    const client = await stage.connect();
    const filters = Array.from({ length: 300 }, (_, index) => `filter/number/${index}`);
    const subscription = await client.subscribe(filters, { qos: 1 }, () => {});
    expect(subscription.grants.map(({ topicFilter }) => topicFilter)).toEqual(filters);
    const packets = stage.sent('subscribe');
    expect(packets.flatMap((packet) => packet.subscriptions.map((one) => one.topicFilter))).toEqual(
      filters,
    );
    for (const packet of packets) {
      expect(stage.server().encode(packet).length).toBeLessThanOrEqual(1_000);
    }
  });

  it('waits without a connection, and then settles once', async () => {
    const stage = new Stage({
      link: { connect: (attempt) => ({ outcome: attempt === 2 ? 'refuse' : 'accept' }) },
    });
    const client = await stage.connect();
    stage.link.current.cut();
    await stage.settle();
    const got: string[] = [];
    const subscribing = watch(client.subscribe('a', (message) => got.push(message.topic)));
    await stage.settle();
    expect(subscribing.settled).toBe(false);
    await stage.clock.advanceUntil(() => client.connected);
    await stage.settle();
    expect(subscribing.resolved).toBe(true);
    expect(stage.sent('subscribe', 2)).toHaveLength(1);
    stage.server(2).send(publish('a', ''));
    await stage.settle();
    expect(got).toEqual(['a']);
  });

  it('leaves nothing behind when it gave up waiting', async () => {
    const stage = new Stage({
      link: {
        connect: (attempt) => ({ outcome: attempt === 1 || attempt > 6 ? 'accept' : 'refuse' }),
      },
    });
    const client = await stage.connect();
    stage.link.current.cut();
    await stage.settle();
    const controller = new AbortController();
    const late = watch(client.subscribe('late', { timeoutMs: 50 }, () => {}));
    const aborted = watch(client.subscribe('aborted', { signal: controller.signal }, () => {}));
    controller.abort();
    await stage.advance(50);
    expect([late.code, aborted.code]).toEqual(['timeout', 'aborted']);
    await stage.clock.advanceUntil(() => client.connected);
    await stage.settle();
    expect(stage.sent('subscribe', 2)).toHaveLength(0);
  });

  it('is repeated once, with its options, after a reconnection without a session', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.subscribe('a', { qos: 2, noLocal: true, retainHandling: 'never' }, () => {});
    await client.subscribe('b/#', { qos: 1, retainAsPublished: true }, () => {});
    await stage.breakConnection();
    const asked = (number: number): unknown[] =>
      stage.sent('subscribe', number).flatMap((packet) => packet.subscriptions);
    expect(asked(2)).toEqual(asked(1));
    expect(asked(2)).toHaveLength(2);
    await stage.breakConnection();
    expect(asked(3)).toEqual(asked(1));
  });

  it('is not repeated after a reconnection with a session', async () => {
    const stage = new Stage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const got: string[] = [];
    await client.subscribe('a', { qos: 1 }, (message) => got.push(message.topic));
    await stage.breakConnection();
    expect(client.status).toMatchObject({ state: 'connected', sessionPresent: true });
    expect(stage.sent('subscribe', 2)).toHaveLength(0);
    stage.server(2).send(publish('a', ''));
    await stage.settle();
    expect(got).toEqual(['a']);
  });

  it.each([false, true])(
    'is repeated when the connection broke before SUBACK, and resolves then (session present: %s)',
    async (present) => {
      const stage = new Stage({ sessionPresent: (number) => present && number > 1 });
      const client = await stage.connect({ clientId: 'me', cleanStart: false });
      stage.hold.add('subscribe');
      const subscribing = watch(client.subscribe('a', { qos: 1 }, () => {}));
      await stage.settle();
      expect(stage.sent('subscribe')).toHaveLength(1);
      stage.hold.delete('subscribe');
      await stage.breakConnection();
      expect(subscribing.resolved).toBe(true);
      expect(stage.sent('subscribe', 2)).toHaveLength(1);
      expect(stage.sent('subscribe', 2)[0]?.subscriptions[0]).toMatchObject({
        topicFilter: 'a',
        qos: 1,
      });
    },
  );

  it('is not repeated once it was ended, also when it was ended without a connection', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const first = await client.subscribe('a', () => {});
    const second = await client.subscribe('b', () => {});
    await client.subscribe('c', () => {});
    await first.unsubscribe();
    stage.link.current.cut();
    await stage.settle();
    const ending = watch(second.unsubscribe());
    await stage.clock.advanceUntil(() => client.connected);
    await stage.settle();
    expect(ending.resolved).toBe(true);
    const again = stage.sent('subscribe', 2).flatMap((packet) => packet.subscriptions);
    expect(again.map(({ topicFilter }) => topicFilter)).toEqual(['c']);
  });

  it('is not tried for ever when the server refuses it', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.hold.add('subscribe');
    const subscribing = watch(client.subscribe('bad', () => {}));
    await stage.settle();
    stage.server().send(suback(stage.sent('subscribe')[0]!, [0x87]));
    await stage.settle();
    expect(subscribing.error).toMatchObject({ code: 'subscribeRefused', reasonCode: 0x87 });
    stage.hold.delete('subscribe');
    await stage.breakConnection();
    await stage.advance(60_000);
    expect(stage.sent('subscribe', 2)).toHaveLength(0);
  });

  it('tells when the server refuses it at a repetition, and does not try for ever', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.subscribe('a', () => {});
    const reported = errors(client);
    stage.hold.add('subscribe');
    await stage.breakConnection();
    stage.server(2).send(suback(stage.sent('subscribe', 2)[0]!, [0x87]));
    await stage.settle();
    expect(reported.map(({ code }) => code)).toContain('subscribeRefused');
    stage.hold.delete('subscribe');
    await stage.breakConnection();
    await stage.breakConnection();
    expect(stage.sentAtAll('subscribe').length).toBeLessThanOrEqual(3);
  });

  it('keeps its 5.0 properties when it is repeated', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.subscribe('a', { userProperties: [['k', 'v']] }, () => {});
    await stage.breakConnection();
    const [first, second] = stage.sentAtAll('subscribe');
    expect(second?.properties.userProperties).toEqual([['k', 'v']]);
    expect(second?.properties).toEqual(first?.properties);
  });

  it('[MQTT-4.7.2-1] gives a message beginning with $ to no filter beginning with a wildcard', async () => {
    const stage = new Stage({ connack: () => ({ subscriptionIdentifiersAvailable: 0 }) });
    const client = await stage.connect();
    const got: string[] = [];
    const unmatched: string[] = [];
    client.on('unmatched', (message) => unmatched.push(message.topic));
    await client.subscribe('#', () => got.push('#'));
    await client.subscribe('+/load', () => got.push('+/load'));
    stage.server().send(publish('$SYS/load', ''));
    await stage.settle();
    expect([got, unmatched]).toEqual([[], ['$SYS/load']]);
    await client.subscribe('$SYS/#', () => got.push('$SYS/#'));
    stage.server().send(publish('$SYS/load', ''));
    await stage.settle();
    expect(got).toEqual(['$SYS/#']);
  });
});

describe('unsubscribe', () => {
  it('takes one filter, a list and filters that are not ASCII, and tells the code of each', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    for (const filter of ['a', 'b', 'straße']) await client.subscribe(filter, () => {});
    expect(await client.unsubscribe('a')).toEqual([0]);
    expect(await client.unsubscribe(['b', 'straße'])).toEqual([0, 0]);
    expect(stage.sent('unsubscribe').flatMap((packet) => packet.topicFilters)).toEqual([
      'a',
      'b',
      'straße',
    ]);
  });

  it('reports failures that the server names', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    await client.subscribe('a', () => {});
    const subscription = await client.subscribe('b', () => {});
    stage.hold.add('unsubscribe');
    const byFilter = watch(client.unsubscribe('a'));
    await stage.settle();
    stage.server().send(unsuback(stage.sent('unsubscribe')[0]!, [0x87]));
    await stage.settle();
    if (byFilter.resolved) expect(byFilter.value).toEqual([0x87]);
    else expect(byFilter.error).toMatchObject({ reasonCode: 0x87 });
    const bySubscription = watch(subscription.unsubscribe());
    await stage.settle();
    stage.server().send(unsuback(stage.sent('unsubscribe')[1]!, [0x11]));
    await stage.settle();
    expect(bySubscription.resolved).toBe(true);
  });

  it('waits without a connection', async () => {
    const stage = new Stage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    await client.subscribe('a', () => {});
    stage.link.current.cut();
    await stage.settle();
    const ending = watch(client.unsubscribe('a'));
    await stage.settle();
    expect(ending.settled).toBe(false);
    await stage.clock.advanceUntil(() => client.connected);
    await stage.settle();
    expect(ending.resolved).toBe(true);
    expect(stage.sent('unsubscribe', 2).map((packet) => packet.topicFilters)).toEqual([['a']]);
  });

  it('is done when UNSUBACK says so: lost with its connection, it is sent again', async () => {
    const stage = new Stage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const subscription = await client.subscribe('a', () => {});
    stage.hold.add('unsubscribe');
    const ending = watch(subscription.unsubscribe());
    await stage.settle();
    expect(stage.sent('unsubscribe')).toHaveLength(1);
    expect(ending.settled).toBe(false);
    stage.hold.delete('unsubscribe');
    await stage.breakConnection();
    // The server still has the filter in its session: it must hear of the end.
    expect(stage.sent('unsubscribe', 2).map((packet) => packet.topicFilters)).toEqual([['a']]);
    expect(ending.resolved).toBe(true);
  });

  it('leaves when the last of several handlers goes, and SUBSCRIBE with the first', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: string[] = [];
    const listen = (name: string): Promise<Subscription> =>
      client.subscribe('a', { qos: 1 }, () => got.push(name));
    const [first, second, third] = await Promise.all([listen('1'), listen('2'), listen('3')]);
    expect(stage.sent('subscribe')).toHaveLength(1);
    stage.server().send(publish('a', ''));
    await stage.settle();
    expect(got.splice(0).sort()).toEqual(['1', '2', '3']);
    await first?.unsubscribe();
    await second?.unsubscribe();
    expect(stage.sent('unsubscribe')).toHaveLength(0);
    stage.server().send(publish('a', ''));
    await stage.settle();
    expect(got.splice(0)).toEqual(['3']);
    await third?.unsubscribe();
    expect(stage.sent('unsubscribe')).toHaveLength(1);
    const unmatched: Message[] = [];
    client.on('unmatched', (message) => unmatched.push(message));
    stage.server().send(publish('a', ''));
    await stage.settle();
    expect([got, unmatched.length]).toEqual([[], 1]);
  });
});

/** Answers every SUBSCRIBE of the first connection, with other codes for some filters. */
function answerSubscribes(stage: Stage, code: number, others: Record<string, number>): void {
  for (const packet of stage.sent('subscribe')) {
    stage.server().send(
      suback(
        packet,
        packet.subscriptions.map(({ topicFilter }) => others[topicFilter] ?? code),
      ),
    );
  }
}
