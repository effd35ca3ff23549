import type { SubscribePacket } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { EngineHarness } from '../../testkit/src/engine-harness.ts';
import {
  connack,
  puback,
  suback,
  subscription,
  unsuback,
} from '../../testkit/src/packet-builders.ts';

describe.each(['5.0', '3.1.1'] as const)('subscribing, %s', (version) => {
  it('[MQTT-2.2.1-3] [MQTT-3.8.3-2] sends one SUBSCRIBE and settles by SUBACK with one code for each filter', () => {
    const h = new EngineHarness({ version }).connected();
    const ticket = h.subscribe([subscription('a', { qos: 1 }), 'b/+']);
    expect(h.takeSent()).toMatchObject([
      {
        packetIdentifier: 1,
        subscriptions: [{ topicFilter: 'a', qos: 1 }, { topicFilter: 'b/+' }],
      },
    ]);
    h.server(suback(1, [1, 0x80]));
    expect(h.take('subscribed')).toEqual([
      {
        type: 'subscribed',
        ticket,
        outcome: { kind: 'acknowledged', reasonCodes: [1, 0x80], properties: {} },
      },
    ]);
    expect(h.takeOperations()).toEqual([
      { type: 'subscription', topicFilter: 'a', options: subscription('a', { qos: 1 }) },
    ]);
  });

  it('sends one UNSUBSCRIBE and settles by UNSUBACK', () => {
    const h = new EngineHarness({ version }).connected();
    const ticket = h.unsubscribe(['a', 'b']);
    expect(h.takeSent()).toMatchObject([{ packetIdentifier: 1, topicFilters: ['a', 'b'] }]);
    h.server(unsuback(1, version === '5.0' ? [0x11, 0x87] : []));
    const reasonCodes = version === '5.0' ? [0x11, 0x87] : [0, 0];
    expect(h.take('unsubscribed')).toMatchObject([{ ticket, outcome: { reasonCodes } }]);
    const gone = version === '5.0' ? ['a'] : ['a', 'b'];
    expect(h.takeOperations()).toEqual(
      gone.map((topicFilter) => ({ type: 'unsubscription', topicFilter })),
    );
  });

  it('waits for CONNACK, in order', () => {
    const h = new EngineHarness({ version });
    h.subscribe(['a']);
    h.open();
    h.unsubscribe(['b']);
    h.subscribe(['c']);
    expect(h.takeSentShort()).toEqual(['connect']);
    h.server(connack());
    expect(h.takeSentShort()).toEqual(['subscribe 1', 'unsubscribe 2', 'subscribe 3']);
  });

  it('fails with the connection what was sent, and keeps what was not', () => {
    const h = new EngineHarness({ version }).connected();
    const sent = [h.subscribe(['a']), h.unsubscribe(['b'])];
    h.cut();
    const waiting = h.subscribe(['c']);
    const failed = h.takeEvents().filter(({ type }) => type.endsWith('subscribed'));
    expect(failed).toMatchObject([
      { type: 'subscribed', ticket: sent[0], outcome: { code: 'connectionLost' } },
      { type: 'unsubscribed', ticket: sent[1], outcome: { code: 'connectionLost' } },
    ]);
    h.open();
    h.cut();
    h.open();
    h.takeSent();
    h.server(connack());
    expect(h.takeSent()).toMatchObject([{ subscriptions: [{ topicFilter: 'c' }] }]);
    expect(h.engine.cancel(waiting, h.now)).toBe('inFlight');
  });

  it('gives identifiers back with the connection', () => {
    const h = new EngineHarness({ version }).resumable();
    const request = { subscriptions: [subscription('t')], properties: {} };
    for (let count = 0; count < 65_535; count++) h.engine.subscribe(request, h.now);
    h.reconnect();
    h.publish('t', { qos: 1 });
    expect(h.takeSentShort()).toEqual(['publish 1']);
  });

  it('waits for an identifier when all are in use', () => {
    const queue = { maximumMessages: 100_000, maximumBytes: 1e9 };
    const h = new EngineHarness({ version, queue }).connected();
    h.publishMany(65_535);
    h.takeSent();
    h.subscribe(['t']);
    expect(h.takeSentShort()).toEqual([]);
    h.server(puback(77));
    expect(h.takeSentShort()).toEqual(['subscribe 77']);
    const waiting = h.subscribe(['t']);
    h.cut();
    expect(h.take('subscribed')).toMatchObject([
      { outcome: { code: 'connectionLost' } },
      { ticket: waiting, outcome: { code: 'connectionLost' } },
    ]);
  }, 30_000);

  it('is withdrawn while it waits', () => {
    const h = new EngineHarness({ version });
    const ticket = h.subscribe(['a']);
    expect(h.engine.cancel(ticket, h.now)).toBe('withdrawn');
    h.connected();
    expect([h.takeSent(), h.takeEvents()]).toEqual([[], []]);
  });

  it('ignores SUBACK and UNSUBACK for nothing, and reports them', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(suback(4, [0]), unsuback(5, version === '5.0' ? [0] : []));
    expect(h.take('unexpectedAcknowledgement')).toEqual([
      { type: 'unexpectedAcknowledgement', packetType: 9, packetIdentifier: 4 },
      { type: 'unexpectedAcknowledgement', packetType: 11, packetIdentifier: 5 },
    ]);
  });

  it.each([
    ['SUBACK with too few codes', suback(1, [0])],
    ['SUBACK with too many codes', suback(1, [0, 0, 0])],
    ['SUBACK for UNSUBSCRIBE', suback(2, [0, 0])],
    ['UNSUBACK for SUBSCRIBE', unsuback(1, version === '5.0' ? [0, 0] : [])],
    ['PUBACK for SUBSCRIBE', puback(1)],
  ])('is a protocol error: %s', (_, answer) => {
    const h = new EngineHarness({ version }).connected();
    const ticket = h.subscribe(['a', 'b']);
    h.unsubscribe(['a', 'b']);
    h.server(answer);
    const events = h.takeEvents();
    expect(events).toContainEqual(
      expect.objectContaining({
        ticket,
        outcome: expect.objectContaining({ code: 'connectionLost' }),
      }),
    );
    expect(events.at(-1)).toMatchObject({ reason: { kind: 'breach', reasonCode: 0x82 } });
  });
});

