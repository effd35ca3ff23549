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

const owner: unique symbol = Symbol('fields');

/** The fields of one device. Each is computed once for a moment, and only when somebody asks for it. */
export class Fields {
  /** By name, for functions of other fields: live, always of the present moment. */
  readonly reading: Reading;
  readonly #set: FieldSet;
  readonly #device: SignalDevice;
  readonly #samplers: readonly Sampler<FieldValue>[];
  readonly #values: FieldValue[];
  /** The turn in which each was computed; negative while it is being computed. */
  readonly #computed: number[];
  #turn = 0;
  #moment: Moment = { elapsedMs: 0, epochMs: 0, clockMs: 0, reading: 0 };

  constructor(set: FieldSet, device: SignalDevice, streams: RandomStream) {
    this.#set = set;
    this.#device = device;
    this.#samplers = set.signals.map((signal, index) =>
      signal.start(streams.child(set.names[index] as string)),
    );
    this.#values = set.names.map(() => 0);
    this.#computed = set.names.map(() => 0);
    this.reading = Object.create(set.prototype, { [owner]: { value: this } }) as Reading;
  }

  /** Goes to another moment: what was computed is forgotten. */
  goTo(moment: Moment): void {
    this.#moment = moment;
    this.#turn += 1;
  }

  /** The value of a field by its number. */
  value(index: number): FieldValue {
    const computed = this.#computed[index] as number;
    if (computed === this.#turn) return this.#values[index] as FieldValue;
    if (computed === -this.#turn) throw this.#circle();
    this.#computed[index] = -this.#turn;
    const sampler = this.#samplers[index] as Sampler<FieldValue>;
    try {
      const value = sampler(this.#moment, this.reading, this.#device);
      this.#values[index] = value;
      this.#computed[index] = this.#turn;
      return value;
    } finally {
      // A function that threw may be asked again.
      if (this.#computed[index] !== this.#turn) this.#computed[index] = 0;
    }
  }

  #circle(): DefinitionError {
    const circle = this.#set.names.filter((_, index) => this.#computed[index] === -this.#turn);
    const first = circle[0] ?? '';
    const text =
      circle.length === 1 ? `${first} needs itself` : `${circle.join(' and ')} need each other`;
    return new DefinitionError(`${text}: no field can be computed from itself`, ['signals', first]);
  }
}
