import { MqttError, type Status } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import type { RetryPlan } from './connection-options.ts';
import { StatusFollower } from './status-follower.ts';

/** A follower with a clock of its own; what it said, and with what it gave up. */
function follower(retry: Partial<RetryPlan> = {}, clientId: string | undefined = undefined) {
  const told: string[] = [];
  const givenUp: MqttError[] = [];
  const clock = { nowMs: 0 };
  const one = new StatusFollower({
    retry: { limit: Number.POSITIVE_INFINITY, minimumMs: 0, initial: false, ...retry },
    clientId,
    diagnostics: { note: ({ text }) => told.push(text) },
    onGivenUp: (error) => givenUp.push(error),
    nowMs: () => clock.nowMs,
  });
  const connect = (forMs: number) => {
    one.follow({ state: 'connected', sessionPresent: false, server: 's', version: '5.0' });
    clock.nowMs += forMs;
  };
  const lose = (delayMs = 0, reason = new MqttError('connectionLost', 'lost')) => {
    const status: Status = { state: 'reconnecting', attempt: 1, delayMs, reason };
    one.follow(status);
    clock.nowMs += delayMs;
  };
  return { one, told, givenUp, connect, lose };
}

describe('StatusFollower', () => {
  it('tells each loss with what comes next, and the return', () => {
    const { told, connect, lose } = follower();
    connect(5000);
    lose();
    lose(80);
    lose(2600);
    connect(5000);
    lose(70);
    expect(told).toEqual([
      'lost; trying again at once (attempt 1)',
      'lost; trying again in 80 ms (attempt 2)',
      'lost; trying again in 3 s (attempt 3)',
      'connected again to s',
      'lost; trying again in 70 ms (attempt 1)',
    ]);
  });

  it('says when it shows no longer each attempt, and shows fewer and fewer', () => {
    const { told, connect, lose } = follower();
    connect(5000);
    for (let n = 1; n <= 40; n += 1) lose(20);
    const numbers = told.map((text) => Number(/attempt (\d+)/.exec(text)?.[1]));
    expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 16, 32]);
    expect(told[7]).toMatch(/\(attempt 8; further attempts are not shown one by one\)$/);
    const limited = follower({ limit: 8 });
    limited.connect(5000);
    for (let n = 1; n <= 8; n += 1) limited.lose(20);
    expect(limited.told[7]).toMatch(/\(attempt 8\)$/);
  });

  it('gives up after the attempts of one outage, which a connection of a moment does not end', () => {
    const { givenUp, connect, lose } = follower({ limit: 3 });
    connect(5000);
    for (let n = 1; n <= 3; n += 1) lose(10);
    connect(1000);
    for (let n = 1; n <= 3; n += 1) {
      lose(10);
      connect(999);
    }
    expect(givenUp).toEqual([]);
    lose(10);
    expect(givenUp.map(({ code }) => code)).toEqual(['connectionLost']);
  });

  it('goes on for the least time, however short chance makes the delays', () => {
    const { givenUp, connect, lose } = follower({ limit: 2, minimumMs: 10_000 });
    connect(5000);
    for (let n = 1; n <= 20; n += 1) lose(500);
    expect(givenUp).toEqual([]);
    lose(500);
    expect(givenUp.length).toBe(1);
    const long = follower({ limit: 2, minimumMs: 10_000 });
    long.connect(5000);
    for (let n = 1; n <= 2; n += 1) long.lose(20_000);
    expect(long.givenUp).toEqual([]);
    long.lose(20_000);
    expect(long.givenUp.length).toBe(1);
  });

  it('gives up when the first attempt fails, unless the limit was given', () => {
    const first = follower();
    first.lose();
    expect(first.givenUp.length).toBe(1);
    const given = follower({ limit: 2, initial: true });
    given.lose();
    given.lose();
    expect(given.givenUp.length).toBe(0);
    given.lose();
    expect(given.givenUp.length).toBe(1);
  });

  it('tells once that another client may use the client identifier that was given', () => {
    const hint = 'The last 3 connections closed within a second: is another client using it?';
    const suspected = new MqttError('connectionLost', 'lost', { hint });
    const hinted = (clientId: string | undefined, error: MqttError) => {
      const { told, connect, lose } = follower({}, clientId);
      for (let n = 1; n <= 5; n += 1) {
        connect(10);
        lose(10, error);
        // An attempt that fails has another reason.
        lose(10, suspected);
      }
      return told.filter((text) => text.includes('another client'));
    };
    expect(hinted('same', suspected)).toEqual([
      "another client may use the client identifier 'same'; each needs its own: -i ID",
    ]);
    expect(hinted(undefined, suspected)).toEqual([]);
    expect(hinted('same', new MqttError('connectionLost', 'lost'))).toEqual([]);
    const { told, lose, connect } = follower({}, 'same');
    connect(5000);
    lose(10);
    lose(10, suspected);
    expect(told.join()).not.toContain('another client');
  });
});
