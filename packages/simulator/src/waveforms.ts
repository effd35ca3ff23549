/** Signals without chance: functions of the time alone. */
import { MqttUsageError } from '@mqtt-kit/core';
import { type Duration, positiveDurationMs, timeOfDayMs } from './duration.ts';
import { sineOf } from './real-functions.ts';
import { type FieldValue, type Moment, Signal, timeSignal } from './signal.ts';

const twoPi = 6.283185307179586;
const dayMs = 86_400_000;

/** Always the same value. */
export function constant<T extends FieldValue>(value: T): Signal<T> {
  return timeSignal(() => value);
}

/** What `counter` takes. */
export interface CounterOptions {
  /** Value of the first reading. Default 0. */
  readonly from?: number;
  /** Default 1. */
  readonly step?: number;
  /** Counts time instead of readings: one step in each duration. */
  readonly every?: Duration;
  /** Starts again at `from` after so many steps, as a counter of few bits does. */
  readonly modulo?: number;
}

/** Counts the readings of its schedule: what is missing, doubled or out of order at the other end shows. */
export function counter(options: CounterOptions = {}): Signal<number> {
  const { from = 0, step = 1, modulo } = options;
  if (modulo !== undefined && !(Number.isInteger(modulo) && modulo > 0)) {
    throw new MqttUsageError(`counter: modulo must be a whole number above 0, not ${modulo}`);
  }
  const everyMs =
    options.every === undefined ? undefined : positiveDurationMs(options.every, 'counter: every');
  return timeSignal(({ reading, elapsedMs }) => {
    const count = everyMs === undefined ? reading : Math.floor(elapsedMs / everyMs);
    return from + step * (modulo === undefined ? count : ((count % modulo) + modulo) % modulo);
  });
}

/** From one value to another in straight line over a duration, and then constant; with `loop` from the start again. */
export function ramp(
  from: number,
  to: number,
  duration: Duration,
  options: { readonly loop?: boolean } = {},
): Signal<number> {
  const ms = positiveDurationMs(duration, 'ramp');
  const { loop = false } = options;
  return timeSignal(({ elapsedMs }) => {
    const part = loop ? cyclePart(elapsedMs, ms, 0) : Math.min(Math.max(elapsedMs / ms, 0), 1);
    return from + (to - from) * part;
  });
}

/** Grows by an amount in every hour, from 0: a sensor that loses its calibration. */
export function drift(perHour: number): Signal<number> {
  return timeSignal(({ elapsedMs }) => (perHour * elapsedMs) / 3_600_000);
}

/** What waves take. */
export interface WaveOptions {
  /** Middle. Default 0. */
  readonly mean?: number;
  /** From the middle to the top. Default 1. */
  readonly amplitude?: number;
  /** Time of one wave. */
  readonly period: Duration;
  /** Part of the wave that has passed at the start, from 0 to 1; `'random'` gives each device one of its own. Default 0. */
  readonly phase?: number | 'random';
}

/** A sine wave. */
export function sine(options: WaveOptions): Signal<number> {
  return wave('sine', options, (part) => sineOf(part * twoPi));
}

/** A wave that rises in straight line and falls at once. */
export function saw(options: WaveOptions): Signal<number> {
  return wave('saw', options, (part) => 2 * part - 1);
}

/** A wave that is up for a part of its period (`duty`, default a half) and down for the rest. */
export function square(options: WaveOptions & { readonly duty?: number }): Signal<number> {
  const duty = partOf(options.duty ?? 0.5, 'square: duty');
  return wave('square', options, (part) => (part < duty ? 1 : -1));
}

/** On for a part of each period and off for the rest: `dutyCycle({ period: '20m', on: 0.3 })`. */
export function dutyCycle(options: {
  readonly period: Duration;
  /** Part of the period, from 0 to 1. */
  readonly on: number;
  readonly phase?: number | 'random';
}): Signal<boolean> {
  const on = partOf(options.on, 'dutyCycle: on');
  return cycle('dutyCycle', options.period, options.phase, (part) => part < on);
}

/** What `dayCurve` takes. */
export interface DayCurveOptions {
  readonly mean: number;
  /** From the middle to the top. */
  readonly amplitude: number;
  /** Time of day of the top, such as `'15:00'` (default). The bottom is twelve hours away. */
  readonly peak?: string;
  /** Hours by which the device's day is ahead of UTC. Default 0. */
  readonly utcOffsetHours?: number;
}

/** A day's course: highest at one time of day, lowest twelve hours later. */
export function dayCurve(options: DayCurveOptions): Signal<number> {
  const { mean, amplitude, peak = '15:00', utcOffsetHours = 0 } = options;
  finite({ mean, amplitude, utcOffsetHours }, 'dayCurve');
  const shiftMs = utcOffsetHours * 3_600_000 - timeOfDayMs(peak, 'dayCurve: peak') + dayMs / 4;
  return timeSignal(
    ({ epochMs }) => mean + amplitude * sineOf(cyclePart(epochMs + shiftMs, dayMs, 0) * twoPi),
  );
}

