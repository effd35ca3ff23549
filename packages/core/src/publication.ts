import { type OutgoingMessage, type Ticket, withNextBatch } from '@mqtt-kit/engine';
import type { QoS } from '@mqtt-kit/packet';
import type { PublishPromise, PublishResult } from './client.ts';
import type { Driver } from './driver.ts';
import type { MqttError } from './errors.ts';
import type { RequestLimits } from './request-limits.ts';

/** One promise and what settles it. */
export class Publication {
  readonly promise: PendingPublish;
  ticket: Ticket = withNextBatch;
  /** The batch that carries its record, for `stored`. 0: not handed over yet. */
  batch = 0;
  limits: RequestLimits | undefined;
  /** While it waits for room. */
  waiting: OutgoingMessage | undefined;
  readonly qos: QoS;
  /** `undefined`: those of one flush. */
  readonly topic: string | undefined;
  readonly #driver: Driver;
  readonly #resolve: (result: PublishResult) => void;
  readonly #reject: (error: MqttError) => void;

  constructor(driver: Driver, message: OutgoingMessage | undefined) {
    this.#driver = driver;
    this.qos = message?.qos ?? 0;
    this.topic = message?.topic;
    this.promise = new PendingPublish(keepFunctions);
    this.#resolve = lastResolve;
    this.#reject = lastReject;
    PendingPublish.join(this.promise, this);
  }

  /** For messages to people. */
  get what(): string {
    return this.topic === undefined
      ? 'the QoS 0 messages of this flush'
      : `the publish to ${JSON.stringify(this.topic)}`;
  }

  resolve(result: PublishResult): void {
    this.limits?.stop();
    this.#resolve(result);
  }

  reject(error: MqttError): void {
    this.limits?.stop();
    // Whoever ignores the promise is not to be killed by its rejection.
    this.promise.catch(ignore);
    this.#reject(error);
  }

  /** Resolves when the message is in the store. */
  stored(): Promise<void> {
    const { promise } = this;
    if (this.qos === 0) return promise.then(ignore);
    return new Promise((resolve, reject) => {
      promise.then(() => resolve(), reject);
      // While it waits for room its record is in no batch: then the promise itself has to tell.
      if (this.batch > 0) this.#driver.whenDelivered(this.batch).then(resolve, reject);
    });
  }
}

// The functions of the promise that was made last: a closure for each message would cost as much as its encoding.
let lastResolve: (result: PublishResult) => void = ignore;
let lastReject: (error: MqttError) => void = ignore;

function keepFunctions(
  resolve: (result: PublishResult) => void,
  reject: (error: MqttError) => void,
): void {
  lastResolve = resolve;
  lastReject = reject;
}

class PendingPublish extends Promise<PublishResult> implements PublishPromise {
  static {
    // What `then` returns are ordinary promises, and `await` takes these for such: otherwise it would make another
    // promise for each, and wait three microtasks longer.
    Object.defineProperty(this.prototype, 'constructor', { value: Promise });
  }

  #publication: Publication | undefined;
  #stored: Promise<void> | undefined;

  static join(promise: PendingPublish, publication: Publication): void {
    promise.#publication = publication;
  }

  get stored(): Promise<void> {
    this.#stored ??= (this.#publication as Publication).stored();
    this.#stored.catch(ignore);
    return this.#stored;
  }
}

/** A promise of `publish` that rejects: for what fails before anything begins. */
export function rejectedPublish(error: MqttError): PublishPromise {
  const promise = Promise.reject(error) as Promise<PublishResult> & { stored: Promise<void> };
  const stored = Promise.reject(error) as Promise<void>;
  promise.catch(ignore);
  stored.catch(ignore);
  promise.stored = stored;
  return promise;
}

function ignore(): void {}
