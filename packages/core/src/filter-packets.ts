/** Bytes of filters in one packet: more than enough for thousands, and below every server's limit. */
const packetBytes = 65_536;

/**
 * Distributes filters over as few SUBSCRIBE or UNSUBSCRIBE packets as can be: those with the same key share packets,
 * as long as the largest packet that the server takes allows.
 */
export function packetsOf<T>(
  items: readonly T[],
  maximumPacketSize: number,
  filterOf: (item: T) => string,
  keyOf: (item: T) => string,
): T[][] {
  // Half is left for the header and properties.
  const limit = Math.min(packetBytes, maximumPacketSize) / 2;
  const packets: T[][] = [];
  const open = new Map<string, { items: T[]; bytes: number }>();
  for (const item of items) {
    const key = keyOf(item);
    // At most three bytes of UTF-8 for a UTF-16 unit; two of length and one of options.
    const bytes = filterOf(item).length * 3 + 3;
    let packet = open.get(key);
    if (packet === undefined || packet.bytes + bytes > limit) {
      packet = { items: [], bytes: 0 };
      open.set(key, packet);
      packets.push(packet.items);
    }
    packet.items.push(item);
    packet.bytes += bytes;
  }
  return packets;
}
