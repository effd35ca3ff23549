import { describe, expect, it } from 'vitest';
import { EngineHarness, persistent } from '../../testkit/src/engine-harness.ts';
import { connack, publish, pubrec, pubrel, suback } from '../../testkit/src/packet-builders.ts';

const qos1 = (packetIdentifier: number, fields = {}) =>
  publish('t', String(packetIdentifier), { qos: 1, packetIdentifier, ...fields });
const qos2 = (packetIdentifier: number, fields = {}) =>
  publish('t', String(packetIdentifier), { qos: 2, packetIdentifier, ...fields });
const deliveries = (h: EngineHarness): number[] =>
  h.take('message').map(({ delivery }) => delivery);
const types = (h: EngineHarness): string[] => h.takeOperations().map(({ type }) => type);

describe.each(['5.0', '3.1.1'] as const)('receiving, %s', (version) => {
  it('delivers QoS 0, and answers nothing', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(publish('t', 'x', { retain: true }));
    expect(h.take('message')).toEqual([
      {
        type: 'message',
        connection: 1,
        delivery: 0,
        packet: publish('t', 'x', { retain: true }),
        redelivered: false,
      },
    ]);
    h.acknowledge(0);
    expect([h.takeSent(), h.takeOperations()]).toEqual([[], []]);
  });

  it('[MQTT-3.3.4-1] [MQTT-4.3.2-4] answers QoS 1 with PUBACK when the handler has done with it', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos1(7));
    expect([deliveries(h), h.takeSent()]).toEqual([[1], []]);
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual(['puback 7']);
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual([]);
  });

  it('[MQTT-4.3.3-8] [MQTT-4.3.3-11] answers QoS 2 with PUBREC, and PUBREL with PUBCOMP', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos2(7));
    expect([deliveries(h), types(h), h.takeSent()]).toEqual([[1], ['in'], []]);
    h.acknowledge(1);
    expect([h.takeSentShort(), types(h)]).toEqual([['pubrec 7'], ['inDone']]);
    h.server(pubrel(7));
    expect([h.takeSentShort(), types(h)]).toEqual([['pubcomp 7'], ['inReleased']]);
  });

  it('[MQTT-4.3.2-5] [MQTT-4.3.3-12] takes the same identifier as a new message once it is done, whatever DUP says', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos1(7), qos2(8));
    h.acknowledge(1);
    h.acknowledge(2);
    h.server(pubrel(8), qos1(7, { dup: true }), qos2(8, { dup: true }));
    expect(deliveries(h)).toEqual([1, 2, 3, 4]);
  });

  it('[MQTT-4.3.3-10] delivers a QoS 2 message once, and answers every repetition', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos2(7), qos2(7, { dup: true }));
    expect([deliveries(h), h.takeSentShort()]).toEqual([[1], []]);
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual(['pubrec 7']);
    h.server(qos2(7, { dup: true }), qos2(7));
    expect([deliveries(h), h.takeSentShort()]).toEqual([[], ['pubrec 7', 'pubrec 7']]);
    expect(types(h).filter((type) => type === 'in')).toHaveLength(1);
  });

  it('[MQTT-4.6.0-2] sends PUBACK in the order of arrival, whatever the order of acknowledge', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos1(3), qos1(1), qos1(2));
    h.acknowledge(3);
    h.acknowledge(2);
    expect(h.takeSentShort()).toEqual([]);
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual(['puback 3', 'puback 1', 'puback 2']);
  });

  it('[MQTT-4.6.0-3] sends PUBREC in the order of arrival, and PUBACK does not wait for it', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos2(3), qos1(9), qos2(1));
    h.acknowledge(3);
    h.acknowledge(2);
    expect(h.takeSentShort()).toEqual(['puback 9']);
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual(['pubrec 3', 'pubrec 1']);
  });

  it('sends all answers of one turn in one batch', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos1(1), qos1(2), qos1(3));
    h.holdBatches = true;
    for (const delivery of [1, 2, 3]) h.acknowledge(delivery);
    h.holdBatches = false;
    h.settle();
    expect(h.batches.at(-1)!.bytes).toHaveLength(1);
    expect(h.takeSentShort()).toHaveLength(3);
  });

  it('[MQTT-4.3.3-11] answers PUBREL for nothing with PUBCOMP, each time, and reports it', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(pubrel(7), pubrel(7));
    const answer = version === '5.0' ? 'pubcomp 7 0x92' : 'pubcomp 7';
    expect(h.takeSentShort()).toEqual([answer, answer]);
    expect(h.take('unexpectedAcknowledgement')).toHaveLength(2);
  });

  it('answers PUBREL that comes before its PUBREC right behind it', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos2(7), pubrel(7));
    expect(h.takeSentShort()).toEqual([]);
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual(['pubrec 7', 'pubcomp 7']);
    h.server(qos2(7));
    expect(deliveries(h)).toEqual([1, 2]);
  });

  it('does not answer QoS 1 of an earlier connection', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos1(7));
    h.reconnect();
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual([]);
    h.server(qos1(7, { dup: true }));
    expect(deliveries(h)).toEqual([1, 2]);
    h.acknowledge(2);
    expect(h.takeSentShort()).toEqual(['puback 7']);
  });

  it('[MQTT-4.3.3-10] does not deliver QoS 2 again on a later connection, and answers there', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos2(7), qos2(8));
    h.acknowledge(1);
    h.reconnect();
    h.takeEvents();
    h.server(qos2(7, { dup: true }), qos2(8, { dup: true }));
    expect([deliveries(h), h.takeSentShort()]).toEqual([[], ['pubrec 7']]);
    h.acknowledge(2);
    expect(h.takeSentShort()).toEqual(['pubrec 8']);
  });

  it('answers what was acknowledged between connections when it comes again', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos2(7));
    h.cut();
    h.acknowledge(1);
    h.open(persistent);
    h.acknowledge(1);
    h.takeSent();
    h.server(connack({ sessionPresent: true }), qos2(7, { dup: true }));
    expect(h.takeSentShort()).toEqual(['pubrec 7']);
    h.server(pubrel(7));
    expect(h.takeSentShort()).toEqual(['pubcomp 7']);
  });

  it('does not answer on a later connection before the server asks there', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos2(7));
    h.reconnect();
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual([]);
    h.server(qos2(7, { dup: true }));
    expect(h.takeSentShort()).toEqual(['pubrec 7']);
  });

  it('takes PUBREL for a message of an earlier connection', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos2(7));
    h.acknowledge(1);
    h.reconnect();
    h.takeSent();
    h.server(pubrel(7));
    expect(h.takeSentShort()).toEqual(['pubcomp 7']);
  });

  it('takes a QoS 1 repetition before its answer as the same message', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(qos1(7), qos1(7, { dup: true }));
    expect(deliveries(h)).toEqual([1]);
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual(['puback 7']);
  });

  it.each([
    ['QoS 1 twice without DUP', qos1(7), qos1(7)],
    ['QoS 2 under the identifier of an open QoS 1', qos1(7), qos2(7)],
    ['QoS 1 under the identifier of an open QoS 2', qos2(7), qos1(7)],
  ])('is a protocol error: %s', (_, first, second) => {
    const h = new EngineHarness({ version }).connected();
    h.server(first, second);
    expect([h.closed, h.takeEnd()]).toMatchObject([true, { kind: 'breach', reasonCode: 0x82 }]);
  });

  it('takes QoS 1 under an identifier whose QoS 2 message the server did not take up again', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos2(7));
    h.acknowledge(1);
    h.reconnect();
    h.takeOperations();
    h.server(qos1(7));
    expect([deliveries(h), types(h)]).toEqual([[1, 2], ['inReleased']]);
    h.acknowledge(2);
    expect(h.takeSentShort()).toEqual(['puback 7']);
    h.server(qos2(7));
    expect(deliveries(h)).toEqual([3]);
  });
});

