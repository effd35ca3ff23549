import { type Duration, positiveDurationMs } from './duration.ts';
import { fieldsAt } from './fields.ts';
import { atElapsed, type Moment } from './moment.ts';
import { exponentialOf } from './real-functions.ts';
import { asSignal, type Operand, type Sampler, Signal } from './signal.ts';

/** What `follow` takes. */
export interface FollowOptions {
  /** Time in which the distance to what is followed falls to 37 %. */
  readonly time: Duration;
  /** Value at the start. Default: what is followed. */
  readonly from?: number;
}

/**
 * Follows a value slowly, as a room follows its heating: the distance shrinks by a part in each step of time. What is
 * followed may be a function of the device's state, which commands change.
 *
 * Steps are a sixteenth of `time`, counted from the start of the run, and the value goes on from the step before. Asked
 * for an earlier moment it begins again from the start, so that what follows a pure function of time is one, too; what
 * follows a state that has changed meanwhile takes the state as it is now.
 */
export function follow(target: Operand, options: FollowOptions): Signal<number> {
  const stepMs = positiveDurationMs(options.time, 'follow: time') / 16;
  const kept = exponentialOf(-1 / 16);
  const { from } = options;
  return accumulated(target, stepMs, {
    start: (value) => from ?? value,
    next: (value, input) => input + (value - input) * kept,
  });
}

/**
 * The sum of a value over time, per hour: of power in kW the energy in kWh. Steps of `every` (default `'1m'`), counted
 * from the start of the run; asked for an earlier moment it begins again from there.
 */
export function integral(
  rate: Operand,
  options: { readonly from?: number; readonly every?: Duration } = {},
): Signal<number> {
  const { from = 0, every = '1m' } = options;
  const stepMs = positiveDurationMs(every, 'integral: every');
  return accumulated(rate, stepMs, {
    start: () => from,
    next: (value, input) => value + (input * stepMs) / 3_600_000,
  });
}

interface Rule {
  start(input: number): number;
  next(value: number, input: number): number;
}

/** A value that goes on from step to step, and between two in straight line. */
function accumulated(source: Operand, stepMs: number, rule: Rule): Signal<number> {
  const input = asSignal<number>(source);
  return new Signal(input.streams, (stream) => {
    const sampler = input.sampler(stream);
    let step = -1;
    let value = 0;
    let next = 0;
    const inputAt = (at: number, ...[now, fields, device]: Parameters<Sampler<number>>): number => {
      const moment = atElapsed(now, at * stepMs);
      return sampler(moment, fieldsAt(fields, moment), device);
    };
    return (moment: Moment, fields, device) => {
      const wanted = Math.max(Math.floor(moment.elapsedMs / stepMs), 0);
      if (step < 0 || wanted < step) {
        step = 0;
        const first = inputAt(0, moment, fields, device);
        value = rule.start(first);
        next = rule.next(value, first);
      }
      while (step < wanted) {
        step += 1;
        value = next;
        next = rule.next(value, inputAt(step, moment, fields, device));
      }
      return value + (next - value) * Math.max(moment.elapsedMs / stepMs - wanted, 0);
    };
  });
}
