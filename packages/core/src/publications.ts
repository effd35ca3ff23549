/**
 * The promises of `publish`.
 *
 * A QoS 0 message that leaves with the next flush has no promise of its own: all of one flush share one, and so
 * a million of them cost no more than a few. QoS 1 and 2 messages, and those with a time limit or a signal, have
 * their own. A promise that nobody looks at never counts as an unhandled rejection.
 */
import {
  acknowledgedAtOnce,
  type EngineErrorCode,
  NumberMap,
  type OutgoingMessage,
  type PublishOutcome,
  type Ticket,
  withNextBatch,
} from '@mqtt-kit/engine';
import { noProperties } from '@mqtt-kit/packet';
import type { PublishPromise, PublishResult } from './client.ts';
import type { Clock } from './clock.ts';
import { describeReason } from './connection-error.ts';
import type { Driver } from './driver.ts';
import { MqttError, MqttUsageError } from './errors.ts';
import { Publication, rejectedPublish } from './publication.ts';
import { hasLimits, type Limits, RequestLimits } from './request-limits.ts';
import { SmallSet } from './small-set.ts';

/** The queue's bounds, as far as `overflow: 'wait'` has to know them. */
export interface WaitingBounds {
  readonly maximumMessages: number;
  readonly maximumBytes: number;
}

export interface PublicationsOwner {
  /** A message of an earlier start failed, whose promise nobody holds. */
  onError(error: MqttError): void;
}

/** What could not be finished. */
export interface Leftovers {
  unsent: number;
  unacknowledged: number;
  /** Those of both that a durable store has. */
  kept?: number;
}

const sent: PublishResult = Object.freeze({
  reasonCode: undefined,
  properties: noProperties,
  attempts: 1,
  sessionLost: undefined,
});

/** What nearly all messages of QoS 1 and 2 come to: one object for all of them. */
const acknowledged: PublishResult = Object.freeze({ ...sent, reasonCode: 0 });

export class Publications {
  readonly #driver: Driver;
  readonly #clock: Clock;
  /** Set where callers are held back while the queue is full. */
  readonly #waitingBounds: WaitingBounds | undefined;
  /** Whether unsent messages outlive this client, so that nothing is withdrawn at its end. */
  readonly #durable: boolean;
  readonly #owner: PublicationsOwner;
  /** The first message of this life. Those before it are of an earlier one, and nobody holds their promises. */
  #firstTicket: Ticket = Number.POSITIVE_INFINITY;
  readonly #byTicket = new NumberMap<Publication>();
  /** QoS 0 messages in bytes of batches that are not written: with a promise of their own, or sharing that of a flush. */
  readonly #inFlush = new SmallSet<Publication>();
  /** Messages that wait for room in the queue, in the order of the calls. */
  readonly #waiting = new SmallSet<Publication>();
  /** Shared by those of the flush to come. */
  #shared: Publication | undefined;

  constructor(
    driver: Driver,
    clock: Clock,
    waitingBounds: WaitingBounds | undefined,
    durable: boolean,
    owner: PublicationsOwner,
  ) {
    this.#driver = driver;
    this.#clock = clock;
    this.#waitingBounds = waitingBounds;
    this.#durable = durable;
    this.#owner = owner;
  }

  /** Whether every message is settled. */
  get settled(): boolean {
    return this.#byTicket.size === 0 && this.#inFlush.size === 0 && this.#waiting.size === 0;
  }

  publish(message: OutgoingMessage, limits: Limits | undefined): PublishPromise {
    const { failure } = this.#driver;
    if (failure !== undefined && this.#waitingBounds === undefined) {
      const why = `nothing is accepted until the session store is open again: ${failure.message}`;
      return rejectedPublish(
        new MqttError('storeFailed', why, { cause: failure, hint: failure.hint }),
      );
    }
    if (this.#waitingBounds !== undefined && this.#mustWait(message)) {
      const publication = this.#create(message, limits);
      publication.waiting = message;
      this.#waiting.add(publication);
      return publication.promise;
    }
    const batch = this.#driver.batchToCome;
    const ticket = this.#driver.publish(message);
    if (ticket === withNextBatch && !hasLimits(limits)) {
      const { promise } = this.#joinFlush(batch);
      this.#driver.request();
      return promise;
    }
    const publication = this.#create(message, limits);
    this.#began(publication, ticket, batch);
    this.#driver.request();
    return publication.promise;
  }

