import { noProperties, type Packet } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { EngineHarness, message, persistent } from '../../testkit/src/engine-harness.ts';
import {
  bytesOf,
  connack,
  connectPacket,
  disconnect,
  pingresp,
  puback,
  publish,
  pubrec,
  suback,
  subscription,
} from '../../testkit/src/packet-builders.ts';

describe.each(['5.0', '3.1.1'] as const)('a connection, %s', (version) => {
  it('[MQTT-3.1.0-1] begins with CONNECT as it was asked for, once the transport is open', () => {
    const h = new EngineHarness({ version });
    const request = {
      clientId: 'me',
      cleanStart: true,
      keepAliveSeconds: 17,
      username: 'user',
      password: bytesOf('secret'),
      will: message('will', { payload: 'gone', qos: 1, retain: true }),
      properties: version === '5.0' ? { receiveMaximum: 7 } : noProperties,
    };
    h.start(request);
    expect([h.engine.connection, h.engine.pendingBytes, h.takeSent()]).toEqual([1, 0, []]);
    h.cut();
    h.open(request);
    expect(h.takeSent()).toEqual([connectPacket({ version, ...request })]);
  });

  it('is `connected` by CONNACK, with what holds from then on', () => {
    const h = new EngineHarness({ version });
    h.open();
    h.server(connack());
    expect(h.takeEvents()).toMatchObject([
      {
        type: 'connected',
        connection: 1,
        sessionPresent: false,
        negotiated: { clientId: 'client', keepAliveSeconds: 60, reasons: version === '5.0' },
      },
    ]);
  });

  it('ends when CONNACK refuses it', () => {
    const h = new EngineHarness({ version });
    h.open();
    h.server(connack({ reasonCode: 0x87 }));
    expect([h.takeSentShort(), h.closed]).toEqual([['connect'], true]);
    expect(h.takeEnd()).toMatchObject({ kind: 'refused', connack: { reasonCode: 0x87 } });
  });

  it('ends with its transport, and says how far it had come', () => {
    const h = new EngineHarness({ version });
    h.start();
    h.cut();
    h.open();
    h.cut();
    h.open();
    h.server(connack());
    h.cut();
    const bytesReceived = version === '5.0' ? 5 : 4;
    expect(h.take('disconnected')).toMatchObject([
      {
        connection: 1,
        reason: { kind: 'transportClosed', bytesReceived: 0, connackReceived: false },
      },
      { connection: 2, reason: { bytesReceived: 0, connackReceived: false } },
      { connection: 3, reason: { bytesReceived, connackReceived: true } },
    ]);
    expect(h.engine.connection).toBe(0);
  });

  it('[MQTT-3.14.4-1] [MQTT-3.14.4-2] ends by DISCONNECT behind everything encoded, and nothing after it', () => {
    const h = new EngineHarness({ version }).connected();
    h.holdBatches = true;
    h.publish('t');
    h.disconnect();
    h.publish('late');
    h.acknowledge(1);
    h.server(publish('t'), puback(1));
    h.subscribe(['t']);
    h.holdBatches = false;
    h.settle();
    expect(h.takeSentShort()).toEqual(['publish t', 'disconnect']);
    expect([h.closed, h.takeEnd()]).toEqual([true, { kind: 'requested' }]);
    h.cut();
    expect(h.takeEvents()).toEqual([]);
  });

  it('is left by DISCONNECT before CONNACK, too, and without a word before CONNECT', () => {
    const h = new EngineHarness({ version });
    h.open();
    h.disconnect();
    expect(h.takeSentShort()).toEqual(['connect', 'disconnect']);
    expect(h.takeEnd()).toEqual({ kind: 'requested' });
    h.start();
    h.disconnect();
    h.engine.transportOpened(h.now);
    h.settle();
    expect(h.takeSentShort()).toEqual([]);
    expect([h.closed, h.takeEnd()]).toEqual([true, { kind: 'requested' }]);
  });

  it('cannot begin while another goes on, and can once that is over, transport or not', () => {
    const h = new EngineHarness({ version }).connected();
    expect(() => h.start()).toThrow(/connection 1 has not ended/);
    h.disconnect();
    h.open();
    expect(h.engine.connection).toBe(2);
  });

  it('does not begin with a request that cannot be encoded', () => {
    const h = new EngineHarness({ version });
    expect(() => h.start({ clientId: '\ud800' })).toThrow(/client/i);
    expect([h.engine.connection, h.takeEvents()]).toEqual([0, []]);
    h.open();
    expect(h.takeSentShort()).toEqual(['connect']);
  });

  it.each<[string, Packet]>([
    ['PUBLISH', publish('t')],
    ['PUBACK', puback(1)],
    ['PINGRESP', pingresp()],
    ['SUBACK', suback(1, [0])],
  ])('[MQTT-4.13.1-1] is closed without a word when %s comes before CONNACK', (_, packet) => {
    const h = new EngineHarness({ version });
    h.open();
    h.server(packet, connack());
    expect(h.takeSentShort()).toEqual(['connect']);
    expect([h.closed, h.takeEnd()]).toMatchObject([
      true,
      { kind: 'breach', reasonCode: 0x82, connackReceived: false },
    ]);
  });

  it('[MQTT-4.13.1-1] [MQTT3-4.8.0-1] is closed on a second CONNACK', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(connack());
    expect(h.takeSentShort()).toEqual(version === '5.0' ? ['disconnect 0x82'] : []);
    expect([h.closed, h.takeEnd()]).toMatchObject([
      true,
      { kind: 'breach', connackReceived: true },
    ]);
  });

  it('is closed on bytes that are no packet, and shows the first ones', () => {
    const h = new EngineHarness({ version });
    h.open();
    h.serverBytes(bytesOf('HTTP/1.1 400 Bad Request'));
    expect(h.takeEnd()).toMatchObject({
      kind: 'breach',
      connackReceived: false,
      firstBytes: bytesOf('HTTP/1.1 400 Bad'),
    });
  });

  it('keeps what came before a breach, and takes nothing behind it', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('t', { qos: 1 });
    h.takeSent();
    h.serverBytes(
      ...h.encode(puback(1), publish('before')),
      Uint8Array.of(0x36, 3, 0, 1, 0x61), // QoS 3
      ...h.encode(publish('behind')),
    );
    expect(h.takeEvents()).toMatchObject([
      { type: 'progress' },
      { type: 'published' },
      { type: 'message', packet: { topic: 'before' } },
      { type: 'disconnected', reason: { kind: 'breach', reasonCode: 0x81 } },
    ]);
    expect(h.takeOperations().map(({ type }) => type)).toContain('outDone');
    expect(h.takeSentShort()).toEqual(version === '5.0' ? ['disconnect 0x81'] : []);
  });

  it('drops on a breach what nobody had taken, and speaks at once, commit or not', () => {
    const h = new EngineHarness({ version }).connected();
    h.holdBatches = true;
    h.publish('t', { qos: 1 });
    h.server(connack());
    expect([h.takeSentShort(), h.closed]).toEqual([
      version === '5.0' ? ['disconnect 0x82'] : [],
      true,
    ]);
    h.holdBatches = false;
    h.settle();
    expect(h.takeSent()).toEqual([]);
    expect(h.batches.slice(-2)).toMatchObject([
      { connection: 0, bytes: [] },
      { bytes: [], events: [{ type: 'disconnected' }] },
    ]);
  });

  it('[MQTT-3.1.2-24] refuses a packet larger than it said it takes', () => {
    const h = new EngineHarness({ version }).connected({ properties: { maximumPacketSize: 20 } });
    h.server(publish('t', 'x'.repeat(20)));
    expect(h.takeSentShort()).toEqual(version === '5.0' ? ['disconnect 0x95'] : []);
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x95 });
  });
});

