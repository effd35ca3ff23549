import { DefinitionError } from './definition-error.ts';
import type { RandomStream } from './random-stream.ts';
import type { FieldValue, Moment, Reading, Sampler, Signal, SignalDevice } from './signal.ts';

const owner: unique symbol = Symbol('fields');

/** Fields by name, of all devices of a fleet. */
export class FieldSet {
  readonly names: readonly string[];
  readonly signals: readonly Signal<FieldValue>[];
  /** Readings of these fields: an accessor for each, so that a function of the others takes what it needs. */
  readonly view: new (
    fields: Fields,
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
    readonly [owner]: Fields;

    constructor(fields: Fields) {
      this[owner] = fields;
    }
  }
  Object.setPrototypeOf(View.prototype, null);
  Reflect.deleteProperty(View.prototype, 'constructor');
  for (const [index, name] of names.entries()) {
    Object.defineProperty(View.prototype, name, {
      enumerable: true,
      get(this: View) {
        return this[owner].value(index);
      },
    });
  }
  return View as unknown as FieldSet['view'];
}

/** A field of one device. */
interface Cell {
  readonly sampler: Sampler<FieldValue>;
  value: FieldValue;
  /** The turn in which it was computed; negative while it is being computed. */
  turn: number;
}

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
    this.reading = new set.view(this);
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
