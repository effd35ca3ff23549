import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from './clock.ts';

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const inMs = (ms: number) => systemClock.now().monotonicMs + ms;

  it('calls back once, at its time and not before', () => {
    const callback = vi.fn();
    systemClock.schedule(inMs(100), callback);
    vi.advanceTimersByTime(99);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(10_000);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('calls back soon, and not at once, for a time that has passed', () => {
    const callback = vi.fn();
    systemClock.schedule(inMs(-5), callback);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('waits longer than one timer of the platform can', () => {
    const callback = vi.fn();
    const fiftyDaysMs = 50 * 24 * 60 * 60 * 1_000;
    systemClock.schedule(inMs(fiftyDaysMs), callback);
    vi.advanceTimersByTime(fiftyDaysMs - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledOnce();
  });

  it('leaves no timer behind when it is cancelled, also after the first of several', () => {
    const callback = vi.fn();
    const cancel = systemClock.schedule(inMs(2 ** 32), callback);
    vi.advanceTimersByTime(2 ** 31);
    cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(2 ** 33);
    expect(callback).not.toHaveBeenCalled();
  });

  it('tells monotonic and wall time, and a chance from 0 to below 1', () => {
    const before = systemClock.now();
    vi.advanceTimersByTime(1_000);
    const after = systemClock.now();
    expect(after.monotonicMs - before.monotonicMs).toBeCloseTo(1_000);
    expect(after.epochMs - before.epochMs).toBe(1_000);
    const chance = systemClock.random();
    expect(chance).toBeGreaterThanOrEqual(0);
    expect(chance).toBeLessThan(1);
  });
});
