/** When mosquitto's programs take the messages that come, and what they tell of it: a message of QoS 2 at its PUBREL. */
import { PacketType } from '@mqtt-kit/packet';
import type { Message } from 'mqtt-kit';
import type { ClientSession } from './client-session.ts';

/** Takes a message; what it returns settles when it may be acknowledged. */
type Take = (message: Message) => Promise<void> | undefined;

export interface MosquittoTaking {
  readonly take: Take;
  /** Gets the properties of messages as they come, by their payloads. */
  readonly received: WeakMap<Uint8Array, object>;
  /** Whether nothing more is taken. */
  readonly isOver: () => boolean;
  readonly print: (text: string) => void;
}

/** `take`, called when mosquitto's program would print the message. The client is to trace its packets. */
export function asMosquitto(
  { client, theirTrace }: ClientSession,
  { take, received, isOver, print }: MosquittoTaking,
): Take {
  const unreleased = new Map<number, Message>();
  let acknowledgedLast: Promise<void> | undefined;
  const tell = (lines: readonly string[] | undefined): void => {
    for (const line of lines ?? []) print(`${line}\n`);
  };
  client.on('packet', (direction, packet) => {
    if (direction !== 'received') return;
    if (packet.type === PacketType.publish) received.set(packet.payload, packet.properties);
    if (packet.type !== PacketType.pubrel) return;
    tell(theirTrace?.released(packet.packetIdentifier));
    const message = unreleased.get(packet.packetIdentifier);
    if (message === undefined) return;
    unreleased.delete(packet.packetIdentifier);
    // PUBCOMP is on its way before whatever follows from the message.
    setImmediate(() => void take(message));
  });
  const taken: Take = (message) => {
    if (isOver()) return take(message);
    tell(theirTrace?.taken(message));
    const { qos, packetIdentifier } = message;
    if (qos < 2 || packetIdentifier === undefined) {
      acknowledgedLast = take(message);
      return acknowledgedLast;
    }
    unreleased.set(packetIdentifier, message);
    // Acknowledgements leave in the order of their messages.
    return acknowledgedLast?.then(() => {});
  };
  // They print whatever a server sends them.
  client.on('unmatched', (message) => void taken(message));
  return taken;
}
