/** What is known while a store that failed is not open again, and what the engine that takes over has to hear. */
import {
  type Batch,
  type ClientEngine,
  type Delivery,
  type EngineEvent,
  Fifo,
  type Now,
} from '@mqtt-kit/engine';
import { asError, MqttError } from './errors.ts';

/** What a handler said of a message, and in which batch that is stored. */
interface Acknowledgement {
  readonly batch: number;
  readonly delivery: Delivery;
  readonly reasonCode: number;
}

/** Acknowledgements that may not be stored. */
export class UnstoredAcknowledgements {
  readonly #acknowledgements = new Fifo<Acknowledgement>();

  push(batch: number, delivery: Delivery, reasonCode: number): void {
    this.#acknowledgements.push({ batch, delivery, reasonCode });
  }

  /** Batches up to that one are stored. */
  storedUpTo(batch: number): void {
    const acknowledgements = this.#acknowledgements;
    while ((acknowledgements.first?.batch ?? Number.POSITIVE_INFINITY) <= batch) {
      acknowledgements.shift();
    }
  }

  takeAll(): readonly Acknowledgement[] {
    return this.#acknowledgements.takeAll();
  }
}

export class StoreFailure {
  readonly error: MqttError;
  /** Whether somebody heard of it. */
  told = false;
  /** Batches that were not committed. */
  readonly #discarded: Batch[];

  constructor(thrown: unknown, batch: Batch) {
    this.error = storeError(thrown);
    this.#discarded = [batch];
  }

  /** The engine of before is over: what it still has to say is not stored either. */
  discardRest(engine: ClientEngine): void {
    for (let batch = engine.takeBatch(); batch; batch = engine.takeBatch()) {
      this.#discarded.push(batch);
    }
  }

  /** What was withdrawn before it left is still to be, and what ended although its end was not committed has ended. */
  replay(engine: ClientEngine, now: Now, onEvent: (event: EngineEvent) => void): void {
    for (const { operations, events } of this.#discarded) {
      for (const operation of operations) {
        if (operation.type === 'outDone' && operation.cause === 'withdrawn') {
          engine.cancel(operation.sequence, now);
        }
      }
      for (const event of events) {
        if (event.type !== 'published' || event.outcome.kind === 'sent') continue;
        if (!engine.isPending(event.ticket)) onEvent(event);
      }
    }
  }
}

function storeError(thrown: unknown): MqttError {
  const cause = asError(thrown);
  if (cause instanceof MqttError) return cause;
  return new MqttError('storeFailed', `the session store failed: ${cause.message}`, {
    cause,
    hint: 'What was not stored was not sent. Check the store.',
  });
}
