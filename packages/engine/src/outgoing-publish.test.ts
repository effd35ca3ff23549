import { describe, expect, it } from 'vitest';
import { EngineHarness, message } from '../../testkit/src/engine-harness.ts';
import { connack, puback, pubcomp, pubrec, suback } from '../../testkit/src/packet-builders.ts';
import { withNextBatch } from './request.ts';

/** What became of tickets: the code of a failure, or the server's reason code. */
function outcomes(h: EngineHarness): [number, string | number][] {
  return h
    .take('published')
    .map(({ ticket, outcome }) => [
      ticket,
      outcome.kind === 'failed'
        ? outcome.code
        : outcome.kind === 'sent'
          ? 'sent'
          : outcome.reasonCode,
    ]);
}

const types = (h: EngineHarness): string[] => h.takeOperations().map(({ type }) => type);

describe.each(['5.0', '3.1.1'] as const)('publishing, %s', (version) => {
  it('[MQTT-4.3.1-1] [MQTT-2.2.1-2] sends QoS 0 at once, without identifier and DUP, and says nothing more', () => {
    const h = new EngineHarness({ version }).connected();
    expect(h.publish('t', { payload: 'x', retain: true })).toBe(withNextBatch);
    expect(h.takeSent()).toMatchObject([
      { topic: 't', qos: 0, dup: false, retain: true, packetIdentifier: undefined },
    ]);
    expect([h.takeEvents(), h.takeOperations()]).toEqual([[], []]);
  });

  it('[MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-4.3.2-3] settles QoS 1 by PUBACK', () => {
    const h = new EngineHarness({ version }).connected();
    const ticket = h.publish('t', { qos: 1 });
    expect(h.takeSent()).toMatchObject([{ qos: 1, dup: false, packetIdentifier: 1 }]);
    expect([types(h), outcomes(h)]).toEqual([['out', 'outIdentifier'], []]);
    h.server(puback(1));
    expect([types(h), outcomes(h)]).toEqual([['outDone'], [[ticket, 0]]]);
  });

  it('[MQTT-4.3.3-1] [MQTT-4.3.3-4] [MQTT-4.3.3-5] settles QoS 2 by PUBCOMP, after PUBREC and PUBREL', () => {
    const h = new EngineHarness({ version }).connected();
    const ticket = h.publish('t', { qos: 2 });
    expect(h.takeSent()).toMatchObject([{ qos: 2, dup: false, packetIdentifier: 1 }]);
    h.takeOperations();
    h.server(pubrec(1));
    expect([h.takeSentShort(), types(h), outcomes(h)]).toEqual([['pubrel 1'], ['outReceived'], []]);
    h.server(pubcomp(1));
    expect([types(h), outcomes(h)]).toEqual([['outDone'], [[ticket, 0]]]);
  });

  it('[MQTT-2.2.1-3] uses an identifier again only after its last acknowledgement', () => {
    const queue = { maximumMessages: 100_000, maximumBytes: 1e9 };
    const h = new EngineHarness({ version, queue }).connected();
    h.publish('t', { qos: 2 });
    h.publishMany(65_534);
    expect(new Set(h.takeSentShort()).size).toBe(65_535);
    h.publish('waiting', { qos: 1 });
    h.subscribe(['waiting']);
    h.server(pubrec(1));
    expect(h.takeSentShort()).toEqual(['pubrel 1']);
    h.server(pubcomp(1));
    expect(h.takeSentShort()).toEqual(['subscribe 1']);
    h.server(puback(77));
    expect(h.takeSentShort()).toEqual(['publish 77']);
  }, 30_000);

  it('[MQTT-4.6.0-4] sends PUBREL in the order of PUBREC', () => {
    const h = new EngineHarness({ version }).connected();
    for (let count = 0; count < 3; count++) h.publish('t', { qos: 2 });
    h.takeSent();
    h.server(pubrec(3), pubrec(1), pubrec(2));
    expect(h.takeSentShort()).toEqual(['pubrel 3', 'pubrel 1', 'pubrel 2']);
  });

  it('[MQTT-4.3.3-6] answers a second PUBREC with PUBREL again', () => {
    const h = new EngineHarness({ version }).connected();
    h.publish('t', { qos: 2 });
    h.server(pubrec(1), pubrec(1), pubrec(1));
    expect(h.takeSentShort()).toEqual(['publish 1', 'pubrel 1', 'pubrel 1', 'pubrel 1']);
    expect(types(h).filter((type) => type === 'outReceived')).toHaveLength(1);
  });

  it('[MQTT-4.4.0-1] never sends again within a connection', () => {
    const h = new EngineHarness({ version }).connected({ keepAliveSeconds: 0 });
    h.publish('t', { qos: 1 });
    h.publish('t', { qos: 2 });
    h.takeSent();
    h.advance(3_600_000);
    expect(h.takeSentShort()).toEqual([]);
  });

  it('ignores acknowledgements for nothing, and reports them', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(puback(9), pubcomp(9));
    expect(h.take('unexpectedAcknowledgement')).toEqual([
      { type: 'unexpectedAcknowledgement', packetType: 4, packetIdentifier: 9 },
      { type: 'unexpectedAcknowledgement', packetType: 7, packetIdentifier: 9 },
    ]);
    expect(h.closed).toBe(false);
  });

  it('answers PUBREC for nothing with PUBREL, and takes the PUBCOMP for it whatever the identifier is now used for', () => {
    const h = new EngineHarness({ version }).connected();
    h.server(pubrec(1));
    expect(h.takeSentShort()).toEqual([version === '5.0' ? 'pubrel 1 0x92' : 'pubrel 1']);
    const ticket = h.publish('t', { qos: 1 });
    h.server(pubcomp(1), puback(1));
    expect([h.closed, outcomes(h)]).toEqual([false, [[ticket, 0]]]);
  });

  it.each([
    ['PUBACK for QoS 2', 2, puback(1)],
    ['PUBREC for QoS 1', 1, pubrec(1)],
    ['PUBCOMP for QoS 1', 1, pubcomp(1)],
    ['PUBCOMP before PUBREC', 2, pubcomp(1)],
    ['SUBACK for PUBLISH', 1, suback(1, [0])],
  ] as const)('is a protocol error: %s', (_, qos, answer) => {
    const h = new EngineHarness({ version }).connected();
    h.publish('t', { qos });
    h.takeSent();
    h.server(answer);
    expect(h.takeSentShort()).toEqual(version === '5.0' ? ['disconnect 0x82'] : []);
    expect([h.closed, h.takeEnd()]).toMatchObject([true, { kind: 'breach', reasonCode: 0x82 }]);
  });

  it('does not change a message that is not connected, and encodes it once it is', () => {
    const h = new EngineHarness({ version });
    h.open();
    h.takeSent();
    h.publish('t', { qos: 1 });
    expect(h.takeSent()).toEqual([]);
    h.server(connack());
    expect(h.takeSentShort()).toEqual(['publish 1']);
  });

  it('keeps PUBLISH back while the transport takes no more, and answers all the same', () => {
    const h = new EngineHarness({ version }).connected();
    h.publish('t', { qos: 2 });
    h.writable(false);
    h.takeSent();
    h.publish('t');
    h.publish('t', { qos: 1 });
    h.server(pubrec(1));
    h.subscribe(['t']);
    expect(h.takeSentShort()).toEqual(['pubrel 1', 'subscribe 2']);
    h.writable(true);
    expect(h.takeSentShort()).toEqual(['publish t', 'publish 3']);
  });

  it('sends no more than a batch takes, and goes on when that is written', () => {
    const h = new EngineHarness({ version }).connected();
    h.holdBatches = true;
    const payload = 'x'.repeat(15_000);
    for (let count = 0; count < 40; count++) h.publish('t', { payload });
    expect(h.engine.pendingBytes).toBeLessThan(300_000);
    expect(h.engine.queued.messages).toBeGreaterThan(15);
    h.holdBatches = false;
    h.settle();
    expect([h.takeSent().length, h.engine.queued.messages]).toEqual([40, 0]);
  });
});

