import { type Packet, PacketType, type SubscribePacket } from '@mqtt-kit/packet';
import { publish, suback, unsuback } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage, watch } from './client-stage.test-support.ts';
import { MqttUsageError } from './errors.ts';
import { MqttSubscribeError } from './subscribe-error.ts';

function filtersOf(packets: readonly SubscribePacket[]): string[][] {
  return packets.map(({ subscriptions }) => subscriptions.map(({ topicFilter }) => topicFilter));
}

const got = (into: string[], name: string) => (message: { topic: string }) => {
  into.push(`${name} ${message.topic}`);
};

describe('subscribe', () => {
  it('asks once for a filter that several use, and once more for a higher QoS', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    await client.subscribe('a/+x', { qos: 0 }, () => {});
    await client.subscribe('a/+y', { qos: 0 }, () => {});
    expect(stage.sent('subscribe')).toHaveLength(1);
    const higher = await client.subscribe('a/+', { qos: 2 }, () => {});
    expect(higher.grants).toEqual([{ topicFilter: 'a/+', reasonCode: 2 }]);
    await client.subscribe('a/+', { qos: 1 }, () => {});
    expect(stage.sent('subscribe').map(({ subscriptions }) => subscriptions[0]?.qos)).toEqual([
      0, 2,
    ]);
  });

  it('lets calls of one turn share it, also before the answer', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const both = await Promise.all([
      client.subscribe('a', { qos: 1 }, () => {}),
      client.subscribe('a', { qos: 1 }, () => {}),
    ]);
    expect(stage.sent('subscribe')).toHaveLength(1);
    expect(both.map(({ grants }) => grants[0]?.reasonCode)).toEqual([1, 1]);
  });

  it('refuses other options for a filter that is in use, and sends nothing', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    await client.subscribe('a', { noLocal: true }, () => {});
    await expect(client.subscribe(['b', 'a'], {}, () => {})).rejects.toThrow(
      'noLocal must be true, as in the subscription to "a" that stands already; got false',
    );
    await expect(
      client.subscribe('a', { noLocal: true, retainAsPublished: true }, () => {}),
    ).rejects.toBeInstanceOf(MqttUsageError);
    await expect(client.subscribe('$share/g/a', { noLocal: true }, () => {})).rejects.toThrow(
      'noLocal must be false for a shared subscription',
    );
    expect(stage.sent('subscribe')).toHaveLength(1);
  });

  it('keeps what is granted when another filter of the call is refused', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('subscribe');
    const messages: string[] = [];
    const call = watch(client.subscribe(['good', 'bad', 'fine'], { qos: 1 }, got(messages, 'h')));
    await stage.clock.settle();
    const [packet] = stage.sent('subscribe');
    stage.server.send(suback(packet!, [1, 0x87, 0]));
    await stage.clock.settle();
    const error = call.error as MqttSubscribeError;
    expect(error).toBeInstanceOf(MqttSubscribeError);
    expect(error).toMatchObject({
      code: 'subscribeRefused',
      reasonCode: 0x87,
      message: 'the server refused the subscription to "bad": Not authorized (0x87)',
      grants: [
        { topicFilter: 'good', reasonCode: 1 },
        { topicFilter: 'bad', reasonCode: 0x87 },
        { topicFilter: 'fine', reasonCode: 0 },
      ],
    });
    expect(error.subscription?.topicFilters).toEqual(['good', 'fine']);
    await stage.receive('good', 'bad', 'fine');
    expect(messages).toEqual(['h good', 'h fine']);
    stage.held.clear();
    await stage.reconnect();
    expect(filtersOf(stage.sent('subscribe'))).toEqual([['good', 'fine']]);
    await error.subscription?.unsubscribe();
    expect(stage.sent('unsubscribe')[0]?.topicFilters).toEqual(['good', 'fine']);
  });

  it('does not ask again for what was refused', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('subscribe');
    const call = watch(client.subscribe('bad', () => {}));
    await stage.clock.settle();
    stage.server.send(suback(stage.sent('subscribe')[0]!, [0x80]));
    await stage.clock.settle();
    expect(call.error).toMatchObject({ code: 'subscribeRefused', subscription: undefined });
    await stage.reconnect();
    expect(stage.sent('subscribe')).toEqual([]);
  });

  it('reports a filter that is refused when it is asked for again, and ends its iterator', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const messages: string[] = [];
    const iterator = await client.subscribe('gone');
    await client.subscribe(['gone', 'kept'], got(messages, 'h'));
    const next = watch(iterator[Symbol.asyncIterator]().next());
    stage.held.add('subscribe');
    await stage.reconnect();
    const packets = stage.sent('subscribe');
    for (const packet of packets) {
      const reasonCodes = packet.subscriptions.map(({ topicFilter }) =>
        topicFilter === 'gone' ? 0x87 : 0,
      );
      stage.server.send(suback(packet, reasonCodes));
    }
    await stage.clock.settle();
    expect(stage.errors.map(({ code }) => code)).toEqual(['connectionLost', 'subscribeRefused']);
    expect(next.error).toMatchObject({ code: 'subscribeRefused', reasonCode: 0x87 });
    await stage.receive('gone', 'kept');
    expect(messages).toEqual(['h kept']);
  });

  it('keeps what stands when only the higher QoS is refused', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const messages: string[] = [];
    await client.subscribe('a', { qos: 0 }, got(messages, 'low'));
    stage.held.add('subscribe');
    const higher = watch(client.subscribe('a', { qos: 2 }, got(messages, 'high')));
    await stage.clock.settle();
    stage.server.send(suback(stage.sent('subscribe')[1]!, [0x97]));
    await stage.clock.settle();
    expect(higher.code).toBe('subscribeRefused');
    await stage.receive('a');
    expect(messages).toEqual(['low a']);
    stage.held.clear();
    await stage.reconnect();
    expect(stage.sent('subscribe').map(({ subscriptions }) => subscriptions[0]?.qos)).toEqual([0]);
  });

  it('delivers a message that comes before SUBACK', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('subscribe');
    const messages: string[] = [];
    const call = watch(client.subscribe('a', got(messages, 'h')));
    await stage.clock.settle();
    await stage.receive(['a', 'x', { retain: true }]);
    expect(messages).toEqual(['h a']);
    expect(call.state).toBe('pending');
  });

  it('tells what the server announced not to take, per filter', async () => {
    const stage = new ClientStage({
      connack: { wildcardSubscriptionAvailable: 0, sharedSubscriptionAvailable: 0 },
    });
    const client = await stage.connect();
    const call = watch(client.subscribe(['plain', 'wild/#', '$share/g/x'], { qos: 1 }, () => {}));
    await stage.clock.settle();
    expect(call.error).toMatchObject({
      code: 'serverLimit',
      grants: [
        { topicFilter: 'plain', reasonCode: 1 },
        { topicFilter: 'wild/#', reasonCode: 0xa2 },
        { topicFilter: '$share/g/x', reasonCode: 0x9e },
      ],
    });
    expect(filtersOf(stage.sent('subscribe'))).toEqual([['plain']]);
  });

  it('ends by its limits while it waits, and nothing of it stays', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('subscribe');
    const abort = new AbortController();
    const late = watch(client.subscribe('a', { timeoutMs: 100 }, () => {}));
    const aborted = watch(client.subscribe('b', { signal: abort.signal }, () => {}));
    abort.abort();
    await stage.clock.advance(100);
    expect([late.code, aborted.code]).toEqual(['timeout', 'aborted']);
    expect(stage.sent('unsubscribe').map(({ topicFilters }) => topicFilters)).toEqual([
      ['b'],
      ['a'],
    ]);
    await stage.reconnect();
    expect(stage.sent('subscribe')).toEqual([]);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('is ended by its signal later on, too', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const abort = new AbortController();
    const subscription = await client.subscribe('a', { signal: abort.signal });
    const next = watch(subscription[Symbol.asyncIterator]().next());
    abort.abort();
    await stage.clock.settle();
    expect(next.value).toEqual({ done: true, value: undefined });
    expect(stage.sent('unsubscribe')).toHaveLength(1);
  });

  it('is ended by whoever unsubscribes before it is granted', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('subscribe');
    const call = watch(client.subscribe('a', () => {}));
    const both = watch(client.subscribe(['a', 'b'], () => {}));
    const ended = watch(client.unsubscribe('a'));
    await stage.clock.settle();
    expect(call.code).toBe('aborted');
    expect(ended.state).toBe('resolved');
    const packet = stage
      .sent('subscribe')
      .find(
        ({ subscriptions }) => subscriptions.length === 1 && subscriptions[0]?.topicFilter === 'b',
      );
    stage.server.send(suback(packet!, [0]));
    await stage.clock.settle();
    expect(both.value?.topicFilters).toEqual(['b']);
  });

  it('refuses arguments that cannot be before anything is sent', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const cases: [Promise<unknown>, string][] = [
      [client.subscribe([], () => {}), 'an array of at least one'],
      [client.subscribe('a/#/b', () => {}), 'topic filter "a/#/b"'],
      [client.subscribe('a', { qos: 3 as never }), 'qos must be 0, 1 or 2'],
      [client.subscribe('a', {}, 5 as never), 'handler must be a function'],
      [client.subscribe('a', (() => {}) as never, () => {}), 'two handlers'],
      [client.subscribe('a', { concurrency: 0 }), 'concurrency'],
      [client.subscribe('a', { bufferSize: 0 }), 'bufferSize'],
      [client.subscribe('a', { overflow: 'drop' as never }), 'overflow'],
      [client.subscribe('a', { retainHandling: 1 as never }), 'retainHandling'],
      [client.subscribe('a', { nolocal: true } as never), 'Did you mean noLocal?'],
      [client.unsubscribe(''), 'topic filter ""'],
    ];
    for (const [call, message] of cases) await expect(call).rejects.toThrow(message);
    const { iterable } = { iterable: await client.subscribe('h', () => {}) };
    expect(() => iterable[Symbol.asyncIterator]()).toThrow('cannot be iterated');
    expect(stage.sent('subscribe')).toHaveLength(1);
  });
});

