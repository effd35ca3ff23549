/**
 * Messages that were accepted and were never on a wire, bounded in number, bytes and age.
 *
 * QoS 0 messages and the others wait in two lists, since only the others need a packet identifier and a place within
 * the server's Receive Maximum. While those are to be had, `next` goes strictly by the order of acceptance; while not,
 * QoS 0 messages pass. [MQTT-3.3.4-8] Within a list the order never changes.
 *
 * A message leaves by being sent, withdrawn, dropped by the overflow policy, or expired. Every step costs the same
 * however long the queue is, but for the search for expired ones: it looks at all, and so is done the less often the
 * more there are.
 */
import { type AcceptedMessage, messageBytes } from './accepted-message.ts';
import { monotonicDeadlineMs, never } from './deadlines.ts';
import type { QueueLimits } from './engine-options.ts';
import { LinkedList } from './linked-list.ts';
import { NumberMap } from './number-map.ts';
import { messageOf, type QueuedMessage, QueuedMessages } from './queued-message.ts';
import type { Now, OutgoingMessage, Ticket } from './request.ts';

/** Told what leaves the queue by itself, already taken out. */
export interface QueueExits {
  /** It waited longer than it may. */
  expire(message: AcceptedMessage): void;
  /** It makes room for a newer one. */
  drop(message: AcceptedMessage): void;
}

