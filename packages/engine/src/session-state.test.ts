import type { PublishPacket } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { EngineHarness, persistent } from '../../testkit/src/engine-harness.ts';
import {
  connack,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  suback,
} from '../../testkit/src/packet-builders.ts';
import type { SessionOperation } from './session-operation.ts';

const outcomes = (h: EngineHarness): [number, string | number][] =>
  h
    .take('published')
    .map(({ ticket, outcome }) => [
      ticket,
      outcome.kind === 'failed'
        ? outcome.code
        : outcome.kind === 'sent'
          ? 'sent'
          : outcome.reasonCode,
    ]);

/** A further process that starts from what an earlier one committed. */
function restarted(h: EngineHarness, options: ConstructorParameters<typeof EngineHarness>[0] = {}) {
  const next = new EngineHarness({ version: h.version, ...options });
  next.engine.restore(h.committed, next.now);
  next.settle();
  return next;
}

describe.each(['5.0', '3.1.1'] as const)('a resumed session, %s', (version) => {
  it('[MQTT-4.4.0-1] [MQTT-3.3.1-1] sends unacknowledged PUBLISH again with DUP and the same identifier', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('t', { payload: 'x', qos: 1, retain: true });
    h.reconnect();
    expect(h.takeSent()).toMatchObject([
      { topic: 't', qos: 1, retain: true, dup: true, packetIdentifier: 1 },
    ]);
    h.server(puback(1));
    expect(h.take('published')).toMatchObject([{ outcome: { reasonCode: 0, attempts: 2 } }]);
  });

  it('[MQTT-4.6.0-1] [MQTT-4.3.3-6] sends everything in the original order, PUBREL in the place of its message', () => {
    const h = new EngineHarness({ version }).resumable();
    for (const qos of [1, 2, 2, 1, 2] as const) h.publish('t', { qos });
    h.server(pubrec(2));
    h.reconnect();
    expect(h.takeSentShort()).toEqual([
      'publish 1 dup',
      'pubrel 2',
      'publish 3 dup',
      'publish 4 dup',
      'publish 5 dup',
    ]);
  });

  it('[MQTT-4.6.0-4] keeps PUBREL in the order of PUBREC even where that was not the order of PUBLISH', () => {
    const h = new EngineHarness({ version }).resumable();
    for (let count = 0; count < 3; count++) h.publish('t', { qos: 2 });
    h.server(pubrec(3), pubrec(1));
    h.reconnect();
    expect(h.takeSentShort()).toEqual(['pubrel 3', 'publish 2 dup', 'pubrel 1']);
  });

  it('sends again before anything newer, and takes new messages meanwhile', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('old', { qos: 1 });
    h.cut();
    h.takeSent();
    h.publish('offline', { qos: 1 });
    h.open(persistent);
    h.publish('connecting', { qos: 1 });
    h.server(connack({ sessionPresent: true }));
    h.publish('connected', { qos: 1 });
    expect(h.takeSent().slice(1)).toMatchObject([
      { topic: 'old', dup: true, packetIdentifier: 1 },
      { topic: 'offline', dup: false, packetIdentifier: 2 },
      { topic: 'connecting', dup: false, packetIdentifier: 3 },
      { topic: 'connected', dup: false, packetIdentifier: 4 },
    ]);
  });

  it('sends again on each further connection, and what was acknowledged never', () => {
    const h = new EngineHarness({ version }).resumable();
    h.publish('t', { qos: 1 });
    h.publish('t', { qos: 2 });
    h.server(puback(1));
    h.reconnect();
    expect(h.takeSentShort()).toEqual(['publish 2 dup']);
    h.server(pubrec(2));
    h.reconnect();
    expect(h.takeSentShort()).toEqual(['pubrel 2']);
    h.server(pubcomp(2));
    h.reconnect();
    expect(h.takeSentShort()).toEqual([]);
  });

  it('sends again what was encoded and never taken: it may have been sent for all it knows', () => {
    const h = new EngineHarness({ version }).resumable();
    h.holdBatches = true;
    h.publish('t', { qos: 1 });
    h.engine.transportClosed(h.now);
    h.holdBatches = false;
    h.open(persistent);
    h.takeSent();
    h.server(connack({ sessionPresent: true }));
    expect(h.takeSentShort()).toEqual(['publish 1 dup']);
  });

  it('[MQTT-4.3.3-7] sends again whatever Message Expiry Interval says', () => {
    const h = new EngineHarness({ version }).resumable();
    h.cut();
    h.publish('t', { qos: 1, properties: { messageExpiryInterval: 5 } });
    h.advance(2000);
    h.reconnect();
    const [first] = h.takeSent() as PublishPacket[];
    h.advance(10_000);
    h.reconnect();
    expect(h.takeSent()).toEqual([{ ...first, dup: true }]);
    expect(first!.properties).toEqual(version === '5.0' ? { messageExpiryInterval: 3 } : {});
    expect(outcomes(h)).toEqual([]);
  });

  it('can have all 65,535 identifiers in flight', () => {
    const queue = { maximumMessages: 100_000, maximumBytes: 1e9 };
    const h = new EngineHarness({ version, queue, recordOperations: false }).resumable();
    h.publishMany(65_535);
    h.reconnect();
    expect(new Set(h.takeSentShort()).size).toBe(65_535);
  }, 30_000);
});