describe('dispatch', () => {
  it('tells overlapping filters apart by their identifiers', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const messages: string[] = [];
    await client.subscribe('a/#', got(messages, 'all'));
    await client.subscribe('a/+', got(messages, 'one'));
    const [all, one] = stage
      .sent('subscribe')
      .map(({ properties }) => properties.subscriptionIdentifiers?.[0] as number);
    expect(all).not.toBe(one);
    // A server that sends a copy for each filter.
    await stage.receive(['a/b', '', { properties: { subscriptionIdentifiers: [all!] } }]);
    await stage.receive(['a/b', '', { properties: { subscriptionIdentifiers: [one!] } }]);
    expect(messages).toEqual(['all a/b', 'one a/b']);
    // A server that sends one copy for both.
    messages.length = 0;
    await stage.receive(['a/b', '', { properties: { subscriptionIdentifiers: [one!, all!] } }]);
    expect(messages).toEqual(['all a/b', 'one a/b']);
    // Without identifiers, and with those of an earlier life, the topic decides.
    messages.length = 0;
    await stage.receive('a/b', ['a/b', '', { properties: { subscriptionIdentifiers: [99] } }]);
    expect(messages).toEqual(['all a/b', 'one a/b', 'all a/b', 'one a/b']);
  });

  it('never gives a message to a filter that does not match it, whatever its identifier', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const messages: string[] = [];
    await client.subscribe('a', got(messages, 'a'));
    await client.subscribe('b', got(messages, 'b'));
    const [, b] = stage
      .sent('subscribe')
      .map(({ properties }) => properties.subscriptionIdentifiers?.[0] as number);
    await stage.receive(['a', '', { properties: { subscriptionIdentifiers: [b!] } }]);
    expect(messages).toEqual(['a a']);
  });

  it('gives a message once to a call whose filters overlap, for each copy', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const messages: string[] = [];
    await client.subscribe(['a/#', 'a/+', 'b'], got(messages, 'h'));
    await stage.receive('a/b', 'b');
    expect(messages).toEqual(['h a/b', 'h b']);
  });

  it('names wildcards as each subscription does', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const params: unknown[] = [];
    await client.subscribe('house/+room/#rest', (message) => params.push(message.params));
    await client.subscribe('house/+/#', (message) => params.push(message.params));
    await client.subscribe('$share/g/house/+place/light', (message) => params.push(message.params));
    await stage.receive('house/kitchen/light');
    expect(params).toEqual([
      { room: 'kitchen', rest: ['light'] },
      { 0: 'kitchen', 1: ['light'] },
      { place: 'kitchen' },
    ]);
    expect(filtersOf(stage.sent('subscribe')).flat()).toEqual([
      'house/+/#',
      '$share/g/house/+/light',
    ]);
  });

  it('reports messages that nobody subscribed to, and acknowledges them', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const unmatched: string[] = [];
    client.on('unmatched', (message) => unmatched.push(message.topic));
    await stage.receive('stray', ['stray/1', '', { qos: 1, packetIdentifier: 7 }]);
    expect(unmatched).toEqual(['stray', 'stray/1']);
    expect(stage.sent('puback').map(({ packetIdentifier }) => packetIdentifier)).toEqual([7]);
  });

  it('takes ten thousand filters, and puts few packets on the wire for them', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const messages: string[] = [];
    await Promise.all(
      Array.from({ length: 10_000 }, (_, index) =>
        client.subscribe(`device/${index}/state`, got(messages, `${index}`)),
      ),
    );
    await stage.receive('device/77/state', 'device/9999/state');
    expect(messages).toEqual(['77 device/77/state', '9999 device/9999/state']);
    await stage.reconnect();
    const packets = stage.sent('subscribe');
    expect(packets.length).toBeLessThan(150);
    expect(filtersOf(packets).flat()).toHaveLength(10_000);
  });
});

