/**
 * Time that stands still until a test moves it.
 *
 * Callbacks that are due run by themselves, one per turn of the runtime's event loop, so that all microtasks of one
 * have run before the next begins, as it is with real timers. Callbacks of the future wait for `advance`. A test
 * without delays therefore needs no driving at all, and one with delays says how much time goes by.
 */
import type { Cancel, Clock } from '@mqtt-kit/core';
import type { Now } from '@mqtt-kit/engine';
import { Prng } from './prng.ts';

// Taken when the module loads: a simulation may make the global ones throw.
const nextTurn = setImmediate;

/** Turns without a rest after which a test is taken to be in an endless loop of callbacks that are always due. */
const maximumTurns = 1_000_000;

export interface VirtualClockOptions {
  /** Of `random()`. Default 1. */
  readonly seed?: number;
  /** The monotonic time to start at, in milliseconds. Default 1,000: a clock that never reads 0 finds more mistakes. */
  readonly monotonicMs?: number;
  /** The wall time to start at. Default 2024-01-01T00:00:00Z. */
  readonly epochMs?: number;
}

interface Job {
  readonly atMs: number;
  readonly sequence: number;
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  readonly #prng: Prng;
  /** Ordered by time, then by the order of scheduling. */
  readonly #jobs: Job[] = [];
  #monotonicMs: number;
  #epochOffsetMs: number;
  #sequence = 0;
  #activity = 0;
  #turnUnderWay = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: VirtualClockOptions = {}) {
    const { seed = 1, monotonicMs = 1_000, epochMs = Date.UTC(2024, 0, 1) } = options;
    this.#prng = new Prng(seed);
    this.#monotonicMs = monotonicMs;
    this.#epochOffsetMs = epochMs - monotonicMs;
  }

  now(): Now {
    return {
      monotonicMs: this.#monotonicMs,
      epochMs: this.#monotonicMs + this.#epochOffsetMs,
    };
  }

  schedule(atMonotonicMs: number, callback: () => void): Cancel {
    if (Number.isNaN(atMonotonicMs))
      throw new RangeError('expected a time to schedule at, got NaN');
    const job: Job = { atMs: atMonotonicMs, sequence: ++this.#sequence, callback };
    this.#jobs.splice(this.#position(job), 0, job);
    this.#activity++;
    this.#wake();
    return () => {
      const index = this.#jobs.indexOf(job);
      if (index >= 0) this.#jobs.splice(index, 1);
      this.#activity++;
    };
  }

  random(): number {
    return this.#prng.random();
  }

  /** Callbacks scheduled and neither run nor cancelled: 0 after everything is closed, or something leaks. */
  get scheduled(): number {
    return this.#jobs.length;
  }

  /** When the next callback is due, or Infinity. */
  get nextAtMs(): number {
    return this.#jobs[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Lets everything happen that needs no time: resolves when no callback is due and nothing more came of the last one.
   * Rejects with what a callback threw.
   */
  async settle(): Promise<void> {
    for (let turn = 0; turn < maximumTurns; turn++) {
      const before = this.#activity;
      await new Promise<void>((resolve) => nextTurn(resolve));
      this.#throwFailure();
      if (this.#activity === before && !this.#due()) return;
    }
    throw new Error(
      `not settled after ${maximumTurns} turns: a callback is scheduled for now for ever`,
    );
  }

  /** Lets `ms` go by: the clock stops at each callback on the way, and everything settles before it goes on. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`expected 0 ms or more to advance by, got ${ms}`);
    const untilMs = this.#monotonicMs + ms;
    await this.settle();
    while (this.nextAtMs <= untilMs) {
      this.#monotonicMs = Math.max(this.#monotonicMs, this.nextAtMs);
      this.#wake();
      await this.settle();
    }
    this.#monotonicMs = Math.max(this.#monotonicMs, untilMs);
  }

  /** Advances from callback to callback until a condition holds. Rejects when it does not within `limitMs`. */
  async advanceUntil(condition: () => boolean, limitMs = 3_600_000): Promise<void> {
    const untilMs = this.#monotonicMs + limitMs;
    await this.settle();
    while (!condition()) {
      if (this.nextAtMs > untilMs) {
        throw new Error(
          `the condition does not hold after ${limitMs} virtual ms: ${condition.toString()}`,
        );
      }
      await this.advance(this.nextAtMs - this.#monotonicMs);
    }
  }

  /** A machine that sleeps: `ms` go by at once, and all callbacks that were due meanwhile run late. */
  async sleep(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`expected 0 ms or more to sleep for, got ${ms}`);
    this.#monotonicMs += ms;
    this.#wake();
    await this.settle();
  }

  /** Somebody sets the wall clock, forwards or backwards. The monotonic time stays. */
  setWallClock(byMs: number): void {
    this.#epochOffsetMs += byMs;
  }

  #position(job: Job): number {
    let low = 0;
    let high = this.#jobs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#jobs[middle] as Job).atMs <= job.atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #due(): boolean {
    return this.nextAtMs <= this.#monotonicMs;
  }

  #wake(): void {
    if (this.#turnUnderWay || !this.#due()) return;
    this.#turnUnderWay = true;
    nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#turnUnderWay = false;
    if (!this.#due()) return;
    const job = this.#jobs.shift() as Job;
    this.#activity++;
    try {
      job.callback();
    } catch (error) {
      this.#failure ??= { error };
      // Nobody may be waiting for this clock; an error of a real timer would be uncaught too.
      nextTurn(() => nextTurn(() => this.#throwFailure()));
    }
    this.#wake();
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }
}
