import { noProperties, type Packet, PacketEncoder, type ProtocolVersion } from '@mqtt-kit/packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineHarness, message, persistent } from '../../testkit/src/engine-harness.ts';
import * as build from '../../testkit/src/packet-builders.ts';
import type { EngineOptions } from './engine-options.ts';

describe('a trace', () => {
  it('shows every packet in both directions, in order', () => {
    const h = new EngineHarness({ trace: true });
    h.open({ pipeline: true });
    h.server(build.connack());
    h.publish('t', { qos: 2 });
    h.subscribe(['t']);
    h.server(build.pubrec(1), build.publish('u', '', { qos: 1, packetIdentifier: 3 }));
    h.acknowledge(1);
    h.server(build.pubcomp(1), build.suback(2, [0]), build.publish('v', '', { qos: 2 }));
    h.acknowledge(2);
    h.server(build.pubrel(1));
    h.advance(60_000);
    h.server(build.pingresp());
    h.server(build.connack());
    const told = h.take('packet').map(({ direction, packet }) => `${direction} ${packet.type}`);
    expect(told).toEqual([
      'sent 1',
      'received 2',
      'sent 3',
      'sent 8',
      'received 5',
      'sent 6',
      'received 3',
      'sent 4',
      'received 7',
      'received 9',
      'received 3',
      'sent 5',
      'received 6',
      'sent 7',
      'sent 12',
      'received 13',
      'received 2',
      'sent 14',
    ]);
  });

  it('shows packets as they were sent, though the engine uses one object for many', () => {
    const h = new EngineHarness({ trace: true }).connected();
    h.publish('a', { payload: 'x', qos: 1 });
    h.publish('b', { payload: 'y', qos: 1 });
    expect(h.take('packet').map(({ packet }) => packet)).toEqual([
      build.publish('a', 'x', { qos: 1, packetIdentifier: 1 }),
      build.publish('b', 'y', { qos: 1, packetIdentifier: 2 }),
    ]);
  });

  it('shows no password and no authentication data', () => {
    const h = new EngineHarness({ trace: true });
    const secret = build.bytesOf('secret');
    const properties = { authenticationMethod: 'M', authenticationData: secret };
    h.open({ username: 'user', password: secret, properties });
    h.server(build.auth(0x18, properties));
    h.engine.authenticate(secret, h.now);
    h.settle();
    h.server(build.connack({ properties }));
    const shown = h.take('packet').map(({ packet }) => packet);
    expect(shown).toHaveLength(4);
    expect(shown[0]).toMatchObject({ username: 'user', password: undefined });
    for (const packet of shown as (Packet & { properties: object })[]) {
      expect(packet.properties).toEqual({ authenticationMethod: 'M' });
    }
  });

  it('is not made unasked', () => {
    const h = new EngineHarness();
    h.open();
    h.server(build.connack());
    h.publish('t', { qos: 1 });
    expect(h.take('packet')).toEqual([]);
  });
});

describe('output', () => {
  it('is nothing when there is nothing to say', () => {
    const h = new EngineHarness().connected();
    expect([h.engine.takeBatch(), h.engine.takeUrgent()]).toEqual([undefined, undefined]);
  });

  it('of one turn is one batch with one piece of bytes', () => {
    const h = new EngineHarness().connected();
    h.holdBatches = true;
    for (let count = 0; count < 10; count++) h.publish('t', { qos: 1 });
    expect(h.engine.pendingBytes).toBeGreaterThan(50);
    h.holdBatches = false;
    h.settle();
    const batch = h.batches.at(-1)!;
    expect([batch.bytes.length, batch.operations.length, h.takeSent().length]).toEqual([1, 20, 10]);
    expect(h.engine.pendingBytes).toBe(0);
  });

  it('already taken does not change any more', () => {
    const h = new EngineHarness().connected();
    h.engine.publish(message('t'), h.now);
    const batch = h.engine.takeBatch()!;
    expect([batch.operations, batch.events]).toEqual([[], []]);
    h.publish('t', { qos: 1 });
    h.server(build.publish('t'));
    expect([batch.operations, batch.events]).toEqual([[], []]);
  });
});

