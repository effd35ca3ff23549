import { afterEach, describe, expect, it, vi } from 'vitest';
import { pageClock } from './page-clock.browser.ts';

/** The platform's timers, counting how deep they are set from within each other. */
function countDepths(): number[] {
  const depths: number[] = [];
  let depth = 0;
  const { setTimeout: platform } = globalThis;
  vi.stubGlobal(
    'setTimeout',
    (callback: (...args: unknown[]) => void, _ms: number, ...args: unknown[]) => {
      const level = depth + 1;
      depths.push(level);
      return platform(() => {
        depth = level;
        callback(...args);
        depth = 0;
      }, 1);
    },
  );
  return depths;
}

describe('the clock of a page', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it.each([
    ['sets a long timer anew each time, in a page', {}, [1, 1, 1]],
    ['sets timers from within timers, in a worker', undefined, [1, 2, 3]],
  ])('%s', async (_name, document, expected) => {
    vi.stubGlobal('document', document);
    let nowMs = 0;
    vi.stubGlobal('performance', { now: () => nowMs });
    const depths = countDepths();
    await new Promise<void>((resolve) => {
      const next = (left: number): void => {
        if (left === 0) {
          resolve();
          return;
        }
        nowMs += 60_000;
        pageClock.schedule(nowMs + 59_000, () => next(left - 1));
        nowMs += 60_000;
      };
      next(3);
    });
    expect(depths).toEqual(expected);
  });

  it('does not call back what was cancelled before its timer was set', async () => {
    vi.stubGlobal('document', {});
    const depths = countDepths();
    const called: string[] = [];
    const nowMs = performance.now();
    pageClock.schedule(nowMs + 1_500, () => called.push('cancelled'))();
    await new Promise<void>((resolve) => {
      pageClock.schedule(nowMs + 1_510, resolve);
    });
    expect(called).toEqual([]);
    expect(depths.length).toBeGreaterThan(0);
  });
});
