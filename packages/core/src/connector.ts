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
import type { ConnectRequest, EngineEvent, Will } from '@mqtt-kit/engine';
import type { Properties, ProtocolVersion } from '@mqtt-kit/packet';
import { ReasonCode } from '@mqtt-kit/packet';
import type { Environment } from './client.ts';
import type { Cancel } from './clock.ts';
import {
  type ConnectSettings,
  checkCredentials,
  checkCredentialsOf,
  versionProblem,
  type WireCredentials,
} from './connect-settings.ts';
import { type ConnectionFailure, connectionFailure } from './connection-error.ts';
import type { ConnectionUrl } from './connection-url.ts';
import { discardSession } from './discard-session.ts';
import type { Driver } from './driver.ts';
import { asError, MqttError, MqttUsageError } from './errors.ts';
import type { ConnectAttempt } from './options.ts';
import { ReconnectPolicy, type ReconnectSettings } from './reconnect.ts';
import type { Status } from './status.ts';
import type { OpenTransport, TransportTarget } from './transport.ts';
import { checkWill } from './will.ts';

export interface ConnectorHandlers {
  onStatus(status: Status): void;
  /** What no status and no promise tells. */
  onError(error: MqttError): void;
  /** A session that the server kept, and that is unknown here, was thrown away. */
  onSessionDiscarded(): void;
  /** No further attempt is made. */
  onStopped(reason: MqttError): void;
}

type ConnectedEvent = Extract<EngineEvent, { type: 'connected' }>;
type DisconnectedEvent = Extract<EngineEvent, { type: 'disconnected' }>;

/** What one attempt sends. */
interface Preparation extends WireCredentials {
  readonly will: Will | undefined;
  readonly authenticationData: Uint8Array | undefined;
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
  #state: 'idle' | 'preparing' | 'connecting' | 'connected' | 'waiting' | 'stopped' = 'idle';
  /** Grows with each attempt, so that a late answer to an earlier one is known as such. */
  #generation = 0;
  /** Since the last CONNACK, for people. */
  #attempt = 0;
  #serverIndex = 0;
  #cancelTimer: Cancel | undefined;

  #clientId: string;
  /** What the last attempt spoke. */
  #version: ProtocolVersion;
  /** Versions that a server has taken: from then on there is no other. */
  #spoken: ProtocolVersion | undefined;
  #needs50: string | undefined;
  #passwordAlone = false;
  #wasConnected = false;
  /** How long the server keeps the session, as it said last. */
  #sessionExpirySeconds = 0;
  /** A session of an earlier life is being thrown away. */
  #discarding = false;
  #cancelDiscard: (() => void) | undefined;

