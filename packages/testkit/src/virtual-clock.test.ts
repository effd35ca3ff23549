import { describe, expect, it } from 'vitest';
import { VirtualClock } from './virtual-clock.ts';

describe('VirtualClock', () => {
  it('stands still by itself and moves both times together', async () => {
    const clock = new VirtualClock({ monotonicMs: 5, epochMs: 1_000_000 });
    await clock.settle();
    expect(clock.now()).toEqual({ monotonicMs: 5, epochMs: 1_000_000 });
    await clock.advance(250);
    expect(clock.now()).toEqual({ monotonicMs: 255, epochMs: 1_000_250 });
  });

  it('runs callbacks at their time, in order of time and then of scheduling', async () => {
    const clock = new VirtualClock({ monotonicMs: 0 });
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${name}@${clock.now().monotonicMs}`);
    clock.schedule(20, note('c'));
    clock.schedule(10, note('a'));
    clock.schedule(10, note('b'));
    clock.schedule(31, note('late'));
    await clock.advance(30);
    expect(ran).toEqual(['a@10', 'b@10', 'c@20']);
    expect(clock.scheduled).toBe(1);
    expect(clock.nextAtMs).toBe(31);
  });

  it('runs what is due without being driven', async () => {
    const clock = new VirtualClock();
    await new Promise<void>((resolve) => clock.schedule(clock.now().monotonicMs, resolve));
    expect(clock.scheduled).toBe(0);
  });

  it('does not run a callback that was cancelled, even by the one before it', async () => {
    const clock = new VirtualClock({ monotonicMs: 0 });
    let ran = 0;
    const cancelLater = clock.schedule(10, () => ran++);
    clock.schedule(5, () => cancelLater());
    await clock.advance(20);
    expect(ran).toBe(0);
    cancelLater();
    expect(clock.scheduled).toBe(0);
  });

  it('drains microtasks, however long their chain, before it moves on', async () => {
    const clock = new VirtualClock({ monotonicMs: 0 });
    const seen: string[] = [];
    clock.schedule(10, async () => {
      for (let step = 0; step < 1_000; step++) await Promise.resolve();
      seen.push(`chain@${clock.now().monotonicMs}`);
    });
    clock.schedule(10, () => seen.push('second'));
    clock.schedule(11, () => seen.push('third'));
    await clock.advance(100);
    expect(seen).toEqual(['chain@10', 'second', 'third']);
  });

  it('runs callbacks that a callback schedules within the time that goes by', async () => {
    const clock = new VirtualClock({ monotonicMs: 0 });
    const ticks: number[] = [];
    const tick = () => {
      ticks.push(clock.now().monotonicMs);
      clock.schedule(clock.now().monotonicMs + 10, tick);
    };
    clock.schedule(10, tick);
    await clock.advance(35);
    expect(ticks).toEqual([10, 20, 30]);
    expect(clock.now().monotonicMs).toBe(35);
  });

  it('advances until a condition holds, and says so when it never does', async () => {
    const clock = new VirtualClock({ monotonicMs: 0 });
    let done = false;
    clock.schedule(1_234, () => {
      done = true;
    });
    await clock.advanceUntil(() => done);
    expect(clock.now().monotonicMs).toBe(1_234);
    await expect(clock.advanceUntil(() => false, 10)).rejects.toThrow(/10 virtual ms/);
  });

  it('runs what was due during a sleep late, after waking', async () => {
    const clock = new VirtualClock({ monotonicMs: 0 });
    const ran: number[] = [];
    clock.schedule(10, () => ran.push(clock.now().monotonicMs));
    clock.schedule(20, () => ran.push(clock.now().monotonicMs));
    await clock.sleep(3_600_000);
    expect(ran).toEqual([3_600_000, 3_600_000]);
  });

  it('lets somebody set the wall clock while the monotonic time stays', () => {
    const clock = new VirtualClock({ monotonicMs: 100, epochMs: 5_000 });
    clock.setWallClock(-2_000);
    expect(clock.now()).toEqual({ monotonicMs: 100, epochMs: 3_000 });
  });

  it('hands what a callback threw to the one who waits', async () => {
    const clock = new VirtualClock({ monotonicMs: 0 });
    clock.schedule(10, () => {
      throw new Error('thrown at 10');
    });
    await expect(clock.advance(10)).rejects.toThrow('thrown at 10');
  });

  it('gives the same random numbers for the same seed', () => {
    const draw = (seed: number) => {
      const clock = new VirtualClock({ seed });
      return [clock.random(), clock.random(), clock.random()];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('refuses to go back and to schedule at no time', async () => {
    const clock = new VirtualClock();
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
    expect(() => clock.schedule(Number.NaN, () => {})).toThrow(RangeError);
  });
});