  /** The engine's word on a message. */
  onPublished(ticket: Ticket, outcome: PublishOutcome): void {
    const publication = this.#byTicket.get(ticket);
    if (publication === undefined) {
      const error = ticket < this.#firstTicket ? failureOf(outcome, earlierMessage) : undefined;
      if (error !== undefined) this.#owner.onError(error);
      return;
    }
    this.#byTicket.delete(ticket);
    const error = failureOf(outcome, publication);
    if (error !== undefined) publication.reject(error);
    else publication.resolve(resultOf(outcome));
  }

  /** There may be room for those who wait. */
  onRoom(): void {
    for (const publication of this.#waiting) {
      const message = publication.waiting as OutgoingMessage;
      if (!this.#hasRoom(message)) break;
      this.#waiting.delete(publication);
      publication.waiting = undefined;
      const batch = this.#driver.batchToCome;
      this.#began(publication, this.#driver.publish(message), batch);
      this.#driver.request();
    }
  }

  /** The session was read from the store again. What it does not hold has no outcome to come. */
  onRebuilt(failure: MqttError): void {
    for (const publication of this.#byTicket.values()) {
      const { ticket, batch, qos } = publication;
      if (this.#driver.isPending(ticket)) continue;
      this.#byTicket.delete(ticket);
      // It was committed, and may have been sent, and the store has lost it all the same.
      const lost = qos > 0 && this.#driver.isDelivered(batch);
      publication.reject(lost ? unknownOutcome(publication.what, failure) : failure);
    }
  }

  /** The client is over. Everything unsettled rejects; the counts say what was left. */
  end(why: MqttError | undefined): Leftovers {
    const left: Leftovers = { unsent: 0, unacknowledged: 0, ...(this.#durable && { kept: 0 }) };
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const publication of waiting) {
      left.unsent += 1;
      publication.reject(unsent(publication, why));
    }
    this.#endPending(why, left);
    for (const publication of this.#inFlush) {
      if (publication.topic !== undefined) left.unsent += 1;
      publication.reject(unsent(publication, why));
    }
    this.#inFlush.clear();
    this.#shared = undefined;
    return left;
  }

  #endPending(why: MqttError | undefined, left: Leftovers): void {
    const pending = this.#byTicket.values();
    this.#byTicket.clear();
    const { failure } = this.#driver;
    // Messages of QoS 1 and 2 leave in order, so that behind one that left all are on their way, too.
    let someLeft = false;
    for (const publication of pending.reverse()) {
      const { ticket, batch, qos } = publication;
      if (failure !== undefined && !this.#driver.isDelivered(batch)) {
        // It was not stored, and so it was not sent either.
        left.unsent += 1;
        publication.reject(failure);
      } else if (this.#durable && qos > 0) {
        this.#keep(publication, why, left);
      } else if (!(someLeft && qos > 0) && this.#driver.cancel(ticket) === 'withdrawn') {
        left.unsent += 1;
        publication.reject(unsent(publication, why));
      } else {
        someLeft ||= qos > 0;
        left.unacknowledged += 1;
        publication.reject(unknownOutcome(publication.what, why));
      }
    }
  }

  /** The store has it, and whoever starts with that store goes on with it. */
  #keep(publication: Publication, why: MqttError | undefined, left: Leftovers): void {
    left.kept = (left.kept ?? 0) + 1;
    if (this.#driver.isQueued(publication.ticket)) {
      left.unsent += 1;
      publication.reject(unsent(publication, why, keptHint));
    } else {
      left.unacknowledged += 1;
      publication.reject(unknownOutcome(publication.what, why, keptHint));
    }
  }

  #mustWait(message: OutgoingMessage): boolean {
    return this.#waiting.size > 0 || !this.#hasRoom(message);
  }

  #hasRoom(message: OutgoingMessage): boolean {
    if (this.#driver.failure !== undefined) return false;
    const { maximumMessages, maximumBytes } = this.#waitingBounds as WaitingBounds;
    const { messages, bytes } = this.#driver.queued;
    // A message larger than the whole queue is the engine's to refuse.
    if (messages === 0) return true;
    return messages < maximumMessages && bytes + roughBytes(message) <= maximumBytes;
  }

