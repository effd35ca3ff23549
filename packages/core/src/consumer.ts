/**
 * What a subscription does with its messages: calls a handler, or buffers them for an iterator.
 *
 * A message is done when the handler has returned, or its promise has settled, or the iterator was asked for the next
 * one. QoS 1 and 2 messages are acknowledged then, so that the server's window bounds those that wait; QoS 0 messages
 * that wait are counted by the backlog, which bounds them.
 */
import type { Backlog } from './backlog.ts';
import type { MqttError } from './errors.ts';
import { Fifo } from './fifo.ts';
import type { ReceivedMessage } from './message.ts';
import type { Receipt } from './receipt.ts';
import type { MessageHandler } from './subscription.ts';
import type { LooseParams } from './topic-pattern.ts';

/** A message on its way, with what acknowledges it; none at QoS 0. */
export interface Waiting {
  readonly message: ReceivedMessage;
  readonly receipt: Receipt | undefined;
}

export interface Consumer {
  /** Messages that were dropped because too many waited. */
  readonly dropped: number;
  take(message: ReceivedMessage, receipt: Receipt | undefined): void;
  /** No further message comes. What waits for a handler is handed back; an iterator still gives what it holds. */
  end(error: MqttError | undefined): readonly Waiting[];
}

/** Calls a handler for one message after the other, or for so many at once as it may work on. */
export class HandlerConsumer implements Consumer {
  dropped = 0;
  readonly #handler: MessageHandler<LooseParams>;
  readonly #concurrency: number;
  readonly #backlog: Backlog;
  readonly #waiting = new Fifo<Waiting>();
  #active = 0;
  #ended = false;

  constructor(handler: MessageHandler<LooseParams>, concurrency: number, backlog: Backlog) {
    this.#handler = handler;
    this.#concurrency = concurrency;
    this.#backlog = backlog;
  }

  take(message: ReceivedMessage, receipt: Receipt | undefined): void {
    if (this.#active < this.#concurrency && this.#waiting.size === 0) {
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
    return waiting;
  }

  #run(message: ReceivedMessage, receipt: Receipt | undefined): void {
    let pending: Promise<unknown> | undefined;
    try {
      const result = this.#handler(message);
      // A foreign thenable might call back at once: the platform's promise never does.
      if (isThenable(result)) pending = Promise.resolve(result);
    } catch (thrown) {
      this.#backlog.handlerFailed(message, thrown);
    }
    if (pending === undefined) {
      receipt?.done();
      return;
    }
    this.#active += 1;
    pending.then(
      () => this.#finished(receipt),
      (thrown) => {
        this.#backlog.handlerFailed(message, thrown);
        this.#finished(receipt);
      },
    );
  }

  #finished(receipt: Receipt | undefined): void {
    this.#active -= 1;
    receipt?.done();
    while (this.#active < this.#concurrency && !this.#ended) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.receipt === undefined) this.#backlog.leave(next.message);
      this.#run(next.message, next.receipt);
    }
  }
}

export interface IteratorSettings {
  readonly bufferSize: number;
  /** `undefined`: `pause` for messages of QoS 1 and 2, `dropOldest` for those of QoS 0. */
  readonly overflow: 'pause' | 'dropOldest' | 'dropNewest' | undefined;
}

/** Buffers messages for `for await`. */
export class IteratorConsumer implements Consumer, AsyncIterator<ReceivedMessage, undefined> {
  dropped = 0;
  readonly #settings: IteratorSettings;
  readonly #backlog: Backlog;
  /** Called when the loop is left. */
  readonly #onReturn: () => void;
  readonly #buffer = new Fifo<Waiting>();
  readonly #callers = new Fifo<Caller>();
  /** The message that the loop works on. */
  #current: Receipt | undefined;
  #ended = false;
  #error: MqttError | undefined;
  #pausing = false;

  constructor(settings: IteratorSettings, backlog: Backlog, onReturn: () => void) {
    this.#settings = settings;
    this.#backlog = backlog;
    this.#onReturn = onReturn;
  }

  take(message: ReceivedMessage, receipt: Receipt | undefined): void {
    const caller = this.#callers.shift();
    if (caller !== undefined) {
      this.#hand(caller, { message, receipt });
      return;
    }
    if (this.#buffer.size < this.#settings.bufferSize || this.#makeRoom(message, receipt)) {
      this.#buffer.push({ message, receipt });
      this.#updatePausing();
      return;
    }
    this.dropped += 1;
    receipt?.done();
  }

  next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    this.#finishCurrent();
    return new Promise((resolve, reject) => {
      const caller = { resolve, reject };
      const waiting = this.#buffer.shift();
      if (waiting !== undefined) this.#hand(caller, waiting);
      else if (this.#ended) this.#refuse(caller);
      else this.#callers.push(caller);
      this.#updatePausing();
    });
  }

  /** The loop was left: nothing more is wanted, not even what is buffered. */
  return(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    this.#error = undefined;
    this.#finishCurrent();
    for (const { receipt } of this.#buffer.takeAll()) {
      this.dropped += 1;
      receipt?.done();
    }
    this.#updatePausing();
    this.end(undefined);
    this.#onReturn();
    return Promise.resolve({ done: true, value: undefined });
  }

  end(error: MqttError | undefined): readonly Waiting[] {
    if (this.#ended) return [];
    this.#ended = true;
    this.#error = error;
    for (const caller of this.#callers.takeAll()) this.#refuse(caller);
    // Whether anybody goes on iterating nobody knows, and acknowledgements of others wait behind these.
    for (const { message, receipt } of this.#buffer.takeAll()) {
      receipt?.done();
      this.#buffer.push({ message, receipt: undefined });
    }
    return [];
  }

  #makeRoom(message: ReceivedMessage, receipt: Receipt | undefined): boolean {
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
    const { bufferSize, overflow } = this.#settings;
    const pausing = overflow === 'pause' && this.#buffer.size >= bufferSize;
    if (pausing === this.#pausing) return;
    this.#pausing = pausing;
    this.#backlog.setIteratorFull(this, pausing);
  }

  #hand(caller: Caller, { message, receipt }: Waiting): void {
    this.#finishCurrent();
    this.#current = receipt;
    caller.resolve({ done: false, value: message });
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
