/**
 * Messages from the server, from PUBLISH to the last packet about them.
 *
 *     QoS 1   PUBLISH: delivered -acknowledge-> PUBACK, done
 *     QoS 2   PUBLISH: delivered -acknowledge-> PUBREC -PUBREL-> PUBCOMP, done
 *
 * With `acknowledgeAfter: 'commit'` PUBACK and PUBREC do not wait for `acknowledge`: they leave behind the commit of
 * the message, and `acknowledge` only tells the store that the handler has done with it.
 *
 * PUBACK packets leave in the order in which their PUBLISH packets came [MQTT-4.6.0-2], PUBREC packets likewise
 * [MQTT-4.6.0-3], whatever the order of `acknowledge`: an answer that is known waits behind those that are not.
 *
 * At QoS 1 an exchange ends with its connection; the server sends the message again, and `acknowledge` for the first
 * one does nothing. At QoS 2 the identifier is session state until PUBREL: a PUBLISH that comes again, on whatever
 * connection, is not delivered again, and is answered once the answer is known. [MQTT-4.3.3-10]
 *
 * A message holds a place within our Receive Maximum from PUBLISH to PUBACK, PUBCOMP, or a PUBREC of 0x80 and above; a
 * repetition takes no second one. We count as the server has to (4.9) and give places back before it can know, so
 * whoever exceeds our count has broken the rule.
 */
import {
  type AcknowledgePacket,
  noProperties,
  PacketType,
  type Properties,
  type PublishPacket,
  ReasonCode,
} from '@mqtt-kit/packet';
import { messageBytes } from './accepted-message.ts';
import { ProtocolBreach } from './breach.ts';
import type { Connection } from './connection.ts';
import type { Fifo } from './fifo.ts';
import { IncomingAnswers } from './incoming-answers.ts';
import { type IncomingExchange, newExchange, unanswered } from './incoming-exchange.ts';
import { MessageEvent } from './message-event.ts';
import type { Delivery, OutgoingMessage } from './request.ts';
import type { Redelivery } from './session-state.ts';
import { noteProgress, type Shared } from './shared.ts';

