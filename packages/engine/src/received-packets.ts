/** Gives each packet of the server to whom it concerns, and refuses those that no server may send. */
import {
  type AuthPacket,
  type Packet,
  PacketType,
  ReasonCode,
  reasonCodeName,
} from '@mqtt-kit/packet';
import { ProtocolBreach, packetName } from './breach.ts';
import type { Connection } from './connection.ts';
import type { ConnectionPhases } from './connection-phase.ts';
import type { IncomingPublish } from './incoming-publish.ts';
import type { PublishAcknowledgements } from './publish-acknowledgements.ts';
import type { Now } from './request.ts';
import type { Shared } from './shared.ts';
import type { SubscribeRequests } from './subscribe-requests.ts';

export class ReceivedPackets {
  readonly #shared: Shared;
  readonly #acknowledgements: PublishAcknowledgements;
  readonly #incoming: IncomingPublish;
  readonly #requests: SubscribeRequests;
  readonly #phases: ConnectionPhases;

  constructor(
    shared: Shared,
    acknowledgements: PublishAcknowledgements,
    incoming: IncomingPublish,
    requests: SubscribeRequests,
    phases: ConnectionPhases,
  ) {
    this.#shared = shared;
    this.#acknowledgements = acknowledgements;
    this.#incoming = incoming;
    this.#requests = requests;
    this.#phases = phases;
  }

  take(packet: Packet, connection: Connection, now: Now): void {
    const { output } = this.#shared;
    if (output.tracing) output.tracePacket('received', packet);
    if (connection.phase !== 'connected') {
      this.#takeBeforeConnack(packet, connection, now);
      return;
    }
    switch (packet.type) {
      case PacketType.publish:
        this.#incoming.publish(packet);
        return;
      case PacketType.puback:
        this.#acknowledgements.puback(packet);
        return;
      case PacketType.pubrec:
        this.#acknowledgements.pubrec(packet);
        return;
      case PacketType.pubrel:
        this.#incoming.pubrel(packet);
        return;
      case PacketType.pubcomp:
        this.#acknowledgements.pubcomp(packet);
        return;
      case PacketType.suback:
        this.#requests.suback(packet);
        return;
      case PacketType.unsuback:
        this.#requests.unsuback(packet);
        return;
      case PacketType.pingresp:
        connection.keepAlive?.pingAnswered();
        return;
      case PacketType.disconnect:
        this.#phases.serverDisconnected(packet, connection, now);
        return;
      case PacketType.auth:
        this.#takeAuth(packet, connection);
        return;
      default:
        // [MQTT-3.2.0-2] A second CONNACK, or what only a client sends.
        throw new ProtocolBreach(
          ReasonCode.protocolError,
          `${packetName(packet.type)} after CONNACK`,
        );
    }
  }

  /** [MQTT-3.2.0-1] Nothing but AUTH may come before CONNACK. */
  #takeBeforeConnack(packet: Packet, connection: Connection, now: Now): void {
    if (connection.phase === 'connecting') {
      if (packet.type === PacketType.connack) {
        this.#phases.connack(packet, connection, now);
        return;
      }
      if (packet.type === PacketType.auth) {
        this.#takeAuth(packet, connection);
        return;
      }
    }
    const reason =
      packet.type === PacketType.disconnect
        ? ` with 0x${packet.reasonCode.toString(16)} (${reasonCodeName(packet.reasonCode)})`
        : '';
    throw new ProtocolBreach(
      ReasonCode.protocolError,
      `${packetName(packet.type)}${reason} before CONNACK`,
    );
  }

  #takeAuth(packet: AuthPacket, connection: Connection): void {
    connection.authentication.authReceived(packet);
    const { authenticationMethod, authenticationData } = packet.properties;
    this.#shared.output.emit({
      type: 'authentication',
      reasonCode: packet.reasonCode,
      method: authenticationMethod!,
      data: authenticationData,
      properties: packet.properties,
    });
  }
}
