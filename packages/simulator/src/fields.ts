import { DefinitionError } from './definition-error.ts';
import type { RandomStream } from './random-stream.ts';
import type { FieldValue, Moment, Reading, Sampler, Signal, SignalDevice } from './signal.ts';

/** Fields by name, of all devices of a fleet. */
export class FieldSet {
  readonly names: readonly string[];
  readonly signals: readonly Signal<FieldValue>[];
  /** Of the readings of these fields: an accessor for each, so that a function of the others takes what it needs. */
  readonly prototype: object;

  constructor(signals: ReadonlyMap<string, Signal<FieldValue>>) {
    this.names = [...signals.keys()];
    this.signals = [...signals.values()];
    this.prototype = Object.create(null) as object;
    for (const [index, name] of this.names.entries()) {
      Object.defineProperty(this.prototype, name, {
        enumerable: true,
        get(this: { [owner]: Fields }) {
          return this[owner].value(index);
        },
      });
    }
  }
}

/** A field of one device. */
interface Cell {
  readonly sampler: Sampler<FieldValue>;
  value: FieldValue;
  /** The turn in which it was computed; negative while it is being computed. */
  turn: number;
}

const owner: unique symbol = Symbol('fields');

/** The fields of one device. Each is computed once for a moment, and only when somebody asks for it. */
export class Fields {
  /** By name, for functions of other fields: live, always of the present moment. */
  readonly reading: Reading;
  readonly #set: FieldSet;
  readonly #device: SignalDevice;
  readonly #cells: readonly Cell[];
  #turn = 0;
  #moment: Moment = { elapsedMs: 0, epochMs: 0, clockMs: 0, reading: 0 };

  constructor(set: FieldSet, device: SignalDevice, streams: RandomStream) {
    this.#set = set;
    this.#device = device;
    this.#cells = set.signals.map((signal, index) => ({
      sampler: signal.start(streams.child(set.names[index] as string)),
      value: 0,
      turn: 0,
    }));
    this.reading = Object.create(set.prototype, { [owner]: { value: this } }) as Reading;
  }

  /** Goes to another moment: what was computed is forgotten. */
  goTo(moment: Moment): void {
    this.#moment = moment;
    this.#turn += 1;
  }

  /** The value of a field by its number. */
  value(index: number): FieldValue {
    const cell = this.#cells[index] as Cell;
    const turn = this.#turn;
    if (cell.turn === turn) return cell.value;
    if (cell.turn === -turn) throw this.#circle();
    cell.turn = -turn;
    try {
      cell.value = cell.sampler(this.#moment, this.reading, this.#device);
      cell.turn = turn;
      return cell.value;
    } finally {
      // A function that threw may be asked again.
      if (cell.turn !== turn) cell.turn = 0;
    }
  }

  #circle(): DefinitionError {
    const circle = this.#set.names.filter((_, index) => this.#cells[index]?.turn === -this.#turn);
    const first = circle[0] ?? '';
    const text =
      circle.length === 1 ? `${first} needs itself` : `${circle.join(' and ')} need each other`;
    return new DefinitionError(`${text}: no field can be computed from itself`, ['signals', first]);
  }
}