describe('what awaits an answer', () => {
  it('is CONNECT, a message, a request and an authentication', () => {
    const h = new EngineHarness();
    expect(h.engine.awaitingAnswer).toBe(false);
    h.open();
    expect(h.engine.awaitingAnswer).toBe(true);
    h.server(build.connack());
    expect(h.engine.awaitingAnswer).toBe(false);
    h.publish('t', { qos: 2 });
    h.server(build.pubrec(1));
    expect(h.engine.awaitingAnswer).toBe(true);
    h.server(build.pubcomp(1));
    expect(h.engine.awaitingAnswer).toBe(false);
    h.subscribe(['t']);
    expect(h.engine.awaitingAnswer).toBe(true);
    h.cut();
    expect(h.engine.awaitingAnswer).toBe(false);
  });
});

describe('spurious input', () => {
  it('does nothing', () => {
    const h = new EngineHarness();
    const everything = (): void => {
      h.engine.transportClosed(h.now);
      h.engine.transportOpened(h.now);
      h.engine.transportWritable(true, h.now);
      h.engine.readingPaused(true, h.now);
      h.engine.receive(Uint8Array.of(1, 2, 3), h.now);
      h.engine.written(h.now);
      h.engine.deadlineReached(h.now);
      h.engine.acknowledge(77, 0, h.now);
      h.engine.authenticate(undefined, h.now);
      h.engine.disconnect({ reasonCode: 0, properties: noProperties }, h.now);
      expect(h.engine.cancel(77, h.now)).toBe('unknown');
      h.settle();
    };
    everything();
    expect([h.takeEvents(), h.takeSent(), h.takeOperations()]).toEqual([[], [], []]);
    h.connected();
    h.disconnect();
    h.takeEvents();
    h.takeSent();
    everything();
    expect([h.takeEvents(), h.takeSent(), h.takeOperations()]).toEqual([[], [], []]);
  });

  it('of bytes before the transport is open ends the connection', () => {
    const h = new EngineHarness();
    h.start();
    h.server(build.connack());
    expect([h.closed, h.takeEnd()]).toMatchObject([true, { kind: 'breach' }]);
  });
});

/** Packets a server may send, most of them out of turn. */
const serverPackets: fc.Arbitrary<Packet> = fc.oneof(
  fc.boolean().map((sessionPresent) => build.connack({ sessionPresent })),
  fc.constantFrom(0x80, 0x87).map((reasonCode) => build.connack({ reasonCode })),
  fc
    .record({
      qos: fc.constantFrom(0, 1, 2),
      packetIdentifier: fc.integer({ min: 1, max: 3 }),
      dup: fc.boolean(),
    })
    .map(({ qos, packetIdentifier, dup }) =>
      build.publish('t', 'x', {
        qos: qos as 0 | 1 | 2,
        dup: dup && qos > 0,
        ...(qos === 0 ? {} : { packetIdentifier }),
      }),
    ),
  fc
    .tuple(
      fc.constantFrom(build.puback, build.pubrec, build.pubrel, build.pubcomp),
      fc.integer({ min: 1, max: 3 }),
    )
    .map(([builder, packetIdentifier]) => builder(packetIdentifier)),
  fc
    .tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom(0, 1, 0x80), { minLength: 1, maxLength: 2 }),
    )
    .map(([packetIdentifier, codes]) => build.suback(packetIdentifier, codes)),
  fc.integer({ min: 1, max: 4 }).map((packetIdentifier) => build.unsuback(packetIdentifier, [0])),
  fc.constant(build.pingresp()),
);

type Input = (h: EngineHarness) => void;

