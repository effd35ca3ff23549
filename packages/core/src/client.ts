import type { Negotiated } from '@mqtt-kit/engine';
import type { Packet, Properties } from '@mqtt-kit/packet';
import type { Clock } from './clock.ts';
import type { MqttError } from './errors.ts';
import type { Message } from './message.ts';
import type {
  CloseOptions,
  Payload,
  PublishOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './options.ts';
import type { SessionStore } from './session-store.ts';
import type { Status } from './status.ts';
import type { MessageHandler, Subscription } from './subscription.ts';
import type { TopicParams } from './topic-pattern.ts';
import type { OpenTransport } from './transport.ts';

/** What a runtime brings: made once by `mqtt-kit` for each of its entries. */
export interface Environment {
  /** By URL scheme, without the colon. */
  readonly transports: Readonly<Record<string, OpenTransport>>;
  /** Hints for schemes that this runtime has no transport for. */
  readonly missingTransports: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Used when the options name none. */
  defaultStore(): SessionStore;
  /** Watches what the runtime knows of the network and of its own sleep, until the function it returns is called. */
  watch?(watcher: EnvironmentWatcher): () => void;
  /** Tells whoever runs the program that a handler failed, where no `error` listener hears of it. Default: nobody. */
  warn?(error: MqttError): void;
}

/** What a runtime tells a client that it cannot know by itself. None of it is needed: it saves time. */
export interface EnvironmentWatcher {
  /** The network may be there again, or time may have passed unseen: worth an attempt, and a look at the connection. */
  onAwake(): void;
  /** The network may be gone: a connection that stands is to show that it lives. */
  onDoubt(): void;
  /** The runtime stops for an unknown time, and no connection outlives that. */
  onSuspend(): void;
}

/** What became of a message. */
export interface PublishResult {
  /** 0x00 or 0x10 (no matching subscribers); `undefined` at QoS 0, where nobody answers. */
  readonly reasonCode: number | undefined;
  readonly properties: Properties;
  /** How often it was put on a wire. */
  readonly attempts: number;
  /**
   * What became of it when the server forgot a session. `resent`: it had been sent, and went out again as a new message,
   * so that it may have arrived twice. `assumedDelivered`: at QoS 2 the server had taken it over, and its last word
   * will never come. `undefined`: neither, as far as this client knows.
   */
  readonly sessionLost: 'resent' | 'assumedDelivered' | undefined;
}

/** What became of a session's state when the server had forgotten it. */
export interface SessionLoss {
  /** QoS 1 and 2 messages that go out again as new ones: at QoS 2 they may arrive twice. */
  readonly resent: number;
  /** QoS 2 messages that the server had taken over. */
  readonly assumedDelivered: number;
  /** QoS 2 messages whose promises reject with `sessionLost` (`lostSession: 'reject'`). */
  readonly rejected: number;
  /** Topic filters that the server had granted, and that it was asked for again. */
  readonly resubscribed: number;
}

/** Settles with what became of the message; `stored` earlier, when the session store has it. */
export interface PublishPromise extends Promise<PublishResult> {
  /** Made on demand. Resolves when the message is committed to the store; at QoS 0 with the promise itself. */
  readonly stored: Promise<void>;
}

/** What `close` could not finish. */
export interface CloseResult {
  /** Messages that never left: their promises rejected with `clientClosed`. */
  readonly unsent: number;
  /** Messages that left and were not acknowledged: their promises rejected with `outcomeUnknown`. */
  readonly unacknowledged: number;
  /** With a durable store: how many of both it keeps, so that the next client with that store goes on with them. */
  readonly kept?: number;
  /**
   * What the server said while the connection was being closed (5.0): its DISCONNECT crossed ours. At QoS 0 nothing else
   * tells that it refused the messages sent last. A server that only closes, as one of 3.1.1 does, and one behind a
   * browser's WebSocket, which hands out nothing once it is closing, cannot be heard.
   */
  readonly serverError?: MqttError;
}

/** What a client tells by itself, for `client.on`. */
export interface ClientEvents {
  /** Where the client stands, each time that changes; also `client.status`. */
  status: (status: Status) => void;
  /**
   * What no promise tells: a handler that threw, a connection lost, a store that failed, a message of an earlier start
   * that was refused or expired.
   */
  error: (error: MqttError) => void;
  /** A message that no subscription of this client matches. */
  unmatched: (message: Message) => void;
  /** The server had forgotten the session: what was done about it. */
  sessionLost: (what: SessionLoss) => void;
  /** A session of an earlier life, unknown here, was thrown away at the server (`foreignSession: 'reset'`). */
  sessionDiscarded: () => void;
  /** A session of an earlier life, unknown here, was taken over (`foreignSession: 'adopt'`). */
  sessionAdopted: () => void;
  /** With `trace` alone. */
  packet: (direction: 'sent' | 'received', packet: Packet) => void;
}

/** A client: made by `connect`. A closed one stays closed. */
export interface MqttClient extends AsyncDisposable {
  /** Where the client stands. The object is replaced, never changed. */
  readonly status: Status;
  /** Whether `status.state` is `connected`. */
  readonly connected: boolean;
  /** As given, made up, or assigned by the server. */
  readonly clientId: string;
  /** What the server allows on the current connection; `undefined` between connections. */
  readonly server: Negotiated | undefined;
  /** Messages accepted and unsent, and their bytes. */
  readonly queued: { readonly messages: number; readonly bytes: number };

  /**
   * Publishes a message. While there is no connection it is queued, within the bounds of `queue`.
   *
   * At QoS 0 the promise resolves when the bytes were handed to the transport, at QoS 1 with PUBACK, at QoS 2 with
   * PUBCOMP. It may be ignored: a rejection that nobody looks at does no harm. Payloads over 16 KiB are held by
   * reference and must not be changed until it settles.
   *
   * Rejects with `invalidArgument`, `queueFull`, `expired`, `serverLimit` (more than the server announced to take),
   * `publishRefused` (with the server's `reasonCode`; without one when the server closed the connection three times in
   * a row right after this message), `connectionLost` (QoS 0 alone), `sessionLost`, `storeFailed`,
   * `clientClosed`; with `timeout` or `aborted` when it was withdrawn before it left, and with `outcomeUnknown` when it
   * had left: its exchange then goes on unseen. A server that breaks the protocol, and refuses a message with a second
   * PUBREC, leaves `outcomeUnknown`, too.
   */
  publish(topic: string, payload: Payload, options?: PublishOptions): PublishPromise;

  /**
   * Subscribes to a topic filter or several, with one handler for all of them or, without a handler, as an async
   * iterable. Wildcards may have names: `house/+room` gives `message.params.room`.
   *
   * Resolves when the server has granted all filters. While there is no connection it waits for one. After a lost
   * session the filters are subscribed to again with the same options. Several subscriptions share the SUBSCRIBE for
   * a filter that they have in common; one with a higher QoS sends it again.
   *
   * Rejects with `invalidArgument`, `subscribeRefused` or `serverLimit` (a `MqttSubscribeError`: what was granted
   * stays, as `error.subscription`), `timeout`, `aborted`, `clientClosed`. Aborting `signal` later ends the subscription.
   */
  subscribe<const F extends string>(
    filter: F | readonly F[],
    handler: MessageHandler<TopicParams<F>>,
  ): Promise<Subscription<TopicParams<F>>>;
  subscribe<const F extends string>(
    filter: F | readonly F[],
    options?: SubscribeOptions,
    handler?: MessageHandler<TopicParams<F>>,
  ): Promise<Subscription<TopicParams<F>>>;

  /**
   * Ends every subscription of these filters. Resolves with the server's reason codes, one for each filter: 0x00 done,
   * 0x11 there was none, 0x80 and above refused. While a kept session waits for a connection, so does the promise.
   * Rejects with `invalidArgument`, `timeout`, `aborted`, `clientClosed`.
   */
  unsubscribe(
    filter: string | readonly string[],
    options?: UnsubscribeOptions,
  ): Promise<readonly number[]>;

  /**
   * Starts a re-authentication (5.0, with the option `authentication`). Resolves when the server accepted it. Rejects
   * with `invalidArgument` without that option or while another is under way; when the connection ends first, with the
   * reason for that: `notAuthorized` and the like in the server's own words, or `connectionLost`.
   */
  reauthenticate(): Promise<void>;

  /**
   * Ends the client: takes no new work, waits up to `timeoutMs` for what is under way, says DISCONNECT and closes. Does
   * not wait for handlers. Always settles, and tells what was left; a second call returns the same promise. Rejects
   * with `storeFailed` when the session store cannot be closed.
   */
  close(options?: CloseOptions): Promise<CloseResult>;

  /**
   * Listens to an event. Returns a function that removes the listener; aborting `signal` does so too. What a listener
   * throws goes to the `error` listeners.
   */
  on<K extends keyof ClientEvents>(
    event: K,
    listener: ClientEvents[K],
    options?: { readonly signal?: AbortSignal },
  ): () => void;
}