describe('a resumed session', () => {
  it('[MQTT-3.3.4-7] stays within the Receive Maximum of the new connection, PUBREL apart', () => {
    const h = new EngineHarness().resumable();
    for (const qos of [2, 1, 1, 2] as const) h.publish('t', { qos });
    h.publish('newer', { qos: 1 });
    h.server(pubrec(1), pubrec(4));
    h.reconnect(persistent, { sessionPresent: true, properties: { receiveMaximum: 3 } });
    expect(h.takeSentShort()).toEqual(['pubrel 1', 'publish 2 dup', 'pubrel 4']);
    h.server(pubcomp(1));
    expect(h.takeSentShort()).toEqual(['publish 3 dup']);
    h.server(pubcomp(4));
    expect(h.takeSentShort()).toEqual(['publish 5 dup']);
  });

  it('lets the window be filled by PUBREL alone', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 2 });
    h.publish('t', { qos: 2 });
    h.server(pubrec(1), pubrec(2));
    h.reconnect(persistent, { sessionPresent: true, properties: { receiveMaximum: 1 } });
    h.publish('newer', { qos: 1 });
    expect(h.takeSentShort()).toEqual(['pubrel 1', 'pubrel 2']);
    h.server(pubcomp(1));
    expect(h.takeSentShort()).toEqual([]);
    h.server(pubcomp(2));
    expect(h.takeSentShort()).toEqual(['publish 3']);
  });

  it('takes the new limits: what no longer fits fails alone, and its identifier stays retired', () => {
    const queue = { maximumMessages: 100_000, maximumBytes: 1e9 };
    const h = new EngineHarness({ queue }).resumable();
    const tickets = [
      h.publish('a', { qos: 2 }),
      h.publish('b', { qos: 1, retain: true }),
      h.publish('c', { qos: 1, payload: 'x'.repeat(50) }),
      h.publish('d', { qos: 1 }),
    ];
    h.takeOperations();
    const properties = { maximumQos: 1, retainAvailable: 0, maximumPacketSize: 40 };
    h.reconnect(persistent, { sessionPresent: true, properties });
    expect(h.takeSentShort()).toEqual(['publish 4 dup']);
    expect(h.takeOperations()).toMatchObject([
      { type: 'outDone', packetIdentifier: 1, reasonCode: undefined, cause: 'serverLimit' },
      { type: 'outDone', packetIdentifier: 2 },
      { type: 'outDone', packetIdentifier: 3 },
    ]);
    expect(outcomes(h)).toEqual(tickets.slice(0, 3).map((ticket) => [ticket, 'serverLimit']));
    h.server(puback(4), puback(2));
    h.publishMany(65_532);
    const used = h.takeSentShort();
    for (const retired of [1, 2, 3]) expect(used).not.toContain(`publish ${retired}`);

    const next = restarted(h);
    next.reconnect();
    next.publish('t', { qos: 1 });
    expect(next.takeSentShort()).not.toContain('publish 1');
  }, 30_000);

  it('still sends PUBREL for a message that would no longer fit', () => {
    const h = new EngineHarness().resumable();
    const ticket = h.publish('a', { qos: 2 });
    h.server(pubrec(1));
    h.reconnect(persistent, { sessionPresent: true, properties: { maximumQos: 0 } });
    expect(h.takeSentShort()).toEqual(['pubrel 1']);
    h.server(pubcomp(1));
    expect(outcomes(h)).toEqual([[ticket, 0]]);
  });

  it('lets nothing newer pass what is still to be sent again, though a batch was taken', () => {
    const h = new EngineHarness().resumable();
    for (let count = 0; count < 30; count++)
      h.publish('t', { qos: 1, payload: 'x'.repeat(15_000) });
    h.cut();
    h.open(persistent);
    h.holdBatches = true;
    h.server(connack({ sessionPresent: true }));
    h.engine.takeBatch();
    h.publish('newer', { qos: 1 });
    expect([h.engine.pendingBytes, h.engine.queued.messages]).toEqual([0, 1]);
  });

  it('takes an acknowledgement for what it has not sent again yet', () => {
    const h = new EngineHarness().resumable();
    for (let count = 0; count < 3; count++) h.publish('t', { qos: 1 });
    h.reconnect(persistent, { sessionPresent: true, properties: { receiveMaximum: 1 } });
    h.server(puback(2)); // It held no place here, so it gives none back.
    expect(h.takeSentShort()).toEqual(['publish 1 dup']);
    h.server(puback(1));
    expect(h.takeSentShort()).toEqual(['publish 3 dup']);
  });
});

