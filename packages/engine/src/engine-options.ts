/** Bounds on messages that wait to be sent for the first time. */
export interface QueueLimits {
  /** Most messages accepted and not yet sent. */
  readonly maximumMessages: number;
  /** Most bytes (payload, topic and properties) of them. */
  readonly maximumBytes: number;
  /** Queued longer than this they fail with `expired`; `Infinity`: no limit. */
  readonly maximumAgeMs: number;
  /**
   * What happens when the queue is full. `reject`: `publish` fails with `queueFull`. `dropOldest`: the oldest unsent
   * one fails with `queueFull` instead. `latestPerTopic`: the oldest unsent messages of the same topic fail with
   * `queueFull` and the new one is queued; else as `reject`.
   * (`wait` is the caller's: it holds messages back until `queueRoom`.)
   */
  readonly overflow: 'reject' | 'dropOldest' | 'latestPerTopic';
  /** Whether a QoS 0 message is queued while there is no connection; else it fails with `connectionLost`. */
  readonly queueQos0: boolean;
  /** Own bound on unacknowledged QoS 1 and 2 messages, below the server's Receive Maximum. */
  readonly inFlight: number;
}

/** What is decided once for the life of an engine. */
export interface EngineOptions {
  readonly queue: QueueLimits;
  /** Bounds on received QoS 1 and 2 messages that are not yet acknowledged; they bind where no Receive Maximum does (3.1.1). */
  readonly inbox: { readonly maximumMessages: number; readonly maximumBytes: number };
  /** Whether batches carry operations. Without a store that keeps them they are not made. */
  readonly recordOperations: boolean;
  /** `handler`: PUBACK and PUBREC follow `acknowledge`. `commit`: they follow the commit of `in`, in its batch. */
  readonly acknowledgeAfter: 'handler' | 'commit';
  /** Whether a session that the server kept and we know nothing of is taken over ('adopt') or ends the connection. */
  readonly foreignSession: 'refuse' | 'adopt';
  /** What becomes of a QoS 2 message that was sent and not confirmed when the server forgot the session. */
  readonly lostSessionQos2: 'resend' | 'reject';
  /** How long an answer to PINGREQ may take after the last byte received. */
  readonly pingTimeoutMs: number;
  /** Whether topics are replaced by aliases where the server allows them. */
  readonly useTopicAliases: boolean;
  /** Whether `packet` events are made. */
  readonly trace: boolean;
  /**
   * The number of the first received message, where the store holds none that is higher. One that grows with the time
   * keeps the numbers of a new store apart from those that an application remembers of an older one. Default 1.
   */
  readonly firstDelivery?: number;
  /**
   * Whether PUBLISH packets wait for `publishingMayBegin` when CONNACK said that the session is new: whoever hears of
   * the connection can then subscribe before what was queued goes out, and misses none of it. Default false.
   */
  readonly subscribeFirst?: boolean;
}