export class PublishQueue {
  readonly #limits: QueueLimits;
  readonly #atMostOnce = new LinkedList<QueuedMessage>();
  readonly #acknowledged = new LinkedList<QueuedMessage>();
  readonly #made = new QueuedMessages();
  readonly #byTicket = new NumberMap<QueuedMessage>();
  /** Those of each topic, oldest first; kept for the policy `latestPerTopic` alone. */
  readonly #byTopic: Map<string, Set<QueuedMessage>> | undefined;
  #bytes = 0;
  #expiryDeadlineMs = never;
  #full = false;
  #gaveRoom = false;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.#byTopic = limits.overflow === 'latestPerTopic' ? new Map() : undefined;
  }

  get messages(): number {
    return this.#byTicket.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When `expire` is worth a call. */
  get deadlineMs(): number {
    return this.#expiryDeadlineMs;
  }

  /** Whether a QoS 0 message has to wait behind others of its kind. */
  get holdsQos0(): boolean {
    return this.#atMostOnce.size > 0;
  }

  /**
   * Whether a message finds room. By policy others are dropped to make it.
   * Nothing is dropped for a message that would not fit all the same.
   */
  makeRoom(topic: string, bytes: number, exits: QueueExits): boolean {
    const { overflow, maximumBytes, maximumMessages } = this.#limits;
    if (bytes <= maximumBytes && maximumMessages > 0) {
      if (overflow === 'dropOldest') {
        while (!this.#fits(bytes)) exits.drop(this.take(this.next(true)!));
      } else if (overflow === 'latestPerTopic') {
        for (const older of this.#givingWay(topic, bytes)) exits.drop(this.take(older));
      }
      if (this.#fits(bytes)) return true;
    }
    this.#noteFull();
    return false;
  }

  /**
   * Adds at the end. Room was made, or the message comes from a store, where no bound applies.
   * @param own whether its payload is ours already
   */
  add(
    message: OutgoingMessage,
    ticket: Ticket,
    expiresAtEpochMs: number,
    own: boolean,
    now: Now,
  ): void {
    const queuedMs = this.#limits.maximumAgeMs === never ? undefined : now.monotonicMs;
    const queued = this.#made.make(message, ticket, expiresAtEpochMs, queuedMs, own);
    this.#list(queued).append(queued);
    this.#enter(queued, messageBytes(message), now);
    this.#ofTopic(message.topic)?.add(queued);
    const { maximumBytes, maximumMessages } = this.#limits;
    if (this.messages >= maximumMessages || this.#bytes >= maximumBytes) this.#noteFull();
  }

  /** Puts a message back that turned out not to be sent, before all others of its kind. */
  putBack(message: AcceptedMessage, now: Now): void {
    const { sequence, topic, expiresAtEpochMs, queuedMs } = message;
    const queued = this.#made.make(message, sequence, expiresAtEpochMs, queuedMs, true);
    this.#list(queued).prepend(queued);
    this.#enter(queued, messageBytes(message), now);
    const behind = this.#ofTopic(topic);
    if (behind !== undefined) this.#byTopic!.set(topic, new Set([queued, ...behind]));
  }

  /** The next one to send; only a QoS 0 message while others could not be sent. It stays until `take`. */
  next(acknowledgedMayGo: boolean): QueuedMessage | undefined {
    const atMostOnce = this.#atMostOnce.first;
    const acknowledged = this.#acknowledged.first;
    if (!acknowledgedMayGo || acknowledged === undefined) return atMostOnce;
    if (atMostOnce === undefined || acknowledged.sequence < atMostOnce.sequence)
      return acknowledged;
    return atMostOnce;
  }

  find(ticket: Ticket): QueuedMessage | undefined {
    return this.#byTicket.get(ticket);
  }

  /** Takes one out that is here: it goes on its way, or has come to an end. */
  take(queued: QueuedMessage): AcceptedMessage {
    const message = messageOf(queued);
    this.#list(queued).remove(queued);
    this.#byTicket.delete(queued.sequence);
    // Messages that may go at once never come here: most clients use it while they connect, and then no more.
    if (this.#byTicket.size === 0) {
      this.#byTicket.clear();
      this.#made.clear();
    }
    const ofTopic = this.#byTopic?.get(queued.topic);
    if (ofTopic?.delete(queued) && ofTopic.size === 0) this.#byTopic!.delete(queued.topic);
    this.#bytes -= messageBytes(message);
    this.#gaveRoom = true;
    return message;
  }

  /** Takes out what waited longer than it may. */
  expire(now: Now, exits: QueueExits): void {
    if (now.monotonicMs < this.#expiryDeadlineMs) return;
    this.#expiryDeadlineMs = never;
    this.#expireList(this.#atMostOnce, now, exits);
    this.#expireList(this.#acknowledged, now, exits);
    const soonestMs = now.monotonicMs + this.messages / searchedPerMs;
    this.#expiryDeadlineMs = Math.max(this.#expiryDeadlineMs, soonestMs);
  }

  /** Whether the queue had been full and has room since the last call. */
  takeRoom(): boolean {
    const { maximumBytes, maximumMessages } = this.#limits;
    const room = this.#full && this.#gaveRoom;
    if (!room || this.messages >= maximumMessages || this.#bytes >= maximumBytes) return false;
    this.#full = false;
    this.#gaveRoom = false;
    return true;
  }

  #noteFull(): void {
    if (!this.#full) this.#gaveRoom = false;
    this.#full = true;
  }

  #fits(bytes: number, fewerMessages = 0, fewerBytes = 0): boolean {
    const messages = this.messages - fewerMessages;
    const held = this.#bytes - fewerBytes;
    return messages < this.#limits.maximumMessages && held + bytes <= this.#limits.maximumBytes;
  }

  /** The oldest messages of a topic without which there is room; none when there would be no room without all of them. */
  #givingWay(topic: string, bytes: number): QueuedMessage[] {
    const older: QueuedMessage[] = [];
    let olderBytes = 0;
    const waiting = this.#byTopic!.get(topic)?.values();
    while (!this.#fits(bytes, older.length, olderBytes)) {
      const next = waiting?.next();
      if (next === undefined || next.done) return [];
      older.push(next.value);
      olderBytes += messageBytes(messageOf(next.value));
    }
    return older;
  }

  #ofTopic(topic: string): Set<QueuedMessage> | undefined {
    if (this.#byTopic === undefined) return undefined;
    let messages = this.#byTopic.get(topic);
    if (messages === undefined) {
      messages = new Set();
      this.#byTopic.set(topic, messages);
    }
    return messages;
  }

  #list({ rest }: QueuedMessage): LinkedList<QueuedMessage> {
    return rest.qos === 0 ? this.#atMostOnce : this.#acknowledged;
  }

  #enter(queued: QueuedMessage, bytes: number, now: Now): void {
    this.#byTicket.set(queued.sequence, queued);
    this.#bytes += bytes;
    this.#expiryDeadlineMs = Math.min(this.#expiryDeadlineMs, this.#expiresMs(queued, now));
  }

  #expiresMs({ rest: { expiresAtEpochMs, queuedMs } }: QueuedMessage, now: Now): number {
    const byAgeMs = queuedMs === undefined ? never : queuedMs + this.#limits.maximumAgeMs;
    if (expiresAtEpochMs === never) return byAgeMs;
    return Math.min(byAgeMs, monotonicDeadlineMs(expiresAtEpochMs, now));
  }

  #expireList(list: LinkedList<QueuedMessage>, now: Now, exits: QueueExits): void {
    let queued = list.first;
    while (queued !== undefined) {
      const { next }: QueuedMessage = queued;
      const expiresMs = this.#expiresMs(queued, now);
      if (expiresMs <= now.monotonicMs) exits.expire(this.take(queued));
      else this.#expiryDeadlineMs = Math.min(this.#expiryDeadlineMs, expiresMs);
      queued = next;
    }
  }
}

/** The search for expired messages takes at most a small share of the time: 100 messages for each millisecond. */
const searchedPerMs = 100;