  #create(message: OutgoingMessage, limits: Limits | undefined): Publication {
    const publication = new Publication(this.#driver, message);
    if (hasLimits(limits)) {
      publication.limits = new RequestLimits(this.#clock, limits, publication.what, (error) =>
        this.#giveUp(publication, error),
      );
    }
    return publication;
  }

  #began(publication: Publication, ticket: Ticket, batch: number): void {
    publication.batch = batch;
    publication.ticket = ticket;
    if (ticket !== withNextBatch) {
      this.#byTicket.set(ticket, publication);
      if (ticket < this.#firstTicket) this.#firstTicket = ticket;
      return;
    }
    this.#awaitFlush(publication);
  }

  #awaitFlush(publication: Publication): void {
    this.#inFlush.add(publication);
    this.#driver.afterFlush((error) => {
      this.#inFlush.delete(publication);
      if (this.#shared === publication) this.#shared = undefined;
      if (error === undefined) publication.resolve(sent);
      else publication.reject(error);
    });
  }

  /** The promise that all QoS 0 messages of the flush to come share. */
  #joinFlush(batch: number): Publication {
    if (this.#shared?.batch === batch) return this.#shared;
    const shared = new Publication(this.#driver, undefined);
    shared.batch = batch;
    this.#shared = shared;
    this.#awaitFlush(shared);
    return shared;
  }

  /** The caller's time is up. Before the wire the message is withdrawn; after it, its exchange goes on without us. */
  #giveUp(publication: Publication, error: MqttError): void {
    if (this.#waiting.delete(publication)) {
      publication.reject(error);
      return;
    }
    const { ticket } = publication;
    this.#inFlush.delete(publication);
    if (ticket !== withNextBatch) {
      this.#byTicket.delete(ticket);
      if (this.#driver.cancel(ticket) === 'withdrawn') {
        publication.reject(error);
        return;
      }
    }
    publication.reject(unknownOutcome(publication.what, error));
  }
}

function localFailure(code: EngineErrorCode, message: string): MqttError {
  if (code === 'publishRefused') {
    return new MqttError(code, message, { hint: 'The server may have taken it all the same.' });
  }
  return code === 'invalidArgument' ? new MqttUsageError(message) : new MqttError(code, message);
}

function resultOf(outcome: PublishOutcome): PublishResult {
  if (outcome === acknowledgedAtOnce) return acknowledged;
  if (outcome.kind !== 'acknowledged') return sent;
  const { reasonCode, properties, attempts, sessionLost } = outcome;
  return { reasonCode, properties, attempts, sessionLost };
}

/** The error of a message that failed, or was refused. */
/** @param of says what it was, when that is needed: words for each message cost more than the message. */
function failureOf(outcome: PublishOutcome, of: { readonly what: string }): MqttError | undefined {
  if (outcome === acknowledgedAtOnce) return undefined;
  if (outcome.kind === 'failed') return localFailure(outcome.code, outcome.message);
  if (outcome.kind !== 'acknowledged' || outcome.reasonCode < 0x80) return undefined;
  const { reasonCode, properties } = outcome;
  const { reasonString } = properties;
  const why = describeReason(reasonCode, reasonString);
  const details = { reasonCode, reasonString, properties };
  return new MqttError('publishRefused', `the server refused ${of.what}: ${why}`, details);
}

const earlierMessage = { what: 'a message of an earlier start' };

const keptHint = 'The session store keeps it: the next client with that store goes on with it.';

function unsent({ what }: Publication, why: MqttError | undefined, hint?: string): MqttError {
  return new MqttError('clientClosed', `the client was closed before ${what} was sent`, {
    cause: why,
    hint,
  });
}

function unknownOutcome(
  what: string,
  why: MqttError | undefined,
  hint = 'The server may have it or not.',
): MqttError {
  const because = why === undefined ? 'the client was closed' : why.message;
  return new MqttError(
    'outcomeUnknown',
    `${what} left, and was not acknowledged when the wait for it ended: ${because}`,
    { cause: why, hint },
  );
}

/** As the engine counts, a little on the safe side. */
function roughBytes({ topic, payload, properties }: OutgoingMessage): number {
  const rest = properties === noProperties ? 0 : JSON.stringify(properties).length;
  return topic.length + payload.length + rest;
}
