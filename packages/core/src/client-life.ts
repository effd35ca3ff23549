/**
 * What happens to a client, from the first attempt to its end: it joins the parts, and knows none of their rules.
 * Requests go down to `Publications` and `Subscriptions`, which hand them to the driver; the engine's events come up
 * from the driver and are given to whom they concern.
 */
import {
  type EngineEvent,
  MessageEvent,
  type Negotiated,
  type SessionSnapshot,
} from '@mqtt-kit/engine';
import { Authenticator } from './authenticator.ts';
import { Backlog, type BacklogOwner } from './backlog.ts';
import type { ClientEvents, CloseResult, Environment } from './client.ts';
import { newEngine, restore, storedFilters, storedVersion } from './client-session.ts';
import { ClientStore } from './client-store.ts';
import { type CloseSettings, closeSettings } from './close-options.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { Connector, type ConnectorHandlers } from './connector.ts';
import type { Waiting } from './delivery.ts';
import { Dispatcher, type DispatcherOwner } from './dispatcher.ts';
import { Driver, type DriverHandlers } from './driver.ts';
import { MqttError } from './errors.ts';
import { Listeners } from './listeners.ts';
import type { Message } from './message.ts';
import type { CloseOptions } from './options.ts';
import { type Leftovers, Publications, type PublicationsOwner } from './publications.ts';
import { refusalNeedsMemory } from './receipt.ts';
import type { SessionStore } from './session-store.ts';
import type { Status } from './status.ts';
import { Subscriptions, type SubscriptionsOwner } from './subscriptions.ts';
import { VersionChoice } from './version-choice.ts';

/** How long a commit may hold up the end of the connection. */
const storeGraceMs = 10_000;

export interface ClientParts {
  readonly environment: Environment;
  readonly settings: ConnectSettings;
  readonly clientId: string;
  readonly store: SessionStore | undefined;
  readonly snapshot: SessionSnapshot;
}

