import { describe, expect, it } from 'vitest';
import { ClientStage, watch } from './client-stage.test-support.ts';

const minuteMs = 60_000;

function staged(keepAliveSeconds = 60) {
  const stage = new ClientStage({ sessionPresent: (number) => number > 1 });
  const connected = stage.connect({ clientId: 'c', cleanStart: false, keepAliveSeconds });
  return { stage, connected };
}

describe('a connection that nobody closes', () => {
  it.each(['both', 'toClient', 'toServer'] as const)(
    'is found dead within one and a half Keep Alive, silent in direction %s',
    async (direction) => {
      const { stage, connected } = staged(10);
      const client = await connected;
      stage.link.current.silence(direction);
      const dead = watch(
        new Promise<void>((resolve) => {
          client.on('status', ({ state }) => state === 'reconnecting' && resolve());
        }),
      );
      // The client goes on publishing: that proves nothing.
      for (let ms = 0; ms < 15_000; ms += 500) {
        void client.publish('t', 'x');
        await stage.clock.advance(500);
      }
      expect(dead.state).toBe('resolved');
      await stage.clock.advance(1_000);
      expect(client.connected).toBe(true);
    },
  );
});

describe('a machine that slept', () => {
  it('keeps a connection that still lives', async () => {
    const { stage, connected } = staged();
    const client = await connected;
    await stage.clock.sleep(60 * minuteMs);
    await stage.clock.advance(10 * minuteMs);
    expect(stage.broker.connections).toHaveLength(1);
    expect(client.connected).toBe(true);
  });

  it('asks once more, and leaves a connection that is gone within 5 s', async () => {
    const { stage, connected } = staged();
    const client = await connected;
    stage.link.current.silence();
    void client.publish('t', 'while asleep', { qos: 1 });
    await stage.clock.settle();
    await stage.clock.sleep(60 * minuteMs);
    await stage.clock.advance(5_500);
    expect(stage.broker.connections).toHaveLength(2);
    expect(stage.sent('publish')).toMatchObject([{ dup: true }]);
  });

  it('makes one attempt when it wakes up between two, not all those that it missed', async () => {
    const { stage, connected } = staged();
    await connected;
    stage.link.connect = { outcome: 'refuse' };
    stage.link.current.cut();
    await stage.clock.advance(100);
    const before = stage.link.attempts;
    await stage.clock.sleep(10 * minuteMs);
    await stage.clock.settle();
    expect(stage.link.attempts - before).toBeLessThanOrEqual(1);
  });

  it('gives an attempt up whose time was over long ago', async () => {
    const { stage, connected } = staged();
    const client = await connected;
    stage.link.connect = { outcome: 'hang' };
    stage.link.current.cut();
    await stage.clock.advance(200);
    await stage.clock.sleep(10 * minuteMs);
    stage.link.connect = { outcome: 'accept' };
    await stage.clock.advance(1_000);
    expect(client.connected).toBe(true);
  });
});

describe('a wall clock that is set', () => {
  it.each([-24 * 60 * minuteMs, 24 * 60 * minuteMs])(
    'moves neither Keep Alive nor the age of queued messages (%i ms)',
    async (byMs) => {
      const { stage, connected } = staged(10);
      await connected;
      stage.clock.setWallClock(byMs);
      await stage.clock.advance(8_900);
      expect(stage.sent('pingreq')).toHaveLength(0);
      await stage.clock.advance(200);
      expect(stage.sent('pingreq')).toHaveLength(1);

      const other = new ClientStage();
      const client = await other.connect({ queue: { maxAgeMs: 5_000 } });
      other.link.connect = { outcome: 'refuse' };
      other.link.current.cut();
      await other.clock.settle();
      const published = watch(client.publish('t', 'x', { qos: 1 }));
      other.clock.setWallClock(byMs);
      await other.clock.advance(4_900);
      expect(published.state).toBe('pending');
      await other.clock.advance(200);
      expect(published.code).toBe('expired');
    },
  );
});
