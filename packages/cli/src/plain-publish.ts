/** A plain run of `mqtt-pub`. */
import { noProperties, type Packet, PacketType } from '@mqtt-kit/packet';
import type { BegunConnection } from './begun-connection.ts';
import { exchangePlainly } from './plain-exchange.ts';
import type { PlainPublish } from './plain-run.ts';

/** Publishes the message and calls `done`, which ends the process; resolves when the client is needed after all. */
export function publishPlainly(
  plan: PlainPublish,
  done: () => void,
): Promise<BegunConnection | undefined> {
  const { topic, payload, qos, retain } = plan;
  const packetIdentifier = qos === 0 ? undefined : 1;
  const message: Packet = {
    type: PacketType.publish,
    topic,
    payload: Buffer.from(payload),
    qos,
    retain,
    dup: false,
    packetIdentifier,
    properties: noProperties,
  };
  // What the server may refuse waits until it has said that it does not.
  const together = qos === 0 && !retain;
  return exchangePlainly(plan, {
    first: together ? message : undefined,
    second: together ? undefined : message,
    waits: qos > 0,
    isDeafAtEnd: false,
    take: (packet) =>
      packet.type === PacketType.puback &&
      packet.packetIdentifier === packetIdentifier &&
      packet.reasonCode < 0x80 &&
      packet.properties === noProperties
        ? 'last'
        : undefined,
    done,
  });
}
