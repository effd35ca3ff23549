/** What the server answers to PUBLISH and PUBREL: PUBACK, PUBREC and PUBCOMP. */
import { type AcknowledgePacket, type QoS, ReasonCode } from '@mqtt-kit/packet';
import type { AcceptedMessage } from './accepted-message.ts';
import { ProtocolBreach, packetName } from './breach.ts';
import { noPayload } from './kept-payloads.ts';
import { NumberMap } from './number-map.ts';
import type { PublishOutcomes } from './publish-outcomes.ts';
import type { PublishSender } from './publish-sender.ts';
import { noteProgress, type Shared } from './shared.ts';

export class PublishAcknowledgements {
  readonly #shared: Shared;
  readonly #sender: PublishSender;
  readonly #outcomes: PublishOutcomes;

  constructor(shared: Shared, sender: PublishSender, outcomes: PublishOutcomes) {
    this.#shared = shared;
    this.#sender = sender;
    this.#outcomes = outcomes;
  }

  puback(packet: AcknowledgePacket): void {
    const message = this.#find(packet, 1);
    if (message === undefined) return;
    this.#noteTaken();
    this.#outcomes.acknowledged(message, packet.reasonCode, packet.properties);
  }

  pubrec(packet: AcknowledgePacket): void {
    const { session, output } = this.#shared;
    const connection = this.#shared.connection!;
    const { packetIdentifier, reasonCode } = packet;
    const message = this.#find(packet, 2);
    if (message === undefined) {
      // [MQTT-3.6.2-1] An exchange that the server refused needs no end; any other gets one, though it is not ours.
      if (reasonCode >= 0x80) return;
      connection.strayReleases ??= new NumberMap();
      connection.strayReleases.set(packetIdentifier, true);
      this.#sender.sendRelease(packetIdentifier, ReasonCode.packetIdentifierNotFound, connection);
      return;
    }
    this.#noteTaken();
    // [MQTT-4.4.0-2] A refused message is acknowledged: no PUBREL, and it is not sent again.
    if (reasonCode >= 0x80) {
      if (message.state === 'released') this.#outcomes.contradicted(message, reasonCode);
      else this.#outcomes.acknowledged(message, reasonCode, packet.properties);
      return;
    }
    if (message.state === 'sent') {
      message.state = 'released';
      message.payload = noPayload;
      message.encoded = undefined;
      message.reasonCode = reasonCode;
      session.lastReleaseOrder += 1;
      message.releaseOrder = session.lastReleaseOrder;
      if (output.recording) output.record({ type: 'outReceived', packetIdentifier });
    }
    // [MQTT-4.3.3-4] [MQTT-4.6.0-4] At once, so that PUBREL packets leave in the order of the PUBREC packets.
    this.#sender.takePlace(message, connection);
    this.#sender.sendRelease(packetIdentifier, ReasonCode.success, connection);
  }

  pubcomp(packet: AcknowledgePacket): void {
    const connection = this.#shared.connection!;
    const { packetIdentifier } = packet;
    const stray = connection.strayReleases?.delete(packetIdentifier) ?? false;
    const message = this.#shared.session.identifiers.ownerOf(packetIdentifier);
    if (stray && message?.state !== 'released') {
      this.#reportUnexpected(packet);
      return;
    }
    if (message !== undefined && message.qos === 2 && message.state === 'sent') {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        `PUBCOMP for packet identifier ${packetIdentifier}, which had no PUBREC yet`,
      );
    }
    if (this.#find(packet, 2) === undefined || message === undefined) return;
    // PUBCOMP 0x92 says only that the exchange was over there already; PUBREC said that the message was taken.
    this.#outcomes.acknowledged(message, message.reasonCode, packet.properties);
  }

  /**
   * The message that an acknowledgement is for. None: that is reported. One of another kind, or a request: the server
   * broke the protocol.
   */
  #find(packet: AcknowledgePacket, qos: QoS): AcceptedMessage | undefined {
    const { session } = this.#shared;
    const message = session.identifiers.ownerOf(packet.packetIdentifier);
    if (message === undefined) {
      if (this.#shared.connection!.requests.has(packet.packetIdentifier)) {
        throw new ProtocolBreach(
          ReasonCode.protocolError,
          `${packetName(packet.type)} for packet identifier ${packet.packetIdentifier}, which belongs to a SUBSCRIBE or UNSUBSCRIBE`,
        );
      }
      this.#reportUnexpected(packet);
      return undefined;
    }
    if (message.qos !== qos) {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        `${packetName(packet.type)} for packet identifier ${packet.packetIdentifier}, which belongs to a QoS ${message.qos} PUBLISH`,
      );
    }
    noteProgress(this.#shared);
    return message;
  }

  /** PUBLISH arrived: nothing is suspected any more. */
  #noteTaken(): void {
    const { session } = this.#shared;
    session.abruptness = 0;
    session.suspect = undefined;
    this.#shared.connection!.poisonWatch.acknowledged();
  }

  #reportUnexpected(packet: AcknowledgePacket): void {
    const { type: packetType, packetIdentifier } = packet;
    this.#shared.output.emit({ type: 'unexpectedAcknowledgement', packetType, packetIdentifier });
  }
}