describe('what CONNACK says', () => {
  it('[MQTT-3.1.2-21] fills what was negotiated, absent properties by their defaults', () => {
    const h = new EngineHarness();
    h.open({ ...persistent, keepAliveSeconds: 30 });
    h.server(connack());
    expect(h.take('connected')[0]!.negotiated).toEqual({
      clientId: 'client',
      keepAliveSeconds: 30,
      sessionExpirySeconds: 1000,
      receiveMaximum: 65_535,
      maximumQos: 2,
      retainAvailable: true,
      maximumPacketSize: 268_435_460,
      topicAliasMaximum: 0,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: true,
      sharedSubscriptionAvailable: true,
      responseInformation: undefined,
      serverReference: undefined,
      reasons: true,
    });
  });

  it('fills it with everything that the server sets', () => {
    const h = new EngineHarness();
    h.open({ clientId: '' });
    h.server(
      connack({
        properties: {
          sessionExpiryInterval: 1,
          receiveMaximum: 2,
          maximumQos: 0,
          retainAvailable: 0,
          maximumPacketSize: 300,
          assignedClientIdentifier: 'given',
          topicAliasMaximum: 4,
          wildcardSubscriptionAvailable: 0,
          subscriptionIdentifiersAvailable: 0,
          sharedSubscriptionAvailable: 0,
          serverKeepAlive: 5,
          responseInformation: 'r',
          serverReference: 's',
        },
      }),
    );
    expect(h.take('connected')[0]!.negotiated).toEqual({
      clientId: 'given',
      keepAliveSeconds: 5,
      sessionExpirySeconds: 1,
      receiveMaximum: 2,
      maximumQos: 0,
      retainAvailable: false,
      maximumPacketSize: 300,
      topicAliasMaximum: 4,
      wildcardSubscriptionAvailable: false,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
      responseInformation: 'r',
      serverReference: 's',
      reasons: true,
    });
  });

  it("is that version's constants under 3.1.1, where the session lasts for ever or not at all", () => {
    const h = new EngineHarness({ version: '3.1.1' });
    h.open();
    h.server(connack());
    h.reconnect({ cleanStart: false }, {});
    expect(h.take('connected').map(({ negotiated }) => negotiated)).toMatchObject([
      { sessionExpirySeconds: 0, receiveMaximum: 65_535, topicAliasMaximum: 0, reasons: false },
      { sessionExpirySeconds: 4_294_967_295, subscriptionIdentifiersAvailable: false },
    ]);
  });

  it.each([
    ['no Assigned Client Identifier though asked for', { clientId: '' }, {}],
    [
      'an Assigned Client Identifier though none was asked for',
      {},
      { assignedClientIdentifier: 'other' },
    ],
  ])('is a protocol error: %s', (_, request, properties) => {
    const h = new EngineHarness();
    h.open(request);
    h.server(connack({ properties }));
    expect(h.takeSentShort()).toEqual(['connect', 'disconnect 0x82']);
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
  });

  it('may repeat the identifier that we gave', () => {
    const h = new EngineHarness();
    h.open();
    h.server(connack({ properties: { assignedClientIdentifier: 'client' } }));
    expect(h.take('connected')).toHaveLength(1);
  });
});