  /** `storedVersion`: that of the session in the store, which no other version could resume. */
  constructor(
    driver: Driver,
    environment: Environment,
    settings: ConnectSettings,
    clientId: string,
    storedVersion: ProtocolVersion | undefined,
    handlers: ConnectorHandlers,
  ) {
    this.#driver = driver;
    this.#environment = environment;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#clientId = clientId;
    this.#needs50 = settings.needs50;
    this.#version = settings.version === '3.1.1' ? '3.1.1' : '5.0';
    if (settings.version === 'auto') this.#spoken = storedVersion;
    if (this.#spoken !== undefined) this.#version = this.#spoken;
    this.#policy = new ReconnectPolicy(settings.reconnect ?? singleAttempt, settings.urls.length);
  }

  get clientId(): string {
    return this.#clientId;
  }

  /** The version of the current connection, or of the last attempt. */
  get version(): ProtocolVersion {
    return this.#version;
  }

  /** Without credentials. */
  get server(): string {
    return this.#url.server;
  }

  /** Why something that only 5.0 has cannot be used, as the end of a sentence; `undefined` where it can. */
  get propertiesProblem(): string | undefined {
    if (this.#settings.version === '3.1.1') return versionProblem;
    if (this.#spoken === '3.1.1') return 'needs MQTT 5.0; the server speaks 3.1.1 only';
    return undefined;
  }

  /** Something that only 5.0 has was accepted: from now on falling back would drop it without a word. */
  require50(name: string): void {
    this.#needs50 ??= name;
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

  onConnected(event: ConnectedEvent): void {
    if (this.#state !== 'connecting') return;
    this.#cancelTimer?.();
    this.#state = 'connected';
    this.#attempt = 0;
    this.#wasConnected = true;
    this.#spoken = this.#version;
    this.#clientId = event.negotiated.clientId;
    this.#sessionExpirySeconds = event.negotiated.sessionExpirySeconds;
    this.#policy.connected(this.#nowMs());
    this.#handlers.onStatus({
      state: 'connected',
      sessionPresent: event.sessionPresent,
      server: this.server,
      version: this.#version,
    });
    if (this.#discarding) this.#handlers.onSessionDiscarded();
    this.#discarding = false;
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
      if (this.#mayFallBack(reason)) {
        this.#fallBack();
        return;
      }
    }
    this.#policy.disconnected(this.#nowMs());
    const failure = connectionFailure(reason, {
      server: this.server,
      clientId: this.#clientId,
      version: this.#version,
      transportError: this.#driver.lastEnd.error,
      wasOpened: this.#driver.lastEnd.wasOpened,
      shortLives: this.#policy.shortLives,
    });
    if (this.#state === 'connected') this.#handlers.onError(failure.error);
    this.#ended(failure);
  }

  #begin(): void {
    this.#attempt += 1;
    this.#policy.attempt();
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
        this.#handlers.onError(error);
        this.#ended({ error, fatal: false });
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
          ? 'credentials and will were not there'
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
    const settings = this.#settings;
    const attempt = this.#attemptInfo();
    const { authentication } = settings;
    const only50 = this.#version === '3.1.1' ? this.#versionProblem() : undefined;
    const credentials = await this.#credentials(attempt);
    this.#passwordAlone = credentials.password !== undefined && credentials.username === undefined;
    const will =
      settings.willFor === undefined
        ? settings.will
        : await asked('will', 'invalidArgument', async () => {
            const options = await settings.willFor?.(attempt);
            return options === undefined ? undefined : checkWill(options, only50);
          });
    const authenticationData = await asked('authentication.start', 'notAuthorized', () =>
      authentication?.start?.(attempt),
    );
    return { ...credentials, will, authenticationData };
  }

  async #credentials(attempt: ConnectAttempt): Promise<WireCredentials> {
    const { username, password, credentials } = this.#settings;
    const nameNeeded = this.#version === '3.1.1';
    if (credentials !== undefined) {
      return asked('credentials', 'notAuthorized', async () =>
        checkCredentialsOf(await credentials(attempt), nameNeeded),
      );
    }
    // What stands in the URL of this server, unless options say otherwise.
    const url = this.#url;
    return checkCredentials(
      { username: username ?? url.username, password: password ?? url.password },
      nameNeeded,
    );
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

  #request({ username, password, will, authenticationData }: Preparation): ConnectRequest {
    const settings = this.#settings;
    const cleanStart = this.#cleanStart();
    const authenticated: Properties =
      settings.authentication === undefined
        ? settings.properties
        : {
            ...settings.properties,
            authenticationMethod: settings.authentication.method,
            ...(authenticationData !== undefined && { authenticationData }),
          };
    return {
      version: this.#version,
      clientId: this.#clientId,
      cleanStart,
      keepAliveSeconds: settings.keepAliveSeconds,
      username,
      password,
      will,
      properties: authenticated,
      serverKey: settings.urls[0]?.server ?? '',
      pipeline: !settings.waitForConnection && cleanStart && settings.authentication === undefined,
    };
  }

  /** Rule 4: under 5.0 the option governs the first connection, later ones go on with the session while it lives. */
  #cleanStart(): boolean {
    const { cleanStart } = this.#settings;
    if (this.#version === '3.1.1') return cleanStart;
    if (this.#discarding) return true;
    const sessionLives = this.#wasConnected && this.#sessionExpirySeconds > 0;
    return cleanStart && !sessionLives;
  }

  /** That there is one was checked with the options. */
  #open(): OpenTransport {
    return this.#environment.transports[this.#url.scheme] as OpenTransport;
  }

  #target(): TransportTarget {
    const { tls, webSocket, maximumPacketSize } = this.#settings;
    const { scheme, hostname, port, path } = this.#url;
    return { scheme, hostname, port, path, tls, webSocket, maximumPacketSize };
  }

  /** An attempt or a connection is over: wait and try again, or stop. */
  #ended({ error, fatal }: ConnectionFailure): void {
    const settings = this.#settings;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#cancelDiscard?.();
    this.#discarding = false;
    const initial = !this.#wasConnected;
    const persistent =
      settings.reconnect !== undefined &&
      (!initial || settings.reconnect.initial || !settings.waitForConnection);
    const mayGoOn = persistent || (initial && this.#policy.hasUntried);
    if (fatal || !mayGoOn || !this.#policy.mayTry) {
      this.#state = 'stopped';
      this.#handlers.onStopped(error);
      return;
    }
    // What one server does not speak another may.
    if (this.#spoken === undefined && settings.version === 'auto') this.#version = '5.0';
    this.#serverIndex = (this.#serverIndex + 1) % settings.urls.length;
    this.#wait(error);
  }

  #wait(reason: MqttError): void {
    const { clock } = this.#environment;
    const delayMs = this.#policy.nextDelayMs(clock.random());
    this.#state = 'waiting';
    this.#cancelTimer = clock.schedule(this.#nowMs() + delayMs, () => this.#begin());
    this.#handlers.onStatus({
      state: 'reconnecting',
      attempt: this.#attempt + 1,
      delayMs,
      reason,
    });
  }

  /** Rule 12: a server that does not know 5.0 says so, or closes without a word. */
  #mayFallBack(reason: DisconnectedEvent['reason']): boolean {
    const allowed =
      this.#settings.version === 'auto' &&
      this.#version === '5.0' &&
      this.#spoken === undefined &&
      this.#needs50 === undefined &&
      !this.#passwordAlone;
    if (!allowed) return false;
    if (reason.kind === 'refused') {
      return reason.connack.reasonCode === ReasonCode.unsupportedProtocolVersion;
    }
    const { wasOpened, error } = this.#driver.lastEnd;
    // An error of ours is a deadline or a close, not the server's doing.
    return (
      reason.kind === 'transportClosed' &&
      reason.bytesReceived === 0 &&
      wasOpened &&
      !(error instanceof MqttError && error.code !== 'connectionLost')
    );
  }

  #fallBack(): void {
    this.#version = '3.1.1';
    this.#try();
  }

  #mayDiscard(): boolean {
    return this.#settings.foreignSession === 'reset' && !this.#discarding;
  }

  /**
   * Throws a session away that an earlier life left behind. Under 5.0 the next connection does it by a clean start;
   * under 3.1.1 a session that began clean would end with its connection, so a connection in between does it.
   */
  #discard(): void {
    this.#discarding = true;
    if (this.#version === '5.0') {
      this.#try();
      return;
    }
    this.#state = 'preparing';
    const isCurrent = this.#nextGeneration();
    const abort = new AbortController();
    this.#cancelDiscard = () => abort.abort();
    this.#prepare()
      .then((preparation) => {
        const request = { ...this.#request(preparation), cleanStart: true, will: undefined };
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

  #versionProblem(): string {
    return this.propertiesProblem ?? 'needs MQTT 5.0';
  }

  get #url(): ConnectionUrl {
    return this.#settings.urls[this.#serverIndex] as ConnectionUrl;
  }

  #attemptInfo(): ConnectAttempt {
    return Object.freeze({ attempt: this.#attempt, server: this.server });
  }

  #nowMs(): number {
    return this.#environment.clock.now().monotonicMs;
  }
}

/** Calls a function of the application; whatever it throws becomes an error that names it. */
async function asked<T>(
  name: string,
  code: 'invalidArgument' | 'notAuthorized',
  call: () => T | Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    const cause = asError(thrown);
    const message = `${name} for this attempt failed: ${cause.message}`;
    if (code === 'invalidArgument' || cause instanceof MqttUsageError) {
      throw new MqttUsageError(message, { cause });
    }
    throw new MqttError(code, message, { cause });
  }
}
