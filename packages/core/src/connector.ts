/**
 * Gets a connection and keeps it: one attempt after the other, with what each needs, until the client is closed or
 * a reason comes up for which another attempt makes no sense.
 *
 *     idle -> preparing -> connecting -> connected
 *               ^  |           |             |
 *               |  +-----------+-------------+--> stopped
 *               +-- waiting <--+-------------+
 *
 * `preparing` asks the application for credentials and will; `connecting` lasts from opening the transport to CONNACK.
 * One deadline covers both. Out of any state `stop` leads to `stopped`, where nothing happens any more. Each attempt
 * ends in one place, `#ended`, whatever ended it.
 */
import type { ConnectRequest, DisconnectReason, EngineEvent } from '@mqtt-kit/engine';
import { ReasonCode } from '@mqtt-kit/packet';
import { type Preparation, prepareAttempt } from './attempt-preparation.ts';
import type { Environment } from './client.ts';
import type { Cancel } from './clock.ts';
import { connectRequest, transportTarget } from './connect-request.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { type ConnectionFailure, connectionFailure } from './connection-error.ts';
import type { ConnectionUrl } from './connection-url.ts';
import { discardSession } from './discard-session.ts';
import type { Driver } from './driver.ts';
import { asError, MqttError, MqttUsageError } from './errors.ts';
import { ReconnectPolicy, type ReconnectSettings, stableAfterMs } from './reconnect.ts';
import { redirection, redirectOf, redirectProblem } from './redirect.ts';
import { ServerList } from './server-list.ts';
import type { Status } from './status.ts';
import type { OpenTransport, TransportTarget } from './transport.ts';
import type { VersionChoice } from './version-choice.ts';

export interface ConnectorHandlers {
  /** Before each attempt; what it returns is waited for. A rejection is an `MqttError`. */
  openStore(): Promise<void> | undefined;
  onStatus(status: Status): void;
  /** What no status and no promise tells. */
  onConnectionError(error: MqttError): void;
  /** A session that the server kept, and that is unknown here, was thrown away. */
  onSessionDiscarded(): void;
  /** No further attempt is made. */
  onStopped(reason: MqttError): void;
}

type ConnectedEvent = Extract<EngineEvent, { type: 'connected' }>;
type DisconnectedEvent = Extract<EngineEvent, { type: 'disconnected' }>;

/** How an attempt or a connection ended. */
interface EndDetails {
  /** It stood long enough, or made progress. */
  readonly wasGood?: boolean;
  /** When the client goes on, the `error` event tells it. */
  readonly report?: boolean;
  /** The next attempt goes where the server sent us. */
  readonly redirected?: boolean;
}

const singleAttempt: ReconnectSettings = {
  minDelayMs: 0,
  maxDelayMs: 0,
  factor: 1,
  maxAttempts: Number.POSITIVE_INFINITY,
  initial: false,
};

export class Connector {
  readonly #driver: Driver;
  readonly #environment: Environment;
  readonly #settings: ConnectSettings;
  readonly #handlers: ConnectorHandlers;
  readonly #policy: ReconnectPolicy;
  readonly #versions: VersionChoice;
  #state: 'idle' | 'preparing' | 'connecting' | 'connected' | 'waiting' | 'stopped' = 'idle';
  /** Grows with each attempt, so that a late answer to an earlier one is known as such. */
  #generation = 0;
  /** Since the last CONNACK, for people. */
  #attempt = 0;
  readonly #servers: ServerList;
  /** The current attempt goes on with an older version. */
  #fellBack = false;
  /** Followed in a row, with no connection in between that stood. */
  #redirects = 0;
  #cancelTimer: Cancel | undefined;

  #clientId: string;
  #wasConnected = false;
  #connectedAtMs = 0;
  /** How long the server keeps the session, as it said last. */
  #sessionExpirySeconds = 0;
  /** A session of an earlier life is being thrown away. */
  #discarding = false;
  #cancelDiscard: (() => void) | undefined;

  constructor(
    driver: Driver,
    environment: Environment,
    settings: ConnectSettings,
    clientId: string,
    versions: VersionChoice,
    handlers: ConnectorHandlers,
  ) {
    this.#driver = driver;
    this.#environment = environment;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#clientId = clientId;
    this.#versions = versions;
    this.#policy = new ReconnectPolicy(settings.reconnect ?? singleAttempt);
    this.#servers = new ServerList(settings.urls);
  }

  get clientId(): string {
    return this.#clientId;
  }

  /** Without credentials. */
  get server(): string {
    return this.#url.server;
  }

  start(): void {
    this.#begin();
  }

  /** Ends whatever is under way. The transport is the driver's to close. */
  stop(): void {
    this.#state = 'stopped';
    this.#cancelTimer?.();
    this.#cancelDiscard?.();
  }

