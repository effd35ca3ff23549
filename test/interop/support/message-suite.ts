import type { Message } from 'mqtt-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Broker, type BrokerCase, brokerCases, type TransportName } from './brokers.ts';
import { freshTopic, open } from './clients.ts';
import { Inbox } from './inbox.ts';

const allBytes = Uint8Array.from({ length: 256 }, (_, value) => value);
const patterned = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255);

/** What every broker has to do with messages, for these transports. */
export function describeMessages(...transports: readonly TransportName[]): void {
  const cases = brokerCases.flatMap((broker) =>
    transports.map((transport) => ({
      ...broker,
      transport,
      what: `${broker.name} over ${transport}`,
    })),
  );
  // Most of the time is spent waiting for servers.
  describe.concurrent.each(cases)('messages with $what', behaveAsMessages);
}

function behaveAsMessages(one: BrokerCase & { readonly transport: TransportName }): void {
  const { available, version, start, transport } = one;
  let broker: Broker;
  beforeAll(async () => {
    if (available) broker = await start();
  });
  afterAll(() => broker?.[Symbol.asyncDispose]());
  const it_ = it.runIf(available);
  // What a version or a broker does not have is no test that was skipped.
  const itWith5 = version === '5.0' ? it_ : undefined;
  const connectTo = (options = {}) => open(broker.url(transport), { version, ...options });

  it_.each([0, 1, 2] as const)('travel at QoS %i both ways, in order', async (qos) => {
    const topic = freshTopic();
    const inbox = new Inbox();
    await using publisher = await connectTo();
    await using subscriber = await connectTo();
    const { grants } = await subscriber.subscribe(`${topic}/+`, { qos: 2 }, inbox.take);
    expect(grants).toEqual([{ topicFilter: `${topic}/+`, reasonCode: 2 }]);
    // More at once than mosquitto takes: under 3.1.1, which has no Receive Maximum, it confirms QoS 2 messages beyond
    // its max_inflight_messages of 20 and throws them away. Who wants them to arrive has fewer under way.
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, n) => publisher.publish(`${topic}/${n}`, `${n}`, { qos })),
    );
    expect(results.map(({ reasonCode }) => reasonCode)).toEqual(
      new Array(50).fill(qos === 0 ? undefined : 0),
    );
    await publisher.publish(`${topic}/end`, 'end', { qos });
    const texts = await inbox.holdsText('end');
    expect(texts).toEqual([...Array.from({ length: 50 }, (_, n) => `${n}`), 'end']);
    for (const message of inbox.messages) {
      expect(message).toMatchObject({ qos, retain: false, dup: false });
      expect(message.packetIdentifier === undefined).toBe(qos === 0);
    }
    expect(inbox.messages[7]?.topic).toBe(`${topic}/7`);
  });

  it_.each([
    ['binary', allBytes],
    ['empty', new Uint8Array(0)],
    ['large', patterned(one.largePayloadBytes(transport))],
  ])('carry their payload untouched: %s', async (_name, payload) => {
    const topic = freshTopic();
    const inbox = new Inbox();
    await using client = await connectTo();
    await client.subscribe(topic, { qos: 2 }, inbox.take);
    await Promise.all(([0, 1, 2] as const).map((qos) => client.publish(topic, payload, { qos })));
    const messages = await inbox.holds(3);
    expect(messages.map(({ qos }) => qos).sort()).toEqual([0, 1, 2]);
    for (const message of messages) {
      expect(Buffer.compare(message.payload, payload)).toBe(0);
    }
  });

  it_('arrive at the lower of the two QoS', async () => {
    const topic = freshTopic();
    const inbox = new Inbox();
    await using client = await connectTo();
    await client.subscribe(`${topic}/low`, { qos: 1 }, inbox.take);
    await client.subscribe(`${topic}/high`, { qos: 2 }, inbox.take);
    await client.publish(`${topic}/low`, 'sent at 2', { qos: 2 });
    await client.publish(`${topic}/high`, 'sent at 0', { qos: 0 });
    const messages = await inbox.holds(2);
    const qosOf = (text: string) => messages.find((message) => message.text() === text)?.qos;
    expect(qosOf('sent at 2')).toBe(1);
    expect(qosOf('sent at 0')).toBe(0);
  });

  it_('are kept by the server when retained, until an empty one takes their place', async () => {
    const topic = freshTopic();
    await using client = await connectTo();
    const live = new Inbox();
    await client.subscribe(`${topic}/#`, { qos: 1 }, live.take);
    await client.publish(`${topic}/kept`, 'first', { qos: 1, retain: true });
    await client.publish(`${topic}/kept`, 'second', { qos: 1, retain: true });
    await live.holds(2);
    // To those who were there it is a message like any other.
    expect(live.messages.map(({ retain }) => retain)).toEqual([false, false]);

    const late = new Inbox();
    await using second = await connectTo();
    await second.subscribe(`${topic}/#`, { qos: 1 }, late.take);
    await late.holds(1);
    expect(late.messages[0]).toMatchObject({ topic: `${topic}/kept`, retain: true, qos: 1 });
    expect(late.texts).toEqual(['second']);

    await client.publish(`${topic}/kept`, '', { qos: 1, retain: true });
    const later = new Inbox();
    await using third = await connectTo();
    await third.subscribe(`${topic}/#`, { qos: 1 }, later.take);
    await client.publish(`${topic}/end`, 'end', { qos: 1 });
    await later.holdsText('end');
    expect(later.texts).toEqual(['end']);
  });

  it_('reach the filters that match, with what the wildcards stand for', async () => {
    const topic = freshTopic();
    const single = new Inbox();
    const multi = new Inbox();
    const params: unknown[] = [];
    await using client = await connectTo();
    await client.subscribe(`${topic}/+room/temperature`, { qos: 1 }, (message) => {
      single.take(message);
      params.push(message.params);
    });
    await client.subscribe(`${topic}/cellar/#rest`, { qos: 1 }, multi.take);
    const publish = (name: string) => client.publish(`${topic}/${name}`, name, { qos: 1 });
    await publish('kitchen/temperature');
    await publish('kitchen/humidity');
    await publish('kitchen/oven/temperature');
    await publish('/temperature');
    await publish('cellar');
    await publish('cellar/wine/left');
    await publish('cellars');
    await publish('end/temperature');
    await publish('cellar/end');
    await Promise.all([single.holdsText('end/temperature'), multi.holdsText('cellar/end')]);
    expect(single.texts).toEqual(['kitchen/temperature', '/temperature', 'end/temperature']);
    expect(params).toEqual([{ room: 'kitchen' }, { room: '' }, { room: 'end' }]);
    expect(multi.texts).toEqual(['cellar', 'cellar/wine/left', 'cellar/end']);
    expect(multi.messages.map((message) => message.params['rest'])).toEqual([
      [],
      ['wine', 'left'],
      ['end'],
    ]);
  });

  const itToldApart = version === '3.1.1' || one.namesEverySubscription ? it_ : undefined;
  itToldApart?.('reach every handler of overlapping filters', async () => {
    const topic = freshTopic();
    const all = new Inbox();
    const single = new Inbox();
    await using client = await connectTo();
    await client.subscribe(`${topic}/#`, { qos: 2 }, all.take);
    await client.subscribe(`${topic}/a`, { qos: 1 }, single.take);
    await client.publish(`${topic}/a`, 'both', { qos: 2 });
    await client.publish(`${topic}/a`, 'end', { qos: 2 });
    const texts = [await all.holdsText('end'), await single.holdsText('end')];
    for (const copies of texts.map((received) => received.filter((text) => text === 'both'))) {
      // Without Subscription Identifiers nobody can tell which filter a copy is for.
      if (version === '5.0') expect(copies).toEqual(['both']);
      else expect([1, 2]).toContain(copies.length);
    }
  });

  it_('stop after unsubscribing', async () => {
    const topic = freshTopic();
    const gone = new Inbox();
    const stays = new Inbox();
    await using client = await connectTo();
    const subscription = await client.subscribe(`${topic}/gone`, { qos: 1 }, gone.take);
    await client.subscribe(`${topic}/stays`, { qos: 1 }, stays.take);
    await client.publish(`${topic}/gone`, 'heard', { qos: 1 });
    await gone.holdsText('heard');
    await subscription.unsubscribe();
    await client.publish(`${topic}/gone`, 'unheard', { qos: 1 });
    await client.publish(`${topic}/stays`, 'end', { qos: 1 });
    await stays.holdsText('end');
    expect(gone.texts).toEqual(['heard']);
  });

  it_('can be iterated over', async () => {
    const topic = freshTopic();
    await using client = await connectTo();
    const subscription = await client.subscribe(topic, { qos: 1 });
    for (const text of ['a', 'b', 'c']) await client.publish(topic, text, { qos: 1 });
    const texts: string[] = [];
    for await (const message of subscription) {
      texts.push(message.text());
      if (texts.length === 3) break;
    }
    expect(texts).toEqual(['a', 'b', 'c']);
  });

  itWith5?.('carry their properties to the other end', async () => {
    const topic = freshTopic();
    const inbox = new Inbox();
    await using client = await connectTo();
    await client.subscribe(topic, { qos: 1 }, inbox.take);
    const properties = {
      payloadFormatIndicator: 1,
      messageExpirySeconds: 300,
      contentType: 'text/plain; charset=utf-8',
      responseTopic: `${topic}/answer`,
      correlationData: Uint8Array.of(0, 1, 255),
      userProperties: [
        ['b', '2'],
        ['a', '1'],
        ['b', 'again é'],
      ],
    } as const;
    await client.publish(topic, 'hello', { qos: 1, ...properties });
    const message = (await inbox.holds(1))[0] as Message;
    expect(message.payloadFormatIndicator).toBe(1);
    expect(message.contentType).toBe(properties.contentType);
    expect(message.responseTopic).toBe(properties.responseTopic);
    expect([...(message.correlationData ?? [])]).toEqual([0, 1, 255]);
    // The server takes off what the message spent with it.
    expect(message.messageExpirySeconds).toBeGreaterThanOrEqual(298);
    expect(message.messageExpirySeconds).toBeLessThanOrEqual(300);
    const inOrder = one.keepsUserPropertyOrder
      ? message.userProperties
      : message.userProperties.toSorted(([left], [right]) => left.localeCompare(right));
    const sent = properties.userProperties;
    expect(inOrder).toEqual(one.keepsUserPropertyOrder ? sent : [sent[1], sent[0], sent[2]]);
  });

  itWith5?.('do not come back with noLocal', async () => {
    const topic = freshTopic();
    const inbox = new Inbox();
    await using own = await connectTo();
    await using other = await connectTo();
    await own.subscribe(topic, { qos: 1, noLocal: true }, inbox.take);
    await own.publish(topic, 'mine', { qos: 1 });
    await other.publish(topic, 'theirs', { qos: 1 });
    await inbox.holdsText('theirs');
    expect(inbox.texts).toEqual(['theirs']);
  });
}
