import { noProperties } from '@mqtt-kit/packet';
import { puback, pubrec } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import type { PublishPromise } from './client.ts';
import { ClientStage, watch } from './client-stage.test-support.ts';
import { MqttUsageError } from './errors.ts';
import { memoryStore } from './memory-session-store.ts';

describe('publish at QoS 0', () => {
  it('gives all messages of one flush one promise, and those of the next another', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const first = client.publish('t', '1');
    expect(client.publish('t', '2')).toBe(first);
    await expect(first).resolves.toEqual({
      reasonCode: undefined,
      properties: noProperties,
      attempts: 1,
    });
    const next = client.publish('t', '3');
    expect(next).not.toBe(first);
    await next;
    await stage.clock.settle();
    expect(stage.sent('publish')).toHaveLength(3);
  });

  it('keeps the promise of one flush apart from the next also past 64 KiB', async () => {
    const stage = new ClientStage({ link: { highWaterBytes: 1_000_000 } });
    const client = await stage.connect();
    const payload = 'x'.repeat(10_000);
    const promises = new Set<PublishPromise>();
    for (let index = 0; index < 20; index++) promises.add(client.publish('t', payload));
    expect(promises.size).toBe(3);
    await Promise.all(promises);
    await stage.clock.settle();
    expect(stage.sent('publish')).toHaveLength(20);
  });

  it('keeps them apart too while the commit of an earlier one is under way', async () => {
    const ends: (() => void)[] = [];
    let slow = false;
    const store = {
      ...memoryStore(),
      durable: false,
      load: () => [],
      commit: () => (slow ? new Promise<void>((resolve) => ends.push(resolve)) : undefined),
      clear() {},
      close() {},
    };
    const stage = new ClientStage();
    const client = await stage.connect({ store });
    slow = true;
    void client.publish('t', 'x', { qos: 1 });
    const first = client.publish('t', '1');
    await stage.clock.settle();
    const second = client.publish('t', '2');
    expect(second).not.toBe(first);
    const [one, two] = [watch(first), watch(second)];
    slow = false;
    ends.shift()?.();
    await stage.clock.settle();
    expect([one.state, two.state]).toEqual(['resolved', 'resolved']);
  });

  it('has a promise of its own where the caller sets limits', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const own = client.publish('t', '1', { timeoutMs: 1_000 });
    expect(client.publish('t', '2', { timeoutMs: 1_000 })).not.toBe(own);
    await own;
    await stage.clock.settle();
    expect(stage.clock.scheduled).toBe(0);
  });

  it('tells in the same way when the message is stored', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const published = client.publish('t', '1');
    await published.stored;
    await stage.clock.settle();
    expect(stage.sent('publish')).toHaveLength(1);
  });

  it('rejects when the connection is lost before the flush', async () => {
    const stage = new ClientStage();
    let close: (() => void) | undefined;
    const { open } = stage.link;
    stage.environment = {
      ...stage.environment,
      transports: {
        mqtt: (target, handlers, signal) => {
          close = () => handlers.onClosed();
          return open(target, handlers, signal);
        },
      },
    };
    const client = await stage.connect();
    const lost = watch(client.publish('t', '1'));
    const alone = watch(client.publish('t', '1', { timeoutMs: 1_000 }));
    close?.();
    await stage.clock.settle();
    expect([lost.code, alone.code]).toEqual(['connectionLost', 'connectionLost']);
  });

  it('waits in the queue for a connection', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.link.current.cut();
    await stage.clock.settle();
    const waiting = watch(client.publish('t', 'queued'));
    expect(client.queued.messages).toBe(1);
    await stage.clock.advanceUntil(() => client.connected);
    await stage.clock.settle();
    expect(waiting.state).toBe('resolved');
    expect(stage.sent('publish')).toHaveLength(1);
  });
});