describe('DISCONNECT', () => {
  it('from the server is taken, and answered by closing', () => {
    const h = new EngineHarness().connected();
    h.server(disconnect(0x8e, { reasonString: 'taken over' }), publish('behind'));
    expect(h.takeSent()).toEqual([]);
    expect([h.closed, h.takeEnd()]).toEqual([
      true,
      { kind: 'serverDisconnected', packet: disconnect(0x8e, { reasonString: 'taken over' }) },
    ]);
  });

  it('[MQTT-3.14.0-1] from the server before CONNACK is a breach that names its reason', () => {
    const h = new EngineHarness();
    h.open();
    h.server(disconnect(0x87));
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', message: expect.stringContaining('0x87') });
  });

  it('carries reason, properties and a new Session Expiry Interval', () => {
    const h = new EngineHarness().resumable();
    h.disconnect(0x04, { sessionExpiryInterval: 0, reasonString: 'bye' });
    expect(h.takeSent()).toEqual([
      disconnect(0x04, { sessionExpiryInterval: 0, reasonString: 'bye' }),
    ]);
  });

  it('cannot make a session last that ends with the connection', () => {
    const h = new EngineHarness().connected();
    expect(() => h.disconnect(0, { sessionExpiryInterval: 5 })).toThrow(/not allowed/);
    expect([h.closed, h.takeSent()]).toEqual([false, []]);
  });

  it('[MQTT-3.14.2-3] [MQTT-3.14.2-4] leaves out what is for people where it does not fit', () => {
    const h = new EngineHarness().resumable({ properties: { maximumPacketSize: 20 } });
    h.disconnect(0x80, {
      reasonString: 'a long explanation',
      sessionExpiryInterval: 9,
      userProperties: [['a', 'b']],
    });
    expect(h.takeSent()).toEqual([disconnect(0x80, { sessionExpiryInterval: 9 })]);
  });

  it('of 3.1.1 would take the will back, so a reason means just to close', () => {
    const h = new EngineHarness({ version: '3.1.1' }).connected();
    h.disconnect(0x04);
    expect([h.takeSent(), h.closed]).toEqual([[], true]);
  });
});

