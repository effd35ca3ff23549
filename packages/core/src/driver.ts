/**
 * Pumps one engine: requests and received bytes go in with the current time; what comes out is committed to the
 * store, written to the transport, and delivered as events, in that order, batch after batch.
 *
 * - Requests of one turn leave in one write: the first asks for a flush by a microtask, and 64 KiB flush at once.
 *   The flush waits until a few microtasks have passed without a request, since asynchronous handlers that finish one
 *   after the other acknowledge one after the other. A received chunk is flushed in its own turn.
 * - While a commit is under way no further batch is taken: whatever comes meanwhile joins the next one. Urgent output
 *   (pings, the close of a breach) waits for nothing.
 * - Nothing recurses: events are delivered from a list, and whatever they lead to is taken up by the loop around it.
 * - After a failed commit nothing is asked of the engine any more, and nothing it says is heard, until another one,
 *   restored from the store, takes its place. What it was told meanwhile, and may not be stored, is told to that one.
 * - One timer stands for all deadlines of the engine. One that comes too early is harmless, so it is not moved when
 *   the deadline moves away.
 *
 * The driver knows no promise but those of the store, no message, no subscription and no policy.
 */
import type {
  Batch,
  CancelResult,
  ClientEngine,
  ConnectRequest,
  Delivery,
  DisconnectRequest,
  EngineEvent,
  Now,
  OutgoingMessage,
  SubscribeRequest,
  Ticket,
  TransportEnd,
  UnsubscribeRequest,
} from '@mqtt-kit/engine';
import type { Cancel, Clock } from './clock.ts';
import { asError, MqttError } from './errors.ts';
import { Fifo } from './fifo.ts';
import { Link } from './link.ts';
import type { SessionStore } from './session-store.ts';
import type { OpenTransport, TransportTarget } from './transport.ts';

/** Bytes that are worth a write of their own. */
const flushAtBytes = 65_536;
/** Microtasks without a request before a flush. */
const quietMicrotasks = 4;
/** What may still come when the inbox is full and reading cannot pause, since the answer that we await is among it. */
const overfullBytes = 16_777_216;

export interface DriverHandlers {
  /** An event of the engine, in order. It must not throw. */
  onEvent(event: EngineEvent): void;
  /** Everything that was asked for is committed, written and told: there may be room for more. */
  onIdle(): void;
  /** The store failed: nothing works any more, and nothing that was not committed was sent. */
  onStoreFailed(error: MqttError): void;
  /** Another engine is there, before anything that was not stored in time is told to it. None: no `rebuild` comes. */
  onRebuilt?(failure: MqttError): void;
}

/** How a connection's transport ended. */
export interface LinkEnd {
  /** What the transport said, or the reason given to `abort`. */
  readonly error: Error | undefined;
  /** Whether it had been open. */
  readonly wasOpened: boolean;
  readonly endedBy: TransportEnd;
}

/** Called when the bytes of a batch were handed to the transport, or with the error that prevented it. */
export type FlushListener = (error: MqttError | undefined) => void;

interface TakenBatch {
  readonly batch: Batch;
  readonly flushListeners: readonly FlushListener[];
}

/** What a handler said of a message, and in which batch that is stored. */
interface Acknowledgement {
  readonly batch: number;
  readonly delivery: Delivery;
  readonly reasonCode: number;
}

export class Driver {
  #engine: ClientEngine;
  readonly #store: SessionStore | undefined;
  readonly #clock: Clock;
  readonly #handlers: DriverHandlers;
  #link: Link | undefined;
  #lastEnd: LinkEnd = { error: undefined, wasOpened: false, endedBy: 'ourselves' };
  #closedWaiters: (() => void)[] = [];

  readonly #undelivered: Batch[] = [];
  /** In the order of their batches. */
  #flushListeners: { readonly batch: number; readonly listener: FlushListener }[] = [];
  #taking = false;
  #delivering = false;
  #committing = false;
  /** Something was asked of the engine since output was taken last. */
  #asked = false;
  #flushScheduled = false;
  #microtasksLeft = 0;
  #taken = 0;
  #delivered = 0;
  readonly #deliveryWaiters: { readonly batch: number; readonly resolve: () => void }[] = [];
  #ended = false;
  #failure: MqttError | undefined;
  #failureTold = false;
  /** Batches that were not committed. */
  #discarded: Batch[] = [];
  /** Those that may not be stored, where another engine may come. */
  readonly #acknowledgements = new Fifo<Acknowledgement>();

  /** The time of this turn: reading clocks costs as much as encoding a small message. */
  #turn: Now | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #cancelTimer: Cancel | undefined;
  #consumersLag = false;
  /** Bytes read while the inbox was full. */
  #overfull = 0;

