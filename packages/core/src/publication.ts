import { type OutgoingMessage, type Ticket, withNextBatch } from '@mqtt-kit/engine';
import type { QoS } from '@mqtt-kit/packet';
import type { PublishPromise, PublishResult } from './client.ts';
import type { Driver } from './driver.ts';
import type { MqttError } from './errors.ts';
import type { RequestLimits } from './request-limits.ts';

/** One promise and what settles it. */
export class Publication {
  readonly promise: PublishPromise;
  ticket: Ticket;
  /** The batch that carries its record, for `stored`. 0: not handed over yet. */
  batch: number;
  limits: RequestLimits | undefined;
  /** While it waits for room. */
  waiting: OutgoingMessage | undefined;
  readonly qos: QoS;
  /** `undefined`: those of one flush. */
  readonly topic: string | undefined;
  readonly #driver: Driver;
  readonly #resolve: (result: PublishResult) => void;
  readonly #reject: (error: MqttError) => void;
  /** Whether it was in the store when it failed, for those who ask afterwards. */
  #wasStored: boolean;

  constructor(driver: Driver, message: OutgoingMessage | undefined) {
    this.#driver = driver;
    this.qos = message?.qos ?? 0;
    this.topic = message?.topic;
    this.waiting = undefined;
    this.ticket = withNextBatch;
    this.batch = 0;
    this.limits = undefined;
    this.promise = publishPromise(new Promise(keepFunctions), new WhenStored(this));
    this.#resolve = lastResolve;
    this.#reject = lastReject;
    this.#wasStored = false;
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
    this.#wasStored = this.batch > 0 && this.#driver.isDelivered(this.batch);
    // Whoever ignores the promise is not to be killed by its rejection.
    this.promise.catch(ignore);
    this.#reject(error);
  }

  /** Resolves when the message is in the store. */
  stored(): Promise<void> {
    const { promise } = this;
    if (this.qos === 0) return promise.then(ignore);
    if (this.#wasStored) return Promise.resolve();
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

/**
 * An ordinary promise with one property more. A class of promises of our own would make `then` and `await` look up what
 * they know of ordinary ones: making such a promise and calling `then` took 60 % longer.
 */
function publishPromise(promise: Promise<PublishResult>, stored: Promise<void>): PublishPromise {
  const publish = promise as Promise<PublishResult> & { stored: Promise<void> };
  publish.stored = stored;
  return publish;
}

/** The promise of `stored`, made when somebody asks it: few do, and each message has one. */
class WhenStored implements Promise<void> {
  readonly #publication: Publication;
  #promise: Promise<void> | undefined;

  constructor(publication: Publication) {
    this.#publication = publication;
  }

  get [Symbol.toStringTag](): string {
    return 'Promise';
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise.
  then<Fulfilled = void, Rejected = never>(
    // biome-ignore lint/suspicious/noConfusingVoidType: as Promise has it.
    onFulfilled?: ((value: void) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#made().then(onFulfilled, onRejected);
  }

  catch<Rejected = never>(
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
    // biome-ignore lint/suspicious/noConfusingVoidType: as Promise has it.
  ): Promise<void | Rejected> {
    return this.#made().catch(onRejected);
  }

  finally(onFinally?: (() => void) | null): Promise<void> {
    return this.#made().finally(onFinally);
  }

  #made(): Promise<void> {
    this.#promise ??= this.#publication.stored();
    return this.#promise;
  }
}

/** A promise of `publish` that rejects: for what fails before anything begins. */
export function rejectedPublish(error: MqttError): PublishPromise {
  const promise: Promise<PublishResult> = Promise.reject(error);
  const stored: Promise<void> = Promise.reject(error);
  promise.catch(ignore);
  stored.catch(ignore);
  return publishPromise(promise, stored);
}

function ignore(): void {}
