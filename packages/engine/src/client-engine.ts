import { clientPacketSize, MalformedPacketError, PacketType, ReasonCode } from '@mqtt-kit/packet';
import type { Batch, Urgent } from './batch.ts';
import { ProtocolBreach } from './breach.ts';
import type { Connection } from './connection.ts';
import { ConnectionPhases } from './connection-phase.ts';
import type { EngineOptions } from './engine-options.ts';
import { IncomingPublish } from './incoming-publish.ts';
import { OutgoingPublish } from './outgoing-publish.ts';
import { Output } from './output.ts';
import { ReceivedPackets } from './received-packets.ts';
import type {
  CancelResult,
  ConnectRequest,
  Delivery,
  DisconnectRequest,
  Now,
  OutgoingMessage,
  SubscribeRequest,
  Ticket,
  TransportEnd,
  UnsubscribeRequest,
} from './request.ts';
import type { SessionSnapshot } from './session-operation.ts';
import { SessionState } from './session-state.ts';
import type { Shared } from './shared.ts';
import { SubscribeRequests } from './subscribe-requests.ts';

/**
 * The client side of MQTT as a pure state machine.
 *
 * Bytes, requests and the current time go in; batches and one next deadline come out. Every input may be given at any
 * time, in any order and again: a spurious one does nothing. No input throws on anything that came from the network.
 * After each input (or a few of one turn) take the urgent output, then batches until there is none.
 *
 * This class knows which input concerns whom, `received-packets.ts` which packet; what becomes of it is the parts'
 * business.
 */
export class ClientEngine {
  readonly #shared: Shared;
  readonly #outgoing: OutgoingPublish;
  readonly #incoming: IncomingPublish;
  readonly #requests: SubscribeRequests;
  readonly #phases: ConnectionPhases;
  readonly #received: ReceivedPackets;
  #begun = false;

