/**
 * Received messages of QoS 0, and those at most once that are settled already, that wait for handlers, counted over all
 * subscriptions.
 *
 * Nothing on the wire bounds them: past the bounds reading is to pause, and where it cannot, further ones are dropped
 * and counted.
 */
import { asError, MqttError } from './errors.ts';
import type { ReceivedMessage } from './message.ts';
import { SmallSet } from './small-set.ts';

export interface BacklogBounds {
  readonly maximumMessages: number;
  readonly maximumBytes: number;
}

export interface BacklogOwner {
  /** Whether reading can be paused at present. */
  canPause(): boolean;
  /** Reading is, or is no longer, to pause. */
  onLag(lag: boolean): void;
  onError(error: MqttError): void;
}

export class Backlog {
  readonly #bounds: BacklogBounds;
  readonly #owner: BacklogOwner;
  readonly #fullIterators = new SmallSet();
  #messages = 0;
  #bytes = 0;
  #full = false;
  #lag = false;
  #dropping = false;

  constructor(bounds: BacklogBounds, owner: BacklogOwner) {
    this.#bounds = bounds;
    this.#owner = owner;
  }

  get canPause(): boolean {
    return this.#owner.canPause();
  }

  /** Counts a message that has to wait; false: it is to be dropped. */
  enter(message: ReceivedMessage): boolean {
    const full = this.#isOver(1);
    if (full && !this.canPause) {
      this.#reportDropping(message);
      return false;
    }
    // What a chunk still holds when reading pauses has arrived and is kept.
    this.#messages += 1;
    this.#bytes += message.payload.length;
    if (!this.#full && this.#isOver(1)) {
      this.#full = true;
      this.#update();
    }
    return true;
  }

  /** A message that waited is handled. */
  leave(message: ReceivedMessage): void {
    this.#messages -= 1;
    this.#bytes -= message.payload.length;
    // Half way down, so that reading does not start and stop with every message.
    if (this.#full && !this.#isOver(0.5)) {
      this.#full = false;
      this.#dropping = false;
      this.#update();
    }
  }

  /** An iterator whose QoS 0 messages are not to be dropped has, or no longer has, a full buffer. */
  setIteratorFull(iterator: object, full: boolean): void {
    if (full) this.#fullIterators.add(iterator);
    else this.#fullIterators.delete(iterator);
    this.#update();
  }

  /** `what` of the application's failed on a message. */
  handlerFailed(message: ReceivedMessage, thrown: unknown, what: string): void {
    const cause = asError(thrown);
    const topic = JSON.stringify(message.topic);
    const text = `${what} of a message on ${topic} failed: ${cause.message}`;
    this.#owner.onError(new MqttError('handlerFailed', text, { cause }));
  }

  #isOver(share: number): boolean {
    return (
      this.#messages >= this.#bounds.maximumMessages * share ||
      this.#bytes >= this.#bounds.maximumBytes * share
    );
  }

  #update(): void {
    const lag = this.#full || this.#fullIterators.size > 0;
    if (lag === this.#lag) return;
    this.#lag = lag;
    this.#owner.onLag(lag);
  }

  /** Once until there is room again: an error for each message would be a flood of its own. */
  #reportDropping(message: ReceivedMessage): void {
    if (this.#dropping) return;
    this.#dropping = true;
    const topic = JSON.stringify(message.topic);
    this.#owner.onError(
      new MqttError(
        'queueFull',
        `messages of QoS 0 (or at most once) are dropped, first on ${topic}: ${this.#messages} wait for their handlers, and reading cannot be paused`,
        { hint: 'Make the handlers faster, raise inbox.maxMessages, or subscribe at QoS 1.' },
      ),
    );
  }
}
