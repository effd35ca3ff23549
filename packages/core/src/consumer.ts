/**
 * What a subscription does with its messages: calls a handler, or buffers them for an iterator.
 *
 * A message is handled when the handler has returned, or its promise has settled, or the iterator was asked for the next
 * one; `delivery.ts` has the other ways. QoS 1 and 2 messages are acknowledged then, so that the server's window bounds
 * those that wait; QoS 0 messages that wait are counted by the backlog, which bounds them.
 */
import { Fifo } from '@mqtt-kit/engine';
import type { Backlog } from './backlog.ts';
import {
  type Admission,
  admit,
  type DeliverySettings,
  isAdmitted,
  remaining,
  settleFirst,
  settleUnhanded,
  type Waiting,
} from './delivery.ts';
import type { MqttError } from './errors.ts';
import type { ReceivedMessage } from './message.ts';
import type { HandlerReceipt } from './receipt.ts';
import type { MessageHandler } from './subscription.ts';
import type { LooseParams } from './topic-pattern.ts';

export interface Consumer {
  /** Messages that were dropped because too many waited. */
  readonly dropped: number;
  /** Whether the application acknowledges messages. */
  readonly manual: boolean;
  take(message: ReceivedMessage, receipt: HandlerReceipt | undefined): void;
  /** No further message comes. What waits for a handler is handed back; an iterator still gives what it holds. */
  end(error: MqttError | undefined): readonly Waiting[];
}

export interface HandlerSettings extends DeliverySettings {
  readonly concurrency: number;
}

/** Calls a handler for one message after the other, or for so many at once as it may work on. */
export class HandlerConsumer implements Consumer {
  dropped = 0;
  readonly manual: boolean;
  readonly #handler: MessageHandler<LooseParams>;
  readonly #settings: HandlerSettings;
  readonly #backlog: Backlog;
  readonly #waiting = new Fifo<Waiting>();
  /** Messages that may not be handed over yet. */
  readonly #admitting = new Set<Waiting>();
  #active = 0;
  #ended = false;

  constructor(handler: MessageHandler<LooseParams>, settings: HandlerSettings, backlog: Backlog) {
    this.manual = settings.manual;
    this.#handler = handler;
    this.#settings = settings;
    this.#backlog = backlog;
  }

  take(message: ReceivedMessage, receipt: HandlerReceipt | undefined): void {
    if (receipt === undefined || !this.#settings.settlesOnArrival) {
      this.#accept(message, receipt);
      return;
    }
    const arriving = { message, receipt };
    this.#admitting.add(arriving);
    settleFirst(receipt, (handOver) => {
      if (this.#admitting.delete(arriving) && handOver) this.#accept(message, undefined);
    });
  }

  #accept(message: ReceivedMessage, receipt: HandlerReceipt | undefined): void {
    if (this.#active < this.#settings.concurrency && this.#waiting.size === 0) {
      this.#run(message, receipt);
    } else if (receipt !== undefined || this.#backlog.enter(message)) {
      this.#waiting.push({ message, receipt });
    } else {
      this.dropped += 1;
    }
  }