  constructor(
    engine: ClientEngine,
    store: SessionStore | undefined,
    clock: Clock,
    handlers: DriverHandlers,
  ) {
    this.#engine = engine;
    this.#store = store;
    this.#clock = clock;
    this.#handlers = handlers;
  }

  /** The batch that will carry what is asked for now: for `whenDelivered`, and to tell one flush from the next. */
  get batchToCome(): number {
    return this.#taken + 1 + this.#engine.batchesAhead;
  }

  /** The transport of the current connection is open, and nobody is closing it. */
  get isOpen(): boolean {
    return this.#link?.isOpen ?? false;
  }

  /** Whether reading can be paused: the transport knows how, and no answer that somebody awaits would be held back. */
  get mayPause(): boolean {
    return (this.#link?.canPause ?? false) && !this.#engine.awaitingAnswer;
  }

  get queued(): { readonly messages: number; readonly bytes: number } {
    return this.#engine.queued;
  }

  get awaitingAnswer(): boolean {
    return this.#engine.awaitingAnswer;
  }

  /** Why the store is not open: nothing is to be asked but `acknowledge` and `cancel`. */
  get failure(): MqttError | undefined {
    return this.#failure;
  }

  /** Starts a connection. Exactly one `disconnected` event follows, unless the store fails. An earlier transport is destroyed. */
  connect(request: ConnectRequest, open: OpenTransport, target: TransportTarget): void {
    this.#link?.destroy();
    this.#engine.connect(request, this.#now());
    const link = new Link(this.#engine.connection, this.#clock, {
      onOpened: (opened) => this.#onOpened(opened),
      onData: (from, chunk) => this.#onData(from, chunk),
      onDrain: () => {
        this.#engine.transportWritable(true, this.#fresh());
        this.flush();
      },
      onClosed: (closed) => this.#onClosed(closed),
    });
    this.#link = link;
    link.open(open, target);
    this.request();
  }

  /** How the transport of the latest connection ended. */
  get lastEnd(): LinkEnd {
    return this.#link === undefined ? this.#lastEnd : endOf(this.#link);
  }

  /** Call `request` afterwards, when who waits for the flush is known: it may flush at once. */
  publish(message: OutgoingMessage): Ticket {
    return this.#engine.publish(message, this.#now());
  }

  subscribe(request: SubscribeRequest): Ticket {
    const ticket = this.#engine.subscribe(request, this.#now());
    this.request();
    return ticket;
  }

  unsubscribe(request: UnsubscribeRequest): Ticket {
    const ticket = this.#engine.unsubscribe(request, this.#now());
    this.request();
    return ticket;
  }

  /** Whether a message was accepted and was never on a wire. */
  isQueued(ticket: Ticket): boolean {
    return this.#engine.isQueued(ticket);
  }

  /** Whether a message has no outcome yet. */
  isPending(ticket: Ticket): boolean {
    return this.#engine.isPending(ticket);
  }

  cancel(ticket: Ticket): CancelResult {
    const result = this.#engine.cancel(ticket, this.#now());
    this.request();
    return result;
  }