describe('the window', () => {
  it("[MQTT-3.3.4-7] [MQTT-4.9.0-2] is the server's Receive Maximum, for QoS 1 and 2 together", () => {
    const h = new EngineHarness().connected({}, { properties: { receiveMaximum: 2 } });
    for (const qos of [1, 2, 1, 2] as const) h.publish('t', { qos });
    expect(h.takeSentShort()).toEqual(['publish 1', 'publish 2']);
    h.server(pubrec(2));
    expect(h.takeSentShort()).toEqual(['pubrel 2']);
    h.server(puback(1));
    expect(h.takeSentShort()).toEqual(['publish 3']);
    h.server(pubcomp(2));
    expect(h.takeSentShort()).toEqual(['publish 4']);
  });

  it('[MQTT-3.3.4-7] gets a place back from a refusal, too', () => {
    const h = new EngineHarness().connected({}, { properties: { receiveMaximum: 1 } });
    const tickets = [1, 2, 1].map((qos) => h.publish('t', { qos: qos as 1 | 2 }));
    h.server(puback(1, 0x97));
    h.server(pubrec(2, 0x87));
    expect(h.takeSentShort()).toEqual(['publish 1', 'publish 2', 'publish 3']);
    expect(outcomes(h)).toEqual([
      [tickets[0], 0x97],
      [tickets[1], 0x87],
    ]);
  });

  it('never grows, whatever acknowledgements come', () => {
    const h = new EngineHarness().connected({}, { properties: { receiveMaximum: 1 } });
    h.server(puback(7), pubcomp(8), pubrec(9, 0x80));
    for (let count = 0; count < 3; count++) h.publish('t', { qos: 1 });
    expect(h.takeSentShort()).toEqual(['publish 1']);
  });

  it('is bounded by our own bound, too', () => {
    const h = new EngineHarness({ version: '3.1.1', queue: { inFlight: 1 } }).connected();
    h.publish('t', { qos: 1 });
    h.publish('t', { qos: 1 });
    expect(h.takeSentShort()).toEqual(['publish 1']);
    h.server(puback(1));
    expect(h.takeSentShort()).toEqual(['publish 2']);
  });

  it('[MQTT-3.3.4-8] [MQTT-4.9.0-3] holds back nothing but PUBLISH of QoS 1 and 2', () => {
    const h = new EngineHarness().connected({}, { properties: { receiveMaximum: 1 } });
    h.publish('t', { qos: 2 });
    h.publish('later', { qos: 1 });
    expect(h.publish('zero')).toBe(withNextBatch);
    h.subscribe(['t']);
    h.unsubscribe(['t']);
    h.server(pubrec(1));
    h.disconnect();
    expect(h.takeSentShort()).toEqual([
      'publish 1',
      'publish zero',
      'subscribe 2',
      'unsubscribe 3',
      'pubrel 1',
      'disconnect',
    ]);
  });

  it('lets QoS 0 pass only while it is closed, and never past older QoS 0', () => {
    const h = new EngineHarness().connected({}, { properties: { receiveMaximum: 1 } });
    h.writable(false);
    for (const [topic, qos] of [
      ['a', 1],
      ['b', 0],
      ['c', 1],
      ['d', 0],
    ] as const) {
      h.publish(topic, { qos });
    }
    h.writable(true);
    expect(h.takeSent()).toMatchObject([{ topic: 'a' }, { topic: 'b' }, { topic: 'd' }]);
    h.server(puback(1));
    expect(h.takeSent()).toMatchObject([{ topic: 'c' }]);
  });
});

