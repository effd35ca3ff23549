import { MqttError, type PublishPromise, type PublishResult } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import { PublishWindow } from './publish-window.ts';

function pending() {
  let resolve: (result: PublishResult) => void = () => {};
  let reject: (error: MqttError) => void = () => {};
  const promise = new Promise<PublishResult>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return {
    promise: Object.assign(promise, { stored: Promise.resolve() }) as PublishPromise,
    resolve: () => resolve({ reasonCode: 0, properties: {}, attempts: 1, sessionLost: undefined }),
    reject: (error: MqttError) => reject(error),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('PublishWindow', () => {
  it('is full at a thousand messages or eight mebibytes', async () => {
    const window = new PublishWindow();
    const many = Array.from({ length: 1000 }, pending);
    for (const { promise } of many.slice(1)) window.add(promise, 1);
    expect(window.full).toBe(false);
    window.add(many[0]!.promise, 1);
    expect(window.full).toBe(true);
    let room = false;
    const waiting = window.room().then(() => {
      room = true;
    });
    await turn();
    expect(room).toBe(false);
    many[500]!.resolve();
    await waiting;

    const large = new PublishWindow();
    large.add(pending().promise, 8 * 1024 * 1024);
    expect(large.full).toBe(true);
  });

  it('counts messages that share a promise one by one', async () => {
    const window = new PublishWindow();
    const flush = pending();
    for (let n = 0; n < 3; n += 1) window.add(flush.promise, 10);
    const other = pending();
    window.add(other.promise, 10);
    window.add(flush.promise, 10);
    expect(window.pending).toBe(5);
    flush.resolve();
    await turn();
    expect(window.pending).toBe(1);
    other.resolve();
    await window.empty();
    expect(window.pending).toBe(0);
  });

  it('keeps count of failures and their first reason', async () => {
    const window = new PublishWindow();
    const [one, two] = [pending(), pending()];
    window.add(one.promise, 1);
    window.add(two.promise, 1);
    two.reject(new MqttError('publishRefused', 'second'));
    await turn();
    one.reject(new MqttError('expired', 'first'));
    await window.empty();
    expect(window).toMatchObject({ failures: 2, firstFailure: { message: 'second' } });
  });
});