describe.each(['5.0', '3.1.1'] as const)('a session that the server forgot, %s', (version) => {
  function lose(h: EngineHarness): void {
    h.takeOperations();
    h.reconnect(persistent, { sessionPresent: false });
  }

  it('[MQTT-3.2.2-5] sends QoS 1 again as a new message: new identifier, no DUP', () => {
    const h = new EngineHarness({ version }).resumable();
    const ticket = h.publish('t', { qos: 1 });
    lose(h);
    expect(h.takeSentShort()).toEqual(['publish 2']);
    expect(h.takeOperations()).toEqual([
      { type: 'reset', storeEpoch: 1, cause: 'sessionLost' },
      expect.objectContaining({ type: 'session', standing: 'established', storeEpoch: 1 }),
      { type: 'outIdentifier', sequence: ticket, packetIdentifier: 2 },
    ]);
    h.server(puback(2));
    expect(h.take('published')).toMatchObject([
      { ticket, outcome: { reasonCode: 0, attempts: 2 } },
    ]);
  });

  it('never sends PUBREL: what had PUBREC counts as delivered', () => {
    const h = new EngineHarness({ version }).resumable();
    const ticket = h.publish('t', { qos: 2 });
    h.server(pubrec(1));
    lose(h);
    expect(h.takeSentShort()).toEqual([]);
    expect(h.takeOperations()[0]).toEqual({
      type: 'outDone',
      sequence: ticket,
      packetIdentifier: 1,
      reasonCode: undefined,
      cause: 'assumedDelivered',
    });
    expect(outcomes(h)).toEqual([[ticket, 0]]);
  });

  it('sends QoS 2 again as new, or rejects it, by policy', () => {
    for (const lostSessionQos2 of ['resend', 'reject'] as const) {
      const h = new EngineHarness({ version, lostSessionQos2 }).resumable();
      const ticket = h.publish('t', { qos: 2 });
      lose(h);
      const resent = lostSessionQos2 === 'resend';
      expect(h.takeSentShort()).toEqual(resent ? ['publish 2'] : []);
      expect(outcomes(h)).toEqual(resent ? [] : [[ticket, 'sessionLost']]);
    }
  });

  it('says so once, with what became of the messages', () => {
    const h = new EngineHarness({ version, lostSessionQos2: 'reject' }).resumable();
    for (const qos of [1, 2, 2, 1, 0] as const) h.publish('t', { qos });
    h.server(pubrec(2));
    lose(h);
    expect(h.take('sessionLost')).toEqual([
      { type: 'sessionLost', resent: 2, assumedDelivered: 1, rejected: 1 },
    ]);
  });

  it('sends what was sent before in its order, and before what waits', () => {
    const h = new EngineHarness({ version }).resumable();
    for (const topic of ['a', 'b', 'c']) h.publish(topic, { qos: 1 });
    h.cut();
    h.publish('d', { qos: 1 });
    lose(h);
    expect(h.takeSent()).toMatchObject(
      ['a', 'b', 'c', 'd'].map((topic) => ({ topic, dup: false })),
    );
  });

  it('forgets the identifiers of received messages: the same one is a new message', () => {
    const h = new EngineHarness({ version }).resumable();
    h.server(publish('t', '', { qos: 2, packetIdentifier: 5 }));
    h.takeEvents();
    lose(h);
    h.server(publish('t', '', { qos: 2, packetIdentifier: 5 }));
    expect(h.take('message')).toHaveLength(1);
    h.acknowledge(1); // The first one's handler has no server to answer.
    expect(h.takeSent()).toEqual([]);
    h.acknowledge(2);
    expect(h.takeSentShort()).toEqual(['pubrec 5']);
  });

  it('gives all identifiers back, those of messages that no longer fit among them', () => {
    const queue = { maximumMessages: 100_000, maximumBytes: 1e9 };
    const h = new EngineHarness({ version, queue, recordOperations: false }).resumable();
    h.publishMany(65_535);
    lose(h);
    expect(new Set(h.takeSentShort()).size).toBe(65_535);
  }, 30_000);

  it('keeps what it has to send as new while the connection is lost again', () => {
    const h = new EngineHarness({ version, queue: { inFlight: 1 } }).resumable();
    h.publish('a', { qos: 1 });
    h.cut();
    h.publish('b', { qos: 1 });
    lose(h);
    h.reconnect();
    expect(h.takeSentShort()).toEqual(['publish 2 dup']);
    h.server(puback(2));
    expect(h.takeSentShort()).toEqual(['publish 3']);
  });
});

