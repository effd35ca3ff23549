import type { SessionStore } from '@mqtt-kit/core';
import { puback } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { errors, rejection, Stage, statuses, watch } from './support/stage.ts';

describe('close', () => {
  it.each(['5.0', '3.1.1'] as const)(
    '[MQTT-3.14.4-2] sends DISCONNECT, then ends the connection, and nothing between (%s)',
    async (version) => {
      const stage = new Stage();
      const client = await stage.connect({ version });
      stage.hold.add('disconnect');
      const before = stage.server().receivedBytes.length;
      await client.close();
      await stage.settle();
      expect([...stage.server().receivedBytes.subarray(before)]).toEqual([0xe0, 0x00]);
      expect(stage.link.openEnds).toBe(0);
      expect(client.status).toEqual({ state: 'closed', reason: undefined });
    },
  );

  it('[MQTT-3.14.4-1] closes by itself when the server does not', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.link.current.silence();
    const closing = watch(client.close());
    await stage.advance(60_000);
    expect(closing.resolved).toBe(true);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('settles when the client never was connected, and while it connects', async () => {
    const stage = new Stage({ link: { connect: { outcome: 'hang' } } });
    const client = await stage.connect({ waitForConnection: false });
    await stage.settle();
    expect(await client.close()).toEqual({ unsent: 0, unacknowledged: 0 });
    await stage.settle();
    expect(stage.link.openEnds).toBe(0);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('settles while it waits for CONNACK', async () => {
    const stage = new Stage();
    stage.hold.add('connect');
    const client = await stage.connect({ waitForConnection: false });
    await stage.settle();
    await client.close();
    await stage.settle();
    expect(stage.link.openEnds).toBe(0);
    expect(stage.clock.scheduled).toBe(0);
    expect(stage.server().received.map(({ type }) => type)).toEqual([1]);
  });

  it('settles while it waits to reconnect', async () => {
    const stage = new Stage();
    const client = await stage.connect({ reconnect: { minDelayMs: 10_000, maxDelayMs: 20_000 } });
    stage.link.current.cut();
    await stage.settle();
    expect(client.status.state).toBe('reconnecting');
    await client.close();
    await stage.advance(60_000);
    expect(stage.link.attempts).toBe(1);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('resolves each time it is called and reports the end once', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const seen = statuses(client);
    await Promise.all([client.close(), client.close()]);
    await client.close();
    await client[Symbol.asyncDispose]();
    expect(seen).toEqual([{ state: 'closed', reason: undefined }]);
    expect(stage.sent('disconnect')).toHaveLength(1);
  });

  it('is not followed by a reconnection', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 10 });
    await client.close();
    await stage.advance(3_600_000);
    expect(stage.link.attempts).toBe(1);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('waits for what is under way up to its time limit and tells what was left', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.hold.add('publish');
    const left = watch(client.publish('t', 'left', { qos: 1 }));
    const acknowledged = watch(client.publish('t', 'acknowledged', { qos: 1 }));
    await stage.settle();
    const closing = watch(client.close({ timeoutMs: 1_000 }));
    await stage.advance(500);
    stage.server().send(puback(stage.sent('publish')[1]?.packetIdentifier ?? 0));
    await stage.advance(499);
    expect(acknowledged.resolved).toBe(true);
    expect([closing.settled, left.settled]).toEqual([false, false]);
    expect(stage.sent('disconnect')).toHaveLength(0);
    await stage.advance(1);
    expect(closing.value).toEqual({ unsent: 0, unacknowledged: 1 });
    expect(left.code).toBe('outcomeUnknown');
    await stage.settle();
    expect(stage.sent('disconnect')).toHaveLength(1);
  });

  it('ends as soon as nothing is under way any more', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.hold.add('publish');
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    await stage.settle();
    const closing = watch(client.close({ timeoutMs: 60_000 }));
    await stage.settle();
    expect(closing.settled).toBe(false);
    stage.server().send(puback(stage.sent('publish')[0]?.packetIdentifier ?? 0));
    await stage.settle();
    expect(published.resolved).toBe(true);
    expect(closing.value).toEqual({ unsent: 0, unacknowledged: 0 });
  });

  it('sends what was published at QoS 0 just before', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const published = watch(client.publish('t', 'last words'));
    await client.close({ timeoutMs: 0 });
    await stage.settle();
    expect(published.settled).toBe(true);
    if (published.resolved) expect(stage.sent('publish')).toHaveLength(1);
    else expect(published.code).toBe('clientClosed');
  });

  it('by force does not wait, and every pending promise rejects', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    for (const type of ['publish', 'subscribe', 'unsubscribe'] as const) stage.hold.add(type);
    const pending = [
      watch(client.publish('t', 'x', { qos: 1 })),
      watch(client.publish('t', 'x', { qos: 2 })),
      watch(client.subscribe('a', () => {})),
      watch(client.subscribe('b')),
      watch(client.unsubscribe('c')),
    ];
    await stage.settle();
    const result = await client.close({ timeoutMs: 0 });
    await stage.settle();
    expect(result).toEqual({ unsent: 0, unacknowledged: 2 });
    const codes = pending.map((watched) => watched.code);
    expect(codes.slice(0, 2)).toEqual(['outcomeUnknown', 'outcomeUnknown']);
    // SUBSCRIBE is out, and nobody knows what the server makes of it.
    for (const code of codes.slice(2, 4)) expect(code).toMatch(/^(clientClosed|outcomeUnknown)$/);
    // UNSUBSCRIBE may also count as done: with the session its filter is gone.
    expect(codes[4] ?? 'clientClosed').toMatch(/^(clientClosed|outcomeUnknown)$/);
    expect(pending.every((watched) => watched.settled)).toBe(true);
    expect(stage.clock.scheduled).toBe(0);
  });

  it('rejects what never left with clientClosed', async () => {
    const stage = new Stage({ link: { connect: { outcome: 'refuse' } } });
    const client = await stage.connect({ waitForConnection: false });
    const pending = [
      watch(client.publish('t', 'x', { qos: 1 })),
      watch(client.publish('t', 'x')),
      watch(client.subscribe('a', () => {})),
    ];
    await stage.settle();
    // Offline there is nothing to wait for.
    expect(await client.close()).toEqual({ unsent: 2, unacknowledged: 0 });
    await stage.settle();
    expect(pending.map((watched) => watched.code)).toEqual(Array(3).fill('clientClosed'));
  });

  it('[MQTT-3.14.2-1] sends reason code and properties under 5.0', async () => {
    const stage = new Stage();
    const client = await stage.connect({ clientId: 'me', cleanStart: false });
    await client.close({
      reasonCode: 0x04,
      reasonString: 'maintenance',
      sessionExpirySeconds: 3_600,
      userProperties: [['why', 'because']],
    });
    await stage.settle();
    expect(stage.sent('disconnect')).toEqual([
      {
        type: 14,
        reasonCode: 0x04,
        properties: {
          reasonString: 'maintenance',
          sessionExpiryInterval: 3_600,
          userProperties: [['why', 'because']],
        },
      },
    ]);
  });

  it('refuses a session expiry at the end that was 0 at the beginning', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    expect(await rejection(client.close({ sessionExpirySeconds: 60 }))).toMatchObject({
      code: 'invalidArgument',
    });
    expect(client.connected).toBe(true);
    expect(stage.sent('disconnect')).toHaveLength(0);
  });

  it('refuses a reason code that a client may not send', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    for (const reasonCode of [0x01, 0x8b, 0x8e, 256, -1, Number.NaN]) {
      expect(await rejection(client.close({ reasonCode }))).toMatchObject({
        code: 'invalidArgument',
      });
    }
    expect(client.connected).toBe(true);
  });

  it('lets every later call reject with clientClosed', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const subscription = await client.subscribe('a');
    await client.close();
    const calls = [
      client.publish('t', 'x'),
      client.publish('t', 'x', { qos: 2 }),
      client.subscribe('b', () => {}),
      client.subscribe('b'),
      client.unsubscribe('a'),
      client.reauthenticate(),
    ];
    for (const call of calls) expect(await rejection(call)).toMatchObject({ code: 'clientClosed' });
    const ending = watch(subscription.unsubscribe());
    await stage.settle();
    expect(ending.settled).toBe(true);
    expect(stage.sent('publish')).toHaveLength(0);
  });

  it('ends iterators', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const subscription = await client.subscribe('a');
    const reading = watch(
      (async () => {
        for await (const _message of subscription) throw new Error('there is no message');
        return 'ended';
      })(),
    );
    await stage.settle();
    await client.close();
    await stage.settle();
    expect(reading.settled).toBe(true);
    if (!reading.resolved) expect(reading.code).toBe('clientClosed');
  });

  it('is final, and the same options make a new client that works', async () => {
    const stage = new Stage();
    const options = { clientId: 'again' };
    const first = await stage.connect(options);
    await first.close();
    const second = await stage.connect(options);
    await second.publish('t', 'x', { qos: 1 });
    expect(first.status.state).toBe('closed');
    expect(second.connected).toBe(true);
    expect(stage.sent('publish', 2)).toHaveLength(1);
  });

  it('can be called by a handler without a deadlock', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const closed = new Promise((resolve) => {
      client.subscribe('t', async () => resolve(await client.close()));
    });
    await stage.settle();
    stage.server().sendRaw('30 04 00 01 74 00');
    const closing = watch(closed);
    await stage.advance(10_000);
    expect(closing.resolved).toBe(true);
  });

  it('alone reports that the store could not be closed', async () => {
    const stage = new Stage();
    const failing: SessionStore = {
      durable: false,
      load: () => [],
      commit: () => {},
      clear: () => {},
      close: () => Promise.reject(new Error('the disk is gone')),
    };
    const client = await stage.connect({ store: failing });
    const reported = errors(client);
    const error = await rejection(client.close());
    expect(error.code).toBe('storeFailed');
    await stage.settle();
    expect(reported).toEqual([]);
    expect(client.status.state).toBe('closed');
    expect(stage.link.openEnds).toBe(0);
  });
});
