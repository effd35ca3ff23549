import { MqttUsageError } from '@mqtt-kit/core';
import { type Duration, durationMs, positiveDurationMs } from './duration.ts';
import { fieldsAt } from './fields.ts';
import { atElapsed, type Moment } from './moment.ts';
import type { RandomStream } from './random-stream.ts';

export type { Moment } from './moment.ts';

/** The other fields of a device, by name: each is computed when it is asked for. */
export type Reading = Readonly<Record<string, FieldValue>>;

/** What a field can hold. */
export type FieldValue =
  | number
  | string
  | boolean
  | null
  | readonly FieldValue[]
  | { readonly [name: string]: FieldValue };

/** What a function of the other fields sees of its device besides them. */
export interface SignalDevice {
  readonly id: string;
  /** From 0, in the order of the fleet. */
  readonly index: number;
  /** What commands change. */
  readonly state: Record<string, FieldValue>;
  /** What the definition says of this device alone. */
  readonly attributes: Readonly<Record<string, FieldValue>>;
}

/** A field computed from others: `({ temperature }) => 80 - 1.5 * Number(temperature)`. */
export type FieldFunction<T> = (
  // biome-ignore lint/suspicious/noExplicitAny: what a field holds is known to whoever wrote it, as with JSON.parse.
  fields: any,
  device: SignalDevice,
  moment: Moment,
) => T;

/** A signal of one device: gives the value at a moment. Asked twice for one moment it gives the same. */
export type Sampler<T> = (moment: Moment, fields: Reading, device: SignalDevice) => T;

/** What a combinator takes: a number, another signal, or a function of the other fields. */
export type Operand = number | Signal<number> | FieldFunction<number>;

/** A global symbol, so that a signal of another copy of this package is one, too. */
const mark: unique symbol = Symbol.for('mqtt-kit.Signal');

/**
 * A quantity over time, for any device: a recipe from which each device makes a sampler with random numbers of its
 * own. A signal is a pure function of time: the same seed, device, name and moment give the same value in any order of
 * asking. Signals are combined by methods, each of which gives a new one.
 *
 * ```ts
 * const temperature = dayCurve({ mean: 21, amplitude: 3 }).plus(noise(0.1)).round(1);
 * ```
 */
export class Signal<T = number> {
  /**
   * How many random streams the signal takes. What is combined with it takes those behind, so that something added at
   * the end of a chain changes no number of what stands before.
   */
  readonly streams: number;
  readonly #start: (stream: (offset: number) => RandomStream) => Sampler<T>;

  /** Decimal places that the value was rounded to last; what faults add to it is rounded to them again. */
  readonly digits: number | undefined;

  constructor(
    streams: number,
    start: (stream: (offset: number) => RandomStream) => Sampler<T>,
    digits?: number,
  ) {
    this.streams = streams;
    this.#start = start;
    this.digits = digits;
  }

  /** Whether something is a signal, also one of another copy of this package. */
  static is(value: unknown): value is Signal<FieldValue> {
    return typeof value === 'object' && value !== null && mark in value;
  }

  /** Makes the signal of one device. `stream` is the one of its seed, device and name. */
  start(stream: RandomStream): Sampler<T> {
    return this.sampler((offset) => stream.child(offset));
  }

  /** As `start`, with the streams by their number: for combinators. */
  sampler(stream: (offset: number) => RandomStream): Sampler<T> {
    return this.#start(stream);
  }

  /** The sum. */
  plus(this: Signal<number>, other: Operand): Signal<number> {
    return combined(this, other, (a, b) => a + b);
  }

  /** The difference. */
  minus(this: Signal<number>, other: Operand): Signal<number> {
    return combined(this, other, (a, b) => a - b);
  }

  /** The product. */
  times(this: Signal<number>, other: Operand): Signal<number> {
    return combined(this, other, (a, b) => a * b);
  }