describe('pipelining', () => {
  const request = { pipeline: true };

  it('lets SUBSCRIBE and QoS 0 PUBLISH leave in one write with CONNECT, and settles them by CONNACK', () => {
    const h = new EngineHarness();
    const waiting = h.publish('a');
    h.start(request);
    const subscribing = h.subscribe(['t']);
    h.engine.transportOpened(h.now);
    const batch = h.engine.takeBatch()!;
    expect(batch.bytes).toHaveLength(1);
    expect(batch.bytes[0]!.length).toBeGreaterThan(30);
    expect(batch.events).toEqual([]);
    const later = h.engine.publish(message('b'), h.now);
    expect(later).not.toBe(0);
    h.engine.takeBatch();
    h.server(connack());
    expect(h.take('published').map(({ ticket, outcome }) => [ticket, outcome.kind])).toEqual([
      [waiting, 'sent'],
      [later, 'sent'],
    ]);
    h.server(suback(1, [0]));
    expect(h.take('subscribed')).toMatchObject([
      { ticket: subscribing, outcome: { kind: 'acknowledged' } },
    ]);
  });

  it('does not let through what CONNACK may forbid, nor what comes behind it', () => {
    const h = new EngineHarness();
    h.open(request);
    h.publish('t', { qos: 1 });
    h.publish('retained', { retain: true });
    h.publish('behind');
    h.subscribe([subscription('t', { noLocal: true })]);
    h.subscribe(['t'], { subscriptionIdentifiers: [1] });
    h.unsubscribe(['t']);
    expect(h.takeSentShort()).toEqual(['connect']);
    h.server(connack());
    expect(h.takeSentShort()).toEqual([
      'subscribe 1',
      'subscribe 2',
      'unsubscribe 3',
      'publish 4',
      'publish retained',
      'publish behind',
    ]);
  });

  it('lets a retained message through under 3.1.1, which cannot forbid it', () => {
    const h = new EngineHarness({ version: '3.1.1' });
    h.open(request);
    h.publish('retained', { retain: true });
    expect(h.takeSentShort()).toEqual(['connect', 'publish retained']);
  });

  it('waits for CONNACK with a session to resume', () => {
    const h = new EngineHarness();
    h.open({ ...persistent, pipeline: true });
    h.publish('t');
    h.subscribe(['t']);
    expect(h.takeSentShort()).toEqual(['connect']);
  });

  it('is not sent again where it may have arrived: QoS 0 arrives once at most', () => {
    const h = new EngineHarness();
    h.open(request);
    const [a, b] = [h.publish('a'), h.publish('b')];
    h.cut();
    expect(h.take('published')).toEqual([]);
    expect([a, b].map((ticket) => h.engine.cancel(ticket, h.now))).toEqual([
      'inFlight',
      'inFlight',
    ]);
    h.takeSent();
    h.open(request);
    expect(h.takeSentShort()).toEqual(['connect']);
    expect(h.take('published')).toMatchObject([
      { ticket: a, outcome: { kind: 'failed', code: 'connectionLost' } },
      { ticket: b, outcome: { kind: 'failed', code: 'connectionLost' } },
    ]);
    h.cut();
    h.open({ ...request, fellBack: true });
    expect(h.takeSentShort()).toEqual(['connect']);
  });

  it.each([
    ['refused', (h: EngineHarness) => h.server(connack({ reasonCode: 0x84 }))],
    ['closed, and the next one speaks an older version', (h: EngineHarness) => h.cut()],
  ])('sends all of it again, in order, when the connection is %s', (name, end) => {
    const h = new EngineHarness();
    h.open(request);
    const tickets = [h.publish('a'), h.publish('b'), h.subscribe(['t'])];
    h.takeSent();
    end(h);
    expect(h.takeEvents().filter(({ type }) => type !== 'disconnected')).toEqual([]);
    h.publish('c');
    h.open({ ...request, fellBack: name !== 'refused' });
    expect(h.takeSentShort()).toEqual([
      'connect',
      'subscribe 2',
      'publish a',
      'publish b',
      'publish c',
    ]);
    h.server(connack(), suback(2, [0]));
    expect(h.takeEvents().flatMap((event) => ('ticket' in event ? [event.ticket] : []))).toEqual([
      tickets[0],
      tickets[1],
      4,
      tickets[2],
    ]);
  });

  it('counts as sent what left with a connection that the server took, though its CONNACK was wrong', () => {
    const h = new EngineHarness();
    h.open(request);
    const tickets = [h.publish('a'), h.subscribe(['t'])];
    h.server(connack({ sessionPresent: true }));
    expect(h.takeEvents()).toMatchObject([
      { ticket: tickets[0], outcome: { kind: 'sent' } },
      { ticket: tickets[1], outcome: { code: 'connectionLost' } },
      { type: 'disconnected' },
    ]);
  });

  it('fails with what CONNACK turns out to forbid, whatever the server answers then', () => {
    const h = new EngineHarness();
    h.open(request);
    const long = h.publish('long', { payload: new Uint8Array(100) });
    const short = h.publish('short');
    const wildcard = h.subscribe(['house/#']);
    const plain = h.subscribe(['t']);
    h.takeSent();
    h.server(connack({ properties: { maximumPacketSize: 50, wildcardSubscriptionAvailable: 0 } }));
    const outcomes = h.takeEvents().filter((event) => 'outcome' in event);
    expect(outcomes).toMatchObject([
      { ticket: long, outcome: { kind: 'failed', code: 'serverLimit' } },
      { ticket: short, outcome: { kind: 'sent' } },
      {
        ticket: wildcard,
        outcome: { code: 'serverLimit', message: '"house/#": the server takes no wildcards' },
      },
    ]);
    // The identifier stays taken until the server has answered.
    h.subscribe(['u']);
    expect(h.takeSentShort()).toEqual(['subscribe 3']);
    h.server(suback(1, [0]), suback(2, [0]));
    expect(h.takeEvents()).toMatchObject([
      { type: 'subscribed', ticket: plain, outcome: { kind: 'acknowledged' } },
    ]);
  });

  it('asks for what is larger than the server turns out to take no second time', () => {
    const h = new EngineHarness();
    h.open(request);
    const ticket = h.subscribe(['t'.repeat(100)]);
    h.takeSent();
    h.server(connack({ properties: { maximumPacketSize: 50 } }));
    expect(h.take('subscribed')).toMatchObject([{ ticket, outcome: { code: 'serverLimit' } }]);
    h.cut();
    expect(h.take('subscribed')).toEqual([]);
    h.open(request);
    expect(h.takeSentShort()).toEqual(['connect']);
  });

  it('keeps its identifiers when the session turns out to be new', () => {
    const h = new EngineHarness().connected();
    h.publish('t', { qos: 1 });
    h.cut();
    h.takeSent();
    h.open(request);
    h.subscribe(['t']);
    h.server(connack());
    expect(h.takeSentShort()).toEqual(['connect', 'subscribe 2', 'publish 3']);
  });
});

