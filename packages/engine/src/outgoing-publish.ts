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
 * Nothing is ever sent again within a connection. When a session is resumed, `publish-resumption.ts` sends everything that is not
 * acknowledged again with its old identifier, PUBREL at once and PUBLISH as far as the window allows, in the original
 * order and before any newer message. [MQTT-4.4.0-1] When the server has lost the session, what was sent becomes new
 * messages.
 *
 * What must be durable before what: `outIdentifier` before PUBLISH, `outReceived` before PUBREL, `outDone` before the
 * outcome and before the identifier is used again. All of them are recorded in the batch that carries the bytes.
 */
import type { QoS } from '@mqtt-kit/packet';
import {
  type AcceptedMessage,
  acceptedMessage,
  expiryOf,
  keptPayload,
  messageBytes,
} from './accepted-message.ts';
import type { Connection } from './connection.ts';
import { never } from './deadlines.ts';
import { PipelinedPublish } from './pipelined-publish.ts';
import { PublishAcknowledgements } from './publish-acknowledgements.ts';
import { PublishOutcomes } from './publish-outcomes.ts';
import { PublishSender } from './publish-sender.ts';
import type { CancelResult, Now, OutgoingMessage, Ticket } from './request.ts';
import type { Shared } from './shared.ts';

export class OutgoingPublish {
  readonly outcomes: PublishOutcomes;
  readonly sender: PublishSender;
  readonly pipelined: PipelinedPublish;
  readonly acknowledgements: PublishAcknowledgements;
  readonly #shared: Shared;
  /** Tickets of what was in flight at that revision of the list. */
  #inFlightTickets: Set<Ticket> | undefined;
  #inFlightAt = 0;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.outcomes = new PublishOutcomes(shared);
    this.sender = new PublishSender(shared, this.outcomes);
    this.pipelined = new PipelinedPublish(shared, this.sender, this.outcomes);
    this.acknowledgements = new PublishAcknowledgements(shared, this.sender, this.outcomes);
  }

  publish(message: OutgoingMessage, now: Now): Ticket {
    const connection = this.#speakable();
    if (connection !== undefined) {
      const problem = this.sender.encoding.limitProblem(message, connection);
      if (problem !== undefined) return this.outcomes.refuse('serverLimit', problem);
      if (this.#mayGoAtOnce(message.qos, connection)) {
        return message.qos === 0
          ? this.sender.sendUnkept(message, connection)
          : this.#sendKept(message, connection, now);
      }
    } else if (message.qos === 0 && !this.#shared.options.queue.queueQos0 && !this.#mayGoSoon()) {
      return this.outcomes.refuse(
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
      this.outcomes.withdraw(session.queue.take(queued));
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
    let tickets = this.#inFlightTickets;
    if (tickets === undefined || this.#inFlightAt !== inFlight.revision) {
      tickets = new Set();
      for (let message = inFlight.first; message !== undefined; message = message.next) {
        tickets.add(message.sequence);
      }
      this.#inFlightTickets = tickets;
      this.#inFlightAt = inFlight.revision;
    }
    return tickets.has(ticket);
  }

  /** Sends what may be sent: first again, then what waits. */
  pump(now: Now): void {
    const { session, output } = this.#shared;
    const connection = this.#speakable();
    if (connection === undefined) {
      if (this.#pipelining()) this.pipelined.send(now);
    } else {
      while (this.sender.mayEncode(connection)) {
        const again = this.sender.nextAgain(connection);
        const open = this.sender.windowIsOpen(connection, again);
        if (!open && connection.poisonWatch.holdsQos0) break;
        if (open && again !== undefined) {
          this.sender.sendAgain(again, connection, now);
          continue;
        }
        const queued = session.queue.next(open);
        if (queued === undefined) break;
        this.sender.sendQueued(session.queue.take(queued), connection, now);
      }
    }
    if (session.queue.takeRoom()) output.emit({ type: 'queueRoom' });
  }

  expire(now: Now): void {
    const { session, output } = this.#shared;
    session.queue.expire(now, this.outcomes);
    if (session.queue.takeRoom()) output.emit({ type: 'queueRoom' });
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

  /** Whether nothing that was there before has to go first. */
  #mayGoAtOnce(qos: QoS, connection: Connection): boolean {
    if (!this.sender.mayEncode(connection)) return false;
    if (qos === 0 && connection.poisonWatch.holdsQos0) return false;
    const { queue } = this.#shared.session;
    if (queue.messages === 0 && connection.resendFrom === undefined) {
      return qos === 0 || this.sender.windowIsOpen(connection, undefined);
    }
    if (qos !== 0 || queue.holdsQos0) return false;
    return !this.sender.windowIsOpen(connection, this.sender.nextAgain(connection));
  }

  #sendKept(message: OutgoingMessage, connection: Connection, now: Now): Ticket {
    const { session, output } = this.#shared;
    const { recording } = output;
    const ticket = session.nextTicket();
    const expires = expiryOf(message, now);
    // Record and message share one copy of the payload. Without a record that in the encoded bytes will do.
    const payload = recording ? keptPayload(message.payload) : message.payload;
    const accepted = acceptedMessage(message.topic, payload, message, ticket, expires, undefined);
    if (recording) this.#recordAccepted(accepted, ticket, expires);
    const encoded = this.sender.sendFirst(accepted, message.properties, connection);
    if (encoded) session.keptPayloads.leaveIn(connection.encoder, accepted);
    else if (!recording) accepted.payload = keptPayload(message.payload);
    return ticket;
  }

  #enqueue(message: OutgoingMessage, now: Now): Ticket {
    const { session, output } = this.#shared;
    const bytes = messageBytes(message);
    if (!session.queue.makeRoom(message.topic, bytes, this.outcomes)) {
      const { maximumMessages, maximumBytes } = this.#shared.options.queue;
      return this.outcomes.refuse(
        'queueFull',
        `the queue holds ${session.queue.messages} messages of ${session.queue.bytes} bytes, ` +
          `this one has ${bytes}; allowed are ${maximumMessages} and ${maximumBytes}`,
      );
    }
    const ticket = session.nextTicket();
    const expires = expiryOf(message, now);
    // Record and queue share one copy of the payload.
    const own = message.qos > 0 && output.recording;
    const kept = own ? { ...message, payload: keptPayload(message.payload) } : message;
    if (own) this.#recordAccepted(kept, ticket, expires);
    session.queue.add(kept, ticket, expires, own, now);
    if (this.#pipelining()) this.pump(now);
    return ticket;
  }

  #recordAccepted(message: OutgoingMessage, sequence: Ticket, expires: number): void {
    if (!this.#shared.output.recording) return;
    const { topic, payload, qos, retain, properties } = message;
    this.#shared.output.record({
      type: 'out',
      sequence,
      message: { topic, payload, qos, retain, properties },
      expiresAtEpochMs: expires === never ? undefined : expires,
    });
  }
}
