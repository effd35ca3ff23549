/**
 * What outlives a connection: the client's half of the session (4.1), and the messages that wait for it.
 *
 * Connection state is another object, replaced as a whole on each connect. Nothing here knows an alias, a quota or a
 * time-out, and nothing that is here is ever reset by a connection's end, only by the server's word that it has a new
 * session. [MQTT-4.1.0-1]
 *
 * A message of ours is in exactly one place: in `queue` until its first byte may be on a wire, then in `inFlight` until
 * it is done. `inFlight` is in the order of first sending, which is the order of sending again [MQTT-4.6.0-1].
 *
 * A received QoS 2 identifier is in `incoming` until PUBREL; a message whose handler has not done with it, and whose
 * end has to be told to the store or the server, is in `undone`. One may be in both, or in either alone.
 */
import type { ProtocolVersion } from '@mqtt-kit/packet';
import type { AcceptedMessage } from './accepted-message.ts';
import { acceptedMessage, messageBytes } from './accepted-message.ts';
import { never } from './deadlines.ts';
import type { QueueLimits } from './engine-options.ts';
import { type IncomingExchange, newExchange } from './incoming-exchange.ts';
import { KeptPayloads, noPayload } from './kept-payloads.ts';
import { LinkedList } from './linked-list.ts';
import { NumberMap } from './number-map.ts';
import { PacketIdentifiers } from './packet-identifiers.ts';
import { PublishQueue } from './publish-queue.ts';
import type { ConnectRequest, Delivery, Now, OutgoingMessage, Ticket } from './request.ts';
import type { SessionOperation, SessionSnapshot } from './session-operation.ts';

/** A stored message to hand to the application again. */
export interface Redelivery {
  readonly exchange: IncomingExchange;
  readonly message: OutgoingMessage;
}

export class SessionState {
  /** `none`: no session is shared with the server. The others as in the `session` operation. */
  standing: 'none' | 'requested' | 'established' | 'adopted' = 'none';
  clientId = '';
  serverKey = '';
  version: ProtocolVersion | undefined = undefined;
  storeEpoch = 0;
  /** What CONNACK granted last. */
  expirySeconds = 0;
  /** When the last connection ended, by the monotonic clock; `undefined` after a restart, when nobody knows. */
  endedMs: number | undefined = undefined;

  readonly queue: PublishQueue;
  readonly inFlight: LinkedList<AcceptedMessage> = new LinkedList();
  readonly keptPayloads: KeptPayloads = new KeptPayloads(this.inFlight);
  readonly identifiers: PacketIdentifiers<AcceptedMessage> = new PacketIdentifiers();
  /** QoS 0 messages that left behind a CONNECT of which nobody knows whether the server took it. */
  undecided: AcceptedMessage[] = [];
  /** What the ends in a row weigh that came at messages of ours, none of which the server had acknowledged. */
  abruptness = 0;
  /** The message that was alone on its way at some of them, at how many, and what they weigh against it. */
  suspect: AcceptedMessage | undefined = undefined;
  strikes = 0;
  suspicion = 0;
  /** Places of PUBREC packets given so far. */
  lastReleaseOrder = 0;

  readonly incoming: NumberMap<IncomingExchange> = new NumberMap();
  readonly undone: NumberMap<IncomingExchange> = new NumberMap();
  /** Bytes of the messages in `undone`. */
  undoneBytes = 0;

  #lastTicket = 0;
  #lastDelivery: Delivery;
  /** Messages up to this one came from sessions that the server has forgotten: it sends none of them again. */
  #lastForgotten: Delivery = 0;

  constructor(limits: QueueLimits, firstDelivery: Delivery) {
    this.queue = new PublishQueue(limits);
    this.#lastDelivery = firstDelivery - 1;
  }

  nextTicket(): Ticket {
    this.#lastTicket += 1;
    return this.#lastTicket;
  }

  nextDelivery(): Delivery {
    this.#lastDelivery += 1;
    return this.#lastDelivery;
  }

  /** Tickets and deliveries go on behind those of another. */
  numberAfter(previous: SessionState): void {
    this.#lastTicket = Math.max(this.#lastTicket, previous.#lastTicket);
    this.#lastDelivery = Math.max(this.#lastDelivery, previous.#lastDelivery);
  }

  /** The server has a new session. */
  forgetDeliveries(): void {
    this.#lastForgotten = this.#lastDelivery;
  }

  isForgotten(delivery: Delivery): boolean {
    return delivery <= this.#lastForgotten;
  }

  /** Whether a session with this server under this name is known to have begun. */
  isKnown(): boolean {
    return this.standing === 'established' || this.standing === 'adopted';
  }

  /** Whether there is anything that a new session of the server makes obsolete. */
  hasState(): boolean {
    return this.isKnown() || this.inFlight.size > 0 || this.incoming.size > 0;
  }

  /** Whether the server should still have the session when CONNECT leaves now. */
  isExpected(request: ConnectRequest, now: Now): boolean {
    if (request.cleanStart || !this.isKnown()) return false;
    if (this.endedMs === undefined || this.expirySeconds === 4_294_967_295) return true;
    return now.monotonicMs - this.endedMs <= this.expirySeconds * 1000;
  }

  addUndone(exchange: IncomingExchange): void {
    this.undone.set(exchange.delivery, exchange);
    this.undoneBytes += exchange.bytes;
  }

  /** The message whose handler has done with it, if it was here. */
  takeUndone(delivery: Delivery): IncomingExchange | undefined {
    const exchange = this.undone.take(delivery);
    if (exchange === undefined) return undefined;
    this.undoneBytes -= exchange.bytes;
    return exchange;
  }