export class ClientLife
  implements
    DriverHandlers,
    ConnectorHandlers,
    SubscriptionsOwner,
    BacklogOwner,
    PublicationsOwner,
    DispatcherOwner
{
  readonly settings: ConnectSettings;
  readonly store: SessionStore | undefined;
  readonly versions: VersionChoice;
  readonly driver: Driver;
  readonly connector: Connector;
  readonly publications: Publications;
  readonly subscriptions: Subscriptions;
  readonly dispatcher: Dispatcher;
  readonly backlog: Backlog;
  readonly authenticator: Authenticator;
  readonly listeners: Listeners<ClientEvents>;
  /** Present where another engine may come. */
  readonly onRebuilt: ((failure: MqttError) => void) | undefined;
  status: Status = firstStatus;
  negotiated: Negotiated | undefined = undefined;
  readonly #environment: Environment;
  readonly #store: ClientStore;
  /** The server's DISCONNECT that crossed ours. */
  #serverError: MqttError | undefined;
  /** Filters that the server had forgotten with its session, on the latest connection. */
  #resubscribed = 0;
  #closing: Promise<CloseResult> | undefined;
  /** Set when the client is over, closed or stopped. */
  #ended: { readonly why: MqttError | undefined; readonly left: Leftovers } | undefined;
  #onDrained: (() => void) | undefined;
  #releaseSignal: (() => void) | undefined;
  readonly #stopWatching: (() => void) | undefined;

  constructor({ environment, settings, clientId, store, snapshot }: ClientParts) {
    const { clock } = environment;
    const durable = store?.durable ?? false;
    this.#environment = environment;
    this.settings = settings;
    this.store = store;
    this.#store = new ClientStore(store, { clientId, serverKey: settings.urls[0].server });
    this.listeners = new Listeners('error', environment.warn);
    this.versions = new VersionChoice(settings.version, settings.needs50, storedVersion(snapshot));
    this.onRebuilt =
      settings.onStoreFailure === 'rebuild' ? (failure) => this.#onRebuilt(failure) : undefined;
    const engine = newEngine(settings, store, this.versions, clock);
    this.driver = new Driver(engine, store, clock, this);
    this.backlog = new Backlog(settings.inbox, this);
    const waitingBounds = settings.waitForRoom ? settings.queue : undefined;
    this.publications = new Publications(this.driver, clock, waitingBounds, durable, this);
    this.subscriptions = new Subscriptions(this.driver, clock, this, {
      sessionKept: settings.sessionKept,
      foreignFilters: settings.foreignSession === 'adopt',
      identified: settings.subscriptionIdentifiers,
      // A session of an earlier life may still send its identifiers: these are unlikely to be among them.
      firstIdentifier: settings.sessionKept ? 1 + Math.floor(clock.random() * 2 ** 27) : 1,
    });
    this.dispatcher = new Dispatcher(this.driver, clock, this.subscriptions, this, {
      durable,
      expectedFilters: durable ? storedFilters(snapshot) : [],
    });
    this.authenticator = new Authenticator(this.driver, settings.authentication);
    this.connector = new Connector(
      this.driver,
      environment,
      settings,
      clientId,
      this.versions,
      this,
    );
    if (snapshot.length > 0) restore(engine, snapshot, clock);
    this.#stopWatching = environment.watch?.({
      onAwake: () => {
        this.connector.hurry();
        this.driver.probe();
      },
      onDoubt: () => this.driver.probe(),
      onSuspend: () =>
        this.driver.abort(new MqttError('connectionLost', 'the client was put aside')),
    });
  }

  /** Begins to connect. Resolves with the first CONNACK; rejects when there will be none. */
  start(): Promise<void> {
    const { signal, waitForConnection } = this.settings;
    if (signal !== undefined) this.#watch(signal);
    if (!waitForConnection) {
      this.connector.start();
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const stopListening = this.listeners.on('status', (status) => {
        if (status.state === 'connected') resolve();
        else if (status.state === 'closed') {
          const reason = status.reason ?? this.#closedError();
          // Nothing is left open when it rejects; that the store did not close is told by the "error" event.
          this.#store.close().then(
            () => reject(reason),
            () => reject(reason),
          );
        } else return;
        stopListening();
      });
      this.connector.start();
    });
  }

  /** Throws when the client takes no new work. */
  checkOpen(): void {
    if (this.#ended !== undefined || this.#closing !== undefined) {
      throw this.#closedError(this.#ended?.why);
    }
  }

  /** The first call decides. */
  close(options: CloseOptions | undefined): Promise<CloseResult> {
    this.#closing ??= this.#close(closeSettings(options, this.settings, this.versions.problemOf50));
    return this.#closing;
  }

  onEvent(event: EngineEvent): void {
    if (event instanceof MessageEvent) {
      this.dispatcher.onMessage(event);
      return;
    }
    switch (event.type) {
      case 'published':
        this.publications.onPublished(event.ticket, event.outcome);
        break;
      case 'connected':
        this.#onConnected(event);
        break;
      case 'disconnected':
        this.#onDisconnected(event);
        break;
      case 'subscribed':
        this.subscriptions.onSubscribed(event.ticket, event.outcome);
        break;
      case 'unsubscribed':
        this.subscriptions.onUnsubscribed(event.ticket, event.outcome);
        break;
      case 'crossedDisconnect':
        this.#serverError = this.connector.errorOf({
          kind: 'serverDisconnected',
          packet: event.packet,
        });
        break;
      case 'settled':
        this.dispatcher.onSettled(event.delivery, event.again);
        break;
      case 'progress':
        this.connector.onProgress();
        break;
      case 'authentication':
        this.authenticator.onEvent(event);
        break;
      case 'sessionLost': {
        const { resent, assumedDelivered, rejected } = event;
        const resubscribed = this.#resubscribed;
        this.#emitLater('sessionLost', { resent, assumedDelivered, rejected, resubscribed });
        break;
      }
      case 'packet':
        this.listeners.emit('packet', event.direction, event.packet);
        break;
      case 'queueRoom':
      case 'unexpectedAcknowledgement':
        break;
      default:
        event satisfies never;
    }
  }

  onIdle(): void {
    this.publications.onRoom();
    if (this.#onDrained !== undefined && this.#isDrained()) this.#onDrained();
  }

  onStoreFailed(error: MqttError): void {
    if (this.settings.onStoreFailure === 'stop') {
      this.onStopped(error);
      return;
    }
    this.negotiated = undefined;
    this.subscriptions.onStoreFailed();
    this.authenticator.onDisconnected(error);
    this.connector.onStoreFailed(error);
  }

  /** After a failure of the store: an attempt waits until it is open again. */
  openStore(): Promise<void> | undefined {
    if (this.driver.failure === undefined) return undefined;
    return this.#store.reopen((snapshot) => {
      const { clock } = this.#environment;
      const engine = newEngine(this.settings, this.store, this.versions, clock);
      restore(engine, snapshot, clock);
      this.driver.rebuild(engine);
    });
  }

  /** Nobody has subscribed to it. */
  onUnmatched(message: Message): void {
    this.listeners.emit('unmatched', message);
  }

  refusalProblem(): string | undefined {
    return this.store?.durable ? refusalNeedsMemory : this.versions.problemOf50;
  }

  onStatus(status: Status): void {
    this.status = Object.freeze(status);
    if (status.state === 'connected') this.#releaseSignal?.();
    this.listeners.emit('status', this.status);
  }

  onConnectionError(error: MqttError): void {
    this.listeners.emit('error', error);
  }

  onSessionDiscarded(): void {
    this.#emitLater('sessionDiscarded');
  }

  /** No further attempt makes sense: the client is over, with a reason. */
  onStopped(reason: MqttError): void {
    if (this.#ended !== undefined) return;
    this.connector.stop();
    const left = this.#settleAll(reason);
    this.listeners.emit('error', reason);
    this.#end(reason, left);
    this.#store.close().catch((error: MqttError) => {
      this.listeners.emit('error', error);
    });
  }

  onAdded(): void {
    this.dispatcher.onSubscribed();
  }

  onAbandoned(waiting: readonly Waiting[]): void {
    this.dispatcher.onAbandoned(waiting);
  }

  /** What went wrong in the application's own work, or undoes it: somebody is to hear of it, listener or not. */
  onError(error: MqttError): void {
    if (this.listeners.has('error')) this.listeners.emit('error', error);
    else this.#environment.warn?.(error);
  }

  canPause(): boolean {
    return this.driver.mayPause;
  }

  onLag(lag: boolean): void {
    this.driver.setConsumersLag(lag);
  }

  #onConnected(event: Extract<EngineEvent, { type: 'connected' }>): void {
    this.negotiated = event.negotiated;
    const { connection, sessionPresent } = event;
    this.dispatcher.onConnected(connection, sessionPresent);
    this.#resubscribed = this.subscriptions.onConnected(event.negotiated, sessionPresent);
    if (event.adopted) this.#emitLater('sessionAdopted');
    this.driver.publishingMayBegin();
    this.connector.onConnected(event);
  }

  #onDisconnected(event: Extract<EngineEvent, { type: 'disconnected' }>): void {
    this.negotiated = undefined;
    this.subscriptions.onDisconnected();
    this.authenticator.onDisconnected(
      event.reason.kind === 'requested'
        ? this.#closedError()
        : this.connector.errorOf(event.reason),
    );
    this.connector.onDisconnected(event);
  }

  #onRebuilt(failure: MqttError): void {
    this.publications.onRebuilt(failure);
    this.dispatcher.onRebuilt();
  }

  /** Rule 15: takes no new work, waits a while for what is under way, then says goodbye. */
  async #close({ timeoutMs, ...request }: CloseSettings): Promise<CloseResult> {
    if (this.status.state === 'connected' && !this.#isDrained() && timeoutMs > 0)
      await this.#drain(timeoutMs);
    // It may have been over before, or have ended meanwhile.
    const ended = this.#ended;
    if (ended !== undefined) return ended.left;
    this.connector.stop();
    // What is encoded leaves before DISCONNECT.
    this.driver.flush();
    const left = this.#settleAll(undefined);
    if (this.negotiated !== undefined) {
      const willWithout50 = !this.negotiated.reasons && request.reasonCode === 0x04;
      // Under 3.1.1 every DISCONNECT discards the will: only going without a word publishes it.
      if (willWithout50) this.driver.abort(this.#closedError());
      else this.driver.disconnect(request);
    } else {
      this.driver.abort(this.#closedError());
    }
    await this.#transportClosed();
    this.#end(undefined, left);
    await this.#store.close();
    const serverError = this.#serverError;
    return serverError === undefined ? left : { ...left, serverError };
  }

  /** A commit that never ends holds back what is to be written before the end: then it ends without. */
  async #transportClosed(): Promise<void> {
    const atMs = this.#environment.clock.now().monotonicMs + storeGraceMs;
    const cancel = this.#environment.clock.schedule(atMs, () =>
      this.driver.abort(this.#closedError()),
    );
    await this.driver.whenClosed();
    cancel();
  }

  /** Everything acknowledged, or the connection gone, or the time up. */
  #drain(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel?.();
        stopListening();
        this.#onDrained = undefined;
        resolve();
      };
      const atMs = this.#environment.clock.now().monotonicMs + timeoutMs;
      const cancel =
        timeoutMs === Number.POSITIVE_INFINITY
          ? undefined
          : this.#environment.clock.schedule(atMs, done);
      const stopListening = this.listeners.on('status', done);
      this.#onDrained = done;
    });
  }

  #isDrained(): boolean {
    return this.publications.settled && this.subscriptions.settled && this.dispatcher.settled;
  }

  #settleAll(why: MqttError | undefined): Leftovers {
    const left = this.publications.end(why);
    this.dispatcher.end();
    this.subscriptions.close(this.#closedError(why), why);
    return left;
  }

  #end(why: MqttError | undefined, left: Leftovers): void {
    if (this.#ended !== undefined) return;
    this.#ended = { why, left };
    this.negotiated = undefined;
    this.#releaseSignal?.();
    this.#stopWatching?.();
    this.driver.end(why);
    this.authenticator.onDisconnected(this.#closedError(why));
    this.onStatus({ state: 'closed', reason: why });
    this.listeners.releaseSignals();
  }

  #watch(signal: AbortSignal): void {
    const abort = (): void => {
      this.onStopped(new MqttError('aborted', 'connecting was aborted', { cause: signal.reason }));
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#releaseSignal = () => signal.removeEventListener('abort', abort);
  }

  /** What belongs to the first CONNACK is told when whoever awaits `connect` had a chance to listen. */
  #emitLater<K extends 'sessionLost' | 'sessionDiscarded' | 'sessionAdopted'>(
    event: K,
    ...values: Parameters<ClientEvents[K]>
  ): void {
    this.#environment.clock.schedule(this.#environment.clock.now().monotonicMs, () => {
      this.listeners.emit(event, ...values);
    });
  }

  #closedError(why?: MqttError): MqttError {
    const message =
      why === undefined ? 'the client is closed' : `the client is closed: ${why.message}`;
    return new MqttError('clientClosed', message, {
      cause: why,
      hint: why?.hint ?? 'A closed client stays closed; connect a new one.',
    });
  }
}

const firstStatus: Status = { state: 'connecting', attempt: 1, server: '' };