describe('refusing a message', () => {
  it('says so in PUBACK and PUBREC, and is done with it', () => {
    const h = new EngineHarness().connected();
    h.server(qos1(1), qos2(2));
    h.takeOperations();
    h.acknowledge(1, 0x87);
    h.acknowledge(2, 0x99);
    expect(h.takeSentShort()).toEqual(['puback 1 0x87', 'pubrec 2 0x99']);
    expect(types(h)).toEqual(['inDone', 'inReleased']);
    h.server(qos2(2)); // [MQTT-4.3.3-9]
    expect(deliveries(h)).toEqual([1, 2, 3]);
  });

  it('is a plain acknowledgement under 3.1.1, which knows no other', () => {
    const h = new EngineHarness({ version: '3.1.1' }).connected();
    h.server(qos1(1), qos2(2));
    h.acknowledge(1, 0x87);
    h.acknowledge(2, 0x99);
    expect(h.takeSentShort()).toEqual(['puback 1', 'pubrec 2']);
    h.server(qos2(2, { dup: true }));
    expect([deliveries(h), h.takeSentShort()]).toEqual([[1, 2], ['pubrec 2']]);
  });

  it('[MQTT-3.4.2-1] throws for a code that PUBACK cannot carry', () => {
    const h = new EngineHarness().connected();
    h.server(qos1(1));
    expect(() => h.acknowledge(1, 0x10)).toThrow(RangeError);
    expect(() => h.acknowledge(1, 5)).toThrow(/reason code 5/);
    h.acknowledge(1);
    expect(h.takeSentShort()).toEqual(['puback 1']);
  });
});