describe('QoS 0', () => {
  it('never overtakes older QoS 0, though a batch was taken and is not written yet', () => {
    const h = new EngineHarness().connected({}, { properties: { receiveMaximum: 1 } });
    h.holdBatches = true;
    h.publish('t', { qos: 1 });
    for (let count = 0; count < 20; count++) h.publish('large', { payload: 'x'.repeat(15_000) });
    expect(h.engine.queued.messages).toBeGreaterThan(0);
    h.engine.takeBatch();
    expect(h.publish('last')).not.toBe(withNextBatch);
  });
});

describe('the answer to a message', () => {
  it('[MQTT-4.3.3-4] [MQTT-4.4.0-2] ends QoS 2 at PUBREC of 0x80 and above: no PUBREL, identifier free', () => {
    const h = new EngineHarness().resumable();
    const ticket = h.publish('t', { qos: 2 });
    h.server(pubrec(1, 0x97, { reasonString: 'full' }));
    expect(h.takeSentShort()).toEqual(['publish 1']);
    expect(h.take('published')).toEqual([
      {
        type: 'published',
        ticket,
        outcome: {
          kind: 'acknowledged',
          reasonCode: 0x97,
          properties: { reasonString: 'full' },
          attempts: 1,
        },
      },
    ]);
    h.reconnect();
    expect(h.takeSent()).toEqual([]);
  });

  it('is unknown when PUBREC takes a message and another one refuses it, and the exchange is over', () => {
    const h = new EngineHarness().resumable();
    const ticket = h.publish('t', { qos: 2 });
    h.server(pubrec(1));
    h.takeOperations();
    h.server(pubrec(1, 0x87));
    expect(h.take('published')).toEqual([
      {
        type: 'published',
        ticket,
        outcome: {
          kind: 'failed',
          code: 'outcomeUnknown',
          message: 'the server took the message to "t", and then refused it with PUBREC 0x87',
        },
      },
    ]);
    expect(h.takeOperations()).toEqual([
      { type: 'outDone', sequence: ticket, packetIdentifier: 1, cause: 'serverLimit' },
    ]);
    expect(h.takeSentShort()).toEqual(['publish 1', 'pubrel 1']);
    h.reconnect();
    expect(h.takeSent()).toEqual([]);
  });

  it('is unknown likewise on a later connection, where PUBREL left again', () => {
    const h = new EngineHarness().resumable();
    const ticket = h.publish('t', { qos: 2 });
    h.server(pubrec(1));
    h.reconnect();
    h.server(pubrec(1, 0x80));
    expect(outcomes(h)).toEqual([[ticket, 'outcomeUnknown']]);
  });

  it('is unknown, and its identifier not used again: the server may take another message for that one', () => {
    const queue = { maximumMessages: 100_000, maximumBytes: 1e9 };
    const h = new EngineHarness({ queue }).connected();
    h.publish('t', { qos: 2 });
    h.publishMany(65_534);
    h.publish('waiting', { qos: 2 });
    h.takeSentShort();
    h.server(pubrec(1), pubrec(1, 0x87));
    expect(h.takeSentShort()).toEqual(['pubrel 1']);
    h.server(pubcomp(1));
    expect(h.closed).toBe(false);
    h.server(puback(2));
    expect(h.takeSentShort()).toEqual(['publish 2']);
  }, 30_000);

  it('takes 0x10 as success, at QoS 2 from PUBREC to PUBCOMP', () => {
    const h = new EngineHarness().connected();
    const tickets = [h.publish('t', { qos: 1 }), h.publish('t', { qos: 2 })];
    h.server(puback(1, 0x10), pubrec(2, 0x10), pubcomp(2));
    expect(h.takeSentShort()).toContain('pubrel 2');
    expect(outcomes(h)).toEqual([
      [tickets[0], 0x10],
      [tickets[1], 0x10],
    ]);
  });

  it('counts PUBCOMP 0x92 as success: PUBREC said that the message was taken', () => {
    const h = new EngineHarness().resumable();
    const ticket = h.publish('t', { qos: 2 });
    h.server(pubrec(1));
    h.reconnect();
    expect(h.takeSentShort()).toEqual(['pubrel 1']);
    h.server(pubcomp(1, 0x92));
    expect(outcomes(h)).toEqual([[ticket, 0]]);
  });

  it('does not answer a PUBREC for nothing that says the exchange is over', () => {
    const h = new EngineHarness().connected();
    h.server(pubrec(5, 0x80));
    expect(h.takeSentShort()).toEqual([]);
    expect(h.take('unexpectedAcknowledgement')).toHaveLength(1);
  });

  it('is told once, after the operation that keeps it', () => {
    const h = new EngineHarness().connected();
    const ticket = h.publish('t', { qos: 1 });
    h.server(puback(1), puback(1));
    const batch = h.batches.at(-1)!;
    expect(batch.operations).toEqual([
      { type: 'outDone', sequence: ticket, packetIdentifier: 1, reasonCode: 0, cause: undefined },
    ]);
    expect(batch.events.filter(({ type }) => type === 'published')).toHaveLength(1);
  });

  it('tells of progress once a connection', () => {
    const h = new EngineHarness().connected();
    h.publish('t', { qos: 1 });
    h.publish('t', { qos: 1 });
    h.server(puback(1), puback(2));
    expect(h.take('progress')).toEqual([{ type: 'progress', connection: 1 }]);
  });
});

