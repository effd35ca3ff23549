import { describe, expect, it } from 'vitest';
import { ReconnectPolicy, type ReconnectSettings } from './reconnect.ts';

const settings: ReconnectSettings = {
  minDelayMs: 100,
  maxDelayMs: 30_000,
  factor: 2,
  maxAttempts: Number.POSITIVE_INFINITY,
  initial: false,
};

const almostOne = 1 - Number.EPSILON;

/** Delays after failed attempts, with the highest chance. */
function delays(policy: ReconnectPolicy, count: number): number[] {
  return Array.from({ length: count }, () => {
    policy.attempt();
    policy.disconnected(0, true);
    return policy.nextDelayMs(almostOne);
  });
}

describe('ReconnectPolicy', () => {
  it('doubles the longest wait with each attempt, up to the maximum', () => {
    expect(delays(new ReconnectPolicy(settings), 11)).toEqual([
      99, 199, 399, 799, 1599, 3199, 6399, 12_799, 25_599, 29_999, 29_999,
    ]);
  });

  it('waits any part of that: full jitter', () => {
    const policy = new ReconnectPolicy(settings);
    delays(policy, 4);
    policy.attempt();
    expect(policy.nextDelayMs(0)).toBe(0);
    policy.attempt();
    expect(policy.nextDelayMs(0.5)).toBe(1_600);
  });

  it('starts again after progress', () => {
    const policy = new ReconnectPolicy(settings);
    delays(policy, 5);
    policy.attempt();
    policy.connected(0);
    policy.progress();
    expect(policy.disconnected(2_000, true)).toBe(true);
    expect(policy.nextDelayMs(almostOne)).toBe(99);
  });

  it('starts again when a connection stood for 10 s, and not after a CONNACK alone', () => {
    for (const [lifeMs, delayMs] of [
      [9_999, 3_199],
      [10_000, 99],
    ] as const) {
      const policy = new ReconnectPolicy(settings);
      delays(policy, 5);
      policy.attempt();
      policy.connected(0);
      expect(policy.disconnected(lifeMs, true)).toBe(delayMs === 99);
      expect(policy.nextDelayMs(almostOne)).toBe(delayMs);
    }
  });

  /** One connection with progress; the wait that follows. */
  const live = (policy: ReconnectPolicy, lifeMs: number, byServer: boolean): number => {
    policy.attempt();
    policy.connected(0);
    policy.progress();
    policy.disconnected(lifeMs, byServer);
    return policy.nextDelayMs(almostOne);
  };

  it('takes no progress for good once the server closed five connections in a row within a second', () => {
    const policy = new ReconnectPolicy(settings);
    const fight = (lifeMs: number) => live(policy, lifeMs, true);
    expect([1, 2, 3, 4, 5].map(() => fight(999))).toEqual([99, 99, 99, 99, 99]);
    expect(policy.takeOvers).toBe(5);
    // It grows to a second and no further, while there is progress.
    expect([6, 7, 8, 9, 10].map(() => fight(999))).toEqual([199, 399, 799, 999, 999]);
    // A fight goes on when waits become longer than a second.
    expect(fight(5_000)).toBe(999);
    policy.attempt();
    policy.connected(0);
    policy.disconnected(5, true);
    expect(policy.nextDelayMs(almostOne)).toBeGreaterThan(10_000);
    expect(fight(10_000)).toBe(99);
    expect(fight(2_000)).toBe(99);
  });

  it('is not slowed down by a network that breaks each second, nor by one that did', () => {
    const policy = new ReconnectPolicy(settings);
    const delays = Array.from({ length: 50 }, () => live(policy, 300, false));
    expect(new Set(delays)).toEqual(new Set([99]));
    expect(policy.takeOvers).toBe(0);
    for (let fights = 0; fights < 7; fights++) live(policy, 300, true);
    expect(live(policy, 300, false)).toBe(99);
  });

  it('waits between rounds of a list, not within', () => {
    const policy = new ReconnectPolicy(settings);
    expect(policy.nextDelayMs(almostOne, true)).toBe(0);
    expect(policy.nextDelayMs(almostOne, false)).toBe(99);
    expect(policy.nextDelayMs(almostOne, true)).toBe(0);
    expect(policy.nextDelayMs(almostOne, false)).toBe(199);
  });

  it('counts attempts in a row, from anew after a connection', () => {
    const policy = new ReconnectPolicy({ ...settings, maxAttempts: 3 });
    policy.attempt();
    policy.connected(0);
    policy.disconnected(5, true);
    expect(policy.mayTry).toBe(true);
    delays(policy, 2);
    expect(policy.mayTry).toBe(true);
    delays(policy, 1);
    expect(policy.mayTry).toBe(false);
  });

  it('gives up on a server that accepts and closes, again and again', () => {
    const policy = new ReconnectPolicy({ ...settings, maxAttempts: 3 });
    let connections = 0;
    while (policy.mayTry && connections < 100) {
      policy.attempt();
      policy.connected(0);
      policy.disconnected(5, true);
      connections += 1;
    }
    expect(connections).toBe(4);
  });
});
