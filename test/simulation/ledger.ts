/**
 * Who has which message: what the application was told, what the server owns, what a handler got. It is the judge of
 * loss, doubling and order.
 */
import { hold } from './violation.ts';

export interface PublishedMessage {
  readonly number: number;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  /** The life of the process in which it was published. */
  readonly life: number;
  /** How the application was told it ended; `undefined`: not yet. */
  outcome: string | undefined;
  owned: number;
  /** The server's session that owned it last. */
  epoch: number;
  /** The server refused it once. */
  refused: boolean;
  /** Left behind CONNECT and may be sent again, since the server's word never came. */
  uncertain: boolean;
}

export interface InboundMessage {
  readonly number: number;
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly epoch: number;
  /** The client has acknowledged it, and the server knows. */
  taken: boolean;
  /** How often PUBACK or PUBREC left for it, whether they arrived or not, and in which life of the process first. */
  answers: number;
  answeredIn: number;
  delivered: number;
  /** The life of the process that got it last. */
  life: number;
  /** Its handler has done with it. */
  handled: boolean;
  /** By refusing it. */
  refused: boolean;
  /** Its handler wants it again. */
  left: boolean;
  /** The life in which it was acknowledged for a loop whose subscription ended, and which gets it all the same. */
  heldByLoop: number;
}

/** What the client's store knows of a delivery. */
export interface KeptDelivery {
  /** It outlives the process. */
  readonly surviving: boolean;
  /** It has the end of this one. */
  readonly ended: boolean;
  /** Others may have come before it. */
  readonly late: boolean;
  /**
   * Its first copy may have been answered and then dropped, as a full buffer does to messages at most once. Where the
   * answer is lost, the server sends another copy behind newer ones: that it comes late then says nothing of the order.
   */
  readonly mayBeDropped: boolean;
}

/** What ends so was never on a wire, and never will be. */
export const neverSent: ReadonlySet<string> = new Set([
  'withdrawn',
  'queueFull',
  'expired',
  'not stored',
]);

export class Ledger {
  readonly published: Map<number, PublishedMessage> = new Map();
  readonly inbound: Map<number, InboundMessage> = new Map();
  /** Numbers of messages that came late, and can only have done so because an earlier copy was dropped. */
  readonly droppedFirst: Set<number> = new Set();
  readonly #lastOwned = new Map<string, number>();
  readonly #lastDelivered = new Map<string, number>();
  #lastNumber = 0;

  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  publish(number: number, topic: string, qos: 0 | 1 | 2, life: number): PublishedMessage {
    const message: PublishedMessage = {
      number,
      topic,
      qos,
      life,
      outcome: undefined,
      owned: 0,
      epoch: 0,
      refused: false,
      uncertain: false,
    };
    this.published.set(number, message);
    return message;
  }

  /** The application is told how a publish ended. */
  settled(message: PublishedMessage, outcome: string): void {
    hold(
      message.outcome === undefined,
      10,
      () => `message ${message.number} ends as ${outcome} after ${message.outcome}`,
    );
    message.outcome = outcome;
    if (outcome === 'success' && message.qos > 0) {
      hold(
        message.owned > 0,
        11,
        () => `message ${message.number} is a success, the server has it not`,
      );
    }
    if (neverSent.has(outcome) && !message.uncertain) {
      hold(
        message.owned === 0,
        11,
        () => `message ${message.number} is ${outcome}, and the server has it`,
      );
    }
  }

  /**
   * The server owns a message.
   * @param onceForAll whether what a lost session took with it is not sent again at QoS 2
   */
  own(number: number, topic: string, qos: number, epoch: number, onceForAll = false): void {
    const message = this.published.get(number);
    hold(
      message !== undefined,
      18,
      () => `the server has a message ${number} that nobody published`,
    );
    hold(
      message.topic === topic && message.qos === qos,
      18,
      () =>
        `message ${number} to ${message.topic} at QoS ${message.qos} is to ${topic} at QoS ${qos}`,
    );
    if (qos === 2) {
      hold(
        message.owned === 0 || (!onceForAll && message.epoch !== epoch),
        'twice',
        () => `the server has QoS 2 message ${number} twice`,
      );
    }
    if (qos === 0 && !message.uncertain) {
      hold(message.owned === 0, 'twice', () => `the server has QoS 0 message ${number} twice`);
    }
    const unsent = neverSent.has(message.outcome ?? '');
    hold(
      !unsent || message.uncertain,
      11,
      () => `message ${number} is ${message.outcome}, and is sent`,
    );
    message.epoch = epoch;
    message.owned += 1;
    if (message.owned > 1 || message.refused) return;
    const key = `${qos} ${topic}`;
    const last = this.#lastOwned.get(key) ?? 0;
    hold(last < number, 8, () => `message ${number} to ${topic} after ${last}`);
    this.#lastOwned.set(key, number);
  }

  /** The server has a message for the client. */
  offer(number: number, topic: string, qos: 0 | 1 | 2, epoch: number): void {
    const message = {
      number,
      topic,
      qos,
      epoch,
      taken: false,
      answers: 0,
      answeredIn: 0,
      delivered: 0,
      life: 0,
      handled: false,
      refused: false,
      left: false,
      heldByLoop: 0,
    };
    this.inbound.set(number, message);
  }

  /** A handler gets a message. */
  deliver(
    number: number,
    topic: string,
    redelivered: boolean,
    life: number,
    kept: KeptDelivery,
  ): InboundMessage {
    const { surviving, ended, late, mayBeDropped } = kept;
    const message = this.inbound.get(number);
    hold(message !== undefined, 18, () => `a message ${number} that nobody sent is delivered`);
    hold(
      message.topic === topic,
      22,
      () => `message ${number} to ${message.topic} comes as ${topic}`,
    );
    const before = message.delivered > 0 && (surviving || message.life === life);
    if (redelivered) {
      hold(
        message.life !== life || message.qos === 1 || message.left,
        9,
        () => `message ${number} is delivered again in one life`,
      );
      // Of a message that was refused the server may not have heard: then it comes as a new one.
      hold(
        !ended || message.refused || message.heldByLoop === life,
        9,
        () => `message ${number} is delivered again after its end`,
      );
    } else if (message.qos !== 1 && !message.refused) {
      hold(!before, 9, () => `QoS ${message.qos} message ${number} is delivered twice`);
    }
    const mayBeLate = late || message.left;
    message.left = false;
    message.delivered += 1;
    message.life = life;
    if (message.delivered > 1 || mayBeLate) return message;
    const key = `${message.qos} ${topic}`;
    const last = this.#lastDelivered.get(key) ?? 0;
    if (last >= number && mayBeDropped) {
      this.droppedFirst.add(number);
      return message;
    }
    hold(last < number, 8, () => `message ${number} on ${topic} is delivered after ${last}`);
    this.#lastDelivered.set(key, number);
    return message;
  }
}