  /** With `tell` a `settled` event follows. */
  acknowledge(delivery: Delivery, reasonCode: number, tell = false): void {
    if (this.#ended) return;
    // Who is to be told asks again.
    if (!tell && this.#handlers.onRebuilt !== undefined) {
      this.#acknowledgements.push({ batch: this.batchToCome, delivery, reasonCode });
    }
    if (this.#failure !== undefined) return;
    this.#engine.acknowledge(delivery, reasonCode, this.#now(), tell);
    this.request();
  }

  authenticate(data: Uint8Array | undefined): void {
    this.#engine.authenticate(data, this.#now());
    this.request();
  }

  disconnect(request: DisconnectRequest): void {
    this.#engine.disconnect(request, this.#now());
    this.flush();
  }

  /** Asks the server for a sign of life. Without one the connection ends in a few seconds. */
  probe(): void {
    this.#engine.probe(this.#fresh());
    this.flush();
  }

  /** Destroys the current transport: the `disconnected` event tells this reason. */
  abort(error: MqttError): void {
    this.#link?.destroy(error);
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
    const idle = !this.#asked && !this.#committing && !this.#delivering && !this.#failure;
    if (this.#delivered >= batch || idle) return Promise.resolve();
    return new Promise((resolve) => this.#deliveryWaiters.push({ batch, resolve }));
  }

  /** The `connected` event was dealt with: what waited in the queue goes out behind what was asked for then. */
  publishingMayBegin(): void {
    this.#engine.publishingMayBegin(this.#now());
    this.request();
  }

  /** Received messages wait for handlers: reading pauses as long as that is possible. */
  setConsumersLag(lag: boolean): void {
    this.#consumersLag = lag;
    this.request();
  }

  /** Resolves when no transport is left. */
  whenClosed(): Promise<void> {
    if (this.#link === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#closedWaiters.push(resolve));
  }

  /** Stops for good: no timer, no transport, no event. */
  end(error?: MqttError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelTimer?.();
    this.#link?.destroy(error);
  }

  /** The store is open again: goes on with an engine that was restored from it. */
  rebuild(engine: ClientEngine): void {
    const failure = this.#failure;
    if (failure === undefined || this.#ended) return;
    const previous = this.#engine;
    engine.succeed(previous);
    const lastBatch = this.batchToCome;
    const discarded = this.#discarded;
    for (let batch = previous.takeBatch(); batch; batch = previous.takeBatch()) {
      discarded.push(batch);
    }
    this.#discarded = [];
    this.#engine = engine;
    this.#failure = undefined;
    this.#failureTold = false;
    this.#overfull = 0;
    const now = this.#fresh();
    // What was withdrawn before it left is still to be, and what ended although its end was not committed has ended.
    for (const { operations, events } of discarded) {
      for (const operation of operations) {
        if (operation.type === 'outDone' && operation.cause === 'withdrawn') {
          engine.cancel(operation.sequence, now);
        }
      }
      for (const event of events) {
        if (event.type !== 'published' || event.outcome.kind === 'sent') continue;
        if (!engine.isPending(event.ticket)) this.#handlers.onEvent(event);
      }
    }
    this.#handlers.onRebuilt?.(failure);
    this.#taken = lastBatch;
    this.#delivered = lastBatch;
    for (const { delivery, reasonCode } of this.#acknowledgements.takeAll()) {
      this.acknowledge(delivery, reasonCode);
    }
    this.#asked = true;
    this.flush();
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
    this.#turn = undefined;
    if (this.#ended) return;
    if (this.#failure !== undefined) {
      this.#tellFailure(this.#failure);
      return;
    }
    this.#updateReading();
    this.#armTimer();
  }

  /** Something was asked of the engine: its output leaves soon, together with what else this turn brings. */
  request(): void {
    this.#asked = true;
    if (this.#engine.pendingBytes >= flushAtBytes) {
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
      const batch = this.#engine.takeBatch();
      if (batch === undefined) break;
      this.#taken += 1;
      const taken: TakenBatch = { batch, flushListeners: this.#takeFlushListeners() };
      this.#commit(taken);
    }
    this.#taking = false;
  }

  /** Those of the batch that was taken just now: batches sealed before theirs carry nothing of it. */
  #takeFlushListeners(): readonly FlushListener[] {
    const waiting = this.#flushListeners;
    if (waiting.length === 0) return noListeners;
    const due = waiting.filter(({ batch }) => batch <= this.#taken);
    if (due.length === waiting.length) this.#flushListeners = [];
    else this.#flushListeners = waiting.slice(due.length);
    return due.map(({ listener }) => listener);
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
      this.#storeFailed(taken, thrown);
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
        if (this.#ended) return this.#settleFlush(taken, lostWithConnection());
        this.#write(taken);
        this.flush();
      },
      (thrown) => {
        this.#committing = false;
        this.#storeFailed(taken, thrown);
      },
    );
  }

  /** [2] The batch's bytes, if its connection is still the current one; its events are delivered in any case. */
  #write(taken: TakenBatch): void {
    const { batch } = taken;
    const link = this.#link;
    let written = false;
    if (batch.bytes.length > 0 && link?.isOpen && link.connection === batch.connection) {
      this.#writeTo(link, batch.bytes);
      written = true;
    }
    this.#undelivered.push(batch);
    const acknowledgements = this.#acknowledgements;
    while ((acknowledgements.first?.batch ?? Number.POSITIVE_INFINITY) <= this.#taken) {
      acknowledgements.shift();
    }
    if (taken.flushListeners.length === 0) return;
    this.#settleFlush(taken, written ? undefined : lostWithConnection());
  }

  #writeTo(link: Link, bytes: readonly Uint8Array[]): void {
    const writable = link.write(bytes);
    const now = this.#now();
    this.#engine.written(now);
    if (!writable) this.#engine.transportWritable(false, now);
  }

  #settleFlush(taken: TakenBatch, error: MqttError | undefined): void {
    for (const listener of taken.flushListeners) listener(error);
  }

  #writeUrgent(): void {
    for (let urgent = this.#engine.takeUrgent(); urgent; urgent = this.#engine.takeUrgent()) {
      const link = this.#link;
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
      for (const event of batch.events) {
        // A handler may have closed the client.
        if (!this.#ended) this.#handlers.onEvent(event);
      }
      if (batch.close && this.#link?.connection === batch.connection) this.#link.close();
      this.#delivered += 1;
    }
    if (!this.#committing && !this.#ended) this.#handlers.onIdle();
    this.#delivering = false;
    this.#resolveDelivered();
  }

  #resolveDelivered(): void {
    const waiters = this.#deliveryWaiters;
    if (waiters.length === 0) return;
    const idle = !this.#asked && !this.#committing && this.#failure === undefined;
    for (let first = waiters[0]; first; first = waiters[0]) {
      if (!idle && first.batch > this.#delivered) return;
      waiters.shift();
      first.resolve();
    }
  }

  #storeFailed(taken: TakenBatch, thrown: unknown): void {
    const cause = asError(thrown);
    const error =
      cause instanceof MqttError
        ? cause
        : new MqttError('storeFailed', `the session store failed: ${cause.message}`, {
            cause,
            hint: 'What was not stored was not sent. Check the store.',
          });
    if (this.#ended) return;
    this.#failure = error;
    this.#discarded.push(taken.batch);
    this.#settleFlush(taken, error);
    if (this.#handlers.onRebuilt === undefined) {
      this.#tellFailure(error);
      return;
    }
    const waiting = this.#flushListeners;
    this.#flushListeners = [];
    for (const { listener } of waiting) listener(error);
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#link?.destroy(error);
    // Batches before it are committed: their events come first.
    this.flush();
  }

  #tellFailure(error: MqttError): void {
    if (this.#failureTold) return;
    this.#failureTold = true;
    this.#handlers.onStoreFailed(error);
  }

  /** Nothing more is taken of this engine. */
  get #stopped(): boolean {
    return this.#ended || this.#failure !== undefined;
  }

  #onOpened(link: Link): void {
    if (link !== this.#link) return;
    this.#engine.transportOpened(this.#fresh());
    this.flush();
  }

  #onData(link: Link, chunk: Uint8Array): void {
    if (link !== this.#link) return;
    this.#engine.receive(chunk, this.#fresh());
    this.#overfull = this.#engine.inboxFull ? this.#overfull + chunk.length : 0;
    this.flush();
  }

  #onClosed(link: Link): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#lastEnd = endOf(link);
    if (!this.#stopped) {
      this.#engine.transportClosed(this.#fresh(), link.endedBy);
      this.flush();
    }
    const waiters = this.#closedWaiters;
    this.#closedWaiters = [];
    for (const resolve of waiters) resolve();
  }

  /**
   * Reading pauses while handlers lag behind or the inbox is full, unless an answer is awaited: a handler that awaits
   * a publish would otherwise wait for ever. A full inbox that no pausing can bound ends the connection; with a kept
   * session everything unacknowledged comes again.
   */
  #updateReading(): void {
    const link = this.#link;
    if (link === undefined || !link.isOpen) return;
    const inboxFull = this.#engine.inboxFull;
    if (inboxFull && (!link.canPause || this.#overfull > overfullBytes)) {
      this.#overfull = 0;
      this.abort(
        new MqttError(
          'connectionLost',
          'this client closed the connection: messages came faster than handlers took them, and the inbox is full',
          { hint: 'Raise inbox.maxMessages or make the handlers faster.' },
        ),
      );
      return;
    }
    const pause = (this.#consumersLag || inboxFull) && this.mayPause;
    if (pause === link.isPaused) return;
    this.#engine.readingPaused(pause, this.#now());
    if (pause) link.pause();
    else link.resume();
  }

  #armTimer(): void {
    const deadlineMs = this.#engine.nextDeadlineMs;
    if (deadlineMs >= this.#timerAtMs && deadlineMs !== Number.POSITIVE_INFINITY) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#timerAtMs = deadlineMs;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#clock.schedule(deadlineMs, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    const now = this.#fresh();
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#cancelTimer = undefined;
    if (now.monotonicMs >= this.#engine.nextDeadlineMs) this.#engine.deadlineReached(now);
    this.flush();
  };

  #now(): Now {
    this.#turn ??= this.#clock.now();
    return this.#turn;
  }

  #fresh(): Now {
    this.#turn = this.#clock.now();
    return this.#turn;
  }
}

function endOf({ error, wasOpened, endedBy }: Link): LinkEnd {
  return { error, wasOpened, endedBy };
}

const noListeners: readonly FlushListener[] = [];

function lostWithConnection(): MqttError {
  return new MqttError('connectionLost', 'the connection was lost before the message was sent', {
    hint: 'At QoS 0 nothing is sent again; use QoS 1 or 2 for messages that must arrive.',
  });
}