/** One value after another, each for its duration, and again from the first: `steps([[18, '6h'], [21, '16h']])`. */
export function steps<T extends FieldValue>(
  list: readonly (readonly [value: T, duration: Duration])[],
  options: { readonly loop?: boolean } = {},
): Signal<T> {
  const ends: { readonly value: T; readonly endMs: number }[] = [];
  let totalMs = 0;
  for (const [value, duration] of list) {
    totalMs += positiveDurationMs(duration, 'steps');
    ends.push({ value, endMs: totalMs });
  }
  const last = ends.at(-1);
  if (last === undefined) throw new MqttUsageError('steps takes at least one value');
  const { loop = true } = options;
  return timeSignal(({ elapsedMs }) => {
    const atMs = loop ? cyclePart(elapsedMs, totalMs, 0) * totalMs : elapsedMs;
    return (ends.find(({ endMs }) => atMs < endMs) ?? last).value;
  });
}

/** What `battery` takes. */
export interface BatteryOptions {
  /** From full to empty. */
  readonly life: Duration;
  /** Percent at the start. Default 100. */
  readonly from?: number;
  /** Somebody changes the battery at this level, for a full one; without it the battery stays empty. */
  readonly replaceAt?: number;
}

/** Percent left in a battery. */
export function battery(options: BatteryOptions): Signal<number> {
  const { from = 100, replaceAt } = options;
  finite({ from }, 'battery');
  const lifeMs = positiveDurationMs(options.life, 'battery: life');
  if (replaceAt !== undefined && !(replaceAt >= 0 && replaceAt < 100)) {
    throw new MqttUsageError(`battery: replaceAt must be from 0 to below 100, not ${replaceAt}`);
  }
  return timeSignal(({ elapsedMs }) => {
    const left = from - (100 * Math.max(elapsedMs, 0)) / lifeMs;
    if (replaceAt === undefined) return Math.max(left, 0);
    if (left > replaceAt) return left;
    return 100 - ((replaceAt - left) % (100 - replaceAt));
  });
}

/** The time that the device's clock shows: ISO 8601 text, or milliseconds or seconds since 1970. */
export function clock(form: 'iso'): Signal<string>;
export function clock(form: 'ms' | 's'): Signal<number>;
export function clock(form: 'iso' | 'ms' | 's'): Signal<FieldValue> {
  switch (form) {
    case 'iso':
      return timeSignal(({ clockMs }) => new Date(clockMs).toISOString());
    case 'ms':
      return timeSignal(({ clockMs }) => clockMs);
    case 's':
      return timeSignal(({ clockMs }) => Math.floor(clockMs / 1000));
    default:
      throw new MqttUsageError(`clock takes "iso", "ms" or "s", not ${JSON.stringify(form)}`);
  }
}

function wave(name: string, options: WaveOptions, shape: (part: number) => number): Signal<number> {
  const { mean = 0, amplitude = 1 } = options;
  finite({ mean, amplitude }, name);
  return cycle(name, options.period, options.phase, (part) => mean + amplitude * shape(part));
}

/** A function of the part of the period that has passed. */
function cycle<T>(
  name: string,
  period: Duration,
  phase: number | 'random' | undefined,
  shape: (part: number) => T,
): Signal<T> {
  const periodMs = positiveDurationMs(period, `${name}: period`);
  if (phase === 'random') {
    return new Signal(1, (stream) => {
      const own = stream(0).uniform(0);
      return ({ elapsedMs }: Moment) => shape(cyclePart(elapsedMs, periodMs, own));
    });
  }
  finite({ phase: phase ?? 0 }, name);
  return timeSignal(({ elapsedMs }) => shape(cyclePart(elapsedMs, periodMs, phase ?? 0)));
}

/** At least 0, below 1, also before the start. */
function cyclePart(atMs: number, periodMs: number, phase: number): number {
  const cycles = atMs / periodMs + phase;
  return cycles - Math.floor(cycles);
}

function partOf(value: number, what: string): number {
  if (value >= 0 && value <= 1) return value;
  throw new MqttUsageError(`${what} must be from 0 to 1, not ${value}`);
}

/** Throws unless all are finite numbers. */
export function finite(values: Readonly<Record<string, number>>, what: string): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isFinite(value)) continue;
    throw new MqttUsageError(`${what}: ${name} must be a number, not ${JSON.stringify(value)}`);
  }
}

/** Throws unless all are 0 or more. */
export function notNegative(values: Readonly<Record<string, number>>, what: string): void {
  for (const [name, value] of Object.entries(values)) {
    if (value < 0) throw new MqttUsageError(`${what}: ${name} must be 0 or more, not ${value}`);
  }
}