  end(): readonly Waiting[] {
    this.#ended = true;
    const waiting = this.#waiting.takeAll();
    for (const { message, receipt } of waiting) {
      if (receipt === undefined) this.#backlog.leave(message);
    }
    const admitting = Array.from(this.#admitting, ({ message, receipt }) => ({
      message,
      // At most once has spoken already.
      receipt: this.#settings.mode === 'at-most-once' ? undefined : receipt,
    }));
    this.#admitting.clear();
    return [...admitting, ...waiting];
  }

  #run(message: ReceivedMessage, receipt: HandlerReceipt | undefined): void {
    if (isAdmitted(this.#settings, message, receipt)) {
      this.#call(message, receipt);
      return;
    }
    const waiting = { message, receipt };
    this.#active += 1;
    this.#admitting.add(waiting);
    admit(this.#settings, waiting, this.#backlog, (admission) => this.#decided(waiting, admission));
  }

  #decided(waiting: Waiting, admission: Admission): void {
    this.#active -= 1;
    // It was handed back meanwhile.
    if (!this.#admitting.delete(waiting)) return;
    if (admission === 'hand') this.#call(waiting.message, waiting.receipt);
    else settleUnhanded(admission, waiting.receipt);
    this.#runNext();
  }

  #call(message: ReceivedMessage, receipt: HandlerReceipt | undefined): void {
    const left = remaining(this.#settings, receipt);
    let pending: Promise<unknown> | undefined;
    try {
      const result = this.#handler(message);
      // A foreign thenable might call back at once: the platform's promise never does.
      if (isThenable(result)) pending = Promise.resolve(result);
    } catch (thrown) {
      this.#failed(message, left, thrown);
      return;
    }
    if (pending === undefined) {
      left?.done();
      return;
    }
    this.#active += 1;
    pending.then(
      () => {
        this.#active -= 1;
        left?.done();
        this.#runNext();
      },
      (thrown) => {
        this.#active -= 1;
        this.#failed(message, left, thrown);
        this.#runNext();
      },
    );
  }

  #failed(message: ReceivedMessage, receipt: HandlerReceipt | undefined, thrown: unknown): void {
    const { handlerFailure } = this.#settings;
    this.#backlog.handlerFailed(message, thrown, 'the handler');
    if (handlerFailure === 'redeliver') receipt?.leave();
    else receipt?.done(handlerFailure === 'acknowledge' ? 0 : handlerFailure);
  }

  #runNext(): void {
    while (this.#active < this.#settings.concurrency && !this.#ended) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.receipt === undefined) this.#backlog.leave(next.message);
      this.#run(next.message, next.receipt);
    }
  }
}

export interface IteratorSettings extends DeliverySettings {
  readonly bufferSize: number;
  /** `undefined`: `pause` for messages of QoS 1 and 2, `dropOldest` for those of QoS 0. */
  readonly overflow: 'pause' | 'dropOldest' | 'dropNewest' | undefined;
}

/** Buffers messages for `for await`. */
export class IteratorConsumer implements Consumer, AsyncIterator<ReceivedMessage, undefined> {
  dropped = 0;
  readonly manual: boolean;
  readonly #settings: IteratorSettings;
  readonly #backlog: Backlog;
  /** Called when the loop is left. */
  readonly #onReturn: () => void;
  readonly #buffer = new Fifo<Waiting>();
  readonly #callers = new Fifo<Caller>();
  /** Messages that are to be settled before they are buffered. */
  readonly #arriving = new Set<ReceivedMessage>();
  /** The next one to be handed over, as long as that may not be. */
  #admitting: Waiting | undefined;
  /** The message that the loop works on. */
  #current: HandlerReceipt | undefined;
  #ended = false;
  #error: MqttError | undefined;
  #pausing = false;

  constructor(settings: IteratorSettings, backlog: Backlog, onReturn: () => void) {
    this.manual = settings.manual;
    this.#settings = settings;
    this.#backlog = backlog;
    this.#onReturn = onReturn;
  }

  take(message: ReceivedMessage, receipt: HandlerReceipt | undefined): void {
    if (receipt === undefined || !this.#settings.settlesOnArrival) {
      this.#accept(message, receipt);
      return;
    }
    this.#arriving.add(message);
    settleFirst(receipt, (handOver) => {
      if (!this.#arriving.delete(message)) return;
      if (handOver) this.#accept(message, undefined);
      else this.#serve();
    });
  }

  #accept(message: ReceivedMessage, receipt: HandlerReceipt | undefined): void {
    if (this.#buffer.size >= this.#settings.bufferSize && !this.#makeRoom(message, receipt)) {
      this.dropped += 1;
      receipt?.done();
      return;
    }
    this.#buffer.push({ message, receipt });
    this.#serve();
  }

