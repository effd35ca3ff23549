import type { QoS, UserProperty } from '@mqtt-kit/packet';
import type { SessionStore } from './session-store.ts';
import type { TlsOptions, WebSocketOptions } from './transport.ts';

/** What `publish` takes: bytes and text as they are, plain objects and arrays as JSON. */
export type Payload =
  | string
  | Uint8Array
  | ArrayBuffer
  | DataView
  | readonly unknown[]
  | Readonly<Record<string, unknown>>;

/** The 5.0 properties of a message. */
export interface MessageProperties {
  /** 1 says that the payload is UTF-8 text. */
  readonly payloadFormatIndicator?: 0 | 1;
  /** The server drops it when it could not be delivered for so long; so do we while it is queued. */
  readonly messageExpirySeconds?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: readonly UserProperty[];
}

/** The message that the server publishes when this client goes away without a word (3.1.2.5). */
export interface WillOptions extends MessageProperties {
  readonly topic: string;
  /** At most 65,535 bytes. Default empty. */
  readonly payload?: Payload;
  readonly qos?: QoS;
  readonly retain?: boolean;
  /** 5.0: how long the server waits for us to come back before it publishes. */
  readonly delaySeconds?: number;
}

/** What an attempt to connect is: handed to `will` and `credentials` when they are functions. */
export interface ConnectAttempt {
  readonly attempt: number;
  readonly server: string;
}

/** A user name and a password. Under 3.1.1 a password needs a user name. */
export interface Credentials {
  readonly username?: string;
  readonly password?: string | Uint8Array;
}