describe("the server's limits", () => {
  it('[MQTT-3.2.2-11] [MQTT-3.2.2-14] [MQTT-3.2.2-15] fail a message alone, and the connection goes on', () => {
    const properties = { maximumQos: 1, retainAvailable: 0, maximumPacketSize: 40 };
    const h = new EngineHarness().connected({}, { properties });
    const refused = [
      h.publish('a', { qos: 2 }),
      h.publish('b', { retain: true }),
      h.publish('c', { payload: 'x'.repeat(40) }),
      h.publish('d', { payload: 'x'.repeat(20), properties: { contentType: 'y'.repeat(20) } }),
    ];
    h.publish('e', { qos: 1, payload: 'x'.repeat(32) });
    expect(h.takeSentShort()).toEqual(['publish 1']);
    expect(h.take('published')).toMatchObject([
      {
        ticket: refused[0],
        outcome: { code: 'serverLimit', message: expect.stringMatching(/"a".*QoS 1/) },
      },
      {
        ticket: refused[1],
        outcome: { code: 'serverLimit', message: expect.stringMatching(/"b"/) },
      },
      {
        ticket: refused[2],
        outcome: { code: 'serverLimit', message: expect.stringMatching(/46 bytes to "c".*40/) },
      },
      { ticket: refused[3], outcome: { code: 'serverLimit' } },
    ]);
    expect(h.takeOperations().filter(({ type }) => type === 'out')).toHaveLength(1);
  });

  it('bind the exact size: the largest that fits is sent', () => {
    const h = new EngineHarness().connected({}, { properties: { maximumPacketSize: 20 } });
    const fits = message('t', { payload: 'x'.repeat(14) }); // 2 + 3 + 1 + 14
    expect(h.engine.publish(fits, h.now)).toBe(withNextBatch);
    const ticket = h.publish('t', { payload: 'x'.repeat(15) });
    expect(outcomes(h)).toEqual([[ticket, 'serverLimit']]);
  });

  it('bind messages that were queued before they were known, and block nothing behind', () => {
    const h = new EngineHarness();
    const tickets = [h.publish('a', { qos: 2 }), h.publish('b', { qos: 1 })];
    h.open();
    h.server(connack({ properties: { maximumQos: 1 } }));
    expect(h.takeSentShort()).toEqual(['connect', 'publish 1']);
    expect(outcomes(h)).toEqual([[tickets[0], 'serverLimit']]);
  });
});

