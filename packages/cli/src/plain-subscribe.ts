/** A plain run of `mqtt-sub`. */
import { fstatSync, writeSync } from 'node:fs';
import { matches, noProperties, type Packet, PacketType } from '@mqtt-kit/packet';
import type { BegunConnection } from './begun-connection.ts';
import { exchangePlainly } from './plain-exchange.ts';
import type { PlainSubscribe } from './plain-run.ts';

/**
 * Prints the first message and calls `done`, which ends the process; resolves when the client is needed after all. A
 * person at a terminal sees more of a message than its payload.
 */
export async function subscribePlainly(
  plan: PlainSubscribe,
  done: () => void,
): Promise<BegunConnection | undefined> {
  if (isTerminal()) return undefined;
  const { topicFilter } = plan;
  let granted = false;
  return exchangePlainly(plan, {
    first: subscribePacket(topicFilter),
    second: undefined,
    waits: true,
    isDeafAtEnd: true,
    take: (packet) => {
      if (!granted) {
        granted = isGrant(packet);
        return granted ? 'more' : undefined;
      }
      return isPlainMessage(packet, topicFilter) && isPrinted(packet.payload) ? 'last' : undefined;
    },
    done,
  });
}

function subscribePacket(topicFilter: string): Packet {
  return {
    type: PacketType.subscribe,
    packetIdentifier: 1,
    subscriptions: [
      { topicFilter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ],
    properties: noProperties,
  };
}

function isGrant(packet: Packet): boolean {
  return (
    packet.type === PacketType.suback &&
    packet.packetIdentifier === 1 &&
    packet.reasonCodes.length === 1 &&
    packet.reasonCodes[0] === 0
  );
}

function isPlainMessage(
  packet: Packet,
  topicFilter: string,
): packet is Extract<Packet, { type: typeof PacketType.publish }> {
  return (
    packet.type === PacketType.publish &&
    packet.qos === 0 &&
    packet.properties.topicAlias === undefined &&
    matches(topicFilter, packet.topic)
  );
}

/** The module that knows terminals is loaded for what may be one alone. */
function isTerminal(): boolean {
  try {
    if (!fstatSync(1).isCharacterDevice()) return false;
  } catch {
    // Closed: told where something is to be written.
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(1);
}

/** What a pipe takes at once, or not at all. */
const atomicBytes = 4096;

/** Whether the message was written. If it was not, nothing of it was. */
function isPrinted(payload: Uint8Array): boolean {
  if (payload.length === 0) return true;
  if (payload.length >= atomicBytes) return false;
  const line = Buffer.concat([payload, Buffer.from('\n')]);
  try {
    return writeSync(1, line) === line.length;
  } catch {
    // Whatever the reason is, the program has the words for it.
    return false;
  }
}