describe('a session that is expected to be new', () => {
  it('[MQTT-3.1.2-4] [MQTT3-3.1.2-6] drops the old one, sends what is ours as new, and says nothing', () => {
    for (const version of ['5.0', '3.1.1'] as const) {
      const h = new EngineHarness({ version }).connected();
      h.publish('t', { qos: 1 });
      h.reconnect({ cleanStart: true }, {});
      expect(h.takeSentShort()).toEqual(['publish 2']);
      expect(h.take('sessionLost')).toEqual([]);
    }
  });

  it('[MQTT-3.1.2-23] is not missed when it had ended with its connection', () => {
    const h = new EngineHarness().connected({ cleanStart: true });
    h.reconnect({ cleanStart: false }, {});
    expect(h.take('sessionLost')).toEqual([]);
  });

  it('[MQTT-3.1.2-23] is not missed when it had expired', () => {
    const h = new EngineHarness().resumable();
    h.cut();
    h.advance(1_000_001);
    h.open(persistent);
    h.server(connack());
    expect(h.take('sessionLost')).toEqual([]);
  });

  it('is missed when it had not expired', () => {
    const h = new EngineHarness().resumable();
    h.cut();
    h.advance(999_000);
    h.open(persistent);
    h.server(connack());
    expect(h.take('sessionLost')).toHaveLength(1);
  });

  it('goes by the expiry that CONNACK granted, and by the one that DISCONNECT set', () => {
    const granted = new EngineHarness().resumable({ properties: { sessionExpiryInterval: 5 } });
    granted.cut();
    granted.advance(6000);
    granted.open(persistent);
    granted.server(connack());
    expect(granted.take('sessionLost')).toEqual([]);

    const ended = new EngineHarness().resumable();
    ended.disconnect(0, { sessionExpiryInterval: 0 });
    ended.cut();
    ended.open(persistent);
    ended.server(connack());
    expect(ended.take('sessionLost')).toEqual([]);
  });
});

