/**
 * Pumps one engine: requests and received bytes go in with the current time; what comes out is committed to the
 * store, written to the transport, and delivered as events, in that order, batch after batch: see `batch-pump.ts`.
 *
 * After a failed commit nothing is asked of the engine any more until another one, restored from the store, takes its
 * place. What it was told meanwhile, and may not be stored, is told to that one.
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
  OutgoingMessage,
  SubscribeRequest,
  Ticket,
  TransportEnd,
  UnsubscribeRequest,
} from '@mqtt-kit/engine';
import { BatchPump, type FlushListener, type PumpOwner } from './batch-pump.ts';
import type { Clock } from './clock.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { MqttError } from './errors.ts';
import { Link, type LinkHandlers } from './link.ts';
import { mayPause, Reading } from './reading.ts';
import type { SessionStore } from './session-store.ts';
import { StoreFailure, UnstoredAcknowledgements } from './store-failure.ts';
import type { OpenTransport, TransportTarget } from './transport.ts';
import { TurnClock } from './turn-clock.ts';

export interface DriverHandlers {
  /** An event of the engine, in order. It must not throw. */
  onEvent(event: EngineEvent): void;
  /** Everything that was asked for is committed, written and told: there may be room for more. */
  onIdle(): void;
  /** The store failed: nothing works any more, and nothing that was not committed was sent. */
  onStoreFailed(error: MqttError): void;
  /** Another engine is there, before anything that was not stored in time is told to it. None: no `rebuild` comes. */
  readonly onRebuilt?: ((failure: MqttError) => void) | undefined;
}

/** How a connection's transport ended. */
export interface LinkEnd {
  /** What the transport said, or the reason given to `abort`. */
  readonly error: Error | undefined;
  /** Whether it had been open. */
  readonly wasOpened: boolean;
  readonly endedBy: TransportEnd;
}

export class Driver implements LinkHandlers, PumpOwner {
  #engine: ClientEngine;
  readonly #clock: Clock;
  readonly #turn: TurnClock;
  readonly #handlers: DriverHandlers;
  readonly #pump: BatchPump;
  readonly #timer: DeadlineTimer;
  readonly #reading = new Reading();
  #lastEnd: LinkEnd = notOpened;
  #closedWaiters: (() => void)[] | undefined;
  #ended = false;
  #failure: StoreFailure | undefined;
  /** Kept where another engine may come. */
  readonly #unstored: UnstoredAcknowledgements | undefined;

  constructor(
    engine: ClientEngine,
    store: SessionStore | undefined,
    clock: Clock,
    handlers: DriverHandlers,
  ) {
    this.#engine = engine;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#turn = new TurnClock(clock);
    this.#timer = new DeadlineTimer(clock, this);
    this.#unstored = handlers.onRebuilt === undefined ? undefined : new UnstoredAcknowledgements();
    this.#pump = new BatchPump(engine, store, this.#turn, this);
  }

  /** The batch that will carry what is asked for now: for `whenDelivered`, and to tell one flush from the next. */
  get batchToCome(): number {
    return this.#pump.batchToCome;
  }

  /** The transport of the current connection is open, and nobody is closing it. */
  get isOpen(): boolean {
    return this.#pump.link?.isOpen ?? false;
  }

