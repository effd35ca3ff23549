/**
 * The client: it joins the parts, and knows none of their rules. Requests go down to `Publications` and
 * `Subscriptions`, which hand them to the driver; the engine's events come up from the driver and are given to whom
 * they concern.
 */
import type { EngineEvent, Negotiated, SessionSnapshot } from '@mqtt-kit/engine';
import { noProperties } from '@mqtt-kit/packet';
import { Authenticator } from './authenticator.ts';
import { Backlog } from './backlog.ts';
import type {
  ClientEvents,
  CloseResult,
  Environment,
  MqttClient,
  PublishPromise,
} from './client.ts';
import {
  closeStore,
  newEngine,
  reloadSession,
  restore,
  storedFilters,
  storedVersion,
} from './client-session.ts';
import type { Clock } from './clock.ts';
import { type CloseSettings, closeSettings } from './close-options.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { Connector } from './connector.ts';
import { type Consumer, HandlerConsumer, IteratorConsumer } from './consumer.ts';
import { Dispatcher } from './dispatcher.ts';
import { Driver } from './driver.ts';
import { asUsageError, MqttError } from './errors.ts';
import { Listeners } from './listeners.ts';
import { checkFunction, checkOneOf, checkOptions, checkSignal } from './option-check.ts';
import type {
  CloseOptions,
  Payload,
  PublishOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './options.ts';
import { outgoingMessage } from './outgoing-message.ts';
import { type Leftovers, Publications, rejectedPublish } from './publications.ts';
import { refusalNeedsMemory } from './receipt.ts';
import { abortedBefore } from './request-limits.ts';
import type { SessionStore } from './session-store.ts';
import type { Status } from './status.ts';
import {
  type SubscribeSettings,
  subscribeArguments,
  subscribeSettings,
  topicPatterns,
  uniquePatterns,
  unsubscribeSettings,
} from './subscribe-options.ts';
import type { MessageHandler, Subscription } from './subscription.ts';
import { Subscriptions } from './subscriptions.ts';
import type { LooseParams } from './topic-pattern.ts';
import { VersionChoice } from './version-choice.ts';

/** How long a commit may hold up the end of the connection. */
const storeGraceMs = 10_000;

const eventNames = [
  'status',
  'error',
  'unmatched',
  'sessionLost',
  'sessionDiscarded',
  'sessionAdopted',
  'packet',
] as const satisfies readonly (keyof ClientEvents)[];

export interface ClientParts {
  readonly environment: Environment;
  readonly settings: ConnectSettings;
  readonly clientId: string;
  readonly store: SessionStore | undefined;
  readonly snapshot: SessionSnapshot;
}

export class Client implements MqttClient {
  readonly #clock: Clock;
  readonly #settings: ConnectSettings;
  readonly #store: SessionStore | undefined;
  readonly #versions: VersionChoice;
  readonly #driver: Driver;
  readonly #connector: Connector;
  readonly #publications: Publications;
  readonly #subscriptions: Subscriptions;
  readonly #dispatcher: Dispatcher;
  readonly #backlog: Backlog;
  readonly #authenticator: Authenticator;
  readonly #listeners: Listeners<ClientEvents>;
  /** The server's DISCONNECT that crossed ours. */
  #serverError: MqttError | undefined;
  readonly #warn: (error: MqttError) => void;
  #status: Status = { state: 'connecting', attempt: 1, server: '' };
  #negotiated: Negotiated | undefined;
  /** Filters that the server had forgotten with its session, on the latest connection. */
  #resubscribed = 0;
  #closing: Promise<CloseResult> | undefined;
  /** Set when the client is over, closed or stopped. */
  #ended: { readonly why: MqttError | undefined; readonly left: Leftovers } | undefined;
  #onDrained: (() => void) | undefined;
  #storeClosed: Promise<void> | undefined;
  /** The name under which the store has the session. */
  readonly #storedAs: string;
  /** A store that failed is being opened again. */
  #reopening: Promise<void> | undefined;
  readonly #abortReopening = new AbortController();
  #releaseSignal: () => void = () => {};
  readonly #stopWatching: (() => void) | undefined;

  constructor({ environment, settings, clientId, store, snapshot }: ClientParts) {
    this.#clock = environment.clock;
    this.#warn = (error) => environment.warn?.(error);
    this.#listeners = new Listeners('error', this.#warn);
    this.#settings = settings;
    this.#store = store;
    this.#storedAs = clientId;
    this.#versions = new VersionChoice(settings.version, settings.needs50, storedVersion(snapshot));
    const { clock } = environment;
    const engine = newEngine(settings, store, this.#versions, clock);
    const durable = store?.durable ?? false;
    this.#driver = new Driver(engine, store, clock, {
      onEvent: (event) => this.#onEvent(event),
      onIdle: () => this.#onIdle(),
      onStoreFailed: (error) => this.#onStoreFailed(error),
      ...(settings.onStoreFailure === 'rebuild' && {
        onRebuilt: (failure) => this.#onRebuilt(failure),
      }),
    });
    this.#backlog = new Backlog(settings.inbox, {
      canPause: () => this.#driver.mayPause,
      onLag: (lag) => this.#driver.setConsumersLag(lag),
      onError: (error) => this.#report(error),
    });
    this.#publications = new Publications(
      this.#driver,
      clock,
      settings.waitForRoom ? settings.queue : undefined,
      durable,
      (error) => this.#report(error),
    );
    this.#subscriptions = new Subscriptions(
      this.#driver,
      clock,
      {
        onAdded: () => this.#dispatcher.onSubscribed(),
        onAbandoned: (waiting) => this.#dispatcher.onAbandoned(waiting),
        onError: (error) => this.#report(error),
      },
      {
        sessionKept: settings.sessionKept,
        // A session of an earlier life may still send its identifiers: these are unlikely to be among them.
        firstIdentifier: settings.sessionKept ? 1 + Math.floor(clock.random() * 2 ** 27) : 1,
      },
    );
    this.#dispatcher = new Dispatcher(
      this.#driver,
      clock,
      this.#subscriptions,
      (message) => this.#listeners.emit('unmatched', message),
      {
        durable,
        expectedFilters: durable ? storedFilters(snapshot) : [],
        refusalProblem: () => this.#refusalProblem(),
      },
    );
    this.#authenticator = new Authenticator(this.#driver, settings.authentication);
    this.#connector = new Connector(this.#driver, environment, settings, clientId, this.#versions, {
      openStore: () => this.#openStore(),
      onStatus: (status) => this.#setStatus(status),
      onError: (error) => this.#listeners.emit('error', error),
      onSessionDiscarded: () => this.#emitLater('sessionDiscarded'),
      onStopped: (reason) => this.#stop(reason),
    });
    if (snapshot.length > 0) restore(engine, snapshot, clock);
    this.#stopWatching = environment.watch?.({
      onAwake: () => {
        this.#connector.hurry();
        this.#driver.probe();
      },
      onDoubt: () => this.#driver.probe(),
      onSuspend: () =>
        this.#driver.abort(new MqttError('connectionLost', 'the client was put aside')),
    });
  }

  /** Begins to connect. Resolves with the first CONNACK; rejects when there will be none. */
  static start(client: Client): Promise<MqttClient> {
    const { signal, waitForConnection } = client.#settings;
    if (signal !== undefined) client.#watch(signal);
    if (!waitForConnection) {
      client.#connector.start();
      return Promise.resolve(client);
    }
    return new Promise((resolve, reject) => {
      const stopListening = client.#listeners.on('status', (status) => {
        if (status.state === 'connected') resolve(client);
        else if (status.state === 'closed') {
          const reason = status.reason ?? client.#closedError();
          // Nothing is left open when it rejects; that the store did not close is told by the "error" event.
          client.#closeStore().then(
            () => reject(reason),
            () => reject(reason),
          );
        } else return;
        stopListening();
      });
      client.#connector.start();
    });
  }

  get status(): Status {
    return this.#status;
  }

  get connected(): boolean {
    return this.#status.state === 'connected';
  }

  get clientId(): string {
    return this.#connector.clientId;
  }

  get server(): Negotiated | undefined {
    return this.#negotiated;
  }

  get queued(): { readonly messages: number; readonly bytes: number } {
    return this.#driver.queued;
  }

  publish(topic: string, payload: Payload, options?: PublishOptions): PublishPromise {
    try {
      this.#checkOpen();
      const message = outgoingMessage(topic, payload, options, this.#versions.problemOf50);
      if (message.properties !== noProperties) this.#versions.require50('properties of publish');
      // Words for the one case in which they are needed.
      const aborted =
        options?.signal === undefined
          ? undefined
          : abortedBefore(options, `the publish to ${JSON.stringify(topic)}`);
      if (aborted !== undefined) return rejectedPublish(aborted);
      return this.#publications.publish(message, options);
    } catch (thrown) {
      return rejectedPublish(asUsageError(thrown));
    }
  }

  subscribe(
    filter: string | readonly string[],
    optionsOrHandler?: SubscribeOptions | MessageHandler<never>,
    handler?: MessageHandler<never>,
  ): Promise<Subscription<never>> {
    try {
      this.#checkOpen();
      const { options, consume } = subscribeArguments(optionsOrHandler, handler);
      const patterns = uniquePatterns(topicPatterns(filter));
      const settings = subscribeSettings(options, {
        propertiesProblem: this.#versions.problemOf50,
        durable: this.#store?.durable ?? false,
        hasHandler: consume !== undefined,
      });
      if (settings.needs50) this.#versions.require50('options of subscribe');
      const aborted = abortedBefore(settings.limits, 'the subscription');
      if (aborted !== undefined) throw aborted;
      const subscribed: Promise<Subscription<LooseParams>> = this.#subscriptions.subscribe(
        patterns,
        settings,
        (onReturn) => this.#consumer(consume, settings, onReturn),
      );
      this.#dispatcher.stopExpecting(patterns.map((pattern) => pattern.filter));
      return subscribed as Promise<Subscription<never>>;
    } catch (thrown) {
      return Promise.reject(asUsageError(thrown));
    }
  }

  unsubscribe(
    filter: string | readonly string[],
    options?: UnsubscribeOptions,
  ): Promise<readonly number[]> {
    const ended = this.#unsubscribe(filter, options);
    // Whoever does not wait for the end need not know how it went.
    ended.catch(nothing);
    return ended;
  }

  async #unsubscribe(
    filter: string | readonly string[],
    options: UnsubscribeOptions | undefined,
  ): Promise<readonly number[]> {
    this.#checkOpen();
    const filters = topicPatterns(filter).map((pattern) => pattern.filter);
    const settings = unsubscribeSettings(options, this.#versions.problemOf50);
    const aborted = abortedBefore(settings.limits, 'unsubscribing');
    if (aborted !== undefined) throw aborted;
    const unique = [...new Set(filters)];
    this.#dispatcher.stopExpecting(unique);
    const codes = await this.#subscriptions.unsubscribe(unique, settings);
    return filters.map((topicFilter) => codes[unique.indexOf(topicFilter)] as number);
  }

  async reauthenticate(): Promise<void> {
    this.#checkOpen();
    if (!this.connected) {
      throw new MqttError('connectionLost', 'there is no connection to re-authenticate');
    }
    const { server } = this.#connector;
    return this.#authenticator.reauthenticate(Object.freeze({ attempt: 1, server }));
  }

  close(options?: CloseOptions): Promise<CloseResult> {
    if (this.#closing !== undefined) return this.#closing;
    try {
      const settings = closeSettings(options, this.#settings, this.#versions.problemOf50);
      this.#closing = this.#close(settings);
      return this.#closing;
    } catch (thrown) {
      return Promise.reject(asUsageError(thrown));
    }
  }

  on<K extends keyof ClientEvents>(
    event: K,
    listener: ClientEvents[K],
    options?: { readonly signal?: AbortSignal },
  ): () => void {
    checkOneOf('event', event, eventNames);
    checkFunction('listener', listener);
    const signal = checkOptions('options of on', options, ['signal']).get('signal');
    return this.#listeners.on(
      event,
      listener,
      signal === undefined ? undefined : checkSignal('signal', signal),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What logs show: where the client stands, and none of the secrets it holds. */
  toJSON(): object {
    const { clientId, status, queued } = this;
    return { clientId, status, queued };
  }

  #onEvent(event: EngineEvent): void {
    switch (event.type) {
      case 'message':
        this.#dispatcher.onMessage(event);
        break;
      case 'published':
        this.#publications.onPublished(event.ticket, event.outcome);
        break;
      case 'connected':
        this.#onConnected(event);
        break;
      case 'disconnected':
        this.#onDisconnected(event);
        break;
      case 'subscribed':
        this.#subscriptions.onSubscribed(event.ticket, event.outcome);
        break;
      case 'unsubscribed':
        this.#subscriptions.onUnsubscribed(event.ticket, event.outcome);
        break;
      case 'crossedDisconnect':
        this.#serverError = this.#connector.errorOf({
          kind: 'serverDisconnected',
          packet: event.packet,
        });
        break;
      case 'settled':
        this.#dispatcher.onSettled(event.delivery, event.again);
        break;
      case 'progress':
        this.#connector.onProgress();
        break;
      case 'authentication':
        this.#authenticator.onEvent(event);
        break;
      case 'sessionLost': {
        const { resent, assumedDelivered, rejected } = event;
        const resubscribed = this.#resubscribed;
        this.#emitLater('sessionLost', { resent, assumedDelivered, rejected, resubscribed });
        break;
      }
      case 'packet':
        this.#listeners.emit('packet', event.direction, event.packet);
        break;
      case 'queueRoom':
      case 'unexpectedAcknowledgement':
        break;
      default:
        event satisfies never;
    }
  }

  #onConnected(event: Extract<EngineEvent, { type: 'connected' }>): void {
    this.#negotiated = event.negotiated;
    const { connection, sessionPresent } = event;
    this.#dispatcher.onConnected(connection, sessionPresent);
    this.#resubscribed = this.#subscriptions.onConnected(event.negotiated, sessionPresent);
    if (event.adopted) this.#emitLater('sessionAdopted');
    this.#driver.publishingMayBegin();
    this.#connector.onConnected(event);
  }

  #onDisconnected(event: Extract<EngineEvent, { type: 'disconnected' }>): void {
    this.#negotiated = undefined;
    this.#subscriptions.onDisconnected();
    this.#authenticator.onDisconnected(
      event.reason.kind === 'requested'
        ? this.#closedError()
        : this.#connector.errorOf(event.reason),
    );
    this.#connector.onDisconnected(event);
  }

  #onStoreFailed(error: MqttError): void {
    if (this.#settings.onStoreFailure === 'stop') {
      this.#stop(error);
      return;
    }
    this.#negotiated = undefined;
    this.#subscriptions.onDisconnected();
    this.#authenticator.onDisconnected(error);
    this.#connector.onStoreFailed(error);
  }

  /** Attempts share it: one that gave up waiting does not end it. */
  #openStore(): Promise<void> | undefined {
    if (this.#driver.failure === undefined) return undefined;
    this.#reopening ??= this.#rebuild().finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  async #rebuild(): Promise<void> {
    const store = this.#store as SessionStore;
    const serverKey = this.#settings.urls[0].server;
    const identity = { clientId: this.#storedAs, serverKey };
    const snapshot = await reloadSession(store, identity, this.#abortReopening.signal);
    const engine = newEngine(this.#settings, store, this.#versions, this.#clock);
    restore(engine, snapshot, this.#clock);
    this.#driver.rebuild(engine);
  }

  #onRebuilt(failure: MqttError): void {
    this.#publications.onRebuilt(failure);
    this.#dispatcher.onRebuilt();
  }

  #onIdle(): void {
    this.#publications.onRoom();
    if (this.#onDrained !== undefined && this.#isDrained()) this.#onDrained();
  }

  /** What went wrong in the application's own work, or undoes it: somebody is to hear of it, listener or not. */
  #report(error: MqttError): void {
    if (this.#listeners.has('error')) this.#listeners.emit('error', error);
    else this.#warn(error);
  }

  #consumer(
    handler: MessageHandler<LooseParams> | undefined,
    settings: SubscribeSettings,
    onReturn: () => void,
  ): Consumer {
    return handler === undefined
      ? new IteratorConsumer(settings.iterator, this.#backlog, onReturn)
      : new HandlerConsumer(handler, settings.handler, this.#backlog);
  }

  #refusalProblem(): string | undefined {
    if (this.#store?.durable) return refusalNeedsMemory;
    return this.#versions.problemOf50;
  }

  /** Rule 15: takes no new work, waits a while for what is under way, then says goodbye. */
  async #close({ timeoutMs, ...request }: CloseSettings): Promise<CloseResult> {
    if (this.connected && !this.#isDrained() && timeoutMs > 0) await this.#drain(timeoutMs);
    // It may have been over before, or have ended meanwhile.
    const ended = this.#ended;
    if (ended !== undefined) return ended.left;
    this.#connector.stop();
    // What is encoded leaves before DISCONNECT.
    this.#driver.flush();
    const left = this.#settleAll(undefined);
    if (this.#negotiated !== undefined) {
      const willWithout50 = !this.#negotiated.reasons && request.reasonCode === 0x04;
      // Under 3.1.1 every DISCONNECT discards the will: only going without a word publishes it.
      if (willWithout50) this.#driver.abort(this.#closedError());
      else this.#driver.disconnect(request);
    } else {
      this.#driver.abort(this.#closedError());
    }
    await this.#transportClosed();
    this.#end(undefined, left);
    await this.#closeStore();
    const serverError = this.#serverError;
    return serverError === undefined ? left : { ...left, serverError };
  }

  /** A commit that never ends holds back what is to be written before the end: then it ends without. */
  async #transportClosed(): Promise<void> {
    const atMs = this.#clock.now().monotonicMs + storeGraceMs;
    const cancel = this.#clock.schedule(atMs, () => this.#driver.abort(this.#closedError()));
    await this.#driver.whenClosed();
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
      const atMs = this.#clock.now().monotonicMs + timeoutMs;
      const cancel =
        timeoutMs === Number.POSITIVE_INFINITY ? undefined : this.#clock.schedule(atMs, done);
      const stopListening = this.#listeners.on('status', done);
      this.#onDrained = done;
    });
  }

  #isDrained(): boolean {
    return this.#publications.settled && this.#subscriptions.settled && this.#dispatcher.settled;
  }

  /** No further attempt makes sense: the client is over, with a reason. */
  #stop(reason: MqttError): void {
    if (this.#ended !== undefined) return;
    this.#connector.stop();
    const left = this.#settleAll(reason);
    this.#listeners.emit('error', reason);
    this.#end(reason, left);
    this.#closeStore().catch((error: MqttError) => {
      this.#listeners.emit('error', error);
    });
  }

  #closeStore(): Promise<void> {
    this.#storeClosed ??= this.#closeStoreOnce();
    return this.#storeClosed;
  }

  async #closeStoreOnce(): Promise<void> {
    this.#abortReopening.abort();
    await this.#reopening?.catch(nothing);
    await closeStore(this.#store);
  }

  #settleAll(why: MqttError | undefined): Leftovers {
    const left = this.#publications.end(why);
    this.#dispatcher.end();
    this.#subscriptions.close(this.#closedError(why), why);
    return left;
  }

  #end(why: MqttError | undefined, left: Leftovers): void {
    if (this.#ended !== undefined) return;
    this.#ended = { why, left };
    this.#negotiated = undefined;
    this.#releaseSignal();
    this.#stopWatching?.();
    this.#driver.end(why);
    this.#authenticator.onDisconnected(this.#closedError(why));
    this.#setStatus({ state: 'closed', reason: why });
    this.#listeners.releaseSignals();
  }

  #watch(signal: AbortSignal): void {
    const abort = (): void => {
      this.#stop(new MqttError('aborted', 'connecting was aborted', { cause: signal.reason }));
    };
    signal.addEventListener('abort', abort, { once: true });
    this.#releaseSignal = () => signal.removeEventListener('abort', abort);
  }

  #setStatus(status: Status): void {
    this.#status = Object.freeze(status);
    if (status.state === 'connected') this.#releaseSignal();
    this.#listeners.emit('status', this.#status);
  }

  /** What belongs to the first CONNACK is told when whoever awaits `connect` had a chance to listen. */
  #emitLater<K extends 'sessionLost' | 'sessionDiscarded' | 'sessionAdopted'>(
    event: K,
    ...values: Parameters<ClientEvents[K]>
  ): void {
    this.#clock.schedule(this.#clock.now().monotonicMs, () => {
      this.#listeners.emit(event, ...values);
    });
  }

  #checkOpen(): void {
    if (this.#ended !== undefined || this.#closing !== undefined) {
      throw this.#closedError(this.#ended?.why);
    }
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

// How `console.log` of Node, Bun and Deno asks what to show.
Object.defineProperty(Client.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(
    this: Client,
    _depth: number,
    how: object,
    inspect: (shown: object, how: object) => string,
  ) {
    return `MqttClient ${inspect(this.toJSON(), how)}`;
  },
});

function nothing(): void {}
