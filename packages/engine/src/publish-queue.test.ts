import type { PublishPacket } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { EngineHarness, message } from '../../testkit/src/engine-harness.ts';
import { connack, puback } from '../../testkit/src/packet-builders.ts';

/** What became of a ticket, for short. */
function outcomes(h: EngineHarness): [number, string][] {
  return h
    .take('published')
    .map(({ ticket, outcome }) => [
      ticket,
      outcome.kind === 'failed' ? outcome.code : outcome.kind,
    ]);
}

const payloads = (h: EngineHarness): string[] =>
  h
    .takeSent()
    .filter((packet): packet is PublishPacket => 'topic' in packet)
    .map(({ payload }) => new TextDecoder().decode(payload));

describe('the queue', () => {
  it('keeps messages until there is a connection, in order', () => {
    const h = new EngineHarness();
    for (const name of ['1', '2', '3', '4']) {
      h.publish('t', { payload: name, qos: Number(name) % 2 === 0 ? 1 : 0 });
    }
    expect(h.engine.queued).toEqual({ messages: 4, bytes: 8 });
    h.open();
    expect(h.takeSentShort()).toEqual(['connect']);
    h.server(connack());
    expect(payloads(h)).toEqual(['1', '2', '3', '4']);
    expect(h.engine.queued).toEqual({ messages: 0, bytes: 0 });
  });

  it('tells of a queued QoS 0 message in the batch that carries it', () => {
    const h = new EngineHarness();
    const ticket = h.publish('t');
    expect(ticket).not.toBe(0);
    h.open();
    h.server(connack());
    const batch = h.batches.at(-1)!;
    expect(batch.events).toContainEqual({ type: 'published', ticket, outcome: { kind: 'sent' } });
    expect(batch.bytes).toHaveLength(1);
  });

  it('refuses QoS 0 without a connection where it is not to be queued', () => {
    const h = new EngineHarness({ queue: { queueQos0: false } });
    h.publish('t');
    h.publish('t', { qos: 1 });
    expect(outcomes(h)).toEqual([[1, 'connectionLost']]);
    h.connected();
    h.writable(false);
    const waiting = h.publish('t');
    expect(outcomes(h)).toEqual([]);
    h.cut();
    expect(outcomes(h)).toEqual([[waiting, 'connectionLost']]);
  });

  it('is bounded by messages', () => {
    const h = new EngineHarness({ queue: { maximumMessages: 2 } });
    const tickets = [h.publish('t'), h.publish('t', { qos: 1 }), h.publish('t', { qos: 2 })];
    expect(outcomes(h)).toEqual([[tickets[2], 'queueFull']]);
  });

  it('is bounded by bytes: payload, topic and properties', () => {
    const h = new EngineHarness({ queue: { maximumBytes: 30 } });
    h.publish('topic', { payload: '12345' });
    h.publish('topic', { payload: '12345', properties: { contentType: '67890' } });
    expect(h.engine.queued).toEqual({ messages: 2, bytes: 25 });
    const ticket = h.publish('topic', { payload: '1' });
    expect(outcomes(h)).toEqual([[ticket, 'queueFull']]);
  });

  it('says once that there is room again', () => {
    const h = new EngineHarness({ queue: { maximumMessages: 2 } });
    h.publish('t', { qos: 1 });
    h.publish('t', { qos: 1 });
    expect(h.take('queueRoom')).toEqual([]);
    h.open();
    h.server(connack({ properties: { receiveMaximum: 1 } }));
    expect(h.take('queueRoom')).toHaveLength(1);
    h.server(puback(1));
    expect(h.take('queueRoom')).toEqual([]);
  });

  it('says so too after it refused a message for its bytes alone', () => {
    const h = new EngineHarness({ queue: { maximumBytes: 10 } });
    h.publish('t', { payload: '12345', qos: 1 });
    h.publish('t', { payload: '12345', qos: 1 });
    expect(h.take('queueRoom')).toEqual([]);
    h.open();
    h.server(connack());
    expect(h.take('queueRoom')).toHaveLength(1);
  });

  it('drops the oldest by policy, of whatever QoS', () => {
    const h = new EngineHarness({ queue: { maximumMessages: 2, overflow: 'dropOldest' } });
    const tickets = ['1', '2', '3', '4'].map((payload, place) =>
      h.publish('t', { payload, qos: place % 2 === 0 ? 1 : 0 }),
    );
    expect(outcomes(h)).toEqual([
      [tickets[0], 'queueFull'],
      [tickets[1], 'queueFull'],
    ]);
    h.open();
    h.server(connack());
    expect(payloads(h)).toEqual(['3', '4']);
  });

  it('drops as many as the bytes need, and none for a message that never fits', () => {
    const h = new EngineHarness({ queue: { maximumBytes: 20, overflow: 'dropOldest' } });
    const tickets = ['1234', '1234', '1234'].map((payload) => h.publish('t', { payload }));
    const large = h.publish('t', { payload: '12345678901234567890' });
    expect(outcomes(h)).toEqual([[large, 'queueFull']]);
    h.publish('t', { payload: '12345678901' });
    expect(outcomes(h)).toEqual([
      [tickets[0], 'queueFull'],
      [tickets[1], 'queueFull'],
    ]);
  });

  it('drops the oldest of the same topic by policy when it is full, and refuses other topics', () => {
    const h = new EngineHarness({ queue: { maximumMessages: 2, overflow: 'latestPerTopic' } });
    const a1 = h.publish('a', { payload: 'a1' });
    h.publish('b', { payload: 'b1', qos: 1 });
    h.publish('a', { payload: 'a2' });
    const c = h.publish('c', { payload: 'c1' });
    expect(outcomes(h)).toEqual([
      [a1, 'queueFull'],
      [c, 'queueFull'],
    ]);
    h.open();
    h.server(connack());
    expect(payloads(h)).toEqual(['b1', 'a2']);
  });

  it('drops, of several of one topic, the oldest, however the others left, and no more than need be', () => {
    const h = new EngineHarness({
      queue: { maximumMessages: 4, maximumBytes: 58, overflow: 'latestPerTopic' },
    });
    h.publish('a', { payload: 'a1' });
    h.publish('b', { payload: 'b1' });
    h.publish('a', { payload: 'a2', qos: 1 });
    const withdrawn = h.publish('a', { payload: 'a3' });
    expect(h.engine.cancel(withdrawn, h.now)).toBe('withdrawn');
    h.publish('a', { payload: 'a4' });
    h.publish('a', { payload: 'a5' });
    // Too large for what it may drop: then nothing is dropped.
    h.publish('b', { payload: 'x'.repeat(55) });
    // Large enough to need the room of two.
    h.publish('a', { payload: 'y'.repeat(50) });
    h.open();
    h.server(connack());
    expect(payloads(h)).toEqual(['b1', 'a5', 'y'.repeat(50)]);
  });

  it('never drops what may have been sent', () => {
    const h = new EngineHarness({ queue: { maximumMessages: 1, overflow: 'dropOldest' } });
    h.resumable();
    h.publish('t', { payload: 'sent', qos: 1 });
    h.cut();
    h.publish('t', { payload: 'queued', qos: 1 });
    h.publish('t', { payload: 'latest', qos: 1 });
    h.reconnect(undefined, {});
    expect(payloads(h)).toEqual(['sent', 'latest']);
  });

  it('fails what waited longer than it may, on time', () => {
    const h = new EngineHarness({ queue: { maximumAgeMs: 1000 } });
    const ticket = h.publish('t');
    h.advance(999);
    expect(outcomes(h)).toEqual([]);
    h.publish('t');
    h.advance(1);
    expect(outcomes(h)).toEqual([[ticket, 'expired']]);
    expect(h.engine.queued.messages).toBe(1);
  });

  it('fails a message whose Message Expiry Interval is over, on time, and says so', () => {
    const h = new EngineHarness();
    h.publish('t', { properties: { messageExpiryInterval: 5 }, qos: 1 });
    h.publish('t', { properties: { messageExpiryInterval: 3 } });
    h.publish('t');
    h.advance(5000);
    const failures = h.take('published').map(({ ticket, outcome }) => ({ ticket, outcome }));
    expect(failures).toMatchObject([
      { ticket: 2, outcome: { code: 'expired', message: expect.stringContaining('3 s') } },
      { ticket: 1, outcome: { code: 'expired', message: expect.stringContaining('5 s') } },
    ]);
    expect(h.engine.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('takes off Message Expiry Interval the whole seconds that a message waited', () => {
    const h = new EngineHarness();
    h.publish('t', { properties: { messageExpiryInterval: 10, contentType: 'x' } });
    h.advance(2900);
    h.open();
    h.server(connack());
    const [, sent] = h.takeSent() as PublishPacket[];
    expect(sent!.properties).toEqual({ messageExpiryInterval: 8, contentType: 'x' });
  });

  it('sends nothing that expired meanwhile, though no timer ran, and goes on behind it', () => {
    const h = new EngineHarness();
    const expired = h.publish('t', {
      payload: 'old',
      qos: 1,
      properties: { messageExpiryInterval: 1 },
    });
    h.publish('t', { payload: 'good', qos: 1 });
    h.now.monotonicMs += 5000;
    h.now.epochMs += 5000;
    h.open();
    h.server(connack());
    expect(payloads(h)).toEqual(['good']);
    expect(outcomes(h)).toEqual([[expired, 'expired']]);
  });

  it('goes by the wall clock for Message Expiry Interval, which outlives the process', () => {
    const h = new EngineHarness();
    h.publish('t', { properties: { messageExpiryInterval: 10 } });
    h.now.epochMs -= 60_000; // The clock was set back.
    h.advance(11_000);
    expect(outcomes(h)).toEqual([]);
    h.open();
    h.server(connack());
    const [, sent] = h.takeSent() as PublishPacket[];
    expect(sent!.properties.messageExpiryInterval).toBe(10);
  });

  it('searches a long queue for expired messages only now and then', () => {
    const h = new EngineHarness({ queue: { maximumMessages: 50_000 } });
    for (let count = 0; count < 50_000; count++) {
      h.engine.publish(
        message('t', { properties: { messageExpiryInterval: 1 + (count % 20) } }),
        h.now,
      );
      if (count % 10 === 0) h.now.epochMs += 1;
    }
    let deadlines = 0;
    const end = h.now.monotonicMs + 30_000;
    while (h.engine.nextDeadlineMs < end) {
      h.now.epochMs += h.engine.nextDeadlineMs - h.now.monotonicMs;
      h.now.monotonicMs = h.engine.nextDeadlineMs;
      h.engine.deadlineReached(h.now);
      deadlines += 1;
    }
    h.settle();
    expect(h.engine.queued.messages).toBe(0);
    expect(deadlines).toBeLessThan(1000);
  });

  it('drains 100,000 messages without recursion, in order', () => {
    const h = new EngineHarness({
      queue: { maximumMessages: 200_000, maximumBytes: 1e9 },
      recordOperations: false,
    });
    for (let count = 0; count < 100_000; count++) {
      h.engine.publish(
        message('t', { payload: String(count), qos: count % 2 === 0 ? 0 : 1 }),
        h.now,
      );
    }
    h.open();
    h.server(connack());
    const first = payloads(h);
    expect(first.filter((payload) => Number(payload) % 2 === 1)).toHaveLength(65_535 - 15_535);
    expect(first.every((payload, place) => payload === String(place))).toBe(true);
    expect(h.engine.queued.messages).toBe(0);
    expect(
      h.batches.every(
        (batch) => batch.bytes.reduce((sum, { length }) => sum + length, 0) < 500_000,
      ),
    ).toBe(true);
  }, 30_000);

  it('keeps small payloads by copy and large ones by reference', () => {
    const small = Buffer.from('small'); // Whose `slice` is a view.
    const large = new Uint8Array(20_000).fill(1);
    const h = new EngineHarness();
    h.engine.publish({ ...message('t', { qos: 1 }), payload: small }, h.now);
    h.engine.publish({ ...message('t', { qos: 1 }), payload: large }, h.now);
    small.fill(0x58);
    large[0] = 2;
    h.open();
    h.server(connack());
    const [, one, two] = h.takeSent() as PublishPacket[];
    expect(new TextDecoder().decode(one!.payload)).toBe('small');
    expect(two!.payload[0]).toBe(2);
  });
});

describe('withdrawing', () => {
  it('takes back what waits, and nothing more is said of it', () => {
    const h = new EngineHarness();
    const ticket = h.publish('t', { qos: 1 });
    const other = h.publish('u', { qos: 1 });
    expect(h.engine.cancel(ticket, h.now)).toBe('withdrawn');
    expect(h.engine.cancel(ticket, h.now)).toBe('unknown');
    h.connected();
    h.server(puback(1));
    expect(outcomes(h)).toEqual([[other, 'acknowledged']]);
    expect(h.committed).toContainEqual({
      type: 'outDone',
      sequence: ticket,
      packetIdentifier: undefined,
      reasonCode: undefined,
      cause: 'withdrawn',
    });
  });

  it('leaves alone what may have been sent, or will be sent again', () => {
    const h = new EngineHarness().resumable();
    const ticket = h.publish('t', { qos: 1 });
    expect(h.engine.cancel(ticket, h.now)).toBe('inFlight');
    h.reconnect(undefined, {});
    expect(h.engine.cancel(ticket, h.now)).toBe('inFlight');
    expect(h.engine.cancel(999, h.now)).toBe('unknown');
  });
});