  next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    this.#finishCurrent();
    return new Promise((resolve, reject) => {
      this.#callers.push({ resolve, reject });
      this.#serve();
    });
  }

  /** The loop was left: nothing more is wanted, not even what is buffered. */
  return(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    this.#error = undefined;
    this.#finishCurrent();
    const unwanted = this.#buffer.takeAll();
    this.dropped += this.#arriving.size;
    this.#arriving.clear();
    if (this.#admitting !== undefined) {
      this.dropped += 1;
      // At most once has spoken already.
      if (this.#settings.mode !== 'at-most-once') this.#admitting.receipt?.done();
      this.#admitting = undefined;
    }
    for (const { receipt } of unwanted) {
      this.dropped += 1;
      receipt?.done();
    }
    this.end(undefined);
    this.#serve();
    this.#onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  end(error: MqttError | undefined): readonly Waiting[] {
    if (this.#ended) return [];
    this.#ended = true;
    this.#error = error;
    // Whether anybody goes on iterating nobody knows, and acknowledgements of others wait behind these.
    for (const waiting of this.#buffer.takeAll()) {
      const { message, receipt } = waiting;
      const plain = !this.manual && isAdmitted(this.#settings, message, receipt);
      if (plain) receipt?.done();
      this.#buffer.push(plain ? { message, receipt: undefined } : waiting);
    }
    this.#serve();
    return [];
  }

  /** Brings messages and callers together. */
  #serve(): void {
    while (this.#callers.size > 0 && this.#admitting === undefined) {
      const waiting = this.#buffer.shift();
      if (waiting === undefined) break;
      if (isAdmitted(this.#settings, waiting.message, waiting.receipt)) {
        this.#hand(waiting);
        continue;
      }
      this.#admitting = waiting;
      admit(this.#settings, waiting, this.#backlog, (admission) =>
        this.#decided(waiting, admission),
      );
    }
    const empty = this.#buffer.size === 0 && this.#arriving.size === 0;
    if (this.#ended && empty && this.#admitting === undefined) {
      for (const caller of this.#callers.takeAll()) this.#refuse(caller);
    }
    this.#updatePausing();
  }

  #decided(waiting: Waiting, admission: Admission): void {
    // The loop was left meanwhile.
    if (this.#admitting !== waiting) return;
    if (admission === 'hand') {
      this.#hand(waiting);
    } else {
      this.#admitting = undefined;
      settleUnhanded(admission, waiting.receipt);
    }
    this.#serve();
  }

  #hand({ message, receipt }: Waiting): void {
    this.#admitting = undefined;
    this.#finishCurrent();
    this.#current = remaining(this.#settings, receipt);
    this.#callers.shift()?.resolve({ done: false, value: message });
  }

  #makeRoom(message: ReceivedMessage, receipt: HandlerReceipt | undefined): boolean {
    const overflow = this.#settings.overflow ?? (message.qos === 0 ? 'dropOldest' : 'pause');
    switch (overflow) {
      case 'pause': {
        // Acknowledgements held back bound QoS 1 and 2; QoS 0 needs reading to pause.
        return receipt !== undefined || this.#backlog.canPause;
      }
      case 'dropOldest': {
        const oldest = this.#buffer.first;
        // By default messages of QoS 1 and 2 are not to be dropped: the newcomer is, then.
        const kept = this.#settings.overflow === undefined && oldest?.receipt !== undefined;
        if (oldest === undefined || kept) return false;
        this.#buffer.shift();
        this.dropped += 1;
        oldest.receipt?.done();
        return true;
      }
      case 'dropNewest':
        return false;
    }
  }

  /** Reading is to pause as long as QoS 0 messages would find no room. */
  #updatePausing(): void {
    const { bufferSize, overflow, settlesOnArrival } = this.#settings;
    const pauses = overflow === 'pause' || (overflow === undefined && settlesOnArrival);
    const pausing = pauses && this.#buffer.size >= bufferSize;
    if (pausing === this.#pausing) return;
    this.#pausing = pausing;
    this.#backlog.setIteratorFull(this, pausing);
  }

  #finishCurrent(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.done();
  }

  #refuse(caller: Caller): void {
    if (this.#error === undefined) caller.resolve({ done: true, value: undefined });
    else caller.reject(this.#error);
  }
}

interface Caller {
  readonly resolve: (result: IteratorResult<ReceivedMessage, undefined>) => void;
  readonly reject: (error: MqttError) => void;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