describe('subscribing first', () => {
  const begin = (h: EngineHarness): void => {
    h.engine.publishingMayBegin(h.now);
    h.settle();
  };

  it('keeps PUBLISH back on a new session until it may begin, and SUBSCRIBE not', () => {
    const h = new EngineHarness({ subscribeFirst: true });
    h.publish('queued', { qos: 1 });
    h.open();
    h.server(connack());
    const direct = h.publish('direct');
    h.subscribe(['t']);
    expect([direct === 0, h.takeSentShort()]).toEqual([false, ['connect', 'subscribe 1']]);
    begin(h);
    expect(h.takeSentShort()).toEqual(['publish 2', 'publish direct']);
    expect(h.publish('later')).toBe(0);
  });

  it('keeps nothing back on a session that is resumed', () => {
    const h = new EngineHarness({ subscribeFirst: true }).resumable();
    begin(h);
    h.publish('t', { qos: 1 });
    h.reconnect();
    expect(h.takeSentShort()).toEqual(['publish 1 dup']);
  });

  it('keeps back, too, what goes out again as new', () => {
    const h = new EngineHarness({ subscribeFirst: true }).resumable();
    begin(h);
    h.publish('t', { qos: 1 });
    h.reconnect(persistent, {});
    expect(h.takeSentShort()).toEqual([]);
    begin(h);
    expect(h.takeSentShort()).toEqual(['publish 2']);
  });

  it('lets QoS 0 wait for its turn where it may not wait for a connection', () => {
    const h = new EngineHarness({ subscribeFirst: true, queue: { queueQos0: false } });
    h.connected();
    const waiting = h.publish('waiting');
    h.cut();
    const late = h.publish('late');
    expect(h.take('published')).toMatchObject([
      { ticket: waiting, outcome: { code: 'connectionLost' } },
      { ticket: late, outcome: { code: 'connectionLost' } },
    ]);
  });
});