  /** Whether reading can be paused: the transport knows how, and no answer that somebody awaits would be held back. */
  get mayPause(): boolean {
    return mayPause(this.#pump.link, this.#engine);
  }

  get queued(): { readonly messages: number; readonly bytes: number } {
    return this.#engine.queued;
  }

  get awaitingAnswer(): boolean {
    return this.#engine.awaitingAnswer;
  }

  /** Why the store is not open: nothing is to be asked but `acknowledge` and `cancel`. */
  get failure(): MqttError | undefined {
    return this.#failure?.error;
  }

  /** Starts a connection. Exactly one `disconnected` event follows, unless the store fails. An earlier transport is destroyed. */
  connect(request: ConnectRequest, open: OpenTransport, target: TransportTarget): void {
    this.#pump.link?.destroy();
    this.#engine.connect(request, this.#turn.now());
    const link = new Link(this.#engine.connection, this.#clock, this);
    this.#pump.link = link;
    link.open(open, target);
    this.request();
  }

  /** How the transport of the latest connection ended. */
  get lastEnd(): LinkEnd {
    return this.#pump.link === undefined ? this.#lastEnd : endOf(this.#pump.link);
  }

  /** Call `request` afterwards, when who waits for the flush is known: it may flush at once. */
  publish(message: OutgoingMessage): Ticket {
    return this.#engine.publish(message, this.#turn.now());
  }

  subscribe(request: SubscribeRequest): Ticket {
    const ticket = this.#engine.subscribe(request, this.#turn.now());
    this.request();
    return ticket;
  }

  unsubscribe(request: UnsubscribeRequest): Ticket {
    const ticket = this.#engine.unsubscribe(request, this.#turn.now());
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
    const result = this.#engine.cancel(ticket, this.#turn.now());
    this.request();
    return result;
  }

  /** With `tell` a `settled` event follows. */
  acknowledge(delivery: Delivery, reasonCode: number, tell = false): void {
    if (this.#ended) return;
    // Who is to be told asks again.
    if (!tell) this.#unstored?.push(this.batchToCome, delivery, reasonCode);
    if (this.#failure !== undefined) return;
    this.#engine.acknowledge(delivery, reasonCode, this.#turn.now(), tell);
    this.request();
  }

  authenticate(data: Uint8Array | undefined): void {
    this.#engine.authenticate(data, this.#turn.now());
    this.request();
  }

  disconnect(request: DisconnectRequest): void {
    this.#engine.disconnect(request, this.#turn.now());
    this.flush();
  }

  /** Asks the server for a sign of life. Without one the connection ends in a few seconds. */
  probe(): void {
    this.#engine.probe(this.#turn.fresh());
    this.flush();
  }

  /** Destroys the current transport: the `disconnected` event tells this reason. */
  abort(error: MqttError): void {
    this.#pump.link?.destroy(error);
  }

  /** Calls back when what is encoded now was handed to the transport. */
  afterFlush(listener: FlushListener): void {
    this.#pump.afterFlush(listener);
  }

  /** Whether that batch is committed and delivered. */
  isDelivered(batch: number): boolean {
    return this.#pump.isDelivered(batch);
  }

  /** Resolves when that batch is committed and delivered, or nothing was to be committed. Pends for ever after `end`. */
  whenDelivered(batch: number): Promise<void> {
    return this.#pump.whenDelivered(batch);
  }

  /** The `connected` event was dealt with: what waited in the queue goes out behind what was asked for then. */
  publishingMayBegin(): void {
    this.#engine.publishingMayBegin(this.#turn.now());
    this.request();
  }

  /** Received messages wait for handlers: reading pauses as long as that is possible. */
  setConsumersLag(lag: boolean): void {
    this.#reading.consumersLag = lag;
    this.request();
  }

  /** Resolves when no transport is left. */
  whenClosed(): Promise<void> {
    if (this.#pump.link === undefined) return Promise.resolve();
    this.#closedWaiters ??= [];
    const waiters = this.#closedWaiters;
    return new Promise((resolve) => waiters.push(resolve));
  }

  /** Stops for good: no timer, no transport, no event. */
  end(error?: MqttError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#pump.end();
    this.#timer.cancel();
    this.#pump.link?.destroy(error);
  }

  /** The store is open again: goes on with an engine that was restored from it. */
  rebuild(engine: ClientEngine): void {
    const failure = this.#failure;
    if (failure === undefined || this.#ended) return;
    const lastBatch = this.batchToCome;
    engine.succeed(this.#engine);
    failure.discardRest(this.#engine);
    this.#engine = engine;
    this.#pump.engine = engine;
    this.#failure = undefined;
    this.#reading.reset();
    failure.replay(engine, this.#turn.fresh(), (event) => this.#handlers.onEvent(event));
    this.#handlers.onRebuilt?.(failure.error);
    this.#unstored?.storedUpTo(this.#pump.stored);
    this.#pump.restart(lastBatch);
    for (const { delivery, reasonCode } of this.#unstored?.takeAll() ?? []) {
      this.acknowledge(delivery, reasonCode);
    }
    this.#pump.flush();
  }

  /** Takes and delivers all output there is. Harmless at any time. */
  flush(): void {
    this.#pump.flush();
  }

  /** Something was asked of the engine: its output leaves soon, together with what else this turn brings. */
  request(): void {
    this.#pump.request();
  }

  onEvent(event: EngineEvent): void {
    this.#handlers.onEvent(event);
  }

  onIdle(): void {
    this.#handlers.onIdle();
  }

  onFlushed(): void {
    if (this.#ended) return;
    if (this.#failure !== undefined) {
      this.#tellFailure(this.#failure);
      return;
    }
    this.#unstored?.storedUpTo(this.#pump.stored);
    const { link } = this.#pump;
    if (link?.isOpen) this.#reading.update(link, this.#engine, this.#turn);
    this.#timer.arm(this.#engine.nextDeadlineMs);
  }

  onCommitFailed(batch: Batch, thrown: unknown): MqttError {
    const failure = new StoreFailure(thrown, batch);
    this.#failure = failure;
    return failure.error;
  }

  onHalted(error: MqttError): void {
    if (this.#handlers.onRebuilt === undefined) {
      this.#tellFailure(this.#failure as StoreFailure);
      return;
    }
    this.#pump.failFlushes(error);
    this.#timer.cancel();
    this.abort(error);
    // Batches before it are committed: their events come first.
    this.flush();
  }

  onOpened(link: Link): void {
    if (link !== this.#pump.link) return;
    this.#engine.transportOpened(this.#turn.fresh());
    this.flush();
  }

  onData(link: Link, chunk: Uint8Array): void {
    if (link !== this.#pump.link) return;
    this.#engine.receive(chunk, this.#turn.fresh());
    this.#reading.received(chunk.length, this.#engine.inboxFull);
    this.flush();
  }

  space(link: Link): Uint8Array | undefined {
    return link === this.#pump.link ? this.#engine.receiveSpace : undefined;
  }

  onDrain(): void {
    this.#engine.transportWritable(true, this.#turn.fresh());
    this.flush();
  }

  onClosed(link: Link): void {
    if (link !== this.#pump.link) return;
    this.#pump.link = undefined;
    this.#lastEnd = endOf(link);
    if (!this.#ended && this.#failure === undefined) {
      this.#engine.transportClosed(this.#turn.fresh(), link.endedBy);
      this.flush();
    }
    const waiters = this.#closedWaiters;
    this.#closedWaiters = undefined;
    for (const resolve of waiters ?? []) resolve();
  }

  onDeadline(): void {
    const now = this.#turn.fresh();
    if (now.monotonicMs >= this.#engine.nextDeadlineMs) this.#engine.deadlineReached(now);
    this.flush();
  }

  #tellFailure(failure: StoreFailure): void {
    if (failure.told) return;
    failure.told = true;
    this.#handlers.onStoreFailed(failure.error);
  }
}

const notOpened: LinkEnd = { error: undefined, wasOpened: false, endedBy: 'ourselves' };

function endOf({ error, wasOpened, endedBy }: Link): LinkEnd {
  return { error, wasOpened, endedBy };
}