  /** The `session` operation as things stand. */
  operation(): SessionOperation | undefined {
    if (this.standing === 'none' || this.version === undefined) return undefined;
    return {
      type: 'session',
      clientId: this.clientId,
      serverKey: this.serverKey,
      storeEpoch: this.storeEpoch,
      version: this.version,
      standing: this.standing,
    };
  }

  /**
   * Rebuilds the state from the operations that a store kept, in their order. What is yet to be handled by the
   * application comes back, in order of arrival.
   * @param answeredWhenStored whether PUBREC left right after the commit of `in`
   */
  restore(snapshot: SessionSnapshot, answeredWhenStored: boolean, now: Now): Redelivery[] {
    const rebuilt = new Rebuilding(this, answeredWhenStored);
    for (const operation of snapshot) rebuilt.apply(operation);
    for (const message of rebuilt.waiting.values()) {
      this.queue.add(message, message.sequence, message.expiresAtEpochMs, false, now);
    }
    for (const message of rebuilt.sent.values()) this.inFlight.append(message);
    this.#lastTicket = rebuilt.lastTicket;
    this.#lastDelivery = Math.max(this.#lastDelivery, rebuilt.lastDelivery);
    return [...rebuilt.redeliveries.values()];
  }
}

/** Plays stored operations back. One that does not fit what came before changes nothing. */
class Rebuilding {
  readonly waiting = new Map<Ticket, AcceptedMessage>();
  readonly sent = new Map<Ticket, AcceptedMessage>();
  readonly redeliveries = new Map<Delivery, Redelivery>();
  lastTicket = 0;
  lastDelivery = 0;
  readonly #session: SessionState;
  readonly #answeredWhenStored: boolean;

  constructor(session: SessionState, answeredWhenStored: boolean) {
    this.#session = session;
    this.#answeredWhenStored = answeredWhenStored;
  }

  apply(operation: SessionOperation): void {
    const session = this.#session;
    switch (operation.type) {
      case 'session':
        session.clientId = operation.clientId;
        session.serverKey = operation.serverKey;
        session.storeEpoch = operation.storeEpoch;
        session.version = operation.version;
        session.standing = operation.standing;
        session.expirySeconds = 4_294_967_295;
        return;
      case 'subscription':
      case 'unsubscription':
        return; // The server keeps them; what the application wants to have is its own business.
      case 'out': {
        const { sequence, message, expiresAtEpochMs } = operation;
        this.lastTicket = Math.max(this.lastTicket, sequence);
        const { topic, payload } = message;
        const expires = expiresAtEpochMs ?? never;
        this.waiting.set(
          sequence,
          acceptedMessage(topic, payload, message, sequence, expires, undefined),
        );
        return;
      }
      case 'outIdentifier':
        this.#identified(operation.sequence, operation.packetIdentifier);
        return;
      case 'outReceived':
        this.#received(operation.packetIdentifier);
        return;
      case 'outDone':
        this.#done(operation);
        return;
      case 'in':
        this.#in(operation);
        return;
      case 'inDone': {
        // A store that compacts may have nothing else left of it: its number is not given again.
        this.lastDelivery = Math.max(this.lastDelivery, operation.delivery);
        const exchange = session.takeUndone(operation.delivery);
        if (exchange !== undefined) exchange.reasonCode = 0;
        this.redeliveries.delete(operation.delivery);
        return;
      }
      case 'inReleased':
        session.incoming.delete(operation.packetIdentifier);
        return;
      case 'reset':
        this.#reset(operation.storeEpoch);
        return;
    }
  }

  #identified(sequence: Ticket, packetIdentifier: number): void {
    const message = this.waiting.get(sequence) ?? this.sent.get(sequence);
    if (message === undefined) return;
    this.waiting.delete(sequence);
    this.sent.set(sequence, message); // Sent as a new message after `reset`, it keeps its place.
    message.state = 'sent';
    message.attempts = 1;
    message.packetIdentifier = packetIdentifier;
    this.#session.identifiers.reserve(packetIdentifier, message);
  }

  #received(packetIdentifier: number): void {
    const message = this.#session.identifiers.ownerOf(packetIdentifier);
    if (message === undefined) return;
    message.state = 'released';
    message.payload = noPayload;
    this.#session.lastReleaseOrder += 1;
    message.releaseOrder = this.#session.lastReleaseOrder;
  }

  #done(operation: Extract<SessionOperation, { type: 'outDone' }>): void {
    const { sequence, packetIdentifier, cause } = operation;
    this.lastTicket = Math.max(this.lastTicket, sequence);
    this.waiting.delete(sequence);
    this.sent.delete(sequence);
    if (packetIdentifier === undefined) return;
    if (cause === 'serverLimit' || cause === 'invalidArgument') {
      this.#session.identifiers.reserve(packetIdentifier);
    } else {
      this.#session.identifiers.release(packetIdentifier);
    }
  }

  #in(operation: Extract<SessionOperation, { type: 'in' }>): void {
    const { packetIdentifier, delivery, message } = operation;
    const qos = message.qos === 1 ? 1 : 2;
    const exchange = newExchange(packetIdentifier, qos, messageBytes(message), 0);
    exchange.delivery = delivery;
    exchange.awaitsAnswer = false;
    if (this.#answeredWhenStored) exchange.reasonCode = 0;
    this.lastDelivery = Math.max(this.lastDelivery, delivery);
    if (exchange.qos === 2) this.#session.incoming.set(packetIdentifier, exchange);
    this.#session.addUndone(exchange);
    this.redeliveries.set(delivery, { exchange, message });
  }

  #reset(storeEpoch: number): void {
    const session = this.#session;
    session.storeEpoch = storeEpoch;
    session.identifiers.reset();
    session.incoming.clear();
    for (const message of this.sent.values()) {
      message.state = 'lost';
      message.resentAsNew = true;
      message.packetIdentifier = 0;
    }
  }
}
