/**
 * Takes batch after batch out of an engine: commits its operations, writes its bytes, delivers its events, closes.
 *
 * - Requests of one turn leave in one write: the first asks for a flush by a microtask, and 64 KiB flush at once.
 *   The flush waits until a few microtasks have passed without a request, since asynchronous handlers that finish one
 *   after the other acknowledge one after the other. A received chunk is flushed in its own turn.
 * - While a commit is under way no further batch is taken: whatever comes meanwhile joins the next one. Urgent output
 *   (pings, the close of a breach) waits for nothing.
 * - Nothing recurses: events are delivered from a list, and whatever they lead to is taken up by the loop around it.
 * - After a failed commit nothing that the engine says is heard, until another engine takes its place.
 */
import { type Batch, type ClientEngine, type EngineEvent, Fifo } from '@mqtt-kit/engine';
import { MqttError } from './errors.ts';
import type { Link } from './link.ts';
import type { SessionStore } from './session-store.ts';
import type { TurnClock } from './turn-clock.ts';

/** Bytes that are worth a write of their own. */
const flushAtBytes = 65_536;
/** Microtasks without a request before a flush. */
const quietMicrotasks = 4;

/** Called when the bytes of a batch were handed to the transport, or with the error that prevented it. */
export type FlushListener = (error: MqttError | undefined) => void;

interface TakenBatch {
  readonly batch: Batch;
  readonly flushListeners: readonly FlushListener[];
}

export interface PumpOwner {
  /** It must not throw. */
  onEvent(event: EngineEvent): void;
  /** Everything that was asked for is committed, written and told. */
  onIdle(): void;
  /** All output there is was taken. */
  onFlushed(): void;
  /** From here on nothing is taken. Those who wait for the flush of that batch are told what is returned. */
  onCommitFailed(batch: Batch, thrown: unknown): MqttError;
  /** They were told. */
  onHalted(error: MqttError): void;
}