export class IncomingPublish {
  readonly #shared: Shared;
  readonly #stored: boolean;
  readonly #answers: IncomingAnswers;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#answers = new IncomingAnswers(shared);
    this.#stored = shared.options.acknowledgeAfter === 'commit';
  }

  /** Whether the bounds on messages whose handler has not done with them are reached. */
  get inboxFull(): boolean {
    const { session, connection, options } = this.#shared;
    const messages = session.undone.size + (connection?.heldMessages ?? 0);
    const bytes = session.undoneBytes + (connection?.heldBytes ?? 0);
    return (
      messages >= options.inbox.maximumMessages ||
      bytes >= options.inbox.maximumBytes ||
      messages >= (connection?.own.heldMaximum ?? messages + 1)
    );
  }

  publish(packet: PublishPacket): void {
    const connection = this.#shared.connection!;
    // Before anything else: a topic taught by a repetition counts, too. [MQTT-3.3.2-12]
    if (packet.properties !== noProperties || packet.topic === '') {
      connection.incomingAliases.resolve(packet);
    }
    if (packet.qos === 0) this.#deliver(packet, 0, connection);
    else if (packet.qos === 1) this.#publishQos1(packet, packet.packetIdentifier!, connection);
    else this.#publishQos2(packet, packet.packetIdentifier!, connection);
    if (!connection.progressed && !packet.retain && connection.requests.size === 0) {
      noteProgress(this.#shared);
    }
  }

  pubrel(packet: AcknowledgePacket): void {
    const { output } = this.#shared;
    const connection = this.#shared.connection!;
    const { packetIdentifier, type: packetType } = packet;
    const exchange = this.#qos2Exchange(packetIdentifier, connection);
    if (exchange === undefined) {
      // It may be the end of an exchange whose PUBCOMP was lost. [MQTT-4.3.3-11]
      output.emit({ type: 'unexpectedAcknowledgement', packetType, packetIdentifier });
      this.#answers.completeUnknown(packetIdentifier, connection);
      return;
    }
    if (exchange.awaitsAnswer && exchange.connection === connection.number) {
      exchange.releaseWanted = true; // Too early: PUBCOMP follows PUBREC.
      return;
    }
    this.#answers.complete(exchange, connection);
  }

  /** The handler has done with a message. With `tell` a `settled` event says when that is for good. */
  acknowledge(delivery: Delivery, reasonCode: number, tell: boolean): void {
    if (delivery === 0) return; // QoS 0.
    if (tell && !this.#stored) {
      this.#answerFirst(delivery, reasonCode);
      return;
    }
    const { session, connection, output } = this.#shared;
    const exchange = session.takeUndone(delivery) ?? this.#takeHeld(delivery, connection);
    if (exchange === undefined) {
      // The store that this engine was restored from had its end already.
      if (tell) output.emit({ type: 'settled', delivery, again: false });
      return;
    }
    if (output.recording && (exchange.qos === 2 || this.#stored)) {
      output.record({ type: 'inDone', delivery });
    }
    if (tell) output.emit({ type: 'settled', delivery, again: false });
    if (connection?.phase !== 'connected') {
      if (exchange.reasonCode === unanswered) exchange.reasonCode = reasonCode;
      return;
    }
    if (exchange.reasonCode === unanswered) {
      exchange.reasonCode = reasonCode;
      this.#answers.answer(exchange.qos, connection);
    }
    this.#admitPostponed(connection);
  }

  /** Messages that were to be settled by an answer, and were not. */
  connectionEnded({ pubackOrder }: Connection): void {
    const answers = this.#answers;
    for (let place = 0; place < pubackOrder.size; place++)
      answers.unsettled(pubackOrder.at(place)!);
    for (const exchange of this.#shared.session.incoming.values()) answers.unsettled(exchange);
  }

  /** Hands over again what a store kept and no handler has done with. */
  redeliver(redeliveries: readonly Redelivery[]): void {
    for (const { exchange, message } of redeliveries) {
      const packet: PublishPacket = {
        type: PacketType.publish,
        topic: message.topic,
        payload: message.payload,
        qos: message.qos,
        retain: message.retain,
        dup: false,
        packetIdentifier: exchange.packetIdentifier,
        properties: message.properties,
      };
      this.#shared.output.emit(new MessageEvent(0, exchange.delivery, packet, true));
    }
  }

  #publishQos1(packet: PublishPacket, packetIdentifier: number, connection: Connection): void {
    const { session, output } = this.#shared;
    if (connection.unansweredQos1.has(packetIdentifier)) {
      // Sent again before our answer, as 3.1.1 allows: the answer under way is for both. As a new message it is none.
      if (packet.dup) return;
      throw identifierInUse(packetIdentifier);
    }
    const older = this.#qos2Exchange(packetIdentifier, connection);
    if (older?.connection === connection.number) throw identifierInUse(packetIdentifier);
    this.#takePlace(connection);
    if (older !== undefined) {
      // The server did not take up the exchange of an earlier connection: it has forgotten it, so it is over.
      if (output.recording) output.record({ type: 'inReleased', packetIdentifier });
      session.incoming.delete(packetIdentifier);
      this.#answers.settled(older);
    }
    const exchange = newExchange(packetIdentifier, 1, messageBytes(packet), connection.number);
    connection.unansweredQos1.set(packetIdentifier, exchange);
    connection.pubackOrder.push(exchange);
    this.#arrive(exchange, packet, connection);
  }

  #publishQos2(packet: PublishPacket, packetIdentifier: number, connection: Connection): void {
    if (connection.unansweredQos1.has(packetIdentifier)) throw identifierInUse(packetIdentifier);
    const known = this.#qos2Exchange(packetIdentifier, connection);
    if (known === undefined) {
      this.#takePlace(connection);
      const exchange = newExchange(packetIdentifier, 2, messageBytes(packet), connection.number);
      connection.pubrecOrder.push(exchange);
      this.#arrive(exchange, packet, connection);
      return;
    }
    if (known.connection !== connection.number) {
      this.#takePlace(connection);
      known.connection = connection.number;
      known.awaitsAnswer = false;
      known.releaseWanted = false;
    }
    if (known.awaitsAnswer) return; // The answer under way is for both.
    known.awaitsAnswer = true;
    connection.pubrecOrder.push(known);
    if (known.handedWhenRepeated) {
      known.handedWhenRepeated = false;
      this.#deliver(packet, known.delivery, connection, true);
      return;
    }
    this.#answers.answer(2, connection);
  }

  #qos2Exchange(packetIdentifier: number, connection: Connection): IncomingExchange | undefined {
    const stored = this.#shared.session.incoming.get(packetIdentifier);
    if (stored !== undefined) return stored;
    const postponed = connection.postponed?.get(packetIdentifier)?.exchange;
    return postponed?.qos === 2 ? postponed : undefined;
  }

  #takePlace(connection: Connection): void {
    if (connection.places >= connection.own.receiveMaximum + connection.lentPlaces) {
      throw new ProtocolBreach(
        ReasonCode.receiveMaximumExceeded,
        `more than ${connection.own.receiveMaximum} messages of QoS 1 and 2 at a time`,
      );
    }
    connection.places += 1;
  }

  /** Takes a new message in, unless the inbox of a store is full: then it waits as if it had not come yet. */
  #arrive(exchange: IncomingExchange, packet: PublishPacket, connection: Connection): void {
    if (this.#stored && (this.inboxFull || connection.postponed?.size)) {
      connection.postponed ??= new Map();
      connection.postponed.set(exchange.packetIdentifier, { exchange, packet });
      return;
    }
    this.#admit(exchange, packet, connection);
    if (!this.#stored) return;
    this.#answers.answer(exchange.qos, connection);
  }

  #admit(exchange: IncomingExchange, packet: PublishPacket, connection: Connection): void {
    const { session, output } = this.#shared;
    const { packetIdentifier } = exchange;
    const delivery = session.nextDelivery();
    exchange.delivery = delivery;
    if (exchange.qos === 2) session.incoming.set(packetIdentifier, exchange);
    if (exchange.qos === 2 || this.#stored) {
      session.addUndone(exchange);
      if (output.recording) {
        output.record({ type: 'in', packetIdentifier, delivery, message: storedMessage(packet) });
      }
    } else {
      connection.heldMessages += 1;
      connection.heldBytes += exchange.bytes;
    }
    if (this.#stored) exchange.reasonCode = ReasonCode.success;
    this.#deliver(packet, delivery, connection);
  }

  #admitPostponed(connection: Connection): void {
    const { postponed } = connection;
    for (const { exchange, packet } of postponed?.values() ?? []) {
      if (this.inboxFull) return;
      postponed!.delete(exchange.packetIdentifier);
      this.#admit(exchange, packet, connection);
      this.#answers.answer(exchange.qos, connection);
    }
  }

  #deliver(
    packet: PublishPacket,
    delivery: Delivery,
    connection: Connection,
    redelivered = false,
  ): void {
    this.#shared.output.emit(new MessageEvent(connection.number, delivery, packet, redelivered));
  }

  /** Takes a QoS 1 message of this connection whose handler has not done with it. */
  #takeHeld(delivery: Delivery, connection: Connection | undefined): IncomingExchange | undefined {
    if (connection === undefined) return undefined;
    const exchange = findDelivery(connection.pubackOrder, delivery);
    if (exchange === undefined || exchange.reasonCode !== unanswered) return undefined;
    connection.heldMessages -= 1;
    connection.heldBytes -= exchange.bytes;
    return exchange;
  }

  /**
   * As `acknowledge`, without a store that the application may rely on: nothing has happened until the answer leaves,
   * and when the connection ends before, nothing will have.
   */
  #answerFirst(delivery: Delivery, reasonCode: number): void {
    const { session, connection, output } = this.#shared;
    const exchange = session.undone.get(delivery) ?? this.#takeHeld(delivery, connection);
    if (exchange === undefined) {
      // QoS 1 of an earlier connection.
      output.emit({ type: 'settled', delivery, again: !session.isForgotten(delivery) });
      return;
    }
    exchange.tell = true;
    const forgotten =
      exchange.qos === 2 && session.incoming.get(exchange.packetIdentifier) !== exchange;
    if (forgotten) {
      this.#answers.settled(exchange);
    } else if (connection?.phase !== 'connected') {
      this.#answers.unsettled(exchange);
    } else {
      exchange.reasonCode = reasonCode;
      this.#answers.answer(exchange.qos, connection);
    }
  }
}

/** Deliveries in an order of answers rise, and the first is the likely one. */
function findDelivery(
  order: Fifo<IncomingExchange>,
  delivery: Delivery,
): IncomingExchange | undefined {
  let low = 0;
  let high = order.size - 1;
  if (order.first?.delivery === delivery) return order.first;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const exchange = order.at(middle)!;
    if (exchange.delivery === delivery) return exchange;
    if (exchange.delivery < delivery) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** A message as a store keeps it: absolute topic, no alias. */
function storedMessage(packet: PublishPacket): OutgoingMessage {
  const { topic, payload, qos, retain } = packet;
  return { topic, payload, qos, retain, properties: withoutAlias(packet.properties) };
}

function withoutAlias(properties: Properties): Properties {
  const { topicAlias, ...rest } = properties;
  return topicAlias === undefined ? properties : rest;
}

function identifierInUse(packetIdentifier: number): ProtocolBreach {
  return new ProtocolBreach(
    ReasonCode.protocolError,
    `PUBLISH has packet identifier ${packetIdentifier}, which an unfinished message has`,
  );
}
