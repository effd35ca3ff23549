/**
 * The PUBLISH that nearly all of them are: no properties, a topic name of ASCII, a payload that is copied. It is
 * checked and written in one pass, in half the time of measuring first and writing then. Whatever is unusual about a
 * packet, wrong values among it, is left to that general way, which has the words for it.
 */
import { isPlainUnit, longestName, topicNameBytes } from './known-topic-names.ts';
import { PacketType } from './packet-type.ts';
import type { PublishPacket } from './packets.ts';
import { noProperties } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { publishFlags } from './publish.ts';

/** What the payload may have, so that Remaining Length has at most two bytes. */
const largestPayload = 16_383 - longestName - 5;

/** The Remaining Length of the packet, or 0 when it has to go the general way. */
export function plainRemainingLength(packet: PublishPacket, version: ProtocolVersion): number {
  const { topic, payload, qos, packetIdentifier } = packet;
  if (packet.properties !== noProperties || typeof topic !== 'string') return 0;
  if (topic.length === 0 || topic.length > longestName) return 0;
  if (!ArrayBuffer.isView(payload) || payload.BYTES_PER_ELEMENT !== 1) return 0;
  if (payload.length > largestPayload) return 0;
  if (qos === 0) {
    if (packetIdentifier !== undefined || packet.dup) return 0;
  } else if (
    (qos !== 1 && qos !== 2) ||
    !(packetIdentifier! >= 1 && packetIdentifier! <= 0xffff && Number.isInteger(packetIdentifier))
  ) {
    return 0;
  }
  return 2 + topic.length + (qos === 0 ? 0 : 2) + (version === '5.0' ? 1 : 0) + payload.length;
}

/**
 * Writes the packet into room that is there; `false` when the topic name is not what it was taken for, which leaves
 * the room in an unknown state.
 */
export function writePlainPublish(
  packet: PublishPacket,
  version: ProtocolVersion,
  remainingLength: number,
  bytes: Uint8Array,
  start: number,
): boolean {
  let offset = start;
  bytes[offset++] = (PacketType.publish << 4) | publishFlags(packet);
  if (remainingLength < 0x80) {
    bytes[offset++] = remainingLength;
  } else {
    bytes[offset++] = (remainingLength & 0x7f) | 0x80;
    bytes[offset++] = remainingLength >> 7;
  }
  const { topic, payload } = packet;
  const { length } = topic;
  const known = topicNameBytes(topic);
  if (known !== undefined) {
    bytes.set(known, offset);
    offset += known.length;
  } else {
    bytes[offset++] = 0;
    bytes[offset++] = length;
    for (let index = 0; index < length; index += 1) {
      const unit = topic.charCodeAt(index);
      if (!isPlainUnit(unit)) return false;
      bytes[offset++] = unit;
    }
  }
  if (packet.qos > 0) {
    const packetIdentifier = packet.packetIdentifier!;
    bytes[offset++] = packetIdentifier >> 8;
    bytes[offset++] = packetIdentifier;
  }
  if (version === '5.0') bytes[offset++] = 0; // No properties. [MQTT-2.2.2-1]
  bytes.set(payload, offset);
  return true;
}