describe('our Receive Maximum', () => {
  const own = (receiveMaximum: number, more = {}) => ({ properties: { receiveMaximum, ...more } });

  it('[MQTT-3.3.4-9] is enforced over QoS 1 and 2 together with 0x93', () => {
    const h = new EngineHarness().connected(own(2));
    h.server(qos1(1), qos2(2), publish('t'), qos1(3), publish('after'));
    expect(deliveries(h)).toEqual([1, 2, 0]);
    expect(h.takeSentShort()).toEqual(['disconnect 0x93']);
    expect(h.closed).toBe(true);
  });

  it('holds a QoS 1 place until PUBACK and a QoS 2 place until PUBCOMP', () => {
    const h = new EngineHarness().connected(own(2));
    h.server(qos1(1), qos2(2));
    h.acknowledge(1);
    h.acknowledge(2);
    h.server(qos1(3), pubrel(2), qos1(4));
    expect(h.closed).toBe(false);
    h.server(qos1(5));
    expect(h.closed).toBe(true);
  });

  it('gives a place back with PUBREC of 0x80 and above', () => {
    const h = new EngineHarness().connected(own(1));
    h.server(qos2(1));
    h.acknowledge(1, 0x80);
    h.server(qos2(2));
    expect(h.closed).toBe(false);
  });

  it('counts a repetition once, and anew on each connection', () => {
    const h = new EngineHarness().resumable();
    h.reconnect({ cleanStart: false, ...own(1, { sessionExpiryInterval: 1000 }) });
    h.server(qos2(1), qos2(1, { dup: true }));
    h.reconnect({ cleanStart: false, ...own(1, { sessionExpiryInterval: 1000 }) });
    h.server(qos2(1, { dup: true }), qos2(1, { dup: true }));
    expect(h.closed).toBe(false);
    h.server(qos1(9));
    expect(h.closed).toBe(true);
  });

  it('grants what a server gains by PUBCOMP for an exchange of an earlier connection (4.9)', () => {
    const h = new EngineHarness().resumable();
    const request = { cleanStart: false, ...own(1, { sessionExpiryInterval: 1000 }) };
    h.server(qos2(1));
    h.acknowledge(1);
    h.reconnect(request);
    h.server(pubrel(1), qos1(2), qos1(3));
    expect(h.closed).toBe(false);
    h.server(pubrel(5), qos1(4));
    expect(h.closed).toBe(true);
  });

  it('is no matter of breach under 3.1.1, which could not say it: the inbox is full', () => {
    const h = new EngineHarness({ version: '3.1.1' }).connected(own(2));
    h.server(qos1(1));
    expect(h.engine.inboxFull).toBe(false);
    h.server(qos1(2), qos1(3));
    expect([h.closed, h.engine.inboxFull]).toEqual([false, true]);
    h.acknowledge(1);
    h.acknowledge(2);
    expect(h.engine.inboxFull).toBe(false);
  });
});

describe('the inbox', () => {
  it('is full at its bound of messages or of bytes that no handler has done with', () => {
    const h = new EngineHarness({ inbox: { maximumMessages: 3, maximumBytes: 20 } }).connected();
    h.server(qos1(1), qos2(2));
    expect(h.engine.inboxFull).toBe(false);
    h.server(publish('t', 'x'.repeat(20), { qos: 1, packetIdentifier: 3 }));
    expect(h.engine.inboxFull).toBe(true);
    h.acknowledge(3);
    expect(h.engine.inboxFull).toBe(false);
    h.server(qos1(4));
    expect(h.engine.inboxFull).toBe(true);
    h.acknowledge(2); // PUBREC waits for no one here, and PUBCOMP does not matter.
    expect(h.engine.inboxFull).toBe(false);
  });
});

