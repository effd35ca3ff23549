import type { ConnectAttempt, OpenTransport, TransportHandlers } from '@mqtt-kit/core';
import { disconnect, publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { errors, reconnecting, Stage, statuses, utf8, watch } from './support/stage.ts';

describe('reconnection', () => {
  it.each(['orderly', 'reset'] as const)(
    'follows an end of the connection (%s)',
    async (manner) => {
      const stage = new Stage();
      const client = await stage.connect();
      const seen = statuses(client);
      await stage.breakConnection(manner);
      expect(client.connected).toBe(true);
      expect(seen.map((status) => status.state).filter((state) => state !== 'connecting')).toEqual([
        'reconnecting',
        'connected',
      ]);
      expect(reconnecting(seen)[0]?.reason.code).toBe('connectionLost');
    },
  );

  it.each([0, 1] as const)(
    'subscribes again before it sends what waited, when the session is new (QoS %i)',
    async (qos) => {
      const stage = new Stage();
      const client = await stage.connect({ version: qos === 0 ? '3.1.1' : '5.0' });
      await client.subscribe('own/#', { qos }, () => {});
      stage.hold.add('publish');
      const unanswered = watch(client.publish('own/unanswered', '', { qos: 1 }));
      stage.link.current.cut();
      await stage.settle();
      const waiting = [1, 2, 3].map((value) => client.publish('own/state', `${value}`, { qos }));
      stage.hold.clear();
      await stage.clock.advanceUntil(() => stage.broker.connections.length === 2);
      await stage.settle();
      await Promise.all(waiting);
      const types = stage.server(2).received.map(({ type }) => type);
      expect(types.slice(0, 6)).toEqual([1, 8, 3, 3, 3, 3]);
      expect(unanswered.value?.attempts).toBe(2);
    },
  );

  it('follows a connection that has gone silent', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 30 });
    stage.link.current.silence();
    await stage.clock.advanceUntil(() => stage.broker.connections.length === 2, 60_000);
    await stage.settle();
    expect(client.connected).toBe(true);
  });

  it('tells each outage once, whatever number of attempts it takes', async () => {
    const stage = new Stage({
      link: {
        connect: (attempt) => ({ outcome: attempt === 1 || attempt > 4 ? 'accept' : 'refuse' }),
      },
    });
    const client = await stage.connect();
    const lost = errors(client);
    const seen = statuses(client);
    stage.link.current.cut();
    await stage.clock.advanceUntil(() => stage.broker.connections.length === 2);
    await stage.settle();
    expect(lost.filter((error) => error.code === 'connectionLost')).toHaveLength(1);
    expect(reconnecting(seen).map((status) => status.reason.code)).toEqual([
      'connectionLost',
      'connectionRefused',
      'connectionRefused',
      'connectionRefused',
    ]);
    expect(seen.filter((status) => status.state === 'connected')).toHaveLength(1);
  });

  it('tells of a first attempt that failed when the client connects in the background', async () => {
    const stage = new Stage({
      link: { connect: (attempt) => ({ outcome: attempt < 3 ? 'refuse' : 'accept' }) },
    });
    const client = await stage.connect({ waitForConnection: false });
    const seen = statuses(client);
    await stage.clock.advanceUntil(() => client.connected);
    expect(reconnecting(seen).map(({ attempt }) => attempt)).toHaveLength(2);
  });

  it('says which attempt comes after which delay, and keeps to it', async () => {
    const stage = new Stage({
      link: { connect: (attempt) => ({ outcome: attempt === 1 ? 'accept' : 'refuse' }) },
    });
    const client = await stage.connect();
    const seen = statuses(client);
    stage.link.current.cut();
    await stage.settle();
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      const last = reconnecting(seen).at(-1)!;
      expect(last.attempt).toBe(attempt);
      if (last.delayMs > 1) {
        await stage.advance(last.delayMs - 1);
        expect(stage.link.attempts).toBe(attempt);
      }
      await stage.advance(last.delayMs > 1 ? 1 : last.delayMs);
      expect(stage.link.attempts).toBe(attempt + 1);
    }
  });

  it('does not happen when it is turned off', async () => {
    const stage = new Stage();
    const client = await stage.connect({ reconnect: false });
    stage.link.current.cut();
    await stage.advance(3_600_000);
    expect(stage.link.attempts).toBe(1);
    expect(client.status).toMatchObject({ state: 'closed', reason: { code: 'connectionLost' } });
  });

  it('settles everything that waits when it is turned off', async () => {
    const stage = new Stage();
    const client = await stage.connect({ reconnect: false });
    for (const type of ['publish', 'subscribe'] as const) stage.hold.add(type);
    const pending = [
      watch(client.publish('t', 'x', { qos: 1 })),
      watch(client.publish('t', 'x', { qos: 2 })),
      watch(client.subscribe('a', () => {})),
    ];
    await stage.settle();
    stage.link.current.cut();
    await stage.advance(10_000);
    expect(pending.every((watched) => watched.settled && !watched.resolved)).toBe(true);
  });

  it('waits longer each time, by chance, up to a bound', async () => {
    const delays: number[][] = [];
    for (const seed of [1, 2, 3, 4, 5]) {
      const stage = new Stage({
        seed,
        link: { connect: (attempt) => ({ outcome: attempt === 1 ? 'accept' : 'refuse' }) },
      });
      const client = await stage.connect();
      const seen = statuses(client);
      stage.link.current.cut();
      await stage.clock.advanceUntil(() => reconnecting(seen).length >= 14, 10_000_000);
      delays.push(reconnecting(seen).map(({ delayMs }) => delayMs));
    }
    for (const run of delays) {
      run.forEach((delayMs, index) => {
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(Math.min(30_000, 100 * 2 ** index));
      });
    }
    // Full jitter: the runs differ, and the late delays are spread over the whole range.
    expect(new Set(delays.map((run) => run.join())).size).toBe(5);
    const late = delays.flatMap((run) => run.slice(10));
    expect(Math.max(...late)).toBeGreaterThan(15_000);
    expect(Math.min(...late)).toBeLessThan(15_000);
  });

  it('keeps to the bounds that were given', async () => {
    const stage = new Stage({
      link: { connect: (attempt) => ({ outcome: attempt === 1 ? 'accept' : 'refuse' }) },
    });
    const client = await stage.connect({
      reconnect: { minDelayMs: 1_000, maxDelayMs: 5_000, factor: 3 },
    });
    const seen = statuses(client);
    stage.link.current.cut();
    await stage.clock.advanceUntil(() => reconnecting(seen).length >= 12, 10_000_000);
    reconnecting(seen).forEach(({ delayMs }, index) => {
      expect(delayMs).toBeLessThanOrEqual(Math.min(5_000, 1_000 * 3 ** index));
    });
    expect(Math.max(...reconnecting(seen).map(({ delayMs }) => delayMs))).toBeGreaterThan(1_000);
  });

  it('goes on waiting longer when connections end without any progress', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const seen = statuses(client);
    for (let count = 0; count < 12; count += 1) {
      const before = stage.broker.connections.length;
      stage.link.current.cut();
      await stage.clock.advanceUntil(
        () => stage.broker.connections.length > before && client.connected,
        120_000,
      );
    }
    const delays = reconnecting(seen).map(({ delayMs }) => delayMs);
    expect(Math.max(...delays)).toBeGreaterThan(2_000);
  });

  it('starts from the shortest delay again after progress, and after 10 s of standing', async () => {
    for (const progress of ['message', 'acknowledgement', 'standing'] as const) {
      const stage = new Stage({
        link: {
          connect: (attempt) => ({ outcome: attempt > 1 && attempt < 12 ? 'refuse' : 'accept' }),
        },
      });
      const client = await stage.connect();
      await client.subscribe('t', () => {});
      await stage.advance(11_000);
      const seen = statuses(client);
      stage.link.current.cut();
      await stage.clock.advanceUntil(() => client.connected, 1_000_000);
      if (progress === 'message') stage.server(2).send(publish('t', 'x'));
      if (progress === 'acknowledgement') await client.publish('t', 'x', { qos: 1 });
      if (progress === 'standing') await stage.advance(10_000);
      await stage.settle();
      stage.link.current.cut();
      await stage.settle();
      const last = reconnecting(seen).at(-1)!;
      expect([progress, last.attempt]).toEqual([progress, 1]);
      expect(last.delayMs).toBeLessThanOrEqual(100);
    }
  });

  it('does not take a retained message or a SUBACK for progress', async () => {
    const delays: number[] = [];
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const stage = new Stage({
        seed,
        link: {
          connect: (attempt) => ({ outcome: attempt > 1 && attempt < 12 ? 'refuse' : 'accept' }),
        },
      });
      const client = await stage.connect();
      await client.subscribe('t', () => {});
      await stage.advance(11_000);
      const seen = statuses(client);
      stage.link.current.cut();
      await stage.clock.advanceUntil(() => client.connected, 1_000_000);
      stage.server(2).send(publish('t', 'x', { retain: true }));
      await stage.settle();
      stage.link.current.cut();
      await stage.settle();
      delays.push(reconnecting(seen).at(-1)!.delayMs);
    }
    expect(Math.max(...delays)).toBeGreaterThan(100);
  });

  it('works from inside a status listener: close there is final, a new client there connects', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const closing = watch(
      new Promise((resolve) => {
        client.on('status', (status) => {
          if (status.state === 'reconnecting') resolve(client.close());
        });
      }),
    );
    stage.link.current.cut();
    await stage.advance(60_000);
    expect(closing.resolved).toBe(true);
    expect(client.status).toEqual({ state: 'closed', reason: undefined });
    expect(stage.link.attempts).toBe(1);

    const other = await stage.connect({ reconnect: false });
    const follower = watch(
      new Promise((resolve) => {
        other.on('status', (status) => {
          if (status.state === 'closed') resolve(stage.connect());
        });
      }),
    );
    stage.link.current.cut();
    await stage.advance(60_000);
    expect(follower.resolved).toBe(true);
    expect(stage.broker.connections).toHaveLength(3);
  });

  it('makes one new connection for one lost, whatever is asked meanwhile', async () => {
    const stage = new Stage();
    const client = await stage.connect({ reconnect: { minDelayMs: 1_000 } });
    stage.link.current.cut();
    await stage.settle();
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    const subscribed = watch(client.subscribe('a', () => {}));
    await stage.clock.advanceUntil(() => published.settled && subscribed.settled);
    await stage.advance(60_000);
    expect(stage.link.attempts).toBe(2);
    expect([published.resolved, subscribed.resolved]).toEqual([true, true]);
  });

  it('asks for credentials and will at each attempt, also when they take time', async () => {
    const stage = new Stage();
    const attempts: ConnectAttempt[] = [];
    await stage.connect({
      credentials: async (attempt) => {
        attempts.push(attempt);
        await Promise.resolve();
        return { username: 'u', password: `token ${attempts.length}` };
      },
      will: (attempt) => ({ topic: 'will', payload: `of ${attempt.server} ${attempts.length}` }),
    });
    await stage.breakConnection();
    await stage.breakConnection();
    const connects = stage.sentAtAll('connect');
    expect(connects.map((connect) => connect.password)).toEqual(
      [1, 2, 3].map((number) => utf8(`token ${number}`)),
    );
    expect(new Set(connects.map((connect) => connect.will?.payload.join())).size).toBe(3);
    expect(attempts.every(({ server }) => server.includes('localhost'))).toBe(true);
  });

  it('is not stopped for ever by credentials that fail once', async () => {
    const stage = new Stage();
    let asked = 0;
    const client = await stage.connect({
      credentials: () => {
        asked += 1;
        if (asked === 2) throw new Error('the token server is down');
        return { username: 'u', password: 'p' };
      },
    });
    await stage.breakConnection();
    expect(client.connected).toBe(true);
    expect(asked).toBe(3);
  });

  it('does not fight for a session that was taken over', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    stage.server().send(disconnect(0x8e));
    stage.server().end();
    await stage.advance(3_600_000);
    expect(stage.link.attempts).toBe(1);
    expect(client.status).toMatchObject({
      state: 'closed',
      reason: { code: 'sessionTakenOver', reasonCode: 0x8e },
    });
  });

  it('follows 1,000 lost connections with the same number of timers and connections', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 60, reconnect: { maxDelayMs: 1_000 } });
    await client.subscribe('t', () => {});
    await stage.breakConnection();
    await stage.settle();
    const scheduled = stage.clock.scheduled;
    for (let count = 0; count < 1_000; count += 1) await stage.breakConnection();
    await stage.settle();
    expect(client.connected).toBe(true);
    expect(stage.clock.scheduled).toBeLessThanOrEqual(scheduled + 1);
    expect(stage.link.openEnds).toBe(2);
  });

  it('is not disturbed by what an old connection still says', async () => {
    const stage = new Stage();
    const old: TransportHandlers[] = [];
    const open: OpenTransport = (target, handlers, signal) => {
      old.push(handlers);
      return stage.link.open(target, handlers, signal);
    };
    const client = await stage.connect({}, 'mqtt://localhost', stage.environment(open));
    const got: string[] = [];
    await client.subscribe('t', (message) => got.push(message.text()));
    await stage.breakConnection();
    const published = watch(client.publish('t', 'x', { qos: 1 }));
    const seen = statuses(client);
    old[0]?.onData(Uint8Array.from([0x30, 5, 0, 1, 0x74, 0, 0x21]));
    old[0]?.onData(Uint8Array.from([0x40, 2, 0, 1]));
    old[0]?.onDrain();
    old[0]?.onClosed(new Error('late'));
    old[0]?.onClosed();
    await stage.settle();
    expect(got).toEqual([]);
    expect(seen).toEqual([]);
    expect(client.connected).toBe(true);
    expect(published.resolved).toBe(true);
    expect(stage.sent('publish', 2)).toHaveLength(1);
  });

  it('starts with an empty decoder: half a packet of the old connection is forgotten', async () => {
    const stage = new Stage();
    const client = await stage.connect();
    const got: string[] = [];
    await client.subscribe('t', (message) => got.push(message.text()));
    stage.server().sendRaw('30 20 00 01 74 00');
    await stage.settle();
    await stage.breakConnection();
    stage.server(2).send(publish('t', 'whole'));
    await stage.settle();
    expect(got).toEqual(['whole']);
  });
});