  /** There may be a way now that there was not: whoever waits tries at once. */
  hurry(): void {
    if (this.#state !== 'waiting') return;
    this.#cancelTimer?.();
    this.#begin();
  }

  onConnected(event: ConnectedEvent): void {
    if (this.#state !== 'connecting') return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#state = 'connected';
    this.#attempt = 0;
    this.#wasConnected = true;
    this.#versions.taken();
    this.#clientId = event.negotiated.clientId;
    this.#sessionExpirySeconds = event.negotiated.sessionExpirySeconds;
    this.#connectedAtMs = this.#nowMs();
    this.#policy.connected(this.#connectedAtMs);
    this.#handlers.onStatus({
      state: 'connected',
      sessionPresent: event.sessionPresent,
      server: this.server,
      version: this.#versions.version,
    });
    if (this.#discarding) this.#handlers.onSessionDiscarded();
    this.#discarding = false;
  }

  /** Nothing goes on until the store is open again, which is part of the next attempt. */
  onStoreFailed(error: MqttError): void {
    if (this.#state === 'stopped') return;
    const wasGood = this.#policy.disconnected(this.#nowMs(), false);
    this.#ended({ error, fatal: false }, { wasGood, report: true });
  }

  onProgress(): void {
    this.#policy.progress();
  }

  onDisconnected({ reason }: DisconnectedEvent): void {
    if (this.#state !== 'connecting' && this.#state !== 'connected') return;
    if (this.#state === 'connecting') {
      if (reason.kind === 'foreignSession' && this.#mayDiscard()) {
        this.#discard();
        return;
      }
      if (this.#versions.fallBack(reason, this.#driver.lastEnd)) {
        this.#fellBack = true;
        this.#try();
        return;
      }
    }
    const byServer =
      reason.kind === 'serverDisconnected' || this.#driver.lastEnd.endedBy === 'server';
    const wasGood = this.#policy.disconnected(this.#nowMs(), byServer);
    const redirected = this.#redirect(reason);
    if (redirected === undefined) {
      this.#ended(this.#failure(reason), { wasGood, report: this.#state === 'connected' });
    } else {
      this.#ended(redirected, { wasGood, redirected: true });
    }
  }

  /** Goes where the server sends us, when the options and the limits allow it. */
  #redirect(reason: DisconnectReason): ConnectionFailure | undefined {
    const packet = redirection(reason);
    if (packet === undefined) return undefined;
    const stood =
      this.#state === 'connected' && this.#nowMs() - this.#connectedAtMs >= stableAfterMs;
    if (stood) this.#redirects = 0;
    const { transports } = this.#environment;
    const redirect = redirectOf(packet.properties.serverReference, this.#url, transports);
    const problem = redirectProblem(redirect, this.#settings.redirects, this.#redirects);
    const { error } = this.#failure(reason, problem);
    if ('problem' in redirect || problem !== undefined) return { error, fatal: true };
    this.#redirects += 1;
    this.#servers.redirect(redirect.url, packet.reasonCode === ReasonCode.serverMoved);
    return { error, fatal: false };
  }

  /** What the end of a connection means, or a DISCONNECT of the server that came when the client was leaving by itself. */
  errorOf(reason: DisconnectReason): MqttError {
    return this.#failure(reason).error;
  }

  #failure(reason: DisconnectReason, redirectProblem?: string): ConnectionFailure {
    return connectionFailure(reason, {
      server: this.server,
      clientId: this.#clientId,
      version: this.#versions.version,
      transportError: this.#driver.lastEnd.error,
      wasOpened: this.#driver.lastEnd.wasOpened,
      takeOvers: this.#policy.takeOvers,
      redirectProblem,
    });
  }

  #begin(): void {
    this.#attempt += 1;
    this.#policy.attempt();
    this.#servers.attempt();
    this.#fellBack = false;
    this.#state = 'preparing';
    this.#limitAttempt();
    this.#handlers.onStatus({
      state: 'connecting',
      attempt: this.#attempt,
      server: this.server,
    });
    // A listener may have closed the client.
    if (this.#is('preparing')) this.#try();
  }

  /** What an attempt is made of; once more with another version, or with a clean start, it is still the same one. */
  #try(): void {
    this.#state = 'preparing';
    const isCurrent = this.#nextGeneration();
    this.#prepare().then(
      (preparation) => {
        if (isCurrent()) this.#connect(preparation);
      },
      (thrown) => {
        if (!isCurrent()) return;
        const error = asError(thrown) as MqttError;
        this.#ended({ error, fatal: error.code === 'storeCorrupt' }, { report: true });
      },
    );
  }

  /** Tells whether nothing has happened since that makes an answer of the application too late. */
  #nextGeneration(): () => boolean {
    this.#generation += 1;
    const generation = this.#generation;
    return () => this.#is('preparing') && this.#generation === generation;
  }

  /** One deadline over everything that an attempt does. */
  #limitAttempt(): void {
    const { connectTimeoutMs } = this.#settings;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (connectTimeoutMs === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#environment.clock.schedule(this.#nowMs() + connectTimeoutMs, () => {
      const waitedFor =
        this.#state === 'preparing'
          ? `${this.#driver.failure ? 'the session store was' : 'credentials and will were'} not there`
          : this.#driver.isOpen
            ? `${this.server} did not answer CONNECT`
            : `no connection to ${this.server} was made`;
      const error = new MqttError('connectTimeout', `${waitedFor} within ${connectTimeoutMs} ms`, {
        hint: 'Check host and port, and whether a firewall drops packets on the way.',
      });
      if (this.#state === 'preparing') this.#ended({ error, fatal: false });
      else this.#driver.abort(error);
    });
  }

  /** Asks the application for what an attempt needs. A failure is an `MqttError`. */
  async #prepare(): Promise<Preparation> {
    const opening = this.#handlers.openStore();
    if (opening !== undefined) await opening;
    const attempt = Object.freeze({ attempt: this.#attempt, server: this.server });
    const preparation = await prepareAttempt(this.#settings, this.#url, attempt, this.#versions);
    if (preparation.password !== undefined && preparation.username === undefined) {
      this.#versions.require50('a password without a user name');
    }
    return preparation;
  }

  #connect(preparation: Preparation): void {
    this.#state = 'connecting';
    try {
      this.#driver.connect(this.#request(preparation), this.#open(), this.#target());
    } catch (thrown) {
      const cause = asError(thrown);
      const error =
        cause instanceof MqttError ? cause : new MqttUsageError(cause.message, { cause });
      this.#ended({ error, fatal: true });
    }
  }

  #request(preparation: Preparation): ConnectRequest {
    return connectRequest(this.#settings, preparation, {
      version: this.#versions.version,
      clientId: this.#clientId,
      cleanStart: this.#cleanStart(),
      fellBack: this.#fellBack,
    });
  }

  /** Rule 4: under 5.0 the option governs the first connection, later ones go on with the session while it lives. */
  #cleanStart(): boolean {
    const { cleanStart } = this.#settings;
    if (this.#versions.rules.cleanSession) return cleanStart;
    if (this.#discarding && this.#settings.authentication !== undefined) return true;
    const sessionLives = this.#wasConnected && this.#sessionExpirySeconds > 0;
    return cleanStart && !sessionLives;
  }

  /** That there is one was checked with the options. */
  #open(): OpenTransport {
    return this.#environment.transports[this.#url.scheme] as OpenTransport;
  }

  #target(): TransportTarget {
    return transportTarget(this.#settings, this.#url);
  }

  /** An attempt or a connection is over: wait and try again, or stop. */
  #ended(
    { error, fatal }: ConnectionFailure,
    { wasGood = false, report = false, redirected = false }: EndDetails = {},
  ): void {
    if (this.#is('stopped')) return;
    const settings = this.#settings;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#cancelDiscard?.();
    this.#discarding = false;
    const initial = !this.#wasConnected;
    const persistent =
      settings.reconnect !== undefined &&
      (!initial || settings.reconnect.initial || !settings.waitForConnection);
    const mayGoOn = persistent || (initial && (redirected || this.#servers.hasUntried));
    if (fatal || !mayGoOn || !this.#policy.mayTry) {
      this.#state = 'stopped';
      this.#handlers.onStopped(error);
      return;
    }
    this.#versions.attemptFailed();
    this.#wait(error, redirected || this.#servers.next(wasGood));
    // Last, since a listener may close the client: nothing of ours comes after it.
    if (report) this.#handlers.onConnectionError(error);
  }

  #wait(reason: MqttError, sameRound: boolean): void {
    const { clock } = this.#environment;
    const delayMs = this.#policy.nextDelayMs(clock.random(), sameRound);
    this.#state = 'waiting';
    this.#cancelTimer = clock.schedule(this.#nowMs() + delayMs, () => this.#begin());
    this.#handlers.onStatus({
      state: 'reconnecting',
      attempt: this.#attempt + 1,
      delayMs,
      reason,
    });
  }

  #mayDiscard(): boolean {
    return this.#settings.foreignSession === 'reset' && !this.#discarding;
  }

  /**
   * Throws a session away that an earlier life left behind, by a connection in between: under 3.1.1 a session that began
   * clean ends with its connection, and under 5.0 there are servers that save none which began with a clean start
   * (mosquitto 2.0), so that their next restart would lose it. Where the server has to be convinced by enhanced
   * authentication a clean start is the lesser evil.
   */
  #discard(): void {
    this.#discarding = true;
    if (this.#settings.authentication !== undefined) {
      this.#try();
      return;
    }
    this.#state = 'preparing';
    const isCurrent = this.#nextGeneration();
    const abort = new AbortController();
    this.#cancelDiscard = () => abort.abort();
    this.#prepare()
      .then((preparation) => {
        const request = this.#request(preparation);
        const { clock } = this.#environment;
        return discardSession(clock, request, this.#open(), this.#target(), abort.signal);
      })
      .then(
        () => {
          if (isCurrent()) this.#try();
        },
        (thrown) => {
          if (isCurrent()) this.#ended({ error: asError(thrown) as MqttError, fatal: false });
        },
      );
  }

  #is(state: string): boolean {
    return this.#state === state;
  }

  get #url(): ConnectionUrl {
    return this.#servers.current;
  }

  #nowMs(): number {
    return this.#environment.clock.now().monotonicMs;
  }
}