describe('acknowledging by commit', () => {
  const options = { acknowledgeAfter: 'commit' } as const;

  it('answers in the batch that stores the message, and tells the store when the handler is done', () => {
    const h = new EngineHarness(options).resumable();
    h.server(qos1(1), qos2(2));
    const batch = h.batches.at(-1)!;
    expect(batch.operations.map(({ type }) => type)).toEqual(['in', 'in']);
    expect(batch.events).toHaveLength(3); // With `progress`.
    expect(h.takeSentShort()).toEqual(['puback 1', 'pubrec 2']);
    h.takeOperations();
    h.acknowledge(1);
    h.acknowledge(2, 0x80); // Too late to refuse.
    expect([h.takeSentShort(), h.takeOperations()]).toEqual([
      [],
      [
        { type: 'inDone', delivery: 1 },
        { type: 'inDone', delivery: 2 },
      ],
    ]);
  });

  it('stores the absolute topic, without alias', () => {
    const h = new EngineHarness(options).connected({ properties: { topicAliasMaximum: 1 } });
    h.server(
      publish('topic', 'x', { properties: { topicAlias: 1 } }),
      publish('', 'y', { qos: 1, properties: { topicAlias: 1, contentType: 'c' } }),
    );
    expect(h.takeOperations()).toMatchObject([
      { type: 'in', message: { topic: 'topic', properties: { contentType: 'c' } } },
    ]);
    expect(JSON.stringify(h.committed)).not.toContain('topicAlias');
  });

  it('takes nothing in while the inbox is full, and goes on in order when there is room', () => {
    const h = new EngineHarness({ ...options, inbox: { maximumMessages: 1 } }).resumable();
    h.server(qos1(1), qos2(2), qos1(3), qos2(2, { dup: true }));
    expect([deliveries(h), h.takeSentShort(), types(h)]).toEqual([[1], ['puback 1'], ['in']]);
    h.acknowledge(1);
    expect([deliveries(h), h.takeSentShort(), types(h)]).toEqual([
      [2],
      ['pubrec 2'],
      ['inDone', 'in'],
    ]);
    h.acknowledge(2);
    expect([deliveries(h), h.takeSentShort()]).toEqual([[3], ['puback 3']]);
  });

  it('forgets with the connection what it had not taken in', () => {
    const h = new EngineHarness({ ...options, inbox: { maximumMessages: 1 } }).resumable();
    h.server(qos2(1), qos2(2));
    h.reconnect();
    h.takeEvents();
    h.acknowledge(1);
    h.server(qos2(2, { dup: true }));
    expect(deliveries(h)).toEqual([2]);
  });

  it('answers at once what comes again after a restart, and hands over what was not done', () => {
    const h = new EngineHarness(options).resumable();
    h.server(qos1(1), qos2(2));
    const next = new EngineHarness(options);
    next.engine.restore(h.committed, next.now);
    next.settle();
    expect(deliveries(next)).toEqual([1, 2]);
    next.connected(persistent, { sessionPresent: true });
    next.server(qos2(2, { dup: true }), pubrel(2));
    expect([deliveries(next), next.takeSentShort()]).toEqual([[], ['pubrec 2', 'pubcomp 2']]);
    next.acknowledge(1);
    next.acknowledge(2);
    expect(types(next)).toEqual(['inReleased', 'inDone', 'inDone']);
    next.server(qos1(5));
    expect(deliveries(next)).toEqual([3]);
  });
});

describe('progress', () => {
  it('is a message that is neither retained nor part of a SUBACK exchange', () => {
    const h = new EngineHarness().connected();
    h.server(publish('t', '', { retain: true }));
    h.subscribe(['t']);
    h.server(publish('t'), suback(1, [0]));
    expect(h.take('progress')).toEqual([]);
    h.server(publish('t'), publish('t'));
    expect(h.take('progress')).toHaveLength(1);
  });

  it('is an acknowledgement that fits, and no other', () => {
    const h = new EngineHarness().connected();
    h.server(pubrec(4), pubrel(4));
    expect(h.take('progress')).toEqual([]);
    h.publish('t', { qos: 2 });
    h.server(pubrec(1));
    expect(h.take('progress')).toHaveLength(1);
  });
});