/** Enhanced authentication (5.0, 4.12). */
export interface AuthenticationOptions {
  readonly method: string;
  /** Authentication Data of CONNECT. */
  start?(attempt: ConnectAttempt): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Answers a challenge. */
  respond(data: Uint8Array | undefined): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** When to connect again, and for how long. */
export interface ReconnectOptions {
  /** Longest first wait; the wait is a random part of it, and it grows with each round. Default 100. */
  readonly minDelayMs?: number;
  /** What it grows to. Default 30,000. */
  readonly maxDelayMs?: number;
  /** By how much it grows. Default 2. */
  readonly factor?: number;
  /** Attempts in a row after which the client gives up, and closes with the last reason. Default Infinity. */
  readonly maxAttempts?: number;
  /** Also keep trying when the first attempt fails, until `signal` aborts or `maxAttempts` are made. Default false. */
  readonly initial?: boolean;
}

/** Bounds on messages that were accepted and are not sent: while there is no connection, or the server takes no more. */
export interface QueueOptions {
  /** Most messages accepted and unsent. Default 10,000. */
  readonly maxMessages?: number;
  /** Most bytes of them. Default 67,108,864. */
  readonly maxBytes?: number;
  /** Longest time in the queue. Default Infinity. */
  readonly maxAgeMs?: number;
  /**
   * What happens to a message that finds the queue full. `reject`: it fails with `queueFull`. `dropOldest`: the oldest
   * unsent one does. `wait`: its promise waits for room. `latestPerTopic`: the oldest
   * unsent ones of the same topic give way.
   * Default `reject`.
   */
  readonly overflow?: 'reject' | 'dropOldest' | 'wait' | 'latestPerTopic';
  /** Whether QoS 0 messages wait for a connection too. Default true. */
  readonly queueQos0?: boolean;
  /**
   * Most unacknowledged QoS 1 and 2 messages of ours; the server's Receive Maximum binds below it. Default 65,535;
   * under 3.1.1, where a server cannot say what it takes, 20: some confirm more QoS 2 messages than they keep.
   */
  readonly inFlight?: number;
}

/** Everything that `connect` can be told. Unknown names are errors. */
export interface ConnectOptions {
  /** `'auto'`: 5.0 first, once more with 3.1.1 when the server does not speak it. */
  readonly version?: 'auto' | '5.0' | '3.1.1';
  /** Default: random, 96 bits. */
  readonly clientId?: string;
  /** Default true. `false` keeps the session and needs a `clientId`. */
  readonly cleanStart?: boolean;
  /** 5.0. Default 0; with `cleanStart: false` 7 days. `Infinity` or 4,294,967,295: never. */
  readonly sessionExpirySeconds?: number;
  /** 0 to 65,535; 0 turns keep-alive off. Default 60. */
  readonly keepAliveSeconds?: number;
  /** One deadline for an attempt, over credentials, DNS, connect, TLS, WebSocket and CONNACK. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Default: what stands in the URL. Under 3.1.1 a password needs a user name. */
  readonly username?: string;
  readonly password?: string | Uint8Array;
  /** Asked at each attempt; takes the place of `username` and `password`. */
  readonly credentials?: (attempt: ConnectAttempt) => Credentials | Promise<Credentials>;
  readonly authentication?: AuthenticationOptions;
  /** Published by the server when this client goes away without a word. A function is asked at each attempt. */
  readonly will?:
    | WillOptions
    | ((attempt: ConnectAttempt) => WillOptions | undefined | Promise<WillOptions | undefined>);
  readonly tls?: TlsOptions;
  readonly webSocket?: WebSocketOptions;
  /**
   * Further URLs of the same service, tried in turn after the first, all of them before anybody waits. One that fails
   * again and again is tried less often, until a connection to it was good. With credentials in these options all are
   * encrypted, or none.
   */
  readonly servers?: readonly string[];
  /**
   * What to do when a 5.0 server sends us to another one (reason codes 0x9C and 0x9D). `report`: the client stops with
   * `serverRefused`, whose hint and `properties.serverReference` say where to. `follow`: it goes there with the same
   * credentials, but never out of encryption, at most five times in a row, and for 0x9C for one connection only. The
   * `reconnecting` status tells. Default `report`.
   */
  readonly redirects?: 'report' | 'follow';
  /** `false`: no reconnection. */
  readonly reconnect?: boolean | ReconnectOptions;
  readonly queue?: QueueOptions;
  /** Bounds on received messages that wait for their handlers. Default 10,000 messages, 64 MiB. */
  readonly inbox?: { readonly maxMessages?: number; readonly maxBytes?: number };
  /** Keeps the session beyond a connection. A durable one implies `cleanStart: false`. Default: in memory. */
  readonly store?: SessionStore;
  /**
   * What to do when the store fails to keep something, as on a full disk. Nothing of that is sent or acknowledged, and
   * the connection ends in both cases. Default `stop`.
   *
   * `stop`: the client closes with `storeFailed`. What was not stored rejects with that.
   *
   * `rebuild`: the client closes the store and opens it again, with the delays and limits of `reconnect`, which must
   * not be off, and goes on with what the store then holds. The `error` event tells each failure. A message that the
   * store turns out to have keeps its promise, any other rejects with `storeFailed`, or with `outcomeUnknown` when it
   * had been stored and the store has lost it; both when the store is open again. Until then `publish` rejects with
   * `storeFailed` at once, with `queue.overflow: 'wait'` it waits. Subscriptions stay, and what handlers are working on
   * is not handed over again, except at QoS 1 without a durable store. A store that is damaged stops the client.
   */
  readonly onStoreFailure?: 'stop' | 'rebuild';
  /**
   * What to do with a session that the server kept and this client knows nothing of. Default `reset`.
   *
   * `reset` throws it away, with what the server kept in it, and begins a new one; event `sessionDiscarded`.
   *
   * `adopt` takes it over: its messages come; event `sessionAdopted`. Its past may hold packet identifiers at QoS 2
   * that the server would take a new message for an old one by, so publishing at QoS 2 fails with `serverLimit` until
   * the server begins a new session.
   *
   * `error` closes the client with `sessionLost`.
   */
  readonly foreignSession?: 'reset' | 'adopt' | 'error';
  /**
   * What becomes of QoS 2 messages that were sent and not confirmed when the server has forgotten the session: it may
   * have delivered them or not. `resend` sends them again as new messages, so that some may arrive twice; `reject`
   * rejects their promises with `sessionLost`, so that some may be missing. QoS 1 messages are sent again in any case.
   * The event `sessionLost` has the counts, and `sessionLost` in the result of each publish tells. Default `resend`.
   */
  readonly lostSession?: 'resend' | 'reject';
  /** `false`: `connect` resolves at once and connects in the background. Default true. */
  readonly waitForConnection?: boolean;
  /** Ends the attempt to connect. Without effect once there was a connection. */
  readonly signal?: AbortSignal;
  /** Whether topics that recur are replaced by aliases where a 5.0 server allows it. Default true. */
  readonly topicAliases?: boolean;
  /**
   * Whether each subscription has a Subscription Identifier where a 5.0 server knows them: of several copies of a
   * message, which servers may send for filters that overlap, each then reaches its own handler alone. `false` for a
   * client with one subscription: SUBSCRIBE then needs nothing that is not known before the server accepts the
   * connection, and with `waitForConnection: false` and `cleanStart` leaves in one write with CONNECT. Default true.
   */
  readonly subscriptionIdentifiers?: boolean;
  /** Reports every packet by the `packet` event. Default false. */
  readonly trace?: boolean;