describe('a session of the server that we know nothing of', () => {
  it('[MQTT-3.2.2-4] ends the connection with 0x82', () => {
    const h = new EngineHarness();
    h.open(persistent);
    h.server(connack({ sessionPresent: true }));
    expect(h.takeSentShort()).toEqual(['connect', 'disconnect 0x82']);
    expect([h.closed, h.takeEnd()]).toEqual([true, { kind: 'foreignSession' }]);
  });

  it('ends the connection under 3.1.1, too, without a word', () => {
    const h = new EngineHarness({ version: '3.1.1' });
    h.open(persistent);
    h.server(connack({ sessionPresent: true }));
    expect(h.takeSentShort()).toEqual(['connect']);
    expect(h.takeEnd()).toEqual({ kind: 'foreignSession' });
  });

  it('[MQTT-3.2.2-2] is a protocol error where CONNECT asked for a new one', () => {
    const h = new EngineHarness({ foreignSession: 'adopt' });
    h.open({ cleanStart: true });
    h.server(connack({ sessionPresent: true }));
    expect(h.takeSentShort()).toEqual(['connect', 'disconnect 0x82']);
    expect(h.takeEnd()).toMatchObject({ kind: 'breach', reasonCode: 0x82 });
  });

  it('includes one whose first CONNACK never came', () => {
    const h = new EngineHarness();
    h.open(persistent);
    h.cut();
    h.open(persistent);
    h.takeEvents();
    h.server(connack({ sessionPresent: true }));
    expect(h.takeEnd()).toEqual({ kind: 'foreignSession' });
    const next = restarted(h);
    next.open(persistent);
    next.server(connack({ sessionPresent: true }));
    expect(next.takeEnd()).toEqual({ kind: 'foreignSession' });
  });

  it('includes one under another name or at another server', () => {
    for (const other of [{ clientId: 'other' }, { serverKey: 'other' }]) {
      const h = new EngineHarness().resumable();
      h.cut();
      h.takeEvents();
      h.open({ ...persistent, ...other });
      h.server(connack({ sessionPresent: true }));
      expect(h.takeEnd()).toEqual({ kind: 'foreignSession' });
    }
  });

  it('is adopted by policy: its messages come, QoS 2 publishing is refused, and it is known from then on', () => {
    const h = new EngineHarness({ foreignSession: 'adopt' });
    const queued = h.publish('t', { qos: 2 });
    h.open(persistent);
    h.server(
      connack({ sessionPresent: true }),
      publish('t', '', { qos: 1, packetIdentifier: 3 }),
      pubrel(4),
    );
    const events = h.takeEvents();
    expect(events.filter(({ type }) => type === 'message')).toHaveLength(1);
    expect(events).toContainEqual({
      type: 'published',
      ticket: queued,
      outcome: expect.objectContaining({ code: 'serverLimit' }),
    });
    expect(h.takeSentShort()).toEqual(['connect', 'pubcomp 4 0x92']);
    h.publish('t', { qos: 1 });
    expect(h.takeSentShort()).toEqual(['publish 1']);
    h.reconnect();
    expect(h.takeSentShort()).toEqual(['publish 1 dup']);
    h.publish('t', { qos: 2 });
    expect(outcomes(h)).toMatchObject([[3, 'serverLimit']]);

    const next = restarted(h);
    next.reconnect();
    expect(next.takeSentShort()).toEqual(['publish 1 dup']);
    next.publish('t', { qos: 2 });
    expect(outcomes(next)).toMatchObject([[3, 'serverLimit']]);
  });

  it('is a new one again for QoS 2 when the server has forgotten the adopted one', () => {
    const h = new EngineHarness({ foreignSession: 'adopt' });
    h.open(persistent);
    h.server(connack({ sessionPresent: true }));
    h.reconnect(persistent, {});
    h.publish('t', { qos: 2 });
    expect(h.takeSentShort()).toEqual(['publish 1']);
  });
});