describe('QoS 2 across a breach', () => {
  it('goes on in the session on the next connection', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 2 });
    h.server(pubrec(1));
    h.server(connack());
    expect(h.closed).toBe(true);
    h.cut();
    h.takeSent();
    h.open(persistent);
    h.server(connack({ sessionPresent: true }));
    expect(h.takeSentShort()).toEqual(['connect', 'pubrel 1']);
  });
});

describe('what the server says behind our DISCONNECT', () => {
  const refusal = disconnect(0x87, { reasonString: 'no' });

  it('is told when it is a DISCONNECT that refuses, once, cut into any chunks, behind anything else', () => {
    const h = new EngineHarness().resumable();
    h.serverBytes(...h.encode(publish('t', 'x')).map((bytes) => bytes.subarray(0, 3)));
    h.disconnect();
    expect(h.takeEnd()).toEqual({ kind: 'requested' });
    const rest = h.encode(publish('t', 'x')).map((bytes) => bytes.subarray(3));
    for (const bytes of [...rest, ...h.encode(puback(1), refusal, refusal)]) {
      for (const byte of bytes) h.serverBytes(Uint8Array.of(byte));
    }
    expect(h.takeEvents()).toEqual([{ type: 'crossedDisconnect', connection: 1, packet: refusal }]);
    expect(h.takeSentShort()).toEqual(['disconnect']);
  });

  it.each([
    ['a packet that is malformed', new Uint8Array([0x00, 0x00])],
    ['a goodbye without a refusal', new Uint8Array([0xe0, 0x00])],
    ['nothing but messages', new Uint8Array([0x30, 0x04, 0, 1, 0x61, 0])],
    ['a mebibyte', Uint8Array.from({ length: 1_048_576 }, (_, at) => (at % 2 === 0 ? 0xd0 : 0))],
  ])('is looked at no further after %s, and never answered', (_what, bytes) => {
    const h = new EngineHarness().connected();
    h.disconnect();
    h.takeEvents();
    h.takeSent();
    h.serverBytes(bytes);
    const goesOn = bytes[0] === 0x30;
    h.server(refusal);
    expect(h.take('crossedDisconnect')).toHaveLength(goesOn ? 1 : 0);
    h.cut();
    expect([h.takeEvents(), h.takeSent()]).toEqual([[], []]);
  });

  it('is not looked at where the connection ended otherwise, before CONNACK, or under 3.1.1', () => {
    const breach = new EngineHarness().connected();
    breach.server(connack());
    breach.takeEvents();
    breach.server(refusal);
    expect(breach.takeEvents()).toEqual([]);
    const early = new EngineHarness();
    early.open();
    early.disconnect();
    early.takeEvents();
    early.server(refusal);
    expect(early.takeEvents()).toEqual([]);
    const old = new EngineHarness({ version: '3.1.1' }).connected();
    old.disconnect();
    old.takeEvents();
    old.serverBytes(Uint8Array.of(0xe0, 0x01, 0x87));
    old.serverBytes(Uint8Array.of(0xe0, 0x00));
    expect(old.takeEvents()).toEqual([]);
  });
});

describe('a packet that only a client sends', () => {
  it('is a protocol error', () => {
    const h = new EngineHarness().connected();
    h.server(connectPacket());
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
  });
});

describe('a server that takes no packet that matters', () => {
  it.each([3, 2, 1])(
    'is left, with DISCONNECT where that fits into %i bytes',
    (maximumPacketSize) => {
      const h = new EngineHarness();
      h.open();
      h.takeSent();
      h.server(connack({ properties: { maximumPacketSize } }));
      expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x83 });
      expect(h.takeSentShort()).toEqual(maximumPacketSize < 3 ? [] : ['disconnect 0x83']);
      expect(h.closed).toBe(true);
    },
  );
});

describe('a server that takes packets of four bytes', () => {
  it('is sent acknowledgements without a reason code', () => {
    const h = new EngineHarness().connected({}, { properties: { maximumPacketSize: 4 } });
    h.server(pubrec(9), publish('t', 'x', { qos: 1, packetIdentifier: 1 }));
    const [message] = h.take('message');
    h.acknowledge(message!.delivery, 0x83);
    expect(h.takeSentShort()).toEqual(['pubrel 9', 'puback 1']);
  });
});
