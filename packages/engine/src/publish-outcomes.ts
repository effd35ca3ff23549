/**
 * How a message of ours ends: each in exactly one way, told once, and recorded before it is told.
 *
 * Whatever ends a message that was sent gives back its place in the window and its packet identifier. Where the server
 * did not have the last word it may still know the identifier: that one stays retired until the session is over.
 */
import { noProperties, type Properties } from '@mqtt-kit/packet';
import type { AcceptedMessage } from './accepted-message.ts';
import { never } from './deadlines.ts';
import { sentWithBatch } from './output.ts';
import type { EngineErrorCode, PublishOutcome, Ticket } from './request.ts';
import type { Shared } from './shared.ts';

export class PublishOutcomes {
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** The server's word: PUBACK, PUBCOMP, or PUBREC of 0x80 and above. */
  acknowledged(message: AcceptedMessage, reasonCode: number, properties: Properties): void {
    this.#leave(message);
    this.#record(message, reasonCode, undefined);
    const { attempts, resentAsNew } = message;
    const plain = reasonCode === 0 && attempts === 1 && properties === noProperties && !resentAsNew;
    this.#settle(
      message,
      plain
        ? acknowledgedAtOnce
        : {
            kind: 'acknowledged',
            reasonCode,
            properties,
            attempts,
            sessionLost: resentAsNew ? 'resent' : undefined,
          },
    );
  }

  /** PUBREC said that the server took the message, and then that it refused it: the exchange is over all the same. */
  contradicted(message: AcceptedMessage, reasonCode: number): void {
    const refusal = `PUBREC 0x${reasonCode.toString(16)}`;
    const text = `the server took the message to "${message.topic}", and then refused it with ${refusal}`;
    this.fail(message, 'outcomeUnknown', text);
  }

  /** PUBREC had come and its session is lost: the server took the message, and will never say PUBCOMP. */
  assumeDelivered(message: AcceptedMessage): void {
    this.#leave(message);
    this.#record(message, undefined, 'assumedDelivered');
    const { attempts, reasonCode } = message;
    const sessionLost = 'assumedDelivered';
    this.#settle(message, {
      kind: 'acknowledged',
      reasonCode,
      properties: noProperties,
      attempts,
      sessionLost,
    });
  }

  /** A QoS 0 message is in the open batch. */
  sent(message: AcceptedMessage): void {
    this.#settle(message, sentWithBatch);
  }

  /** A QoS 0 message left behind CONNECT, in an earlier batch. */
  sentBefore(message: AcceptedMessage): void {
    this.#settle(message, sentEarlier);
  }

  /** The message ends on our side, alone. */
  fail(message: AcceptedMessage, code: EngineErrorCode, text: string): void {
    const { state } = message;
    const retired = (state === 'sent' || state === 'released') && code !== 'sessionLost';
    this.#leave(message);
    if (retired) this.#shared.session.identifiers.reserve(message.packetIdentifier);
    // For a store a message that the server closes at, or contradicts itself about, is one that it does not take.
    const ofServer = code === 'publishRefused' || state === 'released';
    this.#record(message, undefined, ofServer ? 'serverLimit' : code);
    this.#settle(message, failed(code, text));
  }

  /** It never reached a wire, and whoever took it back knows. */
  withdraw(message: AcceptedMessage): void {
    this.#record(message, undefined, 'withdrawn');
  }

  /** The message is not even accepted. */
  refuse(code: EngineErrorCode, text: string): Ticket {
    const ticket = this.#shared.session.nextTicket();
    this.#shared.output.emit({ type: 'published', ticket, outcome: failed(code, text) });
    return ticket;
  }

  /** A message waited longer than it may. */
  expire(message: AcceptedMessage): void {
    const { maximumAgeMs } = this.#shared.options.queue;
    const interval = message.properties.messageExpiryInterval;
    const bounds: string[] = [];
    if (interval !== undefined) bounds.push(`its Message Expiry Interval of ${interval} s`);
    if (maximumAgeMs !== never) bounds.push(`the ${maximumAgeMs} ms that a message may be queued`);
    const text = `the message to "${message.topic}" waited longer than ${bounds.join(' or ')}`;
    this.fail(message, 'expired', text);
  }

  /** A newer message takes the place of this one in the queue. */
  drop(message: AcceptedMessage): void {
    this.fail(message, 'queueFull', `the message to "${message.topic}" made room for a newer one`);
  }

  /** Takes a message out of what is in flight, gives back its identifier and its place. */
  #leave(message: AcceptedMessage): void {
    if (message.state === 'queued') return;
    const { session, connection } = this.#shared;
    if (connection !== undefined) {
      if (connection.resendFrom === message) connection.resendFrom = message.next;
      if (message.connection === connection.number) connection.unacknowledged -= 1;
    }
    session.inFlight.remove(message);
    if (message.packetIdentifier === 0) return;
    session.identifiers.release(message.packetIdentifier);
  }

  #record(
    message: AcceptedMessage,
    reasonCode: number | undefined,
    cause: EngineErrorCode | 'withdrawn' | 'assumedDelivered' | undefined,
  ): void {
    if (!this.#shared.output.recording || message.qos === 0) return;
    const packetIdentifier = message.packetIdentifier === 0 ? undefined : message.packetIdentifier;
    const { sequence } = message;
    this.#shared.output.record({ type: 'outDone', sequence, packetIdentifier, reasonCode, cause });
  }

  #settle(message: AcceptedMessage, outcome: PublishOutcome): void {
    this.#shared.output.emit({ type: 'published', ticket: message.sequence, outcome });
  }
}

const sentEarlier: PublishOutcome = Object.freeze({ kind: 'sent' });

/** Nearly every outcome: one object for all of them, by which it is known again. */
export const acknowledgedAtOnce: PublishOutcome = Object.freeze({
  kind: 'acknowledged',
  reasonCode: 0,
  properties: noProperties,
  attempts: 1,
  sessionLost: undefined,
});

function failed(code: EngineErrorCode, message: string): PublishOutcome {
  return { kind: 'failed', code, message };
}