describe('after a lost connection', () => {
  it('everything is asked for again with its own options when the session is gone', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    await client.subscribe(
      'a',
      { qos: 1, retainHandling: 'never', userProperties: [['k', 'v']] },
      () => {},
    );
    await client.subscribe(['b', 'c'], { qos: 2, retainAsPublished: true }, () => {});
    const before = stage.sent('subscribe');
    await stage.reconnect();
    const after = stage.sent('subscribe');
    expect(after.map(({ subscriptions, properties }) => ({ subscriptions, properties }))).toEqual(
      before.map(({ subscriptions, properties }) => ({ subscriptions, properties })),
    );
  });

  it('nothing is, when the session is there, but what had no SUBACK', async () => {
    const stage = new ClientStage({ sessionPresent: (number) => number > 1 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    await client.subscribe('known', () => {});
    stage.held.add('subscribe');
    const pending = watch(client.subscribe('unknown', () => {}));
    await stage.clock.settle();
    stage.held.clear();
    await stage.reconnect();
    expect(filtersOf(stage.sent('subscribe'))).toEqual([['unknown']]);
    expect(pending.state).toBe('resolved');
  });

  it('as few packets as options and identifiers allow carry it', async () => {
    const stage = new ClientStage({ connack: { subscriptionIdentifiersAvailable: 0 } });
    const client = await stage.connect();
    for (let index = 0; index < 20; index++) await client.subscribe(`t/${index}`, () => {});
    await client.subscribe('u', { userProperties: [['k', 'v']] }, () => {});
    await stage.reconnect();
    expect(filtersOf(stage.sent('subscribe')).map((filters) => filters.length)).toEqual([20, 1]);
  });

  it('a call that was made without a connection is answered by the next one', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.link.current.cut();
    await stage.clock.settle();
    const messages: string[] = [];
    const call = watch(client.subscribe('a', got(messages, 'h')));
    await stage.clock.settle();
    expect(call.state).toBe('pending');
    await stage.clock.advanceUntil(() => client.connected);
    await stage.clock.settle();
    expect(call.state).toBe('resolved');
    expect(filtersOf(stage.sent('subscribe'))).toEqual([['a']]);
  });
});