describe('a message that cannot be put on the wire', () => {
  it.each([0, 1, 2] as const)('fails alone at QoS %s, sent or queued', (qos) => {
    const h = new EngineHarness();
    const queued = h.publish('\ud800', { qos });
    h.open();
    h.server(connack());
    const direct = h.publish('\ud800', { qos });
    expect(outcomes(h)).toEqual([
      [queued, 'invalidArgument'],
      [direct, 'invalidArgument'],
    ]);
    h.publish('t', { qos: 1 });
    expect(h.takeSentShort().at(-1)).toMatch(/^publish [13]$/);
  });
});

describe('bytes that nobody took', () => {
  it('are lost with the transport: QoS 0 in them failed, and later bytes come in another batch', () => {
    const h = new EngineHarness().connected();
    h.writable(false);
    const ticket = h.publish('queued');
    h.holdBatches = true;
    h.writable(true);
    h.publish('direct');
    h.engine.transportClosed(h.now);
    h.holdBatches = false;
    h.settle();
    const [batch] = h.batches.slice(-2);
    expect(batch).toMatchObject({ connection: 0, bytes: [] });
    expect(batch!.events).toEqual([
      {
        type: 'published',
        ticket,
        outcome: expect.objectContaining({ kind: 'failed', code: 'connectionLost' }),
      },
    ]);
  });
});
