import { VirtualClock } from '@mqtt-kit/testkit';
import { describe, expect, it, vi } from 'vitest';
import type { MqttError } from './errors.ts';
import { abortedBefore, hasLimits, RequestLimits } from './request-limits.ts';

describe('RequestLimits', () => {
  it('ends a wait by its time, once', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const onEnd = vi.fn<(error: MqttError) => void>();
    new RequestLimits(clock, { timeoutMs: 50, signal: abort.signal }, 'the publish', onEnd);
    await clock.advance(49);
    expect(onEnd).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(onEnd.mock.calls[0]?.[0]).toMatchObject({
      code: 'timeout',
      message: 'the publish was not done within 50 ms',
    });
    abort.abort();
    expect(onEnd).toHaveBeenCalledOnce();
  });

  it('ends a wait by its signal, with the reason as cause, and forgets the time', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const onEnd = vi.fn<(error: MqttError) => void>();
    new RequestLimits(clock, { timeoutMs: 50, signal: abort.signal }, 'the publish', onEnd);
    const reason = new Error('enough');
    abort.abort(reason);
    expect(onEnd.mock.calls[0]?.[0]).toMatchObject({ code: 'aborted', cause: reason });
    expect(clock.scheduled).toBe(0);
  });

  it('holds nothing once it is stopped', () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const removed = vi.spyOn(abort.signal, 'removeEventListener');
    const onEnd = vi.fn();
    new RequestLimits(clock, { timeoutMs: 50, signal: abort.signal }, 'x', onEnd).stop();
    expect(clock.scheduled).toBe(0);
    expect(removed).toHaveBeenCalledOnce();
    abort.abort();
    expect(onEnd).not.toHaveBeenCalled();
  });

  it('takes Infinity for no time limit', () => {
    const clock = new VirtualClock();
    new RequestLimits(clock, { timeoutMs: Number.POSITIVE_INFINITY }, 'x', () => {});
    expect(clock.scheduled).toBe(0);
  });

  it('tells whether there are any, and whether a signal is aborted already', () => {
    expect(hasLimits(undefined)).toBe(false);
    expect(hasLimits({ signal: undefined })).toBe(false);
    expect(hasLimits({ timeoutMs: 0 })).toBe(true);
    expect(abortedBefore({ signal: new AbortController().signal }, 'x')).toBeUndefined();
    expect(abortedBefore({ signal: AbortSignal.abort('why') }, 'x')).toMatchObject({
      code: 'aborted',
      cause: 'why',
    });
  });
});