describe('operations', () => {
  it('say `session` before CONNECT with clean start 0, and that it is established with CONNACK', () => {
    const h = new EngineHarness();
    h.open(persistent);
    const batch = h.batches.at(-1)!;
    expect(batch.operations).toEqual([
      {
        type: 'session',
        clientId: 'client',
        serverKey: 'server',
        storeEpoch: 0,
        version: '5.0',
        standing: 'requested',
      },
    ]);
    expect(batch.bytes).toHaveLength(1);
    h.takeOperations();
    h.server(connack());
    expect(h.takeOperations()).toMatchObject([{ type: 'session', standing: 'established' }]);
    h.reconnect();
    expect(h.takeOperations()).toEqual([]);
  });

  it('[MQTT-3.1.3-2] name the session by the identifier that the server assigned', () => {
    const h = new EngineHarness();
    h.open({ ...persistent, clientId: '' });
    h.server(connack({ properties: { assignedClientIdentifier: 'made-up' } }));
    expect(h.takeOperations().at(-1)).toMatchObject({ type: 'session', clientId: 'made-up' });
    h.publish('t', { qos: 1 });
    h.reconnect({ ...persistent, clientId: 'made-up' });
    expect(h.takeSentShort()).toEqual(['publish 1 dup']);
  });

  it('are in the batch of the bytes that depend on them', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 2 });
    h.server(pubrec(1));
    h.server(pubcomp(1));
    h.server(publish('t', '', { qos: 2, packetIdentifier: 9 }));
    h.acknowledge(1);
    h.server(pubrel(9));
    const told = h.batches
      .slice(-6)
      .map(({ operations, bytes }) => [
        operations.map(({ type }) => type).join(' '),
        bytes.length > 0 ? bytes[0]![0]! >> 4 : 0,
      ]);
    expect(told).toEqual([
      ['out outIdentifier', 3],
      ['outReceived', 6],
      ['outDone', 0],
      ['in', 0],
      ['inDone', 5],
      ['inReleased', 7],
    ]);
  });

  it('are not made where nobody keeps them', () => {
    const h = new EngineHarness({ recordOperations: false }).resumable();
    h.publish('t', { qos: 2 });
    h.subscribe(['t']);
    h.server(pubrec(1), pubcomp(1), suback(2, [0]), publish('t', '', { qos: 2 }));
    h.acknowledge(1);
    h.reconnect(persistent, {});
    expect(h.committed).toEqual([]);
  });

  it('are none for QoS 0', () => {
    const h = new EngineHarness();
    h.publish('t');
    h.connected();
    h.publish('t');
    expect(h.committed.filter(({ type }) => type.startsWith('out'))).toEqual([]);
  });
});