describe('unsubscribe', () => {
  it('leaves with the last user of a filter alone', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const messages: string[] = [];
    const first = await client.subscribe('a', got(messages, '1'));
    const second = await client.subscribe('a', got(messages, '2'));
    await first.unsubscribe();
    expect(stage.sent('unsubscribe')).toEqual([]);
    await stage.receive('a');
    expect(messages).toEqual(['2 a']);
    expect(second.unsubscribe()).toBe(second.unsubscribe());
    await second.unsubscribe();
    expect(stage.sent('unsubscribe')).toHaveLength(1);
    expect(second.topicFilters).toEqual([]);
  });

  it('ends all users of a filter, by whatever name its wildcards have', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const iterator = await client.subscribe('a/+x');
    const next = watch(iterator[Symbol.asyncIterator]().next());
    await client.subscribe('a/+y', () => {});
    await client.subscribe('b', () => {});
    expect(await client.unsubscribe(['a/+', 'b', 'c', 'a/+z'])).toEqual([0, 0, 0x11, 0]);
    expect(stage.sent('unsubscribe').map(({ topicFilters }) => topicFilters)).toEqual([
      ['a/+', 'b'],
    ]);
    expect(next.value).toEqual({ done: true, value: undefined });
  });

  it('is asked of the server for an unknown filter, where an earlier life may have left it', async () => {
    const stage = new ClientStage();
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    await client.unsubscribe('left/behind');
    expect(stage.sent('unsubscribe')[0]?.topicFilters).toEqual(['left/behind']);
  });

  it('tells what the server says against it', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const subscription = await client.subscribe('a', () => {});
    await client.subscribe('b', () => {});
    stage.held.add('unsubscribe');
    const one = watch(subscription.unsubscribe());
    const all = watch(client.unsubscribe('b'));
    await stage.clock.settle();
    for (const packet of stage.sent('unsubscribe')) {
      stage.server.send(unsuback(packet, [0x87]));
    }
    await stage.clock.settle();
    expect(one.error).toMatchObject({ code: 'serverRefused', reasonCode: 0x87 });
    expect(all.value).toEqual([0x87]);
  });

  it('is said again when the connection is lost before UNSUBACK and the session is there', async () => {
    const stage = new ClientStage({ sessionPresent: (number) => number === 2 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const subscription = await client.subscribe('a', () => {});
    stage.held.add('unsubscribe');
    const ended = watch(subscription.unsubscribe());
    await stage.clock.settle();
    await stage.reconnect();
    expect(stage.sent('unsubscribe')[0]?.topicFilters).toEqual(['a']);
    expect(ended.state).toBe('pending');
    await stage.reconnect();
    // The session is gone, and the filter with it.
    expect(ended.state).toBe('resolved');
    expect(stage.sent('unsubscribe')).toEqual([]);
    expect(stage.sent('subscribe')).toEqual([]);
  });

  it('is not said any more when somebody has subscribed again meanwhile', async () => {
    const stage = new ClientStage({ sessionPresent: (number) => number === 2 });
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    const messages: string[] = [];
    await client.subscribe('a', got(messages, 'old'));
    stage.link.current.cut();
    await stage.clock.settle();
    const ended = watch(client.unsubscribe('a'));
    const again = watch(client.subscribe('a', got(messages, 'new')));
    await stage.clock.advanceUntil(() => client.connected);
    await stage.clock.settle();
    expect(stage.sent('unsubscribe')).toEqual([]);
    expect(filtersOf(stage.sent('subscribe'))).toEqual([['a']]);
    expect([ended.value, again.state]).toEqual([[0], 'resolved']);
    await stage.receive('a');
    expect(messages).toEqual(['new a']);
  });

  it('settles at once without a connection where the session ends with it', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    await client.subscribe('a', () => {});
    stage.link.current.cut();
    await stage.clock.settle();
    expect(await client.unsubscribe('a')).toEqual([0x11]);
  });

  it('followed by subscribe keeps the order on the wire, and the new handler', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const messages: string[] = [];
    const old = await client.subscribe('a', got(messages, 'old'));
    stage.server.received.length = 0;
    await Promise.all([old.unsubscribe(), client.subscribe('a', got(messages, 'new'))]);
    const names = stage.server.received.map((packet: Packet) => packet.type);
    expect(names).toEqual([PacketType.unsubscribe, PacketType.subscribe]);
    await stage.receive('a');
    expect(messages).toEqual(['new a']);
  });

  it('hands what waited for the handler to the unmatched event, and acknowledges it', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const unmatched: string[] = [];
    client.on('unmatched', (message) => unmatched.push(message.text()));
    let end: (() => void) | undefined;
    const subscription = await client.subscribe(
      'a',
      { qos: 1 },
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    );
    await stage.receive(
      ['a', '1', { qos: 1, packetIdentifier: 1 }],
      ['a', '2', { qos: 1, packetIdentifier: 2 }],
    );
    await subscription.unsubscribe();
    expect(unmatched).toEqual(['2']);
    end?.();
    await stage.clock.settle();
    expect(stage.sent('puback').map(({ packetIdentifier }) => packetIdentifier)).toEqual([1, 2]);
  });

  it('has limits of its own', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const subscription = await client.subscribe('a', () => {});
    await client.subscribe('b', () => {});
    stage.held.add('unsubscribe');
    const one = watch(subscription.unsubscribe({ timeoutMs: 100 }));
    const all = watch(client.unsubscribe('b', { timeoutMs: 100 }));
    await stage.clock.advance(100);
    expect([one.code, all.code]).toEqual(['timeout', 'timeout']);
    await expect(subscription.unsubscribe({ timeout: 5 } as never)).rejects.toThrow(
      'Did you mean timeoutMs?',
    );
    expect(stage.clock.scheduled).toBe(0);
  });

  it('comes with a break out of the loop', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const subscription = await client.subscribe('a');
    stage.server.send(publish('a', '1'), publish('a', '2'));
    for await (const message of subscription) {
      expect(message.text()).toBe('1');
      break;
    }
    await stage.clock.settle();
    expect(stage.sent('unsubscribe')).toHaveLength(1);
    expect(subscription.dropped).toBe(1);
  });
});
