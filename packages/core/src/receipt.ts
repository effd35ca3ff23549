/**
 * What the handlers of one received QoS 1 or 2 message say of it, until all have spoken: then it is settled once.
 *
 * Where they disagree, the most careful one wins. If one wants the message again, it is not acknowledged and comes
 * again for all of them; otherwise, if one refuses it, the server gets the reason code of the first who did; otherwise
 * it is acknowledged. A handler that is to see it at most once speaks before it sees it, and is called last.
 */
import type { MessageEvent } from '@mqtt-kit/engine';
import { ReasonCode } from '@mqtt-kit/packet';
import { MqttUsageError } from './errors.ts';
import { expectation, listOf } from './option-check.ts';

/** What one consumer says of a message, once. */
export interface HandlerReceipt {
  /** It has done with it; a reason code of 0x80 and above refuses it. */
  done(reasonCode?: number): void;
  /** It wants it again. */
  leave(): void;
}

export interface ReceiptOwner {
  /** All have done with a message. With `tell`, `receipt.settled` is to be called, once. */
  acknowledge(receipt: Receipt, reasonCode: number, tell: boolean): void;
  /** Somebody wants it again. */
  leave(event: MessageEvent): void;
}

export class Receipt implements HandlerReceipt {
  readonly event: MessageEvent;
  readonly #owner: ReceiptOwner;
  #left: number;
  #reasonCode = 0;
  #again = false;
  #waiting: ((handOver: boolean) => void)[] | undefined = undefined;

  constructor(event: MessageEvent, handlers: number, owner: ReceiptOwner) {
    this.event = event;
    this.#left = handlers;
    this.#owner = owner;
  }

  done(reasonCode = 0): void {
    if (this.#reasonCode < 0x80) this.#reasonCode = reasonCode;
    this.#count();
  }

  leave(): void {
    this.#again = true;
    this.#count();
  }

  /** As `done`; calls back when nothing brings the message again, or with false when it comes again. */
  settleFirst(whenSettled: (handOver: boolean) => void): void {
    this.#waiting ??= [];
    this.#waiting.push(whenSettled);
    this.#count();
  }

  /** It is settled for good, or comes again. */
  settled(again: boolean): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const whenSettled of waiting) whenSettled(!again);
  }

  #count(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    if (this.#again) {
      this.#owner.leave(this.event);
      this.settled(true);
    } else {
      this.#owner.acknowledge(this, this.#reasonCode, this.#waiting !== undefined);
    }
  }
}

/** The end of a sentence. */
export const refusalNeedsMemory =
  'needs a memory store: with a durable one the server has its answer before anybody sees the message';

export interface RefusalRules {
  /** Why messages cannot be refused, as the end of a sentence; `undefined` where they can. */
  refusalProblem(): string | undefined;
}

/** The receipt of a message that the application acknowledges itself. Only the first word counts. */
export class ManualReceipt implements HandlerReceipt {
  readonly #receipt: Receipt | undefined;
  readonly #rules: RefusalRules;
  #spoken = false;

  /** Without a receipt at QoS 0, where there is nothing to acknowledge. */
  constructor(receipt: Receipt | undefined, rules: RefusalRules) {
    this.#receipt = receipt;
    this.#rules = rules;
  }

  /** The application's call. Throws a `MqttUsageError`, which changes nothing. */
  acknowledge(reasonCode: number): void {
    checkAcknowledgement('reasonCode', reasonCode, [ReasonCode.success, ...refusals]);
    const problem = reasonCode < 0x80 ? undefined : this.#rules.refusalProblem();
    if (problem !== undefined) throw new MqttUsageError(`refusing a message ${problem}`);
    if (this.#spoken) {
      throw new MqttUsageError('acknowledge() must be called once; the message is done already');
    }
    this.done(reasonCode);
  }

  done(reasonCode = 0): void {
    if (this.#spoken) return;
    this.#spoken = true;
    this.#receipt?.done(reasonCode);
  }

  leave(): void {
    if (this.#spoken) return;
    this.#spoken = true;
    this.#receipt?.leave();
  }
}

/** Reason codes with which PUBACK and PUBREC refuse a message. [MQTT-3.4.2-1] [MQTT-3.5.2-1] */
const refusals: readonly number[] = [
  ReasonCode.unspecifiedError,
  ReasonCode.implementationSpecificError,
  ReasonCode.notAuthorized,
  ReasonCode.topicNameInvalid,
  ReasonCode.packetIdentifierInUse,
  ReasonCode.quotaExceeded,
  ReasonCode.payloadFormatInvalid,
];

export function checkRefusal(name: string, value: unknown): number {
  return checkAcknowledgement(name, value, refusals);
}

function checkAcknowledgement(name: string, value: unknown, codes: readonly number[]): number {
  if (codes.includes(value as number)) return value as number;
  const shown = codes.map((code) => `0x${code.toString(16).toUpperCase().padStart(2, '0')}`);
  throw expectation(name, listOf(shown), value);
}