const inputs: fc.Arbitrary<Input> = fc.oneof(
  fc.boolean().map(
    (clean): Input =>
      (h) => {
        if (h.engine.connection === 0) h.open(clean ? {} : persistent);
      },
  ),
  serverPackets.map(
    (packet): Input =>
      (h) => {
        try {
          h.server(packet);
        } catch (error) {
          // What 3.1.1 has no bytes for cannot be sent.
          if (!(error instanceof Error) || error.name !== 'InvalidPacketError') throw error;
        }
      },
  ),
  fc.uint8Array({ maxLength: 6 }).map(
    (bytes): Input =>
      (h) =>
        h.serverBytes(bytes),
  ),
  fc.constantFrom<Input>(
    (h) => h.cut(),
    (h) => h.disconnect(),
    (h) => h.advance(30_000),
    (h) => h.sleep(600_000),
    (h) => h.writable(false),
    (h) => h.writable(true),
    (h) => h.subscribe(['t']),
    (h) => h.unsubscribe(['t']),
    (h) => h.engine.readingPaused(true, h.now),
    (h) => h.engine.readingPaused(false, h.now),
  ),
  fc.constantFrom(0, 1, 2).map(
    (qos): Input =>
      (h) => {
        h.publish('t', { qos: qos as 0 | 1 | 2 });
      },
  ),
  fc.integer({ min: 0, max: 9 }).map(
    (delivery): Input =>
      (h) =>
        h.acknowledge(delivery),
  ),
  fc.integer({ min: 0, max: 9 }).map(
    (ticket): Input =>
      (h) => {
        h.engine.cancel(ticket, h.now);
      },
  ),
);

describe.each<[ProtocolVersion, EngineOptions['acknowledgeAfter']]>([
  ['5.0', 'handler'],
  ['3.1.1', 'handler'],
  ['5.0', 'commit'],
])('any input in any state (%s, %s)', (version, acknowledgeAfter) => {
  it('throws nothing, ends each connection once, and settles each ticket at most once', () => {
    fc.assert(
      fc.property(fc.array(inputs, { maxLength: 60 }), (steps) => {
        const h = new EngineHarness({
          version,
          acknowledgeAfter,
          foreignSession: 'adopt',
          inbox: { maximumMessages: 2 },
        });
        let connections = 0;
        for (const step of steps) {
          step(h);
          connections = Math.max(connections, h.engine.connection);
          if (h.closed && h.engine.connection !== 0) h.cut();
        }
        h.cut();
        const events = h.takeEvents();
        const ends = events.filter(({ type }) => type === 'disconnected');
        expect(ends.length).toBe(connections);
        const settled = events.flatMap((event) => ('ticket' in event ? [event.ticket] : []));
        expect(new Set(settled).size).toBe(settled.length);
        // A process that starts from what was committed is safe, too.
        const next = new EngineHarness({ version, acknowledgeAfter });
        next.engine.restore(h.committed, next.now);
        next.connected(persistent, {});
      }),
      { numRuns: 400 },
    );
  });
});

describe('arbitrary bytes', () => {
  it('never throw, and end in a breach or in nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, begun) => {
        const h = new EngineHarness();
        if (begun) h.connected();
        else h.open();
        h.serverBytes(bytes);
        h.cut();
        expect(h.take('disconnected')).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });

  it('are the same in every chunking', () => {
    const encoder = new PacketEncoder('5.0');
    for (const packet of [
      build.connack(),
      build.publish('t', 'x', { qos: 1, packetIdentifier: 4 }),
      build.pubrel(9),
      build.publish('u', 'y', { qos: 2, packetIdentifier: 5 }),
    ]) {
      encoder.encode(packet);
    }
    const bytes = Uint8Array.from(encoder.take().flatMap((chunk) => [...chunk]));
    const whole = new EngineHarness();
    whole.open();
    whole.serverBytes(bytes);
    const pieces = new EngineHarness();
    pieces.open();
    for (const byte of bytes) pieces.serverBytes(Uint8Array.of(byte));
    expect(pieces.takeEvents()).toEqual(whole.takeEvents());
    expect(pieces.takeSent()).toEqual(whole.takeSent());
  });
});

describe('an engine that goes on for another', () => {
  it('gives no number again: of a connection, a ticket or a delivery', () => {
    const before = new EngineHarness();
    before.open();
    before.server(build.connack(), build.publish('t', '', { qos: 1, packetIdentifier: 1 }));
    const [received] = before.take('message');
    const ticket = before.publish('t', { qos: 1 });
    const after = new EngineHarness();
    after.engine.restore([], after.now);
    after.engine.succeed(before.engine);
    after.open();
    expect(after.engine.connection).toBe(before.engine.connection + 1);
    expect(after.publish('t', { qos: 1 })).toBe(ticket + 1);
    after.server(build.connack(), build.publish('t', '', { qos: 1, packetIdentifier: 1 }));
    expect(after.take('message')).toMatchObject([{ delivery: (received?.delivery ?? 0) + 1 }]);
  });
});
