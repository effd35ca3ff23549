/** PUBACK, PUBREC and PUBCOMP: each in the order in which it is owed, and what is settled by them. */
import { type AcknowledgePacket, noProperties, PacketType, ReasonCode } from '@mqtt-kit/packet';
import type { Connection } from './connection.ts';
import { type IncomingExchange, unanswered } from './incoming-exchange.ts';
import { fittingReasonCode } from './negotiated.ts';
import type { Shared } from './shared.ts';

export class IncomingAnswers {
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** Sends what is known, up to the first answer that is not. */
  answer(qos: 1 | 2, connection: Connection): void {
    if (qos === 1) this.#answerQos1(connection);
    else this.#answerQos2(connection);
  }

  /** PUBREL came: the identifier is free. [MQTT-4.3.3-12] */
  complete(exchange: IncomingExchange, connection: Connection): void {
    const { packetIdentifier } = exchange;
    if (this.#shared.output.recording) {
      this.#shared.output.record({ type: 'inReleased', packetIdentifier });
    }
    this.#shared.session.incoming.delete(packetIdentifier);
    if (exchange.connection === connection.number) connection.places -= 1;
    else this.#lendPlace(connection);
    this.#send(PacketType.pubcomp, packetIdentifier, ReasonCode.success, connection);
    this.settled(exchange);
  }

  /** PUBREL for nothing that is known here. */
  completeUnknown(packetIdentifier: number, connection: Connection): void {
    const { reasons } = connection.negotiated;
    const reasonCode = reasons ? ReasonCode.packetIdentifierNotFound : ReasonCode.success;
    this.#lendPlace(connection);
    this.#send(PacketType.pubcomp, packetIdentifier, reasonCode, connection);
  }

  /** Its answer is in the batch that carries the event, or the server has forgotten it. */
  settled(exchange: IncomingExchange): void {
    if (!exchange.tell) return;
    const { session, output } = this.#shared;
    const { delivery } = exchange;
    exchange.tell = false;
    if (session.takeUndone(delivery) !== undefined && output.recording) {
      output.record({ type: 'inDone', delivery });
    }
    output.emit({ type: 'settled', delivery, again: false });
  }

  /** Its connection ended first. */
  unsettled(exchange: IncomingExchange): void {
    if (!exchange.tell) return;
    exchange.tell = false;
    exchange.reasonCode = unanswered;
    exchange.handedWhenRepeated = exchange.qos === 2;
    this.#shared.output.emit({ type: 'settled', delivery: exchange.delivery, again: true });
  }

  #answerQos1(connection: Connection): void {
    const order = connection.pubackOrder;
    while (order.first !== undefined && order.first.reasonCode !== unanswered) {
      const exchange = order.shift()!;
      const { packetIdentifier, reasonCode } = exchange;
      connection.unansweredQos1.delete(packetIdentifier);
      connection.places -= 1;
      this.#send(PacketType.puback, packetIdentifier, reasonCode, connection);
      this.settled(exchange);
    }
  }

  #answerQos2(connection: Connection): void {
    const { session, output } = this.#shared;
    const order = connection.pubrecOrder;
    while (order.first !== undefined && order.first.reasonCode !== unanswered) {
      const exchange = order.shift()!;
      const { packetIdentifier, reasonCode } = exchange;
      exchange.awaitsAnswer = false;
      this.#send(PacketType.pubrec, packetIdentifier, reasonCode, connection);
      this.settled(exchange);
      if (reasonCode >= 0x80 && connection.negotiated.reasons) {
        // [MQTT-4.3.3-9] Refused: the identifier is free at once.
        if (output.recording) output.record({ type: 'inReleased', packetIdentifier });
        session.incoming.delete(packetIdentifier);
        connection.places -= 1;
      } else if (exchange.releaseWanted) {
        this.complete(exchange, connection);
      }
    }
  }

  /**
   * PUBCOMP for an exchange of an earlier connection: a server that follows 4.9 to the letter has counted nothing for
   * it here, and takes PUBCOMP as one place more. There cannot be more of those than there were places.
   */
  #lendPlace(connection: Connection): void {
    const { receiveMaximum } = connection.own;
    connection.lentPlaces = Math.min(connection.lentPlaces + 1, receiveMaximum);
  }

  #send(
    type: AcknowledgePacket['type'],
    packetIdentifier: number,
    reasonCode: number,
    connection: Connection,
  ): void {
    const usual = reasonCode === ReasonCode.success && !this.#shared.output.tracing;
    if (usual && connection.encoder.encodeSuccess(type, packetIdentifier) > 0) return;
    this.#sendReason(type, packetIdentifier, reasonCode, connection);
  }

  #sendReason(
    type: AcknowledgePacket['type'],
    packetIdentifier: number,
    reasonCode: number,
    connection: Connection,
  ): void {
    const answer: AcknowledgePacket = {
      type,
      packetIdentifier,
      reasonCode: fittingReasonCode(reasonCode, connection.negotiated),
      properties: noProperties,
    };
    connection.encoder.encode(answer);
    if (this.#shared.output.tracing) this.#shared.output.tracePacket('sent', answer);
  }
}
