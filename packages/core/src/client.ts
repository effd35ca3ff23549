import type { Negotiated } from '@mqtt-kit/engine';
import type { Packet, Properties } from '@mqtt-kit/packet';
import type { Clock } from './clock.ts';
import type { MqttError } from './errors.ts';
import type { Message } from './message.ts';
import type {
  CloseOptions,
  ConnectOptions,
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
}

/** What became of a message. */
export interface PublishResult {
  /** 0x00 or 0x10 (no matching subscribers); `undefined` at QoS 0, where nobody answers. */
  readonly reasonCode: number | undefined;
  readonly properties: Properties;
  /** How often it was put on a wire. */
  readonly attempts: number;
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
}

export interface ClientEvents {
  status: (status: Status) => void;
  /** What no promise tells: a handler that threw, a connection lost, a store that failed. */
  error: (error: MqttError) => void;
  /** A message that no subscription of this client matches. */
  unmatched: (message: Message) => void;
  /** The server had forgotten the session. */
  sessionLost: (what: {
    readonly resent: number;
    readonly assumedDelivered: number;
    readonly rejected: number;
  }) => void;
  /** A session of an earlier life, unknown here, was thrown away at the server (`foreignSession: 'reset'`). */
  sessionDiscarded: () => void;
  /** With `trace` alone. */
  packet: (direction: 'sent' | 'received', packet: Packet) => void;
}

/** A client: made by `connect`. A closed one stays closed. */
export interface MqttClient extends AsyncDisposable {
  readonly status: Status;
  readonly connected: boolean;
  /** As given, made up, or assigned by the server. */
  readonly clientId: string;
  /** What the server allows on the current connection; `undefined` between connections. */
  readonly server: Negotiated | undefined;
  /** Messages accepted and unsent, and their bytes. */
  readonly queued: { readonly messages: number; readonly bytes: number };

  publish(topic: string, payload: Payload, options?: PublishOptions): PublishPromise;

  subscribe<const F extends string>(
    filter: F,
    handler: MessageHandler<TopicParams<F>>,
  ): Promise<Subscription<TopicParams<F>>>;
  subscribe<const F extends string>(
    filter: F | readonly F[],
    options?: SubscribeOptions,
    handler?: MessageHandler<TopicParams<F>>,
  ): Promise<Subscription<TopicParams<F>>>;

  /** Ends every subscription of these filters. Resolves with the server's reason codes, one for each filter. */
  unsubscribe(
    filter: string | readonly string[],
    options?: UnsubscribeOptions,
  ): Promise<readonly number[]>;

  /** Starts a re-authentication (5.0, with `authentication`). Resolves when the server accepted it. */
  reauthenticate(): Promise<void>;

  close(options?: CloseOptions): Promise<CloseResult>;

  /** Returns a function that removes the listener. */
  on<K extends keyof ClientEvents>(
    event: K,
    listener: ClientEvents[K],
    options?: { signal?: AbortSignal },
  ): () => void;
}

/** Connects with what an environment brings. `mqtt-kit` binds it to its runtime as `connect`. */
export declare function connectWith(
  environment: Environment,
  url: string | URL,
  options?: ConnectOptions,
): Promise<MqttClient>;
