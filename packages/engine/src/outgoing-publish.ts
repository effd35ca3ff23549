/**
 * Messages to the server, from `publish` to their outcome.
 *
 *     QoS 0   queued -PUBLISH-> done
 *     QoS 1   queued -PUBLISH-> sent -PUBACK-> done
 *     QoS 2   queued -PUBLISH-> sent -PUBREC below 0x80: PUBREL-> released -PUBCOMP-> done
 *                                    -PUBREC 0x80 and above-> done
 *
 * A message goes straight onto the wire when nothing is before it and the window is open, else into the queue. The
 * window is open while fewer messages are unacknowledged than the server's Receive Maximum and our own bound allow, and
 * a packet identifier is free. [MQTT-3.3.4-7] [MQTT-4.9.0-2] A message holds its place in it from PUBLISH (or PUBREL
 * sent again) to its last acknowledgement, and gives back none that it did not take on this connection, so the window
 * is never wider than at the start.
 *
 * Nothing is ever sent again within a connection. When a session is resumed, `resume` sends everything that is not
 * acknowledged again with its old identifier, PUBREL at once and PUBLISH as far as the window allows, in the original
 * order and before any newer message. [MQTT-4.4.0-1] When the server has lost the session, `sessionLost` turns what was
 * sent into new messages.
 *
 * What must be durable before what: `outIdentifier` before PUBLISH, `outReceived` before PUBREL, `outDone` before the
 * outcome and before the identifier is used again. All of them are recorded in the batch that carries the bytes.
 */
import {
  type AcknowledgePacket,
  InvalidPacketError,
  noProperties,
  PacketType,
  type Properties,
  type QoS,
  ReasonCode,
} from '@mqtt-kit/packet';
import { type AcceptedMessage, acceptMessage, messageBytes } from './accepted-message.ts';
import { ProtocolBreach, packetName } from './breach.ts';
import type { Connection } from './connection.ts';
import { never } from './deadlines.ts';
import { fittingReasonCode } from './negotiated.ts';
import { suspicionOfBreak, suspicionOfClose, suspicionOfPoison } from './poison-watch.ts';
import { PublishEncoding } from './publish-encoding.ts';
import { PublishOutcomes } from './publish-outcomes.ts';
import {
  type CancelResult,
  type Now,
  type OutgoingMessage,
  type Ticket,
  withNextBatch,
} from './request.ts';
import { noteProgress, type Shared } from './shared.ts';

/** Bytes for one batch beyond which PUBLISH packets stay in the queue until the batch was written. */
const enoughPendingBytes = 262_144;
const noPayload = new Uint8Array(0);

