import type {
  Batch,
  CancelResult,
  ConnectRequest,
  Delivery,
  DisconnectRequest,
  Now,
  OutgoingMessage,
  SessionSnapshot,
  SubscribeRequest,
  Ticket,
  UnsubscribeRequest,
  Urgent,
} from './batch.ts';

export interface QueueLimits {
  /** Most messages accepted and not yet sent. */
  readonly maximumMessages: number;
  /** Most bytes (payload, topic and properties) of them. */
  readonly maximumBytes: number;
  /** Queued longer than this they fail with `expired`; `Infinity`: no limit. */
  readonly maximumAgeMs: number;
  /**
   * What happens when the queue is full. `reject`: `publish` fails with `queueFull`. `dropOldest`: the oldest unsent
   * one fails with `queueFull` instead. `latestPerTopic`: the latest unsent message of the same topic fails with
   * `queueFull` and the new one is queued; else as `reject`.
   * (`wait` is the caller's: it holds messages back until `queueRoom`.)
   */
  readonly overflow: 'reject' | 'dropOldest' | 'latestPerTopic';
  /** Whether a QoS 0 message is queued while there is no connection; else it fails with `connectionLost`. */
  readonly queueQos0: boolean;
  /** Own bound on unacknowledged QoS 1 and 2 messages, below the server's Receive Maximum. */
  readonly inFlight: number;
}

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
}

/**
 * The client side of MQTT as a pure state machine.
 *
 * Bytes, requests and the current time go in; batches and one next deadline come out. Every input may be given at any
 * time, in any order and again: a spurious one does nothing. No input throws on anything that came from the network.
 * After each input (or a few of one turn) take the urgent output, then batches until there is none.
 */
export declare class ClientEngine {
  constructor(options: EngineOptions);
  /** When `deadlineReached` is wanted, in monotonic milliseconds; `Infinity`: not at all. */
  readonly nextDeadlineMs: number;
  /** Bytes encoded for the next batch: past some 64 KiB flush at once. */
  readonly pendingBytes: number;
  /** The number of the current connection, until its transport is closed; 0 between connections. */
  readonly connection: number;
  /** Requests or messages of ours await an answer from the server (PINGREQ does not count). */
  readonly awaitingAnswer: boolean;
  /** Received QoS 1 and 2 messages not yet acknowledged have reached the inbox bounds: reading should pause. */
  readonly inboxFull: boolean;
  /** Messages accepted and unsent, and their bytes. */
  readonly queued: { readonly messages: number; readonly bytes: number };

  /** Rebuilds the session from a store. Once, before the first `connect`. */
  restore(snapshot: SessionSnapshot, now: Now): void;
  /** Starts an attempt: its number is `connection` from now on. CONNECT itself is made by `transportOpened`. */
  connect(request: ConnectRequest, now: Now): void;
  transportOpened(now: Now): void;
  /** The current connection's transport is gone. */
  transportClosed(now: Now): void;
  /** Whether the transport takes more bytes. While it does not, PUBLISH packets stay in the queue. */
  transportWritable(writable: boolean, now: Now): void;
  /** Reading is paused or goes on: liveness is not judged in between. */
  readingPaused(paused: boolean, now: Now): void;
  /** Bytes of the current connection, kept by reference: they must not change afterwards. */
  receive(chunk: Uint8Array, now: Now): void;
  /** Bytes of the current connection went out: moves the keep-alive. */
  written(now: Now): void;
  deadlineReached(now: Now): void;

  /** `withNextBatch` for a QoS 0 message already encoded; otherwise a `published` event follows, once. */
  publish(message: OutgoingMessage, now: Now): Ticket;
  /** One SUBSCRIBE. Before CONNACK it waits, or is pipelined; a `subscribed` event follows, once. */
  subscribe(request: SubscribeRequest, now: Now): Ticket;
  unsubscribe(request: UnsubscribeRequest, now: Now): Ticket;
  cancel(ticket: Ticket, now: Now): CancelResult;
  /** The handler has done with a message; 0x80 and above refuses it (5.0). Goes out in order of arrival. */
  acknowledge(delivery: Delivery, reasonCode: number, now: Now): void;
  /** The answer to an `authentication` event of 0x18; at any other time after CONNACK the start of a re-authentication. */
  authenticate(data: Uint8Array | undefined, now: Now): void;
  /** DISCONNECT, then close: in the next batch, after everything encoded before. */
  disconnect(request: DisconnectRequest, now: Now): void;

  takeBatch(): Batch | undefined;
  takeUrgent(): Urgent | undefined;
}
