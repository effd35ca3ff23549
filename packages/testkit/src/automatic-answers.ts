import {
  type AcknowledgePacket,
  type Packet,
  PacketType,
  type Properties,
  type PublishPacket,
} from '@mqtt-kit/packet';
import {
  connack,
  pingresp,
  puback,
  pubcomp,
  pubrec,
  pubrel,
  suback,
  unsuback,
} from './packet-builders.ts';
import type { ScriptedConnection } from './scripted-connection.ts';

/** How a broker answers by itself. */
export interface AutomaticAnswers {
  /** Properties of the CONNACK. */
  readonly connackProperties?: Properties;
  /** Default false. */
  readonly sessionPresent?: boolean;
  /**
   * Called for each packet before it is answered. True: the hook has dealt with it (or wants no answer); anything
   * else: the default answer follows.
   */
  readonly onPacket?: (packet: Packet, connection: ScriptedConnection) => unknown;
}

/** Answers a packet as a server does that accepts everything. DISCONNECT is answered by closing, AUTH not at all. */
export function answerAutomatically(
  packet: Packet,
  connection: ScriptedConnection,
  answers: AutomaticAnswers,
): void {
  if (answers.onPacket?.(packet, connection) === true) return;
  switch (packet.type) {
    case PacketType.connect:
      connection.send(
        connack({
          sessionPresent: answers.sessionPresent ?? false,
          ...(answers.connackProperties && { properties: answers.connackProperties }),
        }),
      );
      return;
    case PacketType.publish:
      answerPublish(packet, connection);
      return;
    case PacketType.pubrec:
    case PacketType.pubrel:
      answerAcknowledgement(packet as AcknowledgePacket, connection);
      return;
    case PacketType.subscribe:
      connection.send(suback(packet));
      return;
    case PacketType.unsubscribe:
      connection.send(unsuback(packet));
      return;
    case PacketType.pingreq:
      connection.send(pingresp());
      return;
    case PacketType.disconnect:
      connection.end();
      return;
    default:
      return;
  }
}

function answerPublish(packet: PublishPacket, connection: ScriptedConnection): void {
  if (packet.packetIdentifier === undefined) return;
  const answer = packet.qos === 1 ? puback : pubrec;
  connection.send(answer(packet.packetIdentifier));
}

function answerAcknowledgement(packet: AcknowledgePacket, connection: ScriptedConnection): void {
  if (packet.type === PacketType.pubrel) connection.send(pubcomp(packet.packetIdentifier));
  // A PUBREC that refuses ends the exchange.
  else if (packet.reasonCode < 0x80) connection.send(pubrel(packet.packetIdentifier));
}