export class OutgoingPublish {
  readonly #shared: Shared;
  readonly #encoding: PublishEncoding;
  readonly #outcomes: PublishOutcomes;
  /** Tickets of what was in flight at that revision of the list. */
  readonly #inFlightTickets = new Set<Ticket>();
  #inFlightAt = 0;
  readonly #release: { -readonly [K in keyof AcknowledgePacket]: AcknowledgePacket[K] } = {
    type: PacketType.pubrel,
    packetIdentifier: 0,
    reasonCode: 0,
    properties: noProperties,
  };

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#encoding = new PublishEncoding(shared);
    this.#outcomes = new PublishOutcomes(shared);
  }

  publish(message: OutgoingMessage, now: Now): Ticket {
    const connection = this.#speakable();
    if (connection !== undefined) {
      const problem = this.#encoding.limitProblem(message, connection);
      if (problem !== undefined) return this.#outcomes.refuse('serverLimit', problem);
      if (this.#mayGoAtOnce(message.qos, connection)) {
        return message.qos === 0
          ? this.#sendUnkept(message, connection)
          : this.#sendKept(message, connection, now);
      }
    } else if (message.qos === 0 && !this.#shared.options.queue.queueQos0 && !this.#mayGoSoon()) {
      return this.#outcomes.refuse(
        'connectionLost',
        'there is no connection, and QoS 0 is not queued',
      );
    }
    return this.#enqueue(message, now);
  }

  cancel(ticket: Ticket): CancelResult {
    const { session, output } = this.#shared;
    const queued = session.queue.find(ticket);
    if (queued !== undefined) {
      session.queue.remove(queued);
      this.#outcomes.withdraw(queued);
      if (session.queue.takeRoom()) output.emit({ type: 'queueRoom' });
      return 'withdrawn';
    }
    const isIt = (message: AcceptedMessage): boolean => message.sequence === ticket;
    const pipelined = this.#shared.connection?.pipelined.some(isIt) || session.undecided.some(isIt);
    return pipelined || this.#isInFlight(ticket) ? 'inFlight' : 'unknown';
  }

  /** Whether a message was accepted and was never on a wire. */
  isQueued(ticket: Ticket): boolean {
    return this.#shared.session.queue.find(ticket) !== undefined;
  }

  isPending(ticket: Ticket): boolean {
    return this.isQueued(ticket) || this.#isInFlight(ticket);
  }

  /** The tickets are gathered once for as long as nothing changes: a common time limit ends many at a time. */
  #isInFlight(ticket: Ticket): boolean {
    const { inFlight } = this.#shared.session;
    if (this.#inFlightAt !== inFlight.revision) {
      this.#inFlightAt = inFlight.revision;
      this.#inFlightTickets.clear();
      for (let message = inFlight.first; message !== undefined; message = message.next) {
        this.#inFlightTickets.add(message.sequence);
      }
    }
    return this.#inFlightTickets.has(ticket);
  }

  /** Sends what may be sent: first again, then what waits. */
  pump(now: Now): void {
    const { session, output } = this.#shared;
    const connection = this.#speakable();
    if (connection === undefined) {
      if (this.#pipelining()) this.#pipeline(now);
    } else {
      while (this.#mayEncode(connection)) {
        const again = this.#nextAgain(connection);
        const open = this.#windowIsOpen(connection, again);
        if (!open && connection.poisonWatch.holdsQos0) break;
        if (open && again !== undefined) {
          this.#sendAgain(again, connection, now);
          continue;
        }
        const message = session.queue.next(open);
        if (message === undefined) break;
        session.queue.remove(message);
        this.#sendQueued(message, connection, now);
      }
    }
    if (session.queue.takeRoom()) output.emit({ type: 'queueRoom' });
  }

  expire(now: Now): void {
    const { session, output } = this.#shared;
    session.queue.expire(now, this.#outcomes.expire);
    if (session.queue.takeRoom()) output.emit({ type: 'queueRoom' });
  }

  puback(packet: AcknowledgePacket): void {
    const message = this.#find(packet, 1);
    if (message === undefined) return;
    this.#noteTaken();
    this.#outcomes.acknowledged(message, packet.reasonCode, packet.properties);
  }

  pubrec(packet: AcknowledgePacket): void {
    const { session, output } = this.#shared;
    const connection = this.#shared.connection!;
    const { packetIdentifier, reasonCode } = packet;
    const message = this.#find(packet, 2);
    if (message === undefined) {
      // [MQTT-3.6.2-1] An exchange that the server refused needs no end; any other gets one, though it is not ours.
      if (reasonCode >= 0x80) return;
      connection.strayReleases.add(packetIdentifier);
      this.#sendRelease(packetIdentifier, ReasonCode.packetIdentifierNotFound, connection);
      return;
    }
    this.#noteTaken();
    // [MQTT-4.4.0-2] A refused message is acknowledged: no PUBREL, and it is not sent again.
    if (reasonCode >= 0x80) {
      this.#outcomes.acknowledged(message, reasonCode, packet.properties);
      return;
    }
    if (message.state === 'sent') {
      message.state = 'released';
      message.payload = noPayload;
      message.reasonCode = reasonCode;
      session.lastReleaseOrder += 1;
      message.releaseOrder = session.lastReleaseOrder;
      if (output.recording) output.record({ type: 'outReceived', packetIdentifier });
    }
    // [MQTT-4.3.3-4] [MQTT-4.6.0-4] At once, so that PUBREL packets leave in the order of the PUBREC packets.
    this.#takePlace(message, connection);
    this.#sendRelease(packetIdentifier, ReasonCode.success, connection);
  }

  pubcomp(packet: AcknowledgePacket): void {
    const connection = this.#shared.connection!;
    const { packetIdentifier } = packet;
    const stray = connection.strayReleases.delete(packetIdentifier);
    const message = this.#shared.session.byIdentifier.get(packetIdentifier);
    if (stray && message?.state !== 'released') {
      this.#reportUnexpected(packet);
      return;
    }
    if (message !== undefined && message.qos === 2 && message.state === 'sent') {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        `PUBCOMP for packet identifier ${packetIdentifier}, which had no PUBREC yet`,
      );
    }
    if (this.#find(packet, 2) === undefined || message === undefined) return;
    // PUBCOMP 0x92 says only that the exchange was over there already; PUBREC said that the message was taken.
    this.#outcomes.acknowledged(message, message.reasonCode, packet.properties);
  }

  /** The server has the session still: sends again what it may not have. */
  resume(now: Now): void {
    const { session } = this.#shared;
    const connection = this.#shared.connection!;
    connection.resendFrom = session.inFlight.first;
    const releases: AcceptedMessage[] = [];
    for (let message = session.inFlight.first; message !== undefined; message = message.next) {
      if (message.state !== 'released') continue;
      this.#takePlace(message, connection);
      releases.push(message);
    }
    // PUBREL packets keep the order of their PUBREC packets among themselves, and the places of their messages among
    // the others. [MQTT-4.6.0-4] They wait for no window. [MQTT-4.9.0-3]
    releases.sort((one, other) => one.releaseOrder - other.releaseOrder);
    let released = 0;
    let publishing = true;
    for (
      let message = session.inFlight.first;
      message !== undefined && released < releases.length;
    ) {
      const next: AcceptedMessage | undefined = message.next;
      if (message.state === 'released') {
        this.#sendRelease(releases[released]!.packetIdentifier, ReasonCode.success, connection);
        released += 1;
      } else if (publishing) {
        publishing = this.#mayEncode(connection) && this.#windowIsOpen(connection, message);
        if (publishing) this.#sendAgain(message, connection, now);
      }
      message = next;
    }
  }

  /**
   * The server has a new session. What it acknowledged by PUBREC counts as delivered; what was sent goes out again as
   * new messages, or is rejected by policy at QoS 2, where sending again may deliver twice. [MQTT-3.2.2-5]
   */
  sessionLost(): { resent: number; assumedDelivered: number; rejected: number } {
    const { session, options } = this.#shared;
    const counts = { resent: 0, assumedDelivered: 0, rejected: 0 };
    for (let message = session.inFlight.first; message !== undefined; ) {
      const next: AcceptedMessage | undefined = message.next;
      if (message.state === 'released') {
        counts.assumedDelivered += 1;
        this.#outcomes.assumeDelivered(message);
      } else if (
        message.qos === 2 &&
        message.state === 'sent' &&
        options.lostSessionQos2 === 'reject'
      ) {
        counts.rejected += 1;
        this.#outcomes.fail(
          message,
          'sessionLost',
          'the server forgot the session, the message may have been delivered',
        );
      } else {
        counts.resent += 1;
        message.state = 'lost';
        message.resentAsNew = true;
        message.packetIdentifier = 0;
      }
      message = next;
    }
    session.byIdentifier.clear();
    this.#shared.connection!.resendFrom = session.inFlight.first;
    return counts;
  }

  /** CONNACK came: what left behind CONNECT is sent for good. */
  settlePipelined(connection: Connection): void {
    for (const message of connection.pipelined) this.#outcomes.sentBefore(message);
    connection.pipelined = [];
  }

  /** The connection ended, perhaps for what was sent last. See `poison-watch.ts`. */
  judgeEnd(connection: Connection, by: 'server' | 'network', now: Now): void {
    const { session } = this.#shared;
    const { poisonWatch, unacknowledged, requests, writable, number } = connection;
    // What is still on its way into the network is being read by the server, or was cut off there.
    if (writable && !poisonWatch.wroteJustNow(now.monotonicMs)) return;
    let first = session.inFlight.first;
    while (first !== undefined && (first.state !== 'sent' || first.connection !== number)) {
      first = first.next;
    }
    if (first === undefined) return;
    const orderly = by === 'server' && writable;
    const weight = orderly ? suspicionOfClose : suspicionOfBreak;
    session.abruptness += weight;
    const alone = unacknowledged === 1 && requests.size === 0 && poisonWatch.onlyAnswerable;
    if (!alone) return;
    if (session.suspect !== first) {
      session.suspect = first;
      session.strikes = 0;
      session.suspicion = 0;
    }
    session.strikes += 1;
    session.suspicion += weight;
    if (session.suspicion < suspicionOfPoison) return;
    session.abruptness = 0;
    session.suspect = undefined;
    const what = orderly ? 'the server closed the connection' : 'the connection broke';
    const text =
      `${what} ${session.strikes} times in a row right after the message ` +
      `of ${first.payload.length} bytes to "${first.topic}": it is not sent again`;
    this.#outcomes.fail(first, 'publishRefused', text);
  }

  /**
   * What left behind CONNECT waits again when the server said that it did not take the connection; when it said nothing,
   * the next attempt shows. QoS 0 messages that wait have to go where they may not wait without a connection.
   */
  connectionEnded(connection: Connection, refused: boolean, now: Now): void {
    const { session, options } = this.#shared;
    if (connection.connackReceived) this.settlePipelined(connection);
    if (refused || !options.queue.queueQos0) this.#putBack(connection.pipelined, now);
    else session.undecided = connection.pipelined;
    connection.pipelined = [];
    if (options.queue.queueQos0) return;
    for (let message = session.queue.next(false); message; message = session.queue.next(false)) {
      session.queue.remove(message);
      this.#outcomes.fail(
        message,
        'connectionLost',
        'the connection ended, and QoS 0 is not queued',
      );
    }
  }

  /**
   * An attempt begins. That it fell back to an older version shows that the server had not understood the last one, and
   * what left behind its CONNECT goes out again. Else that may have arrived, and at QoS 0 nothing arrives twice.
   */
  decidePipelined(fellBack: boolean, now: Now): void {
    const { session } = this.#shared;
    const { undecided } = session;
    session.undecided = [];
    if (fellBack) {
      this.#putBack(undecided, now);
      return;
    }
    for (const message of undecided) {
      const text = `the connection ended before the server accepted it: the message to "${message.topic}" may have arrived or not`;
      this.#outcomes.fail(message, 'connectionLost', text);
    }
  }

  #putBack(messages: readonly AcceptedMessage[], now: Now): void {
    for (const message of messages.toReversed()) this.#shared.session.queue.putBack(message, now);
  }

  /** The current connection if CONNACK came, it is not over, and PUBLISH packets need not wait for anybody. */
  #speakable(): Connection | undefined {
    const { connection } = this.#shared;
    return connection?.phase === 'connected' && !connection.publishingHeld ? connection : undefined;
  }

  /** Whether a message that waits now leaves as soon as others have had their turn. */
  #mayGoSoon(): boolean {
    const { connection } = this.#shared;
    return this.#pipelining() || (connection?.phase === 'connected' && connection.publishingHeld);
  }

  #pipelining(): boolean {
    return this.#shared.connection?.pipelining ?? false;
  }

  #mayEncode(connection: Connection): boolean {
    return connection.writable && connection.encoder.pendingBytes < enoughPendingBytes;
  }

  /** Whether a QoS 1 or 2 message may go out: this one again, or a new one, which needs an identifier, too. */
  #windowIsOpen(connection: Connection, again: AcceptedMessage | undefined): boolean {
    return (
      connection.unacknowledged < connection.negotiated.receiveMaximum &&
      connection.unacknowledged < this.#shared.options.queue.inFlight &&
      connection.unacknowledged < connection.poisonWatch.allowance &&
      (again?.state === 'sent' || this.#shared.session.identifiers.available)
    );
  }

  /** Whether nothing that was there before has to go first. */
  #mayGoAtOnce(qos: QoS, connection: Connection): boolean {
    if (!this.#mayEncode(connection)) return false;
    if (qos === 0 && connection.poisonWatch.holdsQos0) return false;
    const { queue } = this.#shared.session;
    if (queue.messages === 0 && connection.resendFrom === undefined) {
      return qos === 0 || this.#windowIsOpen(connection, undefined);
    }
    if (qos !== 0 || queue.holdsQos0) return false;
    return !this.#windowIsOpen(connection, this.#nextAgain(connection));
  }

  #sendUnkept(message: OutgoingMessage, connection: Connection): Ticket {
    try {
      this.#encoding.encode(message, 0, false, message.properties, connection);
      return withNextBatch;
    } catch (error) {
      return this.#outcomes.refuse('invalidArgument', invalidPacketMessage(error));
    }
  }

  #sendKept(message: OutgoingMessage, connection: Connection, now: Now): Ticket {
    const accepted = acceptMessage(message, this.#shared.session.nextTicket(), 0, now);
    this.#recordAccepted(accepted);
    this.#sendFirst(accepted, accepted.properties, connection);
    return accepted.sequence;
  }

  #enqueue(message: OutgoingMessage, now: Now): Ticket {
    const { session } = this.#shared;
    const bytes = messageBytes(message);
    if (!session.queue.makeRoom(message.topic, bytes, this.#outcomes.drop)) {
      const { maximumMessages, maximumBytes } = this.#shared.options.queue;
      return this.#outcomes.refuse(
        'queueFull',
        `the queue holds ${session.queue.messages} messages of ${session.queue.bytes} bytes, ` +
          `this one has ${bytes}; allowed are ${maximumMessages} and ${maximumBytes}`,
      );
    }
    const accepted = acceptMessage(message, session.nextTicket(), bytes, now);
    if (accepted.qos > 0) this.#recordAccepted(accepted);
    session.queue.add(accepted, now);
    if (this.#pipelining()) this.pump(now);
    return accepted.sequence;
  }

  #sendQueued(message: AcceptedMessage, connection: Connection, now: Now): void {
    const problem = this.#encoding.limitProblem(message, connection);
    if (problem !== undefined) {
      this.#outcomes.fail(message, 'serverLimit', problem);
      return;
    }
    const properties = waitedProperties(message, now);
    if (properties === undefined) {
      this.#outcomes.expire(message);
      return;
    }
    if (message.qos > 0) {
      this.#sendFirst(message, properties, connection);
      return;
    }
    try {
      this.#encoding.encode(message, 0, false, properties, connection);
      this.#outcomes.sent(message);
    } catch (error) {
      this.#outcomes.fail(message, 'invalidArgument', invalidPacketMessage(error));
    }
  }

  /** Puts a QoS 1 or 2 message on the wire under a new identifier, with DUP 0. [MQTT-4.3.2-2] [MQTT-4.3.3-2] */
  #sendFirst(message: AcceptedMessage, properties: Properties, connection: Connection): void {
    const { session, output } = this.#shared;
    const packetIdentifier = session.identifiers.take();
    try {
      this.#encoding.encode(message, packetIdentifier, false, properties, connection);
    } catch (error) {
      session.identifiers.release(packetIdentifier);
      this.#outcomes.fail(message, 'invalidArgument', invalidPacketMessage(error));
      return;
    }
    if (message.state === 'queued') session.inFlight.append(message);
    message.state = 'sent';
    message.properties = properties;
    message.packetIdentifier = packetIdentifier;
    session.byIdentifier.set(packetIdentifier, message);
    message.attempts += 1;
    this.#takePlace(message, connection);
    if (output.recording) {
      output.record({ type: 'outIdentifier', sequence: message.sequence, packetIdentifier });
    }
  }

  /** The first message that is still to be sent again on this connection. */
  #nextAgain(connection: Connection): AcceptedMessage | undefined {
    let message = connection.resendFrom;
    while (message !== undefined && message.connection === connection.number)
      message = message.next;
    connection.resendFrom = message;
    return message;
  }

  #sendAgain(message: AcceptedMessage, connection: Connection, now: Now): void {
    const problem = this.#encoding.limitProblem(message, connection);
    if (problem !== undefined) {
      this.#outcomes.fail(message, 'serverLimit', problem);
      return;
    }
    if (message.state === 'lost') {
      const properties = waitedProperties(message, now);
      if (properties === undefined) {
        const text = `the server forgot the session in which the message to "${message.topic}" was sent, and now it is too old to be sent as new`;
        this.#outcomes.fail(message, 'outcomeUnknown', text);
        return;
      }
      this.#sendFirst(message, properties, connection);
      return;
    }
    // [MQTT-3.3.1-1] [MQTT-4.3.3-7] The same but for DUP, however long it has been.
    const { packetIdentifier, properties } = message;
    try {
      this.#encoding.encode(message, packetIdentifier, true, properties, connection);
    } catch (error) {
      this.#outcomes.fail(message, 'invalidArgument', invalidPacketMessage(error));
      return;
    }
    message.attempts += 1;
    this.#takePlace(message, connection);
  }

  /** A message counts once on each connection, however often its packets go out there. */
  #takePlace(message: AcceptedMessage, connection: Connection): void {
    if (message.connection === connection.number) return;
    message.connection = connection.number;
    connection.unacknowledged += 1;
  }

  #sendRelease(packetIdentifier: number, reasonCode: number, connection: Connection): void {
    this.#release.packetIdentifier = packetIdentifier;
    this.#release.reasonCode = fittingReasonCode(reasonCode, connection.negotiated);
    connection.encoder.encode(this.#release);
    if (this.#shared.output.tracing) this.#shared.output.tracePacket('sent', { ...this.#release });
  }

  /**
   * The message that an acknowledgement is for. None: that is reported. One of another kind, or a request: the server
   * broke the protocol.
   */
  #find(packet: AcknowledgePacket, qos: QoS): AcceptedMessage | undefined {
    const { session } = this.#shared;
    const message = session.byIdentifier.get(packet.packetIdentifier);
    if (message === undefined) {
      if (this.#shared.connection!.requests.has(packet.packetIdentifier)) {
        throw new ProtocolBreach(
          ReasonCode.protocolError,
          `${packetName(packet.type)} for packet identifier ${packet.packetIdentifier}, which belongs to a SUBSCRIBE or UNSUBSCRIBE`,
        );
      }
      this.#reportUnexpected(packet);
      return undefined;
    }
    if (message.qos !== qos) {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        `${packetName(packet.type)} for packet identifier ${packet.packetIdentifier}, which belongs to a QoS ${message.qos} PUBLISH`,
      );
    }
    noteProgress(this.#shared);
    return message;
  }

  /** PUBLISH arrived: nothing is suspected any more. */
  #noteTaken(): void {
    const { session } = this.#shared;
    session.abruptness = 0;
    session.suspect = undefined;
    this.#shared.connection!.poisonWatch.acknowledged();
  }

  #reportUnexpected(packet: AcknowledgePacket): void {
    const { type: packetType, packetIdentifier } = packet;
    this.#shared.output.emit({ type: 'unexpectedAcknowledgement', packetType, packetIdentifier });
  }

  #pipeline(now: Now): void {
    const connection = this.#shared.connection!;
    const { queue } = this.#shared.session;
    while (this.#mayEncode(connection)) {
      const message = queue.next(false);
      // What CONNACK may forbid waits for it, and so does what came later.
      if (message === undefined || this.#encoding.limitProblem(message, connection) !== undefined)
        return;
      const properties = waitedProperties(message, now);
      queue.remove(message);
      if (properties === undefined) {
        this.#outcomes.expire(message);
        continue;
      }
      try {
        this.#encoding.encode(message, 0, false, properties, connection);
        connection.pipelined.push(message);
      } catch (error) {
        this.#outcomes.fail(message, 'invalidArgument', invalidPacketMessage(error));
      }
    }
  }

  #recordAccepted(message: AcceptedMessage): void {
    if (!this.#shared.output.recording) return;
    const { sequence, topic, payload, qos, retain, properties, expiresAtEpochMs } = message;
    this.#shared.output.record({
      type: 'out',
      sequence,
      message: { topic, payload, qos, retain, properties },
      expiresAtEpochMs: expiresAtEpochMs === never ? undefined : expiresAtEpochMs,
    });
  }
}

/** The properties with what is left of Message Expiry Interval, or `undefined` when nothing is left. */
function waitedProperties(message: AcceptedMessage, now: Now): Properties | undefined {
  const interval = message.properties.messageExpiryInterval;
  if (interval === undefined) return message.properties;
  const leftMs = message.expiresAtEpochMs - now.epochMs;
  if (leftMs <= 0) return undefined;
  const left = Math.min(interval, Math.ceil(leftMs / 1000));
  return left === interval
    ? message.properties
    : { ...message.properties, messageExpiryInterval: left };
}

/** What the codec says of a packet it refuses. Any other error is a fault of ours and goes on. */
function invalidPacketMessage(error: unknown): string {
  if (error instanceof InvalidPacketError) return error.message;
  throw error;
}
