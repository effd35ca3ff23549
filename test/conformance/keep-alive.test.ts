import { publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { reconnecting, rejection, Stage, statuses } from './support/stage.ts';

describe('keep-alive', () => {
  it('[MQTT-3.1.2-20] sends PINGREQ before the interval ends, and goes on doing so', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 10 });
    for (let count = 1; count <= 20; count += 1) {
      await stage.advance(10_000);
      expect(stage.sent('pingreq').length).toBeGreaterThanOrEqual(count);
    }
    expect(stage.sent('pingreq').length).toBeLessThanOrEqual(40);
    expect(client.connected).toBe(true);
    expect(stage.link.attempts).toBe(1);
  });

  it('sends none when it is off', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 0 });
    await stage.advance(7 * 86_400_000);
    expect(stage.sent('pingreq')).toHaveLength(0);
    expect(client.connected).toBe(true);
  });

  it('is not put off by what is received', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 10 });
    await client.subscribe('t', () => {});
    for (let second = 1; second <= 60; second += 1) {
      await stage.advance(1_000);
      stage.server().send(publish('t', 'x'));
    }
    expect(stage.sent('pingreq').length).toBeGreaterThanOrEqual(5);
  });

  it('is put off by what is sent, as long as something is received too', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 10 });
    for (let count = 0; count < 30; count += 1) {
      await stage.advance(2_000);
      await client.publish('t', 'x', { qos: 1 });
    }
    expect(stage.sent('pingreq')).toHaveLength(0);
  });

  it('pings while it only sends, so that it learns of a server that has gone', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 10 });
    for (let count = 0; count < 30; count += 1) {
      await stage.advance(2_000);
      await client.publish('t', 'x');
    }
    expect(stage.sent('pingreq').length).toBeGreaterThanOrEqual(5);
    stage.link.current.silence('toClient');
    for (let count = 0; count < 15 && stage.link.attempts === 1; count += 1) {
      await stage.advance(2_000);
      await client.publish('t', 'x');
    }
    expect(stage.link.attempts).toBeGreaterThan(1);
  });

  it.each([
    [10, 15_000],
    [60, 80_000],
    [600, 620_000],
  ])(
    'of %i s closes and reconnects within %i ms when PINGRESP does not come',
    async (keepAliveSeconds, limitMs) => {
      const stage = new Stage();
      const client = await stage.connect({ keepAliveSeconds });
      const seen = statuses(client);
      stage.hold.add('pingreq');
      await stage.advance(limitMs * 0.8);
      expect(reconnecting(seen)).toHaveLength(0);
      await stage.advance(limitMs * 0.2);
      expect(reconnecting(seen)).toHaveLength(1);
      expect(reconnecting(seen)[0]?.reason.code).toBe('connectionLost');
      stage.hold.clear();
      await stage.advance(1_000);
      expect(client.connected).toBe(true);
    },
  );

  it('waits for an answer as long as bytes come', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 30 });
    await client.subscribe('t', () => {});
    stage.hold.add('pingreq');
    for (let count = 0; count < 30; count += 1) {
      await stage.advance(10_000);
      stage.server().send(publish('t', 'x'));
    }
    expect(client.connected).toBe(true);
    expect(stage.link.attempts).toBe(1);
  });

  it('[MQTT-3.2.2-21] takes Server Keep Alive for that connection, and its own for the next CONNECT', async () => {
    const stage = new Stage({
      connack: (number) =>
        number === 1 ? { serverKeepAlive: 5 } : number === 3 ? { serverKeepAlive: 0 } : {},
    });
    const client = await stage.connect({ keepAliveSeconds: 60 });
    expect(client.server?.keepAliveSeconds).toBe(5);
    await stage.advance(50_000);
    expect(stage.sent('pingreq').length).toBeGreaterThanOrEqual(10);
    await stage.breakConnection();
    expect(stage.sent('connect', 2)[0]?.keepAliveSeconds).toBe(60);
    await stage.advance(59_000);
    const early = stage.sent('pingreq', 2).length;
    expect(early).toBeLessThanOrEqual(1);
    await stage.advance(60_000);
    expect(stage.sent('pingreq', 2).length).toBeGreaterThan(0);
    await stage.breakConnection();
    await stage.advance(3_600_000);
    expect(stage.sent('pingreq', 3)).toHaveLength(0);
  });

  it('also takes it where its own was off', async () => {
    const stage = new Stage({ connack: () => ({ serverKeepAlive: 5 }) });
    await stage.connect({ keepAliveSeconds: 0 });
    await stage.advance(20_000);
    expect(stage.sent('pingreq').length).toBeGreaterThanOrEqual(4);
  });

  it('checks at once after the machine has slept', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 60 });
    const before = stage.server().received.length;
    await stage.clock.sleep(3_600_000);
    await stage.advance(1_000);
    // Either it asks the server, or it takes the connection for dead. Both are a check.
    const asked = stage.server().received.length > before;
    expect(asked || stage.link.attempts > 1 || client.status.state === 'reconnecting').toBe(true);
    await stage.advance(25_000);
    expect(client.connected).toBe(true);

    const dead = new Stage();
    const other = await dead.connect({ keepAliveSeconds: 60 });
    dead.link.current.silence();
    await dead.clock.sleep(3_600_000);
    await dead.advance(25_000);
    expect(dead.link.attempts).toBeGreaterThan(1);
    expect(other.connected).toBe(true);
  });

  it('is not shaken by a wall clock that is set', async () => {
    const stage = new Stage();
    const client = await stage.connect({ keepAliveSeconds: 60 });
    for (const byMs of [86_400_000, -2 * 86_400_000]) {
      stage.clock.setWallClock(byMs);
      await stage.advance(30_000);
    }
    expect(client.connected).toBe(true);
    expect(stage.sent('pingreq').length).toBeLessThanOrEqual(2);
  });

  it.each([-1, 1.5, 65_536, Number.NaN, Number.POSITIVE_INFINITY, '60' as unknown as number])(
    'refuses %s seconds',
    async (keepAliveSeconds) => {
      const stage = new Stage();
      const error = await rejection(stage.connect({ keepAliveSeconds }));
      expect(error.code).toBe('invalidArgument');
      expect(error.message).toContain('keepAliveSeconds');
      expect(stage.link.attempts).toBe(0);
    },
  );

  it('takes 0 and 65,535 seconds', async () => {
    const stage = new Stage();
    for (const keepAliveSeconds of [0, 65_535]) {
      await stage.connect({ keepAliveSeconds });
      expect(stage.sentAtAll('connect').at(-1)?.keepAliveSeconds).toBe(keepAliveSeconds);
    }
  });
});