describe.each(['5.0', '3.1.1'] as const)('a message that is to be settled first, %s', (version) => {
  const settle = (h: EngineHarness, delivery: number, reasonCode = 0): void => {
    h.engine.acknowledge(delivery, reasonCode, h.now, true);
    h.settle();
  };
  const settled = (h: EngineHarness): [number, boolean][] =>
    h.take('settled').map(({ delivery, again }) => [delivery, again]);

  it('is told in the batch that carries its answer, not before those of earlier messages', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos1(1), qos1(2), qos2(3), qos2(4));
    h.takeEvents();
    h.takeOperations();
    settle(h, 2);
    settle(h, 4);
    expect([settled(h), h.takeSentShort(), types(h)]).toEqual([[], [], []]);
    h.acknowledge(1);
    h.acknowledge(3);
    expect(h.takeSentShort()).toEqual(['puback 1', 'puback 2', 'pubrec 3', 'pubrec 4']);
    expect(settled(h)).toEqual([
      [2, false],
      [4, false],
    ]);
    expect(types(h)).toEqual(['inDone', 'inDone']);
    const { events, operations, bytes } = h.batches.at(-1)!;
    expect(events).toContainEqual({ type: 'settled', delivery: 4, again: false });
    expect(operations).toContainEqual({ type: 'inDone', delivery: 4 });
    expect(bytes).toHaveLength(1);
  });

  it('is as it was when the connection ends before its answer', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos1(1), qos1(2), qos2(3), qos2(4));
    settle(h, 2);
    settle(h, 4);
    h.takeEvents();
    h.cut();
    expect(settled(h)).toEqual([
      [2, true],
      [4, true],
    ]);
    settle(h, 4);
    expect(settled(h)).toEqual([[4, true]]);
    expect(types(h)).not.toContain('inDone');
    h.reconnect();
    h.takeEvents();
    settle(h, 2);
    expect(settled(h)).toEqual([[2, true]]);
    h.server(qos2(4, { dup: true }));
    // Nobody has seen it: the repetition is handed over, and no further one.
    expect([deliveries(h), h.takeSentShort()]).toEqual([[4], []]);
    h.server(qos2(4, { dup: true }));
    expect(deliveries(h)).toEqual([]);
    settle(h, 4);
    expect([h.takeSentShort(), settled(h)]).toEqual([['pubrec 4'], [[4, false]]]);
  });

  it('is settled by the server when that has forgotten it', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos1(1), qos2(2));
    h.reconnect(persistent, {});
    h.server(qos2(2));
    h.takeEvents();
    settle(h, 1);
    settle(h, 2);
    expect(settled(h)).toEqual([
      [1, false],
      [2, false],
    ]);
    expect([h.takeSent(), types(h).filter((type) => type === 'inDone')]).toEqual([[], ['inDone']]);
  });

  it('is settled by PUBREL, which says that the server has given it up', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(qos2(1), qos2(2));
    h.reconnect();
    settle(h, 2);
    h.takeEvents();
    h.server(pubrel(2));
    expect([settled(h), h.takeSentShort()]).toEqual([[[2, false]], ['pubcomp 2']]);
    h.acknowledge(2);
    expect(types(h).filter((type) => type === 'inDone')).toHaveLength(1);
  });

  it('is settled by the commit where that is answered for, connected or not', () => {
    const h = new EngineHarness({ version, acknowledgeAfter: 'commit' }).resumable();
    h.server(qos1(1), qos2(2), qos2(3));
    h.takeEvents();
    settle(h, 2);
    h.cut();
    settle(h, 1);
    h.holdBatches = true;
    settle(h, 3);
    expect(settled(h)).toEqual([
      [2, false],
      [1, false],
    ]);
    h.holdBatches = false;
    h.settle();
    expect(settled(h)).toEqual([[3, false]]);
    expect(types(h).slice(-3)).toEqual(['inDone', 'inDone', 'inDone']);
  });
});

describe('the numbers of received messages', () => {
  it('begin where they are told to, or behind those that the store holds', () => {
    const h = new EngineHarness({ firstDelivery: 5_000 }).connected();
    h.server(qos1(1), qos1(2));
    expect(deliveries(h)).toEqual([5_000, 5_001]);
    for (const [firstDelivery, next] of [
      [5_000, 7_001],
      [9_000, 9_000],
    ] as const) {
      const restored = new EngineHarness({ firstDelivery });
      restored.engine.restore([{ type: 'inDone', delivery: 7_000 }], restored.now);
      restored.connected();
      restored.server(qos1(1));
      expect(deliveries(restored)).toEqual([next]);
    }
  });
});
