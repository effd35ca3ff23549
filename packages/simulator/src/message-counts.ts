import type { PublishPromise } from '@mqtt-kit/core';
import { Latencies } from './latency.ts';

/** Counts messages and what became of them. */
export class MessageCounts {
  readonly latencies: Latencies = new Latencies();
  readonly #onError: (error: Error) => void;
  sent = 0;
  readings = 0;
  acknowledged = 0;
  failed = 0;
  pending = 0;
  firstError: Error | undefined;
  /** Messages at QoS 0 that are written together share a promise. */
  #last: { readonly promise: PublishPromise; messages: number } | undefined;
  #waiting: { readonly below: number; readonly wake: () => void } | undefined;

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  add(promise: PublishPromise, qos: number, isReading: boolean): void {
    this.sent += 1;
    this.pending += 1;
    if (isReading) this.readings += 1;
    if (qos === 0) {
      this.#addUnacknowledged(promise);
      return;
    }
    const beganMs = performance.now();
    promise.then(
      () => {
        this.acknowledged += 1;
        this.latencies.add(performance.now() - beganMs);
        this.#settled(1);
      },
      (error: Error) => this.#failed(1, error),
    );
  }

  /** Takes note of something that went wrong. A listener for all clients. */
  readonly report = (error: Error): void => {
    this.firstError ??= error;
    this.#onError(error);
  };

  /** Resolves when fewer than so many messages wait for their fate. For one caller at a time. */
  async room(below: number): Promise<void> {
    while (this.pending >= below) {
      await new Promise<void>((wake) => {
        this.#waiting = { below, wake };
      });
    }
  }

  #addUnacknowledged(promise: PublishPromise): void {
    if (this.#last?.promise === promise) {
      this.#last.messages += 1;
      return;
    }
    const group = { promise, messages: 1 };
    this.#last = group;
    promise.then(
      () => this.#settled(group.messages),
      (error: Error) => this.#failed(group.messages, error),
    );
  }

  #failed(messages: number, error: Error): void {
    this.failed += messages;
    this.report(error);
    this.#settled(messages);
  }

  #settled(messages: number): void {
    this.pending -= messages;
    const waiting = this.#waiting;
    if (waiting === undefined || this.pending >= waiting.below) return;
    this.#waiting = undefined;
    waiting.wake();
  }
}