describe('publish at QoS 1 and 2', () => {
  it('resolves with what the server said', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('publish');
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    await stage.clock.settle();
    const { packetIdentifier } = stage.sent('publish')[0]!;
    stage.server.send(puback(packetIdentifier!, 0x10, { reasonString: 'nobody' }));
    await stage.clock.settle();
    expect(published.value).toEqual({
      reasonCode: 0x10,
      properties: { reasonString: 'nobody' },
      attempts: 1,
    });
  });

  it('rejects with the reason of a refusal', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('publish');
    const once = watch(client.publish('a/b', 'x', { qos: 1 }));
    const exactly = watch(client.publish('t', 'x', { qos: 2 }));
    await stage.clock.settle();
    const [first, second] = stage.sent('publish').map((packet) => packet.packetIdentifier!);
    stage.server.send(puback(first!, 0x87, { reasonString: 'no' }));
    stage.server.send(pubrec(second!, 0x97));
    await stage.clock.settle();
    expect(once.error).toMatchObject({
      code: 'publishRefused',
      reasonCode: 0x87,
      reasonString: 'no',
      message: 'the server refused the publish to "a/b": Not authorized (0x87), "no"',
    });
    expect(exactly.error).toMatchObject({ code: 'publishRefused', reasonCode: 0x97 });
    expect(stage.sent('pubrel')).toEqual([]);
  });

  it('says that the outcome is unknown when the server takes a message and then refuses it', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('publish').add('pubrel');
    const published = watch(client.publish('a/b', 'x', { qos: 2 }));
    await stage.clock.settle();
    const { packetIdentifier } = stage.sent('publish')[0]!;
    stage.server.send(pubrec(packetIdentifier!));
    await stage.clock.settle();
    expect(published.state).toBe('pending');
    stage.server.send(pubrec(packetIdentifier!, 0x97));
    await stage.clock.settle();
    expect(published.error).toMatchObject({
      code: 'outcomeUnknown',
      message: 'the server took the message to "a/b", and then refused it with PUBREC 0x97',
    });
    expect(client.connected).toBe(true);
  });

  it('withdraws a message whose time is up before it left', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.link.current.cut();
    stage.link.connect = { outcome: 'hang' };
    await stage.clock.settle();
    const abort = new AbortController();
    const late = watch(client.publish('t', 'late', { qos: 1, timeoutMs: 500 }));
    const aborted = watch(client.publish('t', 'aborted', { qos: 1, signal: abort.signal }));
    abort.abort(new Error('changed my mind'));
    await stage.clock.advance(500);
    expect(late.error).toMatchObject({ code: 'timeout' });
    expect(aborted.error).toMatchObject({ code: 'aborted', cause: { message: 'changed my mind' } });
    expect(client.queued.messages).toBe(0);
  });

  it('says that the outcome is unknown when it had left, and lets the exchange go on', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.held.add('publish');
    const late = watch(client.publish('t', 'x', { qos: 2, timeoutMs: 500 }));
    await stage.clock.advance(500);
    expect(late.error).toMatchObject({ code: 'outcomeUnknown', cause: { code: 'timeout' } });
    const { packetIdentifier } = stage.sent('publish')[0]!;
    stage.server.send(pubrec(packetIdentifier!));
    await stage.clock.settle();
    expect(stage.sent('pubrel')).toHaveLength(1);
    expect(late.state).toBe('rejected');
  });

  it('rejects at once when the signal is aborted already', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const early = watch(client.publish('t', 'x', { signal: AbortSignal.abort() }));
    await stage.clock.settle();
    expect(early.code).toBe('aborted');
    expect(stage.sent('publish')).toEqual([]);
  });

  it('lets go of the signal and of the timer when it is settled', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    for (let index = 0; index < 20; index++) {
      await client.publish('t', 'x', { qos: 1, signal, timeoutMs: 1_000 });
    }
    expect(listeners).toBe(0);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('tells when a message is stored, long before it is acknowledged', async () => {
    const stage = new ClientStage();
    const client = await stage.connect({ store: memoryStore(), clientId: 'me', cleanStart: false });
    stage.held.add('publish');
    const published = client.publish('t', 'x', { qos: 1 });
    const stored = watch(published.stored);
    const whole = watch(published);
    await stage.clock.settle();
    expect([stored.state, whole.state]).toEqual(['resolved', 'pending']);
    expect(published.stored).toBe(published.stored);
    // Asked for when it has long happened.
    const late = watch(client.publish('t', 'y', { qos: 1 }).stored);
    await stage.clock.settle();
    expect(late.state).toBe('resolved');
  });

  it('rejects `stored` together with a message that never was', async () => {
    const stage = new ClientStage();
    const client = await stage.connect({ queue: { maxMessages: 0 } });
    stage.link.current.cut();
    await stage.clock.settle();
    const published = client.publish('t', 'x', { qos: 1 });
    const stored = watch(published.stored);
    const whole = watch(published);
    await stage.clock.settle();
    expect([stored.code, whole.code]).toEqual(['queueFull', 'queueFull']);
    const invalid = client.publish('a/#', 'x');
    await expect(invalid.stored).rejects.toBeInstanceOf(MqttUsageError);
  });
});