  /** Most QoS 1 and 2 messages that the server may have unacknowledged. Default 1,000. */
  readonly receiveMaximum?: number;
  /** Largest packet taken, in bytes. Default 16 MiB. */
  readonly maximumPacketSize?: number;
  /** Topic aliases the server may use. Default 16. */
  readonly topicAliasMaximum?: number;
  readonly requestResponseInformation?: boolean;
  readonly requestProblemInformation?: boolean;
  /** User Properties of CONNECT. */
  readonly userProperties?: readonly UserProperty[];
}

/** How a message is published. */
export interface PublishOptions extends MessageProperties {
  /** Default 0. */
  readonly qos?: QoS;
  /** Default false. */
  readonly retain?: boolean;
  /** Gives the message up: it is withdrawn if it has not left. */
  readonly signal?: AbortSignal;
  /** As `signal`, after a time. */
  readonly timeoutMs?: number;
}

/** What the server is to send, and how it is handed over. */
export interface SubscribeOptions {
  /** Highest QoS at which messages are sent to us. Default 0. */
  readonly qos?: QoS;
  /** 5.0: not what this client published itself. */
  readonly noLocal?: boolean;
  /** 5.0: keep the retain flag as it was published. */
  readonly retainAsPublished?: boolean;
  /** 5.0. Default `always`. */
  readonly retainHandling?: 'always' | 'ifNew' | 'never';
  readonly userProperties?: readonly UserProperty[];
  /** Messages an asynchronous handler may work on at once. Default 1. */
  readonly concurrency?: number;
  /** Messages buffered for an iterator. Default 1,000. */
  readonly bufferSize?: number;
  /**
   * What happens when that buffer is full. `pause`: QoS 1 and 2 messages are kept and not acknowledged, so that the
   * server stops sending; for QoS 0 reading pauses. Default `pause` for QoS 1 and 2, `dropOldest` for QoS 0.
   */
  readonly overflow?: 'pause' | 'dropOldest' | 'dropNewest';
  /**
   * What a crash between handling a QoS 1 or 2 message and telling so means. Default `at-least-once`.
   *
   * `at-least-once`: the message is finished when it was handled; after a crash before that it comes again, with the
   * same `deliveryId` and `redelivered` set, from a durable store.
   *
   * `at-most-once`: the message is finished before it is handed over: with a durable store when that has recorded it,
   * with a memory store when PUBACK or PUBREC was sent. A crash, or a close, in between loses the message; nothing
   * repeats it. Such a handler is called behind all other handlers of the same message. With a durable store messages
   * leave it one by one, as the handler gets to them. With a memory store they are acknowledged as they arrive, in order,
   * and then wait for their handler as those of QoS 0 do, within the bounds of `inbox`; a crash loses those that wait, and
   * when the connection ends before the acknowledgement left, all handlers of the message see it again.
   *
   * `transactional`: as `at-least-once`, but before a redelivered message is handed over `seen` is asked, and when it
   * answers true the message is finished without. For applications that keep `message.deliveryId` together with what
   * the message led to, in one transaction of their own.
   *
   * All three are about this side alone. At QoS 1 the server may send a message twice, when an acknowledgement is lost,
   * which then is another message with another `deliveryId`; at QoS 2 it may not.
   */
  readonly delivery?: 'at-least-once' | 'at-most-once' | 'transactional';
  /**
   * With `delivery: 'transactional'`, which needs it: whether the application has handled this message. When it throws
   * or rejects, the `error` event tells, and the message is left for redelivery.
   */
  readonly seen?: (deliveryId: number) => boolean | Promise<boolean>;
  /**
   * `manual`: QoS 1 and 2 messages are acknowledged by `message.acknowledge()`, at any later time, and the handler gets
   * the next one meanwhile. One that is never acknowledged keeps its place: within `receiveMaximum`, and PUBACK or
   * PUBREC of later messages wait behind it; when that is reached the server sends no more, until the connection ends,
   * and then it sends them again. With a durable store it keeps its place in `inbox`, and comes again after the next
   * start. What waits for a handler when the subscription ends is acknowledged; what an iterator holds then is not.
   * Default `automatic`.
   */
  readonly acknowledge?: 'automatic' | 'manual';
  /**
   * What becomes of a QoS 1 or 2 message whose handler throws or rejects, besides the `error` event. Default
   * `acknowledge`: it counts as handled.
   *
   * `reject`: the server is told `rejectReasonCode`, and does not send it again. For 5.0, without a durable store.
   *
   * `redeliver`: it is not acknowledged and keeps its place (within `receiveMaximum`, or with a durable store within
   * `inbox`), so that many of them stop the server. It comes again, to all handlers it concerns: with a memory store
   * after the next connection, with a durable store after the next start of a client with that store.
   *
   * Several handlers of one message: when one wants it again it comes again; otherwise, when one rejects it, it is
   * rejected with the reason code of the first to do so.
   */
  readonly handlerFailure?: 'acknowledge' | 'reject' | 'redeliver';
  /** With `handlerFailure: 'reject'`: 0x80, 0x83, 0x87, 0x90, 0x91, 0x97 or 0x99. Default 0x83. */
  readonly rejectReasonCode?: number;
  /** Ends the call, and later the subscription. */
  readonly signal?: AbortSignal;
  /** How long to wait for the server's answer. */
  readonly timeoutMs?: number;
}

/** How a subscription is ended. */
export interface UnsubscribeOptions {
  readonly userProperties?: readonly UserProperty[];
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** How a client is closed. */
export interface CloseOptions {
  /** How long to wait for what is under way. Default 5,000; 0: not at all. */
  readonly timeoutMs?: number;
  /** 5.0. Default 0x00; 0x04 lets the will be published. */
  readonly reasonCode?: number;
  readonly reasonString?: string;
  /** 5.0: replaces the expiry given at connection. */
  readonly sessionExpirySeconds?: number;
  readonly userProperties?: readonly UserProperty[];
}
