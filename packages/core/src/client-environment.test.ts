import { describe, expect, it } from 'vitest';
import type { EnvironmentWatcher } from './client.ts';
import { ClientStage, type ClientStageOptions } from './client-stage.test-support.ts';
import type { ConnectOptions } from './options.ts';

interface WatchedStage {
  readonly stage: ClientStage;
  /** Who watches the environment now. */
  readonly watchers: Set<EnvironmentWatcher>;
  readonly tell: EnvironmentWatcher;
}

function watchedStage(options?: ClientStageOptions): WatchedStage {
  const stage = new ClientStage(options);
  const watchers = new Set<EnvironmentWatcher>();
  stage.environment = {
    ...stage.environment,
    watch: (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
  };
  const all = (what: keyof EnvironmentWatcher) => () => {
    for (const watcher of watchers) watcher[what]();
  };
  const tell = { onAwake: all('onAwake'), onDoubt: all('onDoubt'), onSuspend: all('onSuspend') };
  return { stage, watchers, tell };
}

const slow: ConnectOptions = { reconnect: { minDelayMs: 60_000, maxDelayMs: 60_000 } };

describe('a client that is told what its environment knows', () => {
  it('tries at once when it wakes up while it waits', async () => {
    const { stage, tell } = watchedStage();
    const client = await stage.connect(slow);
    stage.link.current.cut();
    await stage.clock.settle();
    expect(client.status.state).toBe('reconnecting');
    const before = stage.clock.now().monotonicMs;
    tell.onAwake();
    tell.onAwake();
    await stage.clock.settle();
    expect(client.status.state).toBe('connected');
    expect(stage.clock.now().monotonicMs - before).toBeLessThan(1_000);
    await stage.clock.advance(200_000);
    expect(stage.broker.connections.length).toBe(2);
  });

  it('does not try earlier because the network may be gone', async () => {
    const { stage, tell } = watchedStage();
    const client = await stage.connect(slow);
    stage.link.current.cut();
    await stage.clock.settle();
    tell.onDoubt();
    await stage.clock.settle();
    expect(client.status.state).toBe('reconnecting');
  });

  it.each(['onAwake', 'onDoubt'] as const)(
    'finds out in seconds whether its connection lives, by %s',
    async (what) => {
      const { stage, tell } = watchedStage();
      await stage.connect({ keepAliveSeconds: 60 });
      tell[what]();
      await stage.clock.settle();
      expect(stage.sent('pingreq')).toHaveLength(1);
      await stage.clock.advance(10_000);
      expect(stage.statuses).toEqual([]);
      stage.held.add('pingreq');
      tell[what]();
      await stage.clock.advance(5_500);
      expect(stage.statuses[0]).toMatchObject({
        state: 'reconnecting',
        reason: { code: 'connectionLost' },
      });
    },
  );

  it('gives its connection up when it is put aside, and comes back when it wakes up', async () => {
    const { stage, tell } = watchedStage();
    const client = await stage.connect(slow);
    tell.onSuspend();
    await stage.clock.settle();
    expect(client.status).toMatchObject({
      state: 'reconnecting',
      reason: { code: 'connectionLost', message: 'the client was put aside' },
    });
    expect(stage.sent('disconnect')).toEqual([]);
    tell.onAwake();
    await stage.clock.settle();
    expect(client.status.state).toBe('connected');
  });

  it('watches until it is closed, or has come to nothing', async () => {
    const { stage, watchers, tell } = watchedStage();
    const client = await stage.connect();
    expect(watchers.size).toBe(1);
    const closed = client.close({ timeoutMs: 0 });
    tell.onAwake();
    tell.onSuspend();
    await stage.clock.advance(5_000);
    await closed;
    expect(watchers.size).toBe(0);
    const refusing = watchedStage({ refuse: () => 0x87 });
    await expect(refusing.stage.connect()).rejects.toMatchObject({ code: 'notAuthorized' });
    expect(refusing.watchers.size).toBe(0);
  });
});
