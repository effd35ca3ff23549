import type { PublishPacket } from '@mqtt-kit/packet';
import type { Delivery } from './request.ts';

/** A received QoS 1 or 2 message that is not finished. */
export interface IncomingExchange {
  readonly packetIdentifier: number;
  readonly qos: 1 | 2;
  /** 0 while it waits for room in the inbox: nobody has seen it. */
  delivery: Delivery;
  /** Payload, topic and properties: what the inbox bound counts. */
  readonly bytes: number;
  /** What PUBACK or PUBREC will say; `unanswered` until that is known. */
  reasonCode: number;
  /** The connection on which PUBLISH came last, and on which it holds a place within our Receive Maximum. */
  connection: number;
  /** Whether it is in that connection's order of answers. */
  awaitsAnswer: boolean;
  /** Whether PUBREL came before our PUBREC and is answered right behind it. */
  releaseWanted: boolean;
  /** Whether its answer is to settle it, and a `settled` event to tell. */
  tell: boolean;
  /** Whether that failed, so that nobody has seen it: the server's repetition is handed over. */
  handedWhenRepeated: boolean;
}

export const unanswered = -1;

/** A message that came while the inbox was full. */
export interface PostponedMessage {
  readonly exchange: IncomingExchange;
  readonly packet: PublishPacket;
}

export function newExchange(
  packetIdentifier: number,
  qos: 1 | 2,
  bytes: number,
  connection: number,
): IncomingExchange {
  return {
    packetIdentifier,
    qos,
    delivery: 0,
    bytes,
    reasonCode: unanswered,
    connection,
    awaitsAnswer: true,
    releaseWanted: false,
    tell: false,
    handedWhenRepeated: false,
  };
}