describe('subscribing', () => {
  it('puts all options and properties on the wire', () => {
    const h = new EngineHarness().connected();
    const options = subscription('a', {
      qos: 2,
      noLocal: true,
      retainAsPublished: true,
      retainHandling: 2,
    });
    h.subscribe([options], { subscriptionIdentifiers: [5], userProperties: [['a', 'b']] });
    const [sent] = h.takeSent() as SubscribePacket[];
    expect(sent!.subscriptions).toEqual([options]);
    expect(sent!.properties).toEqual({
      subscriptionIdentifiers: [5],
      userProperties: [['a', 'b']],
    });
  });

  it('counts UNSUBACK codes under 5.0', () => {
    const h = new EngineHarness().connected();
    h.unsubscribe(['a', 'b']);
    h.server(unsuback(1, [0]));
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
  });

  it('leaves out the Subscription Identifier where the server has none', () => {
    const h = new EngineHarness().connected(
      {},
      { properties: { subscriptionIdentifiersAvailable: 0 } },
    );
    h.subscribe(['a'], { subscriptionIdentifiers: [5], userProperties: [['a', 'b']] });
    expect((h.takeSent()[0] as SubscribePacket).properties).toEqual({
      userProperties: [['a', 'b']],
    });
  });

  it.each([
    ['a wildcard', { wildcardSubscriptionAvailable: 0 }, subscription('a/#'), 'serverLimit'],
    ['a shared one', { sharedSubscriptionAvailable: 0 }, subscription('$share/g/a'), 'serverLimit'],
    [
      'a wildcard in a shared one',
      { wildcardSubscriptionAvailable: 0 },
      subscription('$share/g/+'),
      'serverLimit',
    ],
    ['one too large', { maximumPacketSize: 12 }, subscription('a/long/filter'), 'serverLimit'],
    [
      '[MQTT-3.8.3-4] noLocal shared',
      {},
      subscription('$share/g/a', { noLocal: true }),
      'invalidArgument',
    ],
    ['what cannot be encoded', {}, subscription('\ud800'), 'invalidArgument'],
  ])('fails alone where it cannot be: %s', (_, properties, wanted, code) => {
    const h = new EngineHarness().connected({}, { properties });
    const ticket = h.subscribe([wanted]);
    expect(h.take('subscribed')).toMatchObject([{ ticket, outcome: { kind: 'failed', code } }]);
    expect(h.takeSent()).toEqual([]);
    h.subscribe(['b']);
    expect(h.takeSent()).toHaveLength(1);
  });

  it('names the filter that the server does not take', () => {
    const h = new EngineHarness().connected(
      {},
      { properties: { wildcardSubscriptionAvailable: 0 } },
    );
    h.subscribe(['a', 'b/+']);
    expect(h.take('subscribed')).toMatchObject([
      { outcome: { message: expect.stringContaining('"b/+"') } },
    ]);
  });
});