describe('a full queue', () => {
  it('holds callers back with `wait`, in order, until there is room', async () => {
    const stage = new ClientStage();
    const client = await stage.connect({ queue: { maxMessages: 2, overflow: 'wait' } });
    stage.link.current.cut();
    await stage.clock.settle();
    const all = [1, 2, 3, 4, 5].map((n) => watch(client.publish('t', `${n}`, { qos: 1 })));
    await stage.clock.settle();
    expect(client.queued.messages).toBe(2);
    expect(all.map(({ state }) => state)).toEqual(Array(5).fill('pending'));
    await stage.clock.advanceUntil(() => client.connected);
    await stage.clock.settle();
    expect(all.map(({ state }) => state)).toEqual(Array(5).fill('resolved'));
    const texts = stage.sent('publish').map(({ payload }) => new TextDecoder().decode(payload));
    expect(texts).toEqual(['1', '2', '3', '4', '5']);
  });

  it('is bounded in bytes too, and lets nobody wait for room that there never is', async () => {
    const stage = new ClientStage();
    const client = await stage.connect({ queue: { maxBytes: 100, overflow: 'wait' } });
    stage.link.current.cut();
    await stage.clock.settle();
    const first = watch(client.publish('t', 'x'.repeat(60), { qos: 1 }));
    const second = watch(client.publish('t', 'x'.repeat(60), { qos: 1 }));
    await stage.clock.settle();
    expect(client.queued.messages).toBe(1);
    await stage.clock.advanceUntil(() => client.connected);
    await stage.clock.settle();
    expect([first.state, second.state]).toEqual(['resolved', 'resolved']);
    stage.link.current.cut();
    await stage.clock.settle();
    const huge = watch(client.publish('t', 'x'.repeat(200), { qos: 1 }));
    await stage.clock.settle();
    expect(huge.code).toBe('queueFull');
  });

  it('lets those who wait give up', async () => {
    const stage = new ClientStage();
    const client = await stage.connect({ queue: { maxMessages: 1, overflow: 'wait' } });
    stage.link.current.cut();
    stage.link.connect = { outcome: 'hang' };
    await stage.clock.settle();
    void client.publish('t', '1', { qos: 1 });
    const late = watch(client.publish('t', '2', { qos: 1, timeoutMs: 100 }));
    const left = watch(client.publish('t', '3', { qos: 1 }));
    await stage.clock.advance(100);
    expect(late.code).toBe('timeout');
    expect(await client.close()).toEqual({ unsent: 2, unacknowledged: 0 });
    await stage.clock.settle();
    expect(left.code).toBe('clientClosed');
  });
});

describe('promises that nobody looks at', () => {
  it('do no harm when they reject', async () => {
    const stage = new ClientStage();
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    try {
      const client = await stage.connect({ queue: { maxMessages: 1 } });
      stage.held.add('publish').add('subscribe').add('unsubscribe');
      void client.publish('a/#', 'x');
      void client.publish('t', 'x').stored;
      void client.publish('t', 'x', { qos: 1 }).stored;
      void client.publish('t', 'x', { qos: 2, timeoutMs: 10 });
      void client.subscribe('a', () => {});
      void client.unsubscribe('b');
      await stage.clock.advance(100);
      stage.link.current.cut();
      for (let index = 0; index < 3; index++) void client.publish('t', 'x', { qos: 1 });
      await stage.clock.settle();
      await client.close({ timeoutMs: 0 });
      void client.publish('t', 'x');
      void client.unsubscribe('b');
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', listener);
    }
  });
});

describe('what is left at the end', () => {
  it('is counted: what never left, and what nobody acknowledged', async () => {
    const stage = new ClientStage({ connack: { receiveMaximum: 2 } });
    const client = await stage.connect();
    stage.held.add('publish');
    const all = [1, 2, 3, 4, 5].map(() => watch(client.publish('t', 'x', { qos: 1 })));
    await stage.clock.settle();
    expect(await client.close({ timeoutMs: 0 })).toEqual({ unsent: 3, unacknowledged: 2 });
    await stage.clock.settle();
    expect(all.map(({ code }) => code)).toEqual([
      'outcomeUnknown',
      'outcomeUnknown',
      'clientClosed',
      'clientClosed',
      'clientClosed',
    ]);
  });

  it('leaves before DISCONNECT if it is encoded', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    const last = watch(client.publish('t', 'last words'));
    await client.close({ timeoutMs: 0 });
    await stage.clock.settle();
    expect(last.state).toBe('resolved');
    expect(stage.server.received.map(({ type }) => type)).toEqual([1, 3, 14]);
  });
});
