import type { OutgoingMessage, SessionOperation } from '@mqtt-kit/engine';
import { sessionStoreContract } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { MqttError } from './errors.ts';
import { type MemoryStore, memoryStore } from './memory-session-store.ts';

const session: SessionOperation = {
  type: 'session',
  clientId: 'me',
  serverKey: 'mqtt://h:1883',
  storeEpoch: 1,
  version: '5.0',
  standing: 'established',
};

function message(qos: 0 | 1 | 2, payload = 'x'): OutgoingMessage {
  return {
    topic: 't',
    payload: new TextEncoder().encode(payload),
    qos,
    retain: false,
    properties: {},
  };
}

const out = (sequence: number, qos: 1 | 2 = 1): SessionOperation => ({
  type: 'out',
  sequence,
  message: message(qos),
  expiresAtEpochMs: undefined,
});
const outIdentifier = (sequence: number, packetIdentifier: number): SessionOperation => ({
  type: 'outIdentifier',
  sequence,
  packetIdentifier,
});
const outReceived = (packetIdentifier: number): SessionOperation => ({
  type: 'outReceived',
  packetIdentifier,
});
function outDone(
  sequence: number,
  packetIdentifier?: number,
  cause?: 'serverLimit' | 'withdrawn',
): SessionOperation {
  const reasonCode = cause === undefined ? 0 : undefined;
  return { type: 'outDone', sequence, packetIdentifier, reasonCode, cause };
}
const received = (delivery: number, packetIdentifier: number, qos: 1 | 2): SessionOperation => ({
  type: 'in',
  packetIdentifier,
  delivery,
  message: message(qos),
});
const inDone = (delivery: number): SessionOperation => ({ type: 'inDone', delivery });
const inReleased = (packetIdentifier: number): SessionOperation => ({
  type: 'inReleased',
  packetIdentifier,
});
const reset: SessionOperation = { type: 'reset', storeEpoch: 2, cause: 'sessionLost' };

/** What a second client would load. */
function loaded(...operations: SessionOperation[]): readonly SessionOperation[] {
  const store = memoryStore();
  for (const operation of operations) store.commit([operation]);
  return store.load();
}

/** The same without the highest numbers, which stay when everything else is gone. */
function kept(...operations: SessionOperation[]): readonly SessionOperation[] {
  return withoutHighest(loaded(...operations));
}

function withoutHighest(snapshot: readonly SessionOperation[]): readonly SessionOperation[] {
  const known = new Set(
    snapshot.flatMap((operation) => (operation.type === 'in' ? [operation.delivery] : [])),
  );
  return snapshot.filter((operation) => {
    if (operation.type === 'inDone') return known.has(operation.delivery);
    return operation.type !== 'outDone' || operation.packetIdentifier !== undefined;
  });
}

