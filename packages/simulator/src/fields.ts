import { DefinitionError } from './definition-error.ts';
import { atElapsed, type Moment } from './moment.ts';
import type { RandomStream } from './random-stream.ts';
import type { FieldValue, Reading, Sampler, Signal, SignalDevice } from './signal.ts';

/** Whoever can tell the fields of a device by their numbers. */
export interface FieldSource {
  value(index: number): FieldValue;
  /** The same fields at another moment. */
  at(moment: Moment): FieldSource;
}

const owner: unique symbol = Symbol('fields');

/** Fields by name, of all devices of a fleet. */
export class FieldSet {
  readonly names: readonly string[];
  readonly signals: readonly Signal<FieldValue>[];
  /** Readings of these fields: an accessor for each, so that a function of the others takes what it needs. */
  readonly view: new (
    source: FieldSource,
  ) => Reading;

  constructor(signals: ReadonlyMap<string, Signal<FieldValue>>) {
    this.names = [...signals.keys()];
    this.signals = [...signals.values()];
    this.view = viewOf(this.names);
  }
}

/** One class for all devices: objects of one shape. It has the names of the fields and no others. */
function viewOf(names: readonly string[]): FieldSet['view'] {
  class View {
    readonly [owner]: FieldSource;

    constructor(source: FieldSource) {
      this[owner] = source;
    }
  }
  const { prototype } = View;
  // Another reading of the same fields is made by what made this one, out of sight of the names.
  Object.defineProperty(prototype, another, { value: (source: FieldSource) => new View(source) });
  Object.setPrototypeOf(prototype, null);
  Reflect.deleteProperty(prototype, 'constructor');
  for (const [index, name] of names.entries()) {
    Object.defineProperty(prototype, name, {
      enumerable: true,
      get(this: View) {
        return this[owner].value(index);
      },
    });
  }
  return View as unknown as FieldSet['view'];
}

const another: unique symbol = Symbol('another');

interface View {
  readonly [owner]?: FieldSource;
  readonly [another]?: (source: FieldSource) => Reading;
}

/** The fields as they are at another moment: for signals that ask what they stand on at a time of their own. */
export function fieldsAt(fields: Reading, moment: Moment): Reading {
  const { [owner]: source, [another]: make } = fields as View;
  return source === undefined || make === undefined ? fields : make(source.at(moment));
}

/** A field of one device. */
interface Cell {
  readonly sampler: Sampler<FieldValue>;
  value: FieldValue;
  /** The turn in which it was computed. */
  turn: number;
  /** Whether it is being computed. */
  busy: boolean;
}

/** Changes a value before anybody sees it. */
export type ChangeValue = (index: number, value: FieldValue, moment: Moment) => FieldValue;

/** The fields of one device. Each is computed once for a moment, and only when somebody asks for it. */
export class Fields implements FieldSource {
  /** By name, for functions of other fields: live, always of the present moment. */
  readonly reading: Reading;
  /** What a fault makes of a value that other fields are to see, too. */
  change: ChangeValue | undefined;
  readonly #set: FieldSet;
  readonly #device: SignalDevice;
  readonly #cells: readonly Cell[];
  #turn = 0;
  /** Where the fields are. The moment itself may have gone on since: it is one for all devices. */
  #elapsedMs = 0;
  #moment: Moment = noMoment;

  constructor(set: FieldSet, device: SignalDevice, streams: RandomStream) {
    this.#set = set;
    this.#device = device;
    this.#cells = set.signals.map((signal, index) => ({
      sampler: signal.start(streams.child(set.names[index] as string)),
      value: 0,
      turn: 0,
      busy: false,
    }));
    this.reading = new set.view(this);
  }

  /** Goes to another moment: what was computed is forgotten. */
  goTo(moment: Moment): void {
    this.#moment = moment;
    this.#elapsedMs = moment.elapsedMs;
    this.#turn += 1;
  }

  /** The value of a field by its number. */
  value(index: number): FieldValue {
    const cell = this.#cells[index] as Cell;
    if (cell.turn === this.#turn) return cell.value;
    if (cell.busy) throw this.#circle();
    const moment = this.#present;
    cell.busy = true;
    let value: FieldValue;
    try {
      value = cell.sampler(moment, this.reading, this.#device);
    } finally {
      // A function that threw may be asked again.
      cell.busy = false;
    }
    if (value === undefined) throw this.#missing(index);
    if (this.change !== undefined) value = this.change(index, value, moment);
    cell.value = value;
    // Not the turn of before: what it needed at other moments has taken turns meanwhile.
    cell.turn = this.#turn;
    return value;
  }

  /** The value of a field at another moment. The present one comes back afterwards. */
  valueAt(index: number, moment: Moment): FieldValue {
    const now = this.#present;
    if (moment.elapsedMs === now.elapsedMs) return this.value(index);
    this.goTo(moment);
    try {
      return this.value(index);
    } finally {
      this.goTo(now);
    }
  }

  at(moment: Moment): FieldSource {
    return new FieldsAt(this, moment);
  }

  /** The moment of the reading, also for whoever asks when it is long made. */
  get #present(): Moment {
    const moment = this.#moment;
    return moment.elapsedMs === this.#elapsedMs ? moment : atElapsed(moment, this.#elapsedMs);
  }

  #missing(index: number): DefinitionError {
    return new DefinitionError('the function gave undefined in place of a value', [
      'signals',
      this.#set.names[index] as string,
    ]);
  }

  #circle(): DefinitionError {
    const circle = this.#set.names.filter((_, index) => this.#cells[index]?.busy);
    const first = circle[0] ?? '';
    const text =
      circle.length === 1 ? `${first} needs itself` : `${circle.join(' and ')} need each other`;
    return new DefinitionError(`${text}: no field can be computed from itself`, ['signals', first]);
  }
}

/** Before the first reading. */
const noMoment: Moment = { elapsedMs: 0, epochMs: 0, clockMs: 0, reading: 0 };

/** The fields of one device at a moment that is not the present one. */
class FieldsAt implements FieldSource {
  readonly #fields: Fields;
  readonly #moment: Moment;

  constructor(fields: Fields, moment: Moment) {
    this.#fields = fields;
    this.#moment = moment;
  }

  value(index: number): FieldValue {
    return this.#fields.valueAt(index, this.#moment);
  }

  at(moment: Moment): FieldSource {
    return this.#fields.at(moment);
  }
}
