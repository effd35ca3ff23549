/** Puts PUBLISH and PUBREL packets on the wire, and keeps account of what is on its way there. */
import {
  type AcknowledgePacket,
  InvalidPacketError,
  noProperties,
  PacketType,
  type Properties,
} from '@mqtt-kit/packet';
import type { AcceptedMessage } from './accepted-message.ts';
import type { Connection } from './connection.ts';
import { fittingReasonCode } from './negotiated.ts';
import { PublishEncoding } from './publish-encoding.ts';
import type { PublishOutcomes } from './publish-outcomes.ts';
import { type Now, type OutgoingMessage, type Ticket, withNextBatch } from './request.ts';
import type { Shared } from './shared.ts';

/** Bytes for one batch beyond which PUBLISH packets stay in the queue until the batch was written. */
const enoughPendingBytes = 262_144;

/** One PUBREL for all clients: the encoder keeps nothing of it. */
const release: { -readonly [K in keyof AcknowledgePacket]: AcknowledgePacket[K] } = {
  type: PacketType.pubrel,
  packetIdentifier: 0,
  reasonCode: 0,
  properties: noProperties,
};

export class PublishSender {
  readonly encoding: PublishEncoding;
  readonly #shared: Shared;
  readonly #outcomes: PublishOutcomes;

  constructor(shared: Shared, outcomes: PublishOutcomes) {
    this.#shared = shared;
    this.#outcomes = outcomes;
    this.encoding = new PublishEncoding(shared);
  }

  /** Whether the transport and the batch take more. */
  mayEncode(connection: Connection): boolean {
    return connection.writable && connection.encoder.pendingBytes < enoughPendingBytes;
  }

  /** Whether a QoS 1 or 2 message may go out: this one again, or a new one, which needs an identifier, too. */
  windowIsOpen(connection: Connection, again: AcceptedMessage | undefined): boolean {
    return (
      connection.unacknowledged < connection.negotiated.receiveMaximum &&
      connection.unacknowledged < this.#shared.options.queue.inFlight &&
      connection.unacknowledged < connection.poisonWatch.allowance &&
      (again?.state === 'sent' || this.#shared.session.identifiers.available)
    );
  }

  /** The first message that is still to be sent again on this connection. */
  nextAgain(connection: Connection): AcceptedMessage | undefined {
    let message = connection.resendFrom;
    while (message !== undefined && message.connection === connection.number)
      message = message.next;
    connection.resendFrom = message;
    return message;
  }

  /** A QoS 0 message that nobody keeps: nothing is told when it left. */
  sendUnkept(message: OutgoingMessage, connection: Connection): Ticket {
    try {
      this.encoding.encode(message, 0, false, message.properties, connection);
      return withNextBatch;
    } catch (error) {
      return this.#outcomes.refuse('invalidArgument', invalidPacketMessage(error));
    }
  }

  /** A message that has waited, or fails when it may not go any more. */
  sendQueued(message: AcceptedMessage, connection: Connection, now: Now): void {
    const problem = this.encoding.limitProblem(message, connection);
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
      this.sendFirst(message, properties, connection);
      return;
    }
    try {
      this.encoding.encode(message, 0, false, properties, connection);
      this.#outcomes.sent(message);
    } catch (error) {
      this.#outcomes.fail(message, 'invalidArgument', invalidPacketMessage(error));
    }
  }

  /**
   * Puts a QoS 1 or 2 message on the wire under a new identifier, with DUP 0. [MQTT-4.3.2-2] [MQTT-4.3.3-2]
   * Whether its payload lies at the end of what the encoder has written.
   */
  sendFirst(message: AcceptedMessage, properties: Properties, connection: Connection): boolean {
    const { session, output } = this.#shared;
    const packetIdentifier = session.identifiers.take(message);
    let plain: boolean;
    try {
      plain = this.encoding.encode(message, packetIdentifier, false, properties, connection);
    } catch (error) {
      session.identifiers.release(packetIdentifier);
      this.#outcomes.fail(message, 'invalidArgument', invalidPacketMessage(error));
      return false;
    }
    if (message.state === 'queued') session.inFlight.append(message);
    message.state = 'sent';
    message.properties = properties;
    message.packetIdentifier = packetIdentifier;
    message.attempts += 1;
    this.takePlace(message, connection);
    if (output.recording) {
      output.record({ type: 'outIdentifier', sequence: message.sequence, packetIdentifier });
    }
    return plain;
  }

  /** A message that an earlier connection had sent. */
  sendAgain(message: AcceptedMessage, connection: Connection, now: Now): void {
    const problem = this.encoding.limitProblem(message, connection);
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
      this.sendFirst(message, properties, connection);
      return;
    }
    // [MQTT-3.3.1-1] [MQTT-4.3.3-7] The same but for DUP, however long it has been.
    const { packetIdentifier, properties } = message;
    try {
      this.encoding.encode(message, packetIdentifier, true, properties, connection);
    } catch (error) {
      this.#outcomes.fail(message, 'invalidArgument', invalidPacketMessage(error));
      return;
    }
    message.attempts += 1;
    this.takePlace(message, connection);
  }

  /** PUBREL. */
  sendRelease(packetIdentifier: number, reasonCode: number, connection: Connection): void {
    release.packetIdentifier = packetIdentifier;
    release.reasonCode = fittingReasonCode(reasonCode, connection.negotiated);
    connection.encoder.encode(release);
    if (this.#shared.output.tracing) this.#shared.output.tracePacket('sent', { ...release });
  }

  /** A message counts once on each connection, however often its packets go out there. */
  takePlace(message: AcceptedMessage, connection: Connection): void {
    if (message.connection === connection.number) return;
    message.connection = connection.number;
    connection.unacknowledged += 1;
  }
}

/** The properties with what is left of Message Expiry Interval, or `undefined` when nothing is left. */
export function waitedProperties(message: AcceptedMessage, now: Now): Properties | undefined {
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
export function invalidPacketMessage(error: unknown): string {
  if (error instanceof InvalidPacketError) return error.message;
  throw error;
}