describe('a session from a store', () => {
  it('goes on where every step of a message had come to', () => {
    const h = new EngineHarness().resumable();
    const tickets = ['sent1', 'sent2', 'released', 'done'].map((topic, place) =>
      h.publish(topic, { qos: place === 0 ? 1 : 2, payload: topic }),
    );
    h.server(pubrec(3), pubrec(4), pubcomp(4));
    h.cut();
    tickets.push(h.publish('queued', { qos: 1, payload: 'queued' }));
    const next = restarted(h);
    expect(next.engine.queued.messages).toBe(1);
    next.open(persistent);
    next.server(connack({ sessionPresent: true }));
    expect(next.takeSent().slice(1)).toMatchObject([
      { topic: 'sent1', dup: true, packetIdentifier: 1 },
      { topic: 'sent2', dup: true, packetIdentifier: 2 },
      { packetIdentifier: 3 },
      { topic: 'queued', dup: false, packetIdentifier: 5 },
    ]);
    next.server(puback(1), puback(5), pubrec(2), pubcomp(2), pubcomp(3));
    expect(outcomes(next).map(([ticket]) => ticket)).toEqual([1, 5, 2, 3]);
  });

  it('never gives a ticket of an earlier life again', () => {
    const h = new EngineHarness().resumable();
    h.publish('t', { qos: 1 });
    h.server(puback(1));
    const next = restarted(h);
    expect(next.publish('t', { qos: 1 })).toBe(2);
  });

  it('keeps the expiry of a message over the restart', () => {
    const h = new EngineHarness();
    h.publish('t', { qos: 1, properties: { messageExpiryInterval: 10 } });
    h.publish('t', { qos: 1, properties: { messageExpiryInterval: 2 } });
    const next = new EngineHarness();
    next.now.epochMs = h.now.epochMs + 4000;
    next.engine.restore(h.committed, next.now);
    next.connected(persistent);
    next.advance(0);
    next.reconnect();
    const [sent] = next.takeSent() as PublishPacket[];
    expect(sent!.properties.messageExpiryInterval).toBe(6);
  });

  it('knows a session that the server presents', () => {
    const h = new EngineHarness().resumable();
    const next = restarted(h);
    next.open(persistent);
    next.server(connack({ sessionPresent: true }));
    expect(next.takeEvents()).toMatchObject([{ type: 'connected', sessionPresent: true }]);
  });

  it('sends what an earlier life had lost with a session as new', () => {
    const h = new EngineHarness({ queue: { inFlight: 1 } }).resumable();
    for (const topic of ['a', 'b']) h.publish(topic, { qos: 1 });
    h.server(puback(1));
    h.reconnect(persistent, {});
    const next = restarted(h);
    next.reconnect();
    expect(next.takeSentShort()).toEqual(['publish 3 dup']);
    const other = restarted(h);
    other.reconnect(persistent, {});
    expect(other.takeSentShort()).toEqual(['publish 4']);
  });

  it('keeps the original order where only the first had been sent as new', () => {
    const h = new EngineHarness().resumable();
    for (const topic of ['a', 'b', 'c']) h.publish(topic, { qos: 1 });
    h.reconnect(persistent, { properties: { receiveMaximum: 1 } });
    expect(h.takeSentShort()).toEqual(['publish 4']);
    const next = restarted(h);
    next.reconnect();
    expect(next.takeSent()).toMatchObject([
      { topic: 'a', dup: true, packetIdentifier: 4 },
      { topic: 'b', dup: false },
      { topic: 'c', dup: false },
    ]);
  });

  it('hands over again what no handler has done with, and answers it when it comes again', () => {
    const h = new EngineHarness().resumable();
    h.server(
      publish('t', 'one', { qos: 2, packetIdentifier: 1 }),
      publish('t', 'two', { qos: 2, packetIdentifier: 2 }),
    );
    h.acknowledge(2);
    const next = restarted(h);
    expect(next.take('message')).toMatchObject([
      { connection: 0, delivery: 1, redelivered: true, packet: { topic: 't', qos: 2 } },
    ]);
    next.connected(persistent, { sessionPresent: true });
    next.server(
      publish('t', 'one', { qos: 2, packetIdentifier: 1, dup: true }),
      publish('t', 'two', { qos: 2, packetIdentifier: 2, dup: true }),
    );
    expect(next.take('message')).toEqual([]);
    expect(next.takeSentShort()).toEqual([]);
    next.acknowledge(1);
    expect(next.takeSentShort()).toEqual(['pubrec 1', 'pubrec 2']);
  });

  it('takes operations that fit nothing without harm', () => {
    const strange: SessionOperation[] = [
      { type: 'outIdentifier', sequence: 5, packetIdentifier: 1 },
      { type: 'outReceived', packetIdentifier: 9 },
      { type: 'outDone', sequence: 7, packetIdentifier: 3, reasonCode: 0, cause: undefined },
      { type: 'inDone', delivery: 4 },
      { type: 'inReleased', packetIdentifier: 8 },
      { type: 'unsubscription', topicFilter: 'x' },
    ];
    const h = new EngineHarness();
    h.engine.restore(strange, h.now);
    h.connected();
    expect(h.publish('t', { qos: 1 })).toBe(8);
    expect(h.takeSentShort()).toEqual(['publish 1']);
  });

  it('is restored once, and before the first connection', () => {
    const h = new EngineHarness();
    h.engine.restore([], h.now);
    expect(() => h.engine.restore([], h.now)).toThrow(/only once/);
    const other = new EngineHarness().connected();
    expect(() => other.engine.restore([], other.now)).toThrow(/before the first connect/);
  });
});