  /** Never below `minimum`, never above `maximum`. */
  clamp(this: Signal<number>, minimum: number, maximum: number): Signal<number> {
    if (!(minimum <= maximum)) {
      throw new MqttUsageError(
        `clamp takes a minimum and a maximum above it; given were ${minimum} and ${maximum}`,
      );
    }
    return this.map((value) => Math.min(Math.max(value, minimum), maximum));
  }

  /** Rounded to a number of decimal places, 0 unless given, 15 at most. */
  round(this: Signal<number>, digits = 0): Signal<number> {
    if (!(Number.isInteger(digits) && digits >= 0 && digits <= 15)) {
      throw new MqttUsageError(`round takes 0 to 15 decimal places; given was ${digits}`);
    }
    const scale = Number(`1e${digits}`);
    const rounded = this.map((value) => positiveZero(Math.round(value * scale) / scale));
    return new Signal(rounded.streams, (stream) => rounded.sampler(stream), digits);
  }

  /** In steps of a size, as a converter with few bits gives it. */
  quantize(this: Signal<number>, step: number): Signal<number> {
    if (!(step > 0)) throw new MqttUsageError(`quantize takes a step above 0; given was ${step}`);
    // A step such as 0.1 is no binary fraction: dividing by its reciprocal keeps 0.3 from being 0.30000000000000004.
    const inverse = Math.round(1 / step);
    const whole = step < 1 && Math.abs(inverse * step - 1) < 1e-9;
    return this.map((value) =>
      positiveZero(whole ? Math.round(value * inverse) / inverse : Math.round(value / step) * step),
    );
  }

  /** What the signal was that long ago. */
  delay(duration: Duration): Signal<T> {
    const ms = durationMs(duration, 'delay');
    return this.#at((elapsedMs) => elapsedMs - ms);
  }

  /** Changes only at whole multiples of a duration, as a slow sensor does. */
  hold(duration: Duration): Signal<T> {
    const ms = positiveDurationMs(duration, 'hold');
    return this.#at((elapsedMs) => Math.floor(elapsedMs / ms) * ms);
  }

  /** Anything made of the value. */
  map<U>(change: (value: T) => U): Signal<U> {
    return new Signal(this.streams, (stream) => {
      const sampler = this.sampler(stream);
      return (moment, fields, device) => change(sampler(moment, fields, device));
    });
  }

  #at(elapsedMs: (elapsedMs: number) => number): Signal<T> {
    return new Signal(this.streams, (stream) => {
      const sampler = this.sampler(stream);
      return (moment, fields, device) => {
        const other = atElapsed(moment, elapsedMs(moment.elapsedMs));
        return sampler(other, fieldsAt(fields, other), device);
      };
    });
  }
}

Object.defineProperty(Signal.prototype, mark, { value: true });

/** A signal without chance, of the moment alone. */
export function timeSignal<T>(value: (moment: Moment) => T): Signal<T> {
  return new Signal(0, () => value);
}

/** A signal as it is, a number as one that stands still, a function as one of the other fields. */
export function asSignal<T extends FieldValue>(
  operand: T | Signal<T> | FieldFunction<T>,
): Signal<T> {
  if (Signal.is(operand)) return operand as Signal<T>;
  if (typeof operand === 'function') {
    // A copy: whoever wrote the function may keep it.
    return new Signal(0, () => (moment, fields, device) => operand(fields, device, { ...moment }));
  }
  return timeSignal(() => operand as T);
}

/** Makes one signal of two; the second takes the streams behind those of the first. */
export function combined<A extends FieldValue, B extends FieldValue, T>(
  left: Signal<A>,
  right: B | Signal<B> | FieldFunction<B>,
  combine: (left: A, right: B) => T,
): Signal<T> {
  const other = asSignal<B>(right);
  const offset = left.streams;
  return new Signal(offset + other.streams, (stream) => {
    const first = left.sampler(stream);
    const second = other.sampler((number) => stream(offset + number));
    return (moment, fields, device) =>
      combine(first(moment, fields, device), second(moment, fields, device));
  });
}

function positiveZero(value: number): number {
  return value === 0 ? 0 : value;
}
