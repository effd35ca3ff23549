/**
 * How a subscription's messages are handed over: when they count as handled, and what a failing handler does to them.
 *
 * What has to happen before a message is handed over is its admission. At least once, there is nothing before it. At
 * most once, the message is settled first: out of a durable store in its turn, otherwise as it arrives. With transactions, the application is asked whether it has seen a message
 * that comes again.
 */
import type { Backlog } from './backlog.ts';
import { MqttUsageError } from './errors.ts';
import type { ReceivedMessage } from './message.ts';
import { given } from './option-check.ts';
import type { HandlerReceipt, Receipt } from './receipt.ts';

/** A message on its way, with what settles it; none at QoS 0. */
export interface Waiting {
  readonly message: ReceivedMessage;
  readonly receipt: HandlerReceipt | undefined;
}

export interface DeliverySettings {
  readonly mode: 'at-least-once' | 'at-most-once' | 'transactional';
  /** Asked before a message is handed over that may have been before. */
  readonly seen: ((deliveryId: number) => boolean | Promise<boolean>) | undefined;
  /** Whether the application acknowledges. */
  readonly manual: boolean;
  /**
   * At most once without a durable store: a message is settled when it arrives, not in its turn. Its answer may have to
   * wait for those of others, which must not wait for a turn that it holds.
   */
  readonly settlesOnArrival: boolean;
  /** What becomes of a message whose handler fails; a number: it is refused with this reason code. */
  readonly handlerFailure: 'acknowledge' | 'redeliver' | number;
}

/**
 * `hand`: it is handed over. `done`: it had been handled before. `leave`: nobody knows, so it is to come again. `skip`:
 * it comes again by itself.
 */
export type Admission = 'hand' | 'done' | 'leave' | 'skip';

/** Whether the message may be handed over at once. */
export function isAdmitted(
  { mode }: DeliverySettings,
  message: ReceivedMessage,
  receipt: HandlerReceipt | undefined,
): boolean {
  if (mode === 'at-least-once' || receipt === undefined) return true;
  return mode === 'transactional' && !message.redelivered;
}

/** For all others: `decide` is called, later and once. */
export function admit(
  { seen }: DeliverySettings,
  { message, receipt }: Waiting,
  backlog: Backlog,
  decide: (admission: Admission) => void,
): void {
  if (seen === undefined) {
    settleFirst(receipt, (handOver) => decide(handOver ? 'hand' : 'skip'));
    return;
  }
  askWhetherSeen(seen, message).then(decide, (thrown) => {
    backlog.handlerFailed(message, thrown, 'seen()');
    decide('leave');
  });
}

/** For a message at most once, where nobody acknowledges by hand. */
export function settleFirst(
  receipt: HandlerReceipt | undefined,
  whenSettled: (handOver: boolean) => void,
): void {
  (receipt as Receipt).settleFirst(whenSettled);
}

/** What is left to settle once it is handed over. */
export function remaining(
  { mode, manual }: DeliverySettings,
  receipt: HandlerReceipt | undefined,
): HandlerReceipt | undefined {
  return manual || mode === 'at-most-once' ? undefined : receipt;
}

/** For a message that is not handed over. */
export function settleUnhanded(admission: Admission, receipt: HandlerReceipt | undefined): void {
  if (admission === 'done') receipt?.done();
  else if (admission === 'leave') receipt?.leave();
}

async function askWhetherSeen(
  seen: NonNullable<DeliverySettings['seen']>,
  { deliveryId }: ReceivedMessage,
): Promise<Admission> {
  const answer: unknown = await seen(deliveryId as number);
  if (typeof answer === 'boolean') return answer ? 'done' : 'hand';
  throw new MqttUsageError(`it must answer true or false; got ${given(answer)}`);
}
