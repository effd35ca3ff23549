/** Signals of chance. Those with memory are bridges: see `DyadicBridge`. */
import { MqttUsageError } from '@mqtt-kit/core';
import { checkMembers, within } from './definition-error.ts';
import { type Duration, positiveDurationMs } from './duration.ts';
import { type BridgeRule, DyadicBridge } from './dyadic-bridge.ts';
import type { RandomStream } from './random-stream.ts';
import { exponentialOf } from './real-functions.ts';
import { type FieldValue, type Sampler, Signal } from './signal.ts';
import { finite, notNegative } from './waveforms.ts';

/** Gaussian noise: independent from one millisecond to the next, around `mean` (default 0). */
export function noise(deviation: number, mean = 0): Signal<number> {
  finite({ deviation, mean }, 'noise');
  notNegative({ deviation }, 'noise');
  return new Signal(1, (stream) => {
    const own = stream(0);
    return ({ elapsedMs }) => mean + deviation * own.normal(elapsedMs);
  });
}

/** What `walk` takes. */
export interface WalkOptions {
  /** Value at the start. Default: the middle of the bounds, 0 without. */
  readonly from?: number;
  /** Standard deviation of one step. */
  readonly step: number;
  /** Time of one step. Default `'1s'`. */
  readonly every?: Duration;
  /** Bounds, at which the walk turns back. Default: none. */
  readonly min?: number;
  readonly max?: number;
}

/**
 * A random walk: each step adds a normally distributed amount, between steps the value goes in straight line. Without
 * bounds it goes as far as it goes: after n steps the standard deviation is `step` times the root of n. It stands still
 * after 2^32 steps (136 years of seconds), and before the start.
 */
