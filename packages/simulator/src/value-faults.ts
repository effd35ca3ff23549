import { durationMs } from './duration.ts';
import { type Occasions, occasions } from './fault.ts';
import type { FieldSet, FieldSource, Fields } from './fields.ts';
import type { PlannedFault } from './planned-faults.ts';
import type { RandomStream } from './random-stream.ts';
import type { FieldValue, Moment, Signal } from './signal.ts';

interface ValueFault extends PlannedFault {
  readonly occasions: Occasions;
  readonly stream: RandomStream;
  readonly recoveryMs: number;
  /** The values that it holds, and since when: of `stuck`. */
  heldSinceMs: number;
  readonly held: Map<number, FieldValue>;
}

/** Faults that change what the fields of one device are: `stuck`, `spike`, `drift`. */
export class ValueFaults {
  readonly #faults: readonly ValueFault[];
  readonly #set: FieldSet;
  readonly #fields: Fields;

  constructor(
    planned: readonly PlannedFault[],
    set: FieldSet,
    fields: Fields,
    streams: RandomStream,
  ) {
    this.#faults = planned.map((one) => valueFault(one, streams));
    this.#set = set;
    this.#fields = fields;
  }

  /** What becomes of the value of a field at a moment; `previousMs` is when the reading before was. */
  changed(field: number, value: FieldValue, moment: Moment, previousMs: number): FieldValue {
    let changed = value;
    for (const one of this.#faults) {
      const startMs = one.occasions.startOf(moment.elapsedMs, previousMs, one.recoveryMs);
      if (startMs === undefined || !concerns(one, field, changed)) continue;
      changed = this.#faulty(one, field, changed, startMs, moment);
    }
    return changed;
  }

  #faulty(
    one: ValueFault,
    field: number,
    value: FieldValue,
    startMs: number,
    moment: Moment,
  ): FieldValue {
    const { fault } = one;
    if (fault.fault === 'stuck') return this.#held(one, field, value, startMs, moment);
    if (typeof value !== 'number') return value;
    if (fault.fault === 'spike') {
      const up = one.stream.uniform(moment.elapsedMs, 2) < 0.5;
      return this.#rounded(field, value + (up ? fault.size : -fault.size));
    }
    if (fault.fault === 'drift') {
      const sinceMs = moment.elapsedMs - startMs;
      const lasting = one.occasions.durationMs;
      const away = (fault.perHour * Math.min(sinceMs, lasting)) / 3_600_000;
      const back = sinceMs <= lasting ? 1 : 1 - (sinceMs - lasting) / one.recoveryMs;
      return this.#rounded(field, value + away * back);
    }
    return value;
  }

  #held(
    one: ValueFault,
    field: number,
    value: FieldValue,
    startMs: number,
    moment: Moment,
  ): FieldValue {
    // A value that others see, too, is asked for at its beginning by itself.
    if (moment.elapsedMs === startMs && spreads(one)) return value;
    if (one.heldSinceMs !== startMs) {
      one.heldSinceMs = startMs;
      one.held.clear();
    }
    let held = one.held.get(field);
    if (held === undefined) {
      const shift = startMs - moment.elapsedMs;
      held = this.#fields.valueAt(field, {
        elapsedMs: startMs,
        epochMs: moment.epochMs + shift,
        clockMs: moment.clockMs + shift,
        reading: moment.reading,
      });
      one.held.set(field, held);
    }
    return held;
  }

  #rounded(field: number, value: number): number {
    const { digits } = this.#set.signals[field] as Signal<FieldValue>;
    if (digits === undefined) return value;
    const scale = Number(`1e${digits}`);
    return Math.round(value * scale) / scale;
  }
}

/** The fields as a device sends them: with what its sensors do to them. */
export class ObservedFields implements FieldSource {
  readonly #fields: Fields;
  readonly #faults: ValueFaults;
  #moment: Moment = { elapsedMs: 0, epochMs: 0, clockMs: 0, reading: 0 };
  #previousMs = -1;

  constructor(fields: Fields, faults: ValueFaults) {
    this.#fields = fields;
    this.#faults = faults;
  }

  /** Goes to the moment of a reading; the one before was at `previousMs`. */
  goTo(moment: Moment, previousMs: number): void {
    // A copy, since what it is one of goes on to the next device.
    this.#moment = { ...moment };
    this.#fields.goTo(this.#moment);
    this.#previousMs = previousMs;
  }

  value(index: number): FieldValue {
    return this.#faults.changed(index, this.#fields.value(index), this.#moment, this.#previousMs);
  }

  at(moment: Moment): FieldSource {
    return this.#fields.at(moment);
  }
}

/** Whether what a fault does is seen by the other fields, too. */
export function spreads({ fault }: PlannedFault): boolean {
  return 'spreads' in fault && fault.spreads === true;
}

function concerns({ fault, fields }: ValueFault, field: number, value: FieldValue): boolean {
  return fields !== undefined
    ? fields.has(field)
    : fault.fault === 'stuck' || typeof value === 'number';
}

function valueFault(planned: PlannedFault, streams: RandomStream): ValueFault {
  const { fault } = planned;
  const stream = streams.child(planned.streamName);
  return {
    ...planned,
    stream,
    occasions: occasions(fault, stream),
    recoveryMs:
      fault.fault === 'drift' && fault.recovery !== undefined
        ? durationMs(fault.recovery, 'recovery')
        : 0,
    heldSinceMs: Number.NaN,
    held: new Map(),
  };
}
