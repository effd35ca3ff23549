import type { Now } from '@mqtt-kit/engine';
import type { Clock } from './clock.ts';

/** The time of a turn: reading clocks costs as much as encoding a small message. */
export class TurnClock {
  readonly #clock: Clock;
  #turn: Now | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): Now {
    this.#turn ??= this.#clock.now();
    return this.#turn;
  }

  /** Something came from outside: a turn begins. */
  fresh(): Now {
    this.#turn = this.#clock.now();
    return this.#turn;
  }

  end(): void {
    this.#turn = undefined;
  }
}
