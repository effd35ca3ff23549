import { afterEach, describe, expect, it, vi } from 'vitest';
import { publishProgress } from './publish-progress.ts';

const noDiagnostics = { divert: () => {} };

afterEach(() => vi.useRealTimers());

describe('the progress of mqtt-pub', () => {
  it('is one line, written each second, of which nothing is left', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const counts = { total: 0, unpublished: 0 };
    let written = '';
    const write = (text: string) => {
      written += text;
    };
    const stop = publishProgress(counts, { write }, noDiagnostics);
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

  it('is never wider than the terminal, and has lines for people above it', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    let written = '';
    const stream = {
      columns: 20,
      write: (text: string) => {
        written += text;
      },
    };
    let show: ((line: string) => void) | undefined;
    const divert = (taker: typeof show) => {
      show = taker;
    };
    const stop = publishProgress({ total: 12, unpublished: 2 }, stream, { divert });
    show?.('early');
    vi.advanceTimersByTime(1000);
    show?.('late');
    expect(written).toBe('early\u001b[K\n\r10 published, 2 und\u001b[K\rlate\u001b[K\n');
    stop();
    expect(show).toBeUndefined();
  });

  it('of what takes less than a second is silent', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    const write = vi.fn();
    publishProgress({ total: 1, unpublished: 0 }, { write }, noDiagnostics)();
    expect(write).not.toHaveBeenCalled();
  });
});