  constructor(options: EngineOptions) {
    this.#shared = {
      options,
      session: new SessionState(options.queue, options.firstDelivery ?? 1),
      output: new Output(options.recordOperations, options.trace),
      connection: undefined,
    };
    this.#outgoing = new OutgoingPublish(this.#shared);
    this.#incoming = new IncomingPublish(this.#shared);
    this.#requests = new SubscribeRequests(this.#shared);
    this.#phases = new ConnectionPhases(
      this.#shared,
      this.#outgoing,
      this.#incoming,
      this.#requests,
    );
    this.#received = new ReceivedPackets(
      this.#shared,
      this.#outgoing.acknowledgements,
      this.#incoming,
      this.#requests,
      this.#phases,
    );
  }

  /** When `deadlineReached` is wanted, in monotonic milliseconds; `Infinity`: not at all. */
  get nextDeadlineMs(): number {
    const { connection, session } = this.#shared;
    const queueMs = session.queue.deadlineMs;
    const { keepAlive } = connection ?? {};
    if (keepAlive === undefined || connection?.phase !== 'connected') return queueMs;
    return Math.min(queueMs, keepAlive.deadlineMs, connection.poisonWatch.deadlineMs);
  }

  /** Bytes encoded for the next batch: past some 64 KiB flush at once. */
  get pendingBytes(): number {
    const { connection } = this.#shared;
    return connection === undefined || connection.phase === 'opening'
      ? 0
      : connection.encoder.pendingBytes;
  }

  /** Batches to be taken before the one that carries what is asked for now. */
  get batchesAhead(): number {
    return this.#shared.output.sealedBatches;
  }

  /** The number of the current connection, until its transport is closed; 0 between connections. */
  get connection(): number {
    return this.#shared.connection?.number ?? 0;
  }

  /** Requests or messages of ours await an answer from the server (PINGREQ does not count). */
  get awaitingAnswer(): boolean {
    const { connection } = this.#shared;
    if (connection === undefined || connection.phase === 'over') return false;
    return (
      connection.phase !== 'connected' ||
      connection.unacknowledged > 0 ||
      connection.requests.size > 0 ||
      connection.authentication.awaitsServer
    );
  }

  /** Received QoS 1 and 2 messages not yet acknowledged have reached the inbox bounds: reading should pause. */
  get inboxFull(): boolean {
    return this.#incoming.inboxFull;
  }

  /** Memory for the next bytes of the current connection, where a large packet is under way: see `StreamDecoder.space`. */
  get receiveSpace(): Uint8Array | undefined {
    return this.#shared.connection?.decoder.space;
  }

  /** Messages accepted and unsent, and their bytes. */
  get queued(): { readonly messages: number; readonly bytes: number } {
    const { messages, bytes } = this.#shared.session.queue;
    return { messages, bytes };
  }

  /** Rebuilds the session from a store. Once, before the first `connect`. */
  restore(snapshot: SessionSnapshot, now: Now): void {
    if (this.#begun) throw new Error('restore: only once, before the first connect');
    this.#begun = true;
    const { session, options } = this.#shared;
    const redeliveries = session.restore(snapshot, options.acknowledgeAfter === 'commit', now);
    this.#incoming.redeliver(redeliveries);
  }

  /**
   * Goes on where another engine of the same session stopped: no number that it gave away is given again. Once, after
   * `restore` and before the first `connect`.
   */
  succeed(previous: ClientEngine): void {
    this.#shared.session.numberAfter(previous.#shared.session);
    this.#phases.numberAfter(previous.#phases);
  }

  /**
   * Starts an attempt: its number is `connection` from now on. CONNECT leaves with `transportOpened`.
   * @throws InvalidPacketError when a field of the request cannot be put on the wire
   */
  connect(request: ConnectRequest, now: Now): void {
    const { connection } = this.#shared;
    if (connection !== undefined && connection.phase !== 'over') {
      throw new Error(`connect: connection ${connection.number} has not ended yet`);
    }
    this.#phases.begin(request, now);
    this.#begun = true;
  }

  transportOpened(now: Now): void {
    const { connection } = this.#shared;
    if (connection?.phase !== 'opening') return;
    this.#phases.opened(connection, now);
    this.#pump(now);
  }

  /**
   * The current connection's transport is gone, by whose doing is told: a server closes at what it refuses.
   */
  transportClosed(now: Now, by: TransportEnd = 'ourselves'): void {
    const { connection } = this.#shared;
    if (connection === undefined) return;
    this.#phases.transportClosed(connection, now, by);
    this.#shared.connection = undefined;
  }

  /** With `subscribeFirst`: the `connected` event was heard, and subscriptions that depend on it are asked for. */
  publishingMayBegin(now: Now): void {
    const { connection } = this.#shared;
    if (connection === undefined) return;
    connection.publishingHeld = false;
    this.#pump(now);
  }

  /** Whether the transport takes more bytes. While it does not, PUBLISH packets stay in the queue. */
  transportWritable(writable: boolean, now: Now): void {
    const { connection } = this.#shared;
    if (connection === undefined) return;
    connection.writable = writable;
    if (writable) this.#pump(now);
  }

  /** Reading is paused or goes on: liveness is not judged in between. */
  readingPaused(paused: boolean, now: Now): void {
    const { connection } = this.#shared;
    if (connection === undefined) return;
    connection.readingPaused = paused;
    connection.keepAlive?.readingPaused(paused, now.monotonicMs);
  }

  /** Bytes of the current connection, kept by reference: they must not change afterwards. */
  receive(chunk: Uint8Array, now: Now): void {
    const { connection } = this.#shared;
    if (connection === undefined) return;
    if (connection.phase === 'over') {
      this.#phases.farewell(connection, chunk);
      return;
    }
    connection.received(chunk, now.monotonicMs);
    try {
      connection.decoder.push(chunk);
      let packet = connection.decoder.next();
      while (packet !== undefined) {
        this.#received.take(packet, connection, now);
        if (isOver(connection)) return;
        packet = connection.decoder.next();
      }
    } catch (error) {
      if (!(error instanceof ProtocolBreach || error instanceof MalformedPacketError)) throw error;
      this.#phases.breach(connection, error.reasonCode, error.message, now);
      return;
    }
    this.#pump(now);
  }

  /** Bytes of the current connection went out: moves the keep-alive. */
  written(now: Now): void {
    const { connection } = this.#shared;
    if (connection === undefined) return;
    connection.lastSentMs = now.monotonicMs;
    connection.keepAlive?.sent(now.monotonicMs);
    connection.poisonWatch.written(now.monotonicMs);
    this.#pump(now);
  }

  /** Asks the server at once for a sign of life, where something may have ended the connection without a word. */
  probe(now: Now): void {
    const { connection } = this.#shared;
    if (connection?.phase !== 'connected') return;
    if (connection.keepAlive?.probe(now.monotonicMs)) this.#ping(connection);
  }

  deadlineReached(now: Now): void {
    const { connection } = this.#shared;
    this.#outgoing.expire(now);
    if (connection?.phase !== 'connected' || connection.keepAlive === undefined) return;
    const due = connection.keepAlive.check(now.monotonicMs);
    if (due === 'dead') {
      // Before anything is put on a wire that nobody reads: it would count as sent.
      this.#phases.dead(connection, connection.keepAlive.silentMs(now.monotonicMs), now);
      return;
    }
    if (due === 'ping') {
      this.#shared.session.keptPayloads.takeAll();
      this.#ping(connection);
    }
    if (connection.poisonWatch.isOver(now.monotonicMs)) this.#pump(now);
  }

  /** `withNextBatch` for a QoS 0 message already encoded; otherwise a `published` event follows, once. */
  publish(message: OutgoingMessage, now: Now): Ticket {
    return this.#outgoing.publish(message, now);
  }

  /**
   * One SUBSCRIBE. Before CONNACK it waits, over failed attempts, too, or is pipelined. A `subscribed` event follows,
   * once: at the latest when the connection ends that stood at the time of the request, or was the first to stand after.
   */
  subscribe(request: SubscribeRequest, _now: Now): Ticket {
    return this.#requests.subscribe(request);
  }

  unsubscribe(request: UnsubscribeRequest, _now: Now): Ticket {
    return this.#requests.unsubscribe(request);
  }

  /** Whether a message was accepted and was never on a wire. */
  isQueued(ticket: Ticket): boolean {
    return this.#outgoing.isQueued(ticket);
  }

  /** Whether a message of QoS 1 or 2, or one that waits, has no outcome yet. */
  isPending(ticket: Ticket): boolean {
    return this.#outgoing.isPending(ticket);
  }

  cancel(ticket: Ticket, _now: Now): CancelResult {
    const result = this.#requests.cancel(ticket);
    return result === 'unknown' ? this.#outgoing.cancel(ticket) : result;
  }

  /**
   * The handler has done with a message; 0x80 and above refuses it (5.0). Goes out in order of arrival.
   * @param tell whether a `settled` event is to follow, once
   * @throws RangeError when the reason code is none of PUBACK and PUBREC
   */
  acknowledge(delivery: Delivery, reasonCode: number, _now: Now, tell = false): void {
    // [MQTT-3.4.2-1] [MQTT-3.5.2-1]
    if (reasonCode !== ReasonCode.success && !acknowledgeReasonCodes.has(reasonCode)) {
      throw new RangeError(
        `acknowledge: reason code ${reasonCode} is none of ${[...acknowledgeReasonCodes].join(', ')}`,
      );
    }
    // Nothing of ours waits for it, so nothing is to be pumped.
    this.#incoming.acknowledge(delivery, reasonCode, tell);
  }

  /**
   * The answer to an `authentication` event of 0x18; at any other time after CONNACK the start of a re-authentication.
   * Without a connection it does nothing.
   * @throws Error when CONNECT had no Authentication Method, or it is the server's turn
   */
  authenticate(data: Uint8Array | undefined, _now: Now): void {
    const { connection, output } = this.#shared;
    if (connection === undefined || connection.phase === 'over' || connection.phase === 'opening') {
      return;
    }
    const packet = connection.authentication.authPacket(data);
    const size = clientPacketSize(packet, connection.request.version);
    const { maximumPacketSize } = connection.negotiated;
    if (size > maximumPacketSize) {
      throw new Error(
        `authenticate: AUTH has ${size} bytes, the server takes at most ${maximumPacketSize}`,
      );
    }
    connection.encoder.encode(packet);
    connection.authentication.authSent();
    if (output.tracing) output.tracePacket('sent', packet);
  }

  /**
   * DISCONNECT, then close: in the next batch, after everything encoded before. Before the transport is open only the
   * attempt ends.
   * @throws Error when it asks for a Session Expiry Interval although CONNECT had none
   */
  disconnect(request: DisconnectRequest, now: Now): void {
    const { connection } = this.#shared;
    if (connection === undefined || connection.phase === 'over') return;
    this.#phases.disconnect(request, connection, now);
  }

  takeBatch(): Batch | undefined {
    const { connection, output } = this.#shared;
    const sealed = output.takeSealed();
    if (sealed !== undefined) return sealed;
    const silent = connection === undefined || connection.phase === 'opening';
    const bytes = silent || connection.encoder.pendingBytes === 0 ? [] : connection.encoder.take();
    connection?.poisonWatch.taken();
    return output.takeOpen(connection === undefined ? 0 : connection.number, bytes);
  }

  takeUrgent(): Urgent | undefined {
    return this.#shared.output.takeUrgent();
  }

  #ping(connection: Connection): void {
    this.#shared.output.urge(connection.number, pingreqBytes, false);
    if (this.#shared.output.tracing) {
      this.#shared.output.tracePacket('sent', { type: PacketType.pingreq });
    }
  }

  #pump(now: Now): void {
    this.#requests.pump();
    this.#outgoing.pump(now);
  }
}

/** Asked anew after each packet, for the compiler too. */
function isOver(connection: Connection): boolean {
  return connection.phase === 'over';
}

const pingreqBytes = [Uint8Array.of(0xc0, 0x00)];

const acknowledgeReasonCodes: ReadonlySet<number> = new Set([
  ReasonCode.success,
  ReasonCode.unspecifiedError,
  ReasonCode.implementationSpecificError,
  ReasonCode.notAuthorized,
  ReasonCode.topicNameInvalid,
  ReasonCode.packetIdentifierInUse,
  ReasonCode.quotaExceeded,
  ReasonCode.payloadFormatInvalid,
]);