export class BatchPump {
  engine: ClientEngine;
  /** The transport of the current connection. */
  link: Link | undefined;
  readonly #store: SessionStore | undefined;
  readonly #turn: TurnClock;
  readonly #owner: PumpOwner;
  readonly #undelivered = new Fifo<Batch>();
  /** In the order of their batches. */
  readonly #flushListeners = new Fifo<{
    readonly batch: number;
    readonly listener: FlushListener;
  }>();
  #deliveryWaiters: Fifo<{ readonly batch: number; readonly resolve: () => void }> | undefined;
  #taking = false;
  #delivering = false;
  #committing = false;
  /** Something was asked of the engine since output was taken last. */
  #asked = false;
  #flushScheduled = false;
  #microtasksLeft = 0;
  #taken = 0;
  #stored = 0;
  #delivered = 0;
  #halted = false;
  #ended = false;

  constructor(
    engine: ClientEngine,
    store: SessionStore | undefined,
    turn: TurnClock,
    owner: PumpOwner,
  ) {
    this.engine = engine;
    this.#store = store;
    this.#turn = turn;
    this.#owner = owner;
  }

  /** The batch that will carry what is asked for now: for `whenDelivered`, and to tell one flush from the next. */
  get batchToCome(): number {
    return this.#taken + 1 + this.engine.batchesAhead;
  }

  /** The latest batch whose operations are committed. */
  get stored(): number {
    return this.#stored;
  }

  /** Calls back when what is encoded now was handed to the transport. */
  afterFlush(listener: FlushListener): void {
    this.#flushListeners.push({ batch: this.batchToCome, listener });
  }

  /** Whether that batch is committed and delivered. */
  isDelivered(batch: number): boolean {
    return this.#delivered >= batch;
  }

  /** Resolves when that batch is committed and delivered, or nothing was to be committed. Pends for ever after `end`. */
  whenDelivered(batch: number): Promise<void> {
    const idle = !this.#delivering && this.#isIdle;
    if (this.#delivered >= batch || idle) return Promise.resolve();
    this.#deliveryWaiters ??= new Fifo();
    const waiters = this.#deliveryWaiters;
    return new Promise((resolve) => waiters.push({ batch, resolve }));
  }

  /** Takes and delivers all output there is. Harmless at any time. */
  flush(): void {
    if (this.#delivering || this.#taking) {
      // Something that an event or a write led to: the loop that is under way goes on with it.
      this.#asked = true;
      return;
    }
    do {
      this.#takeOutput();
      this.#deliver();
    } while (this.#asked && !this.#committing && !this.#stopped);
    this.#turn.end();
    this.#owner.onFlushed();
  }

  /** Something was asked of the engine: its output leaves soon, together with what else this turn brings. */
  request(): void {
    this.#asked = true;
    if (this.engine.pendingBytes >= flushAtBytes) {
      // Also from within an event: a handler may publish without an end. The events wait for their turn.
      if (this.#delivering) this.#takeOutput();
      else this.flush();
      return;
    }
    if (this.#delivering || this.#taking) return;
    this.#microtasksLeft = quietMicrotasks;
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(this.#microtask);
  }

  /** Goes on with another engine, as if batches up to that one were delivered. */
  restart(lastBatch: number): void {
    this.#halted = false;
    this.#taken = lastBatch;
    this.#stored = lastBatch;
    this.#delivered = lastBatch;
  }

  /** Nothing more is taken or delivered. */
  end(): void {
    this.#ended = true;
  }

  readonly #microtask = (): void => {
    if (this.#microtasksLeft > 0) {
      this.#microtasksLeft -= 1;
      queueMicrotask(this.#microtask);
      return;
    }
    this.#flushScheduled = false;
    this.flush();
  };

  #takeOutput(): void {
    if (this.#taking || this.#stopped) return;
    this.#taking = true;
    this.#asked = false;
    this.#writeUrgent();
    while (!this.#committing && !this.#stopped) {
      const batch = this.engine.takeBatch();
      if (batch === undefined) break;
      this.#taken += 1;
      this.#commit({ batch, flushListeners: this.#takeFlushListeners() });
    }
    this.#taking = false;
  }

  /** Those of the batch that was taken just now: batches sealed before theirs carry nothing of it. */
  #takeFlushListeners(): readonly FlushListener[] {
    const waiting = this.#flushListeners;
    if (waiting.size === 0) return noListeners;
    const due: FlushListener[] = [];
    for (let first = waiting.first; first && first.batch <= this.#taken; first = waiting.first) {
      due.push(first.listener);
      waiting.shift();
    }
    return due;
  }

  /** [1] The batch's operations. An `await` only where the store makes a promise. */
  #commit(taken: TakenBatch): void {
    const { operations } = taken.batch;
    if (operations.length === 0 || this.#store === undefined) {
      this.#write(taken);
      return;
    }
    let committed: void | Promise<void>;
    try {
      committed = this.#store.commit(operations);
    } catch (thrown) {
      this.#commitFailed(taken, thrown);
      return;
    }
    if (committed === undefined) {
      this.#write(taken);
      return;
    }
    this.#committing = true;
    committed.then(
      () => {
        this.#committing = false;
        if (this.#ended) return settle(taken.flushListeners, lostWithConnection());
        this.#write(taken);
        this.flush();
      },
      (thrown) => {
        this.#committing = false;
        this.#commitFailed(taken, thrown);
      },
    );
  }

  /** [2] The batch's bytes, if its connection is still the current one; its events are delivered in any case. */
  #write({ batch, flushListeners }: TakenBatch): void {
    const { link } = this;
    let written = false;
    if (batch.bytes.length > 0 && link?.isOpen && link.connection === batch.connection) {
      this.#writeTo(link, batch.bytes);
      written = true;
    }
    this.#undelivered.push(batch);
    this.#stored = this.#taken;
    if (flushListeners.length === 0) return;
    settle(flushListeners, written ? undefined : lostWithConnection());
  }

  #writeTo(link: Link, bytes: readonly Uint8Array[]): void {
    const writable = link.write(bytes);
    const now = this.#turn.now();
    this.engine.written(now);
    if (!writable) this.engine.transportWritable(false, now);
  }

  #writeUrgent(): void {
    const { engine } = this;
    for (let urgent = engine.takeUrgent(); urgent; urgent = engine.takeUrgent()) {
      const { link } = this;
      if (link === undefined || link.connection !== urgent.connection) continue;
      if (urgent.bytes.length > 0 && link.isOpen) this.#writeTo(link, urgent.bytes);
      if (urgent.close) link.close();
    }
  }

  /** [3] Events, and [4] the close that follows them. */
  #deliver(): void {
    if (this.#ended) return;
    this.#delivering = true;
    for (let batch = this.#undelivered.shift(); batch; batch = this.#undelivered.shift()) {
      const { events } = batch;
      // A handler may close the client.
      for (let place = 0; place < events.length && !this.#ended; place += 1) {
        this.#owner.onEvent(events[place]!);
      }
      if (batch.close && this.link?.connection === batch.connection) this.link.close();
      this.#delivered += 1;
    }
    if (!this.#committing && !this.#ended) this.#owner.onIdle();
    this.#delivering = false;
    this.#resolveDelivered();
  }

  #resolveDelivered(): void {
    const waiters = this.#deliveryWaiters;
    if (waiters === undefined || waiters.size === 0) return;
    const idle = this.#isIdle;
    for (let first = waiters.first; first; first = waiters.first) {
      if (!idle && first.batch > this.#delivered) return;
      waiters.shift();
      first.resolve();
    }
  }

  #commitFailed(taken: TakenBatch, thrown: unknown): void {
    if (this.#ended) return;
    this.#halted = true;
    const error = this.#owner.onCommitFailed(taken.batch, thrown);
    settle(taken.flushListeners, error);
    this.#owner.onHalted(error);
  }

  /** Tells all who wait for a flush that none comes. */
  failFlushes(error: MqttError): void {
    for (const { listener } of this.#flushListeners.takeAll()) listener(error);
  }

  get #isIdle(): boolean {
    return !this.#asked && !this.#committing && !this.#halted;
  }

  /** Nothing more is taken of this engine. */
  get #stopped(): boolean {
    return this.#ended || this.#halted;
  }
}

function settle(listeners: readonly FlushListener[], error: MqttError | undefined): void {
  for (const listener of listeners) listener(error);
}

const noListeners: readonly FlushListener[] = [];

function lostWithConnection(): MqttError {
  return new MqttError('connectionLost', 'the connection was lost before the message was sent', {
    hint: 'At QoS 0 nothing is sent again; use QoS 1 or 2 for messages that must arrive.',
  });
}