describe('memoryStore', () => {
  it('begins empty and is not durable', () => {
    expect(memoryStore().load()).toEqual([]);
    expect(memoryStore().durable).toBe(false);
  });

  it('gives back in order what is not done', () => {
    const operations = [
      session,
      out(1),
      outIdentifier(1, 10),
      out(2),
      outIdentifier(2, 11),
      out(3),
    ];
    expect(kept(...operations)).toEqual(operations);
  });

  it('forgets a message that is done, whatever state it was in', () => {
    expect(kept(out(1), outIdentifier(1, 10), outDone(1, 10))).toEqual([]);
    expect(kept(out(1, 2), outIdentifier(1, 10), outReceived(10), outDone(1, 10))).toEqual([]);
    expect(kept(out(1), outDone(1, undefined, 'withdrawn'))).toEqual([]);
  });

  it('keeps the highest numbers, so that none is given out again', () => {
    expect(
      loaded(out(1), out(2), outDone(2, 10), outDone(1, 11), received(7, 5, 1), inDone(7)),
    ).toMatchObject([
      { type: 'outDone', sequence: 2, packetIdentifier: undefined },
      { type: 'inDone', delivery: 7 },
    ]);
  });

  it('keeps of a released message its place and its identifiers, not its payload', () => {
    const snapshot = kept(out(1, 2), outIdentifier(1, 10), out(2), outReceived(10));
    expect(snapshot.map(({ type }) => type)).toEqual([
      'out',
      'outIdentifier',
      'out',
      'outReceived',
    ]);
    expect(snapshot[0]).toMatchObject({ sequence: 1, message: { payload: new Uint8Array(0) } });
  });

  it('keeps an identifier that is not to be used again until the session is a new one', () => {
    const retired = outDone(1, 10, 'serverLimit');
    expect(kept(out(1), outIdentifier(1, 10), retired)).toEqual([retired]);
    expect(kept(out(1), outIdentifier(1, 10), retired, reset)).toEqual([reset]);
  });

  it('forgets a received message when its handler is done with it, and at QoS 2 its identifier is free', () => {
    expect(kept(received(1, 5, 1), inDone(1))).toEqual([]);
    expect(kept(received(1, 5, 2), inDone(1), inReleased(5))).toEqual([]);
    expect(kept(received(1, 5, 2), inReleased(5), inDone(1))).toEqual([]);
  });

  it('keeps the identifier of a handled QoS 2 message without its payload', () => {
    const [first, ...rest] = kept(received(1, 5, 2), inDone(1));
    expect(first).toMatchObject({
      type: 'in',
      packetIdentifier: 5,
      message: { payload: new Uint8Array(0) },
    });
    expect(rest).toContainEqual({ type: 'inDone', delivery: 1 });
  });

  it('keeps a released QoS 2 message for its handler, also when its identifier comes again', () => {
    const operations = [received(1, 5, 2), inReleased(5), received(2, 5, 2)];
    expect(kept(...operations)).toEqual(operations);
    expect(kept(...operations, inDone(1))).toEqual([received(2, 5, 2)]);
    expect(kept(...operations, inDone(1), inDone(2), inReleased(5))).toEqual([]);
  });

  it('keeps that a message was sent before the session was a new one, and what it has there', () => {
    const lost = [out(1), out(2), out(3), outIdentifier(1, 10), outIdentifier(2, 11), reset];
    expect(kept(...lost)).toEqual(lost);
    // An identifier has other owners then, and the order stays that of the first sending.
    const again = outIdentifier(1, 11);
    expect(kept(...lost, again)).toEqual([...lost, again]);
    const another = outIdentifier(3, 10);
    const twice = [...lost.slice(0, -1), another, reset];
    expect(kept(...lost, again, another, reset)).toEqual(twice);
    expect(kept(...twice)).toEqual(twice);
    expect(
      kept(...twice, outDone(1, undefined, 'withdrawn'), outIdentifier(2, 11), outDone(2, 11)),
    ).toEqual([out(3), another, reset]);
  });

  it('lets go of the identifiers of received messages when the session is a new one, and of no message', () => {
    const snapshot = kept(
      session,
      out(1),
      outIdentifier(1, 10),
      received(1, 5, 2),
      received(2, 6, 2),
      inDone(2),
      received(3, 7, 2),
      inReleased(7),
      reset,
    );
    expect(snapshot).toEqual([
      session,
      out(1),
      outIdentifier(1, 10),
      received(1, 5, 2),
      received(3, 7, 2),
      reset,
    ]);
    expect(kept(received(1, 5, 2), reset, inDone(1))).toEqual([reset]);
    expect(kept(reset, reset)).toEqual([reset]);
  });

  it('keeps the latest of each subscription, and none that is ended', () => {
    const subscription = (qos: 0 | 1): SessionOperation => ({
      type: 'subscription',
      topicFilter: 'a',
      options: {
        topicFilter: 'a',
        qos,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      },
    });
    expect(kept(subscription(0), subscription(1))).toEqual([subscription(1)]);
    expect(kept(subscription(0), { type: 'unsubscription', topicFilter: 'a' })).toEqual([]);
  });

  it('does not grow with a long life', () => {
    const store = memoryStore();
    for (let index = 1; index <= 10_000; index++) {
      const identifier = (index % 100) + 1;
      store.commit([
        session,
        out(index, 2),
        outIdentifier(index, identifier),
        received(index, identifier, 2),
        inDone(index),
        outReceived(identifier),
        inReleased(identifier),
        outDone(index, identifier),
        ...(index % 50 === 0 ? [reset] : []),
      ]);
    }
    expect(withoutHighest(store.load())).toHaveLength(2);
  });

  it('belongs to one client at a time', () => {
    const store = memoryStore();
    store.load();
    expect(() => store.load()).toThrow(MqttError);
    expect(() => store.load()).toThrow('in use by another client');
    store.close();
    store.commit([session]);
    expect(store.load()).toEqual([session]);
    store.clear();
    store.close();
    expect(store.load()).toEqual([]);
  });
});

describe('memoryStore, as every store,', () => {
  it.each(sessionStoreContract)('$name', async ({ run }) => {
    const places = new Map<string, MemoryStore>();
    await run({
      open(place) {
        const store = places.get(place) ?? memoryStore();
        places.set(place, store);
        return store;
      },
    });
  });
});