export function walk(options: WalkOptions): Signal<number> {
  const { step, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = options;
  const bounded = Number.isFinite(min) && Number.isFinite(max);
  const from = options.from ?? (bounded ? (min + max) / 2 : 0);
  finite({ step, from }, 'walk');
  notNegative({ step }, 'walk');
  if (!(min < max && from >= min && from <= max)) {
    throw new MqttUsageError(`walk: from ${from} must lie within the bounds ${min} to ${max}`);
  }
  const everyMs = positiveDurationMs(options.every ?? '1s', 'walk: every');
  return new Signal(1, (stream) => {
    const path = new DyadicBridge(walkRule, stream(0));
    return ({ elapsedMs }) => {
      const steps = Math.min(Math.max(elapsedMs / everyMs, 0), lastStep);
      return folded(from + step * path.at(steps), min, max);
    };
  });
}

const walkLevels = 32;
const lastStep = 2 ** walkLevels - 1;

/** Brownian motion with a variance of 1 for each step. */
const walkRule: BridgeRule = {
  weights: Array.from({ length: walkLevels + 1 }, () => 0.5),
  // The middle of a bridge over L steps has the variance L / 4.
  deviations: Array.from({ length: walkLevels + 1 }, (_, level) => Math.sqrt(2 ** level) / 2),
  blockEnd: (block, stream) => (block === 0 ? 0 : 2 ** (walkLevels / 2) * stream.normal(0)),
};

/** A walk that is thrown back at its bounds is a free one, folded at them. */
function folded(value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  if (max === Number.POSITIVE_INFINITY) return 2 * min - value;
  if (min === Number.NEGATIVE_INFINITY) return 2 * max - value;
  const span = max - min;
  const turns = (value - min) / (2 * span);
  const part = 2 * span * (turns - Math.floor(turns));
  return min + (part <= span ? part : 2 * span - part);
}

/** What `meanReverting` takes. */
export interface MeanRevertingOptions {
  readonly mean: number;
  /** Standard deviation around the mean, over a long time. */
  readonly deviation: number;
  /** Time in which the memory of a value falls to 37 %. Default `'10m'`. */
  readonly relaxation?: Duration;
}

/**
 * A value that wanders and is drawn back to its mean (an Ornstein-Uhlenbeck process): temperatures, load, wind. It is
 * stationary: the start is as random as any other moment.
 */
export function meanReverting(options: MeanRevertingOptions): Signal<number> {
  const { mean, deviation } = options;
  finite({ mean, deviation }, 'meanReverting');
  notNegative({ deviation }, 'meanReverting');
  const relaxationMs = positiveDurationMs(options.relaxation ?? '10m', 'meanReverting: relaxation');
  const gridMs = relaxationMs / gridPoints;
  return new Signal(1, (stream) => {
    const path = new DyadicBridge(revertingRule, stream(0));
    return ({ elapsedMs }) => mean + deviation * path.at(elapsedMs / gridMs);
  });
}

/** Grid points in one relaxation time. Between them the value goes in straight line. */
const gridPoints = 64;

/** Blocks of 64 relaxation times: what is left of a correlation after that is below 1e-27, and taken as none. */
const revertingLevels = 12;

/** An Ornstein-Uhlenbeck process with variance 1. */
const revertingRule: BridgeRule = (() => {
  const weights = [0];
  const deviations = [0];
  for (let level = 1; level <= revertingLevels; level++) {
    // Correlation over half of the interval.
    const half = exponentialOf(-(2 ** (level - 1)) / gridPoints);
    weights.push(half / (1 + half * half));
    deviations.push(Math.sqrt((1 - half * half) / (1 + half * half)));
  }
  return {
    weights,
    deviations,
    blockEnd: (block: number, stream: RandomStream) => stream.normal(block * 2 ** revertingLevels),
  };
})();

/** A value drawn once for each device, evenly between two bounds: no two devices are quite alike. */
export function perDevice(low: number, high: number): Signal<number> {
  finite({ low, high }, 'perDevice');
  return new Signal(1, (stream) => {
    const value = low + (high - low) * stream(0).uniform(0);
    return () => value;
  });
}

/** One of several values, drawn anew for each reading, or with `every` for each duration; `weights` as given, or even. */
export function pick<T extends FieldValue>(
  values: readonly T[],
  options: { readonly weights?: readonly number[]; readonly every?: Duration } = {},
): Signal<T> {
  const weights = options.weights ?? values.map(() => 1);
  const choose = chooser(values, weights, 'pick');
  const everyMs =
    options.every === undefined ? undefined : positiveDurationMs(options.every, 'pick: every');
  return new Signal(1, (stream) => {
    const own = stream(0);
    return ({ elapsedMs }) =>
      choose(own.uniform(everyMs === undefined ? elapsedMs : Math.floor(elapsedMs / everyMs)));
  });
}

/** From a number of 0 to 1 to a value, by weight. */
function chooser<T>(
  values: readonly T[],
  weights: readonly number[],
  what: string,
): (part: number) => T {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (values.length === 0 || weights.length !== values.length) {
    throw new MqttUsageError(
      `${what} takes at least one value and a weight for each: ${values.length} values, ${weights.length} weights`,
    );
  }
  if (!(weights.every((weight) => weight >= 0) && total > 0 && Number.isFinite(total))) {
    throw new MqttUsageError(`${what}: weights must be 0 or more, and one above 0: ${weights}`);
  }
  const last = values[values.length - 1] as T;
  return (part) => {
    let rest = part * total;
    for (const [index, weight] of weights.entries()) {
      if (rest < weight) return values[index] as T;
      rest -= weight;
    }
    return last;
  };
}

/** One state of `states`. */
export interface StateRule {
  /** How long it lasts on average. */
  readonly for: Duration;
  /** What follows: one state, or several by weight. Without it the state is never left. */
  readonly to?: string | Readonly<Record<string, number>>;
}

/**
 * A machine that is in one of several states, each left by chance (a Markov chain). It begins in the first one. Time
 * passes in steps of a sixteenth of the shortest average.
 *
 * ```ts
 * states({ idle: { for: '10m', to: 'running' }, running: { for: '5m', to: { idle: 9, fault: 1 } }, fault: { for: '1h', to: 'idle' } });
 * ```
 */
export function states(rules: Readonly<Record<string, StateRule>>): Signal<string> {
  const names = Object.keys(rules);
  if (names.length === 0) throw new MqttUsageError('states takes at least one state');
  for (const name of names) {
    within([name], () => checkMembers(rules[name], ['for', 'to'], 'a state'));
  }
  const dwellMs = names.map((name) =>
    positiveDurationMs(rules[name]?.for ?? '', `states: ${name}: for`),
  );
  const stepMs = Math.min(...dwellMs) / 16;
  const followers = names.map((name) => follower(name, rules[name]?.to, names));
  const next = (stream: RandomStream, state: number, step: number): number => {
    const leave = stepMs / (dwellMs[state] as number);
    const part = stream.uniform(step, state);
    // What is left of the number when it decides to leave is even again.
    return part < leave ? (followers[state] as (part: number) => number)(part / leave) : state;
  };
  return new Signal(1, (stream) => stateSampler(names, stepMs, stream(0), next));
}

function follower(
  name: string,
  to: StateRule['to'],
  names: readonly string[],
): (part: number) => number {
  const weights = to === undefined ? { [name]: 1 } : typeof to === 'string' ? { [to]: 1 } : to;
  const indices = Object.keys(weights).map((follower) => {
    const index = names.indexOf(follower);
    if (index >= 0) return index;
    throw new MqttUsageError(
      `states: ${name} leads to "${follower}", which is none of ${names.map((n) => `"${n}"`).join(', ')}`,
    );
  });
  return chooser(indices, Object.values(weights), `states: ${name}: to`);
}

/**
 * Each step is a map of all states to states, drawn by its own number. The state at a step is therefore known without
 * the whole past: going back until the maps between lead every state to the same one, or until the start, where the
 * state is the first. Going forward from the last answer gives the same and is what mostly happens.
 */
function stateSampler(
  names: readonly string[],
  stepMs: number,
  stream: RandomStream,
  next: (stream: RandomStream, state: number, step: number) => number,
): Sampler<string> {
  const mostForward = 4096;
  let knownStep = 0;
  let known = 0;

  const walkBack = (step: number): number => {
    for (let back = 64; ; back *= 2) {
      const first = Math.max(step - back, 0);
      if (first === 0) return forward(0, 0, step);
      let reached = names.map((_, state) => state);
      for (let at = first; at < step; at++) {
        reached = [...new Set(reached)].map((state) => next(stream, state, at));
        if (new Set(reached).size === 1) return forward(reached[0] as number, at + 1, step);
      }
    }
  };
  const forward = (state: number, from: number, to: number): number => {
    let current = state;
    for (let at = from; at < to; at++) current = next(stream, current, at);
    return current;
  };
  return ({ elapsedMs }) => {
    const step = Math.max(Math.floor(elapsedMs / stepMs), 0);
    const ahead = step - knownStep;
    known = ahead >= 0 && ahead <= mostForward ? forward(known, knownStep, step) : walkBack(step);
    knownStep = step;
    return names[known] as string;
  };
}
