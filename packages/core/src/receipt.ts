import type { Delivery } from '@mqtt-kit/engine';

/** Counts the handlers of one received QoS 1 or 2 message: when the last has done with it, it is acknowledged. */
export class Receipt {
  readonly delivery: Delivery;
  readonly #acknowledge: (delivery: Delivery) => void;
  #left: number;

  constructor(delivery: Delivery, handlers: number, acknowledge: (delivery: Delivery) => void) {
    this.delivery = delivery;
    this.#left = handlers;
    this.#acknowledge = acknowledge;
  }

  done(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#acknowledge(this.delivery);
  }
}
