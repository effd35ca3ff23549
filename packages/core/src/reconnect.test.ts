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
    policy.disconnected(0);
    return policy.nextDelayMs(almostOne);
  });
}

describe('ReconnectPolicy', () => {
  it('doubles the longest wait with each attempt, up to the maximum', () => {
    expect(delays(new ReconnectPolicy(settings, 1), 11)).toEqual([
      99, 199, 399, 799, 1599, 3199, 6399, 12_799, 25_599, 29_999, 29_999,
    ]);
  });

  it('waits any part of that: full jitter', () => {
    const policy = new ReconnectPolicy(settings, 1);
    delays(policy, 4);
    policy.attempt();
    expect(policy.nextDelayMs(0)).toBe(0);
    policy.attempt();
    expect(policy.nextDelayMs(0.5)).toBe(1_600);
  });

  it('starts again after progress', () => {
    const policy = new ReconnectPolicy(settings, 1);
    delays(policy, 5);
    policy.attempt();
    policy.connected(0);
    policy.progress();
    policy.disconnected(2_000);
    expect(policy.nextDelayMs(almostOne)).toBe(99);
  });

  it('starts again when a connection stood for 10 s, and not after a CONNACK alone', () => {
    for (const [lifeMs, delayMs] of [
      [9_999, 3_199],
      [10_000, 99],
    ] as const) {
      const policy = new ReconnectPolicy(settings, 1);
      delays(policy, 5);
      policy.attempt();
      policy.connected(0);
      policy.disconnected(lifeMs);
      expect(policy.nextDelayMs(almostOne)).toBe(delayMs);
    }
  });

  it('takes no progress for good once five connections in a row closed within a second', () => {
    const policy = new ReconnectPolicy(settings, 1);
    const fight = (lifeMs: number) => {
      policy.attempt();
      policy.connected(0);
      policy.progress();
      policy.disconnected(lifeMs);
      return policy.nextDelayMs(almostOne);
    };
    expect([1, 2, 3, 4, 5].map(() => fight(999))).toEqual([99, 99, 99, 99, 99]);
    expect(policy.shortLives).toBe(5);
    expect([6, 7, 8].map(() => fight(999))).toEqual([199, 399, 799]);
    // A fight goes on when waits become longer than a second.
    expect(fight(5_000)).toBe(1_599);
    expect(fight(10_000)).toBe(99);
    expect(fight(2_000)).toBe(99);
  });

  it('tries each server of a list before it waits', () => {
    const policy = new ReconnectPolicy(settings, 3);
    expect(policy.hasUntried).toBe(true);
    expect(delays(policy, 7)).toEqual([0, 0, 99, 0, 0, 199, 0]);
  });

  it('waits a little after the loss of a good connection, also with a list', () => {
    const policy = new ReconnectPolicy(settings, 3);
    policy.attempt();
    policy.connected(0);
    policy.progress();
    policy.disconnected(60_000);
    expect(policy.nextDelayMs(almostOne)).toBe(99);
    expect(delays(policy, 3)).toEqual([0, 0, 199]);
  });

  it('does not spin between servers that accept and close', () => {
    const policy = new ReconnectPolicy(settings, 2);
    const waits = Array.from({ length: 6 }, () => {
      policy.attempt();
      policy.connected(0);
      policy.disconnected(5);
      return policy.nextDelayMs(almostOne);
    });
    expect(waits).toEqual([0, 99, 0, 199, 0, 399]);
  });

  it('counts attempts in a row, from anew after a connection', () => {
    const policy = new ReconnectPolicy({ ...settings, maxAttempts: 3 }, 1);
    policy.attempt();
    policy.connected(0);
    policy.disconnected(5);
    expect(policy.mayTry).toBe(true);
    delays(policy, 2);
    expect(policy.mayTry).toBe(true);
    delays(policy, 1);
    expect(policy.mayTry).toBe(false);
  });

  it('gives up on a server that accepts and closes, again and again', () => {
    const policy = new ReconnectPolicy({ ...settings, maxAttempts: 3 }, 1);
    let connections = 0;
    while (policy.mayTry && connections < 100) {
      policy.attempt();
      policy.connected(0);
      policy.disconnected(5);
      connections += 1;
    }
    expect(connections).toBe(4);
  });
});
