/**
 * The PUBLISH that nearly all of them are: no properties, a topic name of ASCII, a payload that is copied. It is
 * checked and written in one pass, in half the time of measuring first and writing then. Whatever is unusual about a
 * packet, wrong values among it, is left to that general way, which has the words for it.
 *
 * Fields come one by one, not in an object: packets, messages to be sent and messages that were accepted have different
 * shapes, and code that meets several of them is slower, and compiled again when it meets the next.
 */
import { isPlainUnit, longestName, topicNameBytes } from './known-topic-names.ts';
import { PacketType } from './packet-type.ts';
import { publishFlags } from './publish.ts';
import type { QoS } from './qos.ts';

/** Found once: looking it up on the array took a sixth of the time of copying 64 bytes. */
const { set } = Uint8Array.prototype;

/** What the payload may have, so that Remaining Length has at most two bytes. */
const largestPayload = 16_383 - longestName - 5;

/**
 * The Remaining Length of the packet, without the property length of 5.0, or 0 when it has to go the general way.
 * @param packetIdentifier 0 at QoS 0
 */
export function plainRemainingLength(
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  dup: boolean,
  packetIdentifier: number,
): number {
  if (typeof topic !== 'string' || topic.length === 0 || topic.length > longestName) return 0;
  if (!(payload instanceof Uint8Array) || payload.length > largestPayload) return 0;
  if (qos === 0) {
    return packetIdentifier === 0 && !dup ? 2 + topic.length + payload.length : 0;
  }
  if (qos !== 1 && qos !== 2) return 0;
  if (!(packetIdentifier >= 1 && packetIdentifier <= 0xffff && Number.isInteger(packetIdentifier)))
    return 0;
  return 4 + topic.length + payload.length;
}

/**
 * Writes the packet into room that is there; `false` when the topic name is not what it was taken for, which leaves
 * the room in an unknown state.
 */
export function writePlainPublish(
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  retain: boolean,
  dup: boolean,
  packetIdentifier: number,
  hasProperties: boolean,
  remainingLength: number,
  bytes: Uint8Array,
  start: number,
): boolean {
  let offset = start;
  bytes[offset++] = (PacketType.publish << 4) | publishFlags(qos, retain, dup);
  if (remainingLength < 0x80) {
    bytes[offset++] = remainingLength;
  } else {
    bytes[offset++] = (remainingLength & 0x7f) | 0x80;
    bytes[offset++] = remainingLength >> 7;
  }
  const known = topicNameBytes(topic);
  if (known === undefined) {
    if (!writeUnknownTopic(topic, bytes, offset)) return false;
  } else {
    set.call(bytes, known, offset);
  }
  offset += 2 + topic.length;
  if (qos > 0) {
    bytes[offset++] = packetIdentifier >> 8;
    bytes[offset++] = packetIdentifier;
  }
  if (hasProperties) bytes[offset++] = 0; // There are none. [MQTT-2.2.2-1]
  set.call(bytes, payload, offset);
  return true;
}

function writeUnknownTopic(topic: string, bytes: Uint8Array, start: number): boolean {
  const { length } = topic;
  bytes[start] = 0;
  bytes[start + 1] = length;
  for (let index = 0; index < length; index += 1) {
    const unit = topic.charCodeAt(index);
    if (!isPlainUnit(unit)) return false;
    bytes[start + 2 + index] = unit;
  }
  return true;
}
