import { afterEach, describe, expect, it, vi } from 'vitest';
import { publishProgress } from './publish-progress.ts';

afterEach(() => vi.useRealTimers());

describe('the progress of mqtt-pub', () => {
  it('is one line, written each second, of which nothing is left', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const counts = { total: 0, unpublished: 0 };
    let written = '';
    const write = (text: string) => {
      written += text;
    };
    const stop = publishProgress(counts, { write });
    vi.advanceTimersByTime(999);
    expect(written).toBe('');
    counts.total = 2000;
    counts.unpublished = 20;
    vi.advanceTimersByTime(1);
    expect(written).toBe('\r1,980 published, 20 under way, 1,980 a second\u001b[K');
    stop();
    vi.advanceTimersByTime(5000);
    expect(written.endsWith('a second\u001b[K\r\u001b[K')).toBe(true);
  });

  it('of what takes less than a second is silent', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const write = vi.fn();
    publishProgress({ total: 1, unpublished: 0 }, { write })();
    expect(write).not.toHaveBeenCalled();
  });
});
