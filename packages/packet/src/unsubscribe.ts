/** UNSUBSCRIBE (3.10). */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { UnsubscribePacket } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties, writeProperties } from './property-writer.ts';
import type { Reader } from './reader.ts';
import { readTopicFilter, requireTopicFilter } from './topic-filter-field.ts';
import type { Writer } from './writer.ts';

export function readUnsubscribe(reader: Reader): UnsubscribePacket {
  const packetIdentifier = reader.packetIdentifier();
  const properties =
    reader.version === '5.0' ? readProperties(reader, 'unsubscribe') : noProperties;
  const topicFilters: string[] = [];
  requireTopicFilter(reader);
  while (reader.offset < reader.end) topicFilters.push(readTopicFilter(reader));
  return { type: PacketType.unsubscribe, packetIdentifier, topicFilters, properties };
}

export function checkUnsubscribe(measure: Measure, packet: UnsubscribePacket): void {
  measure.integer('packet identifier', packet.packetIdentifier, 1, 0xffff); // [MQTT-2.2.1-3]
  checkProperties(measure, packet.properties, 'unsubscribe');
  if (packet.topicFilters.length === 0) {
    measure.fail('no topic filter given, expected at least one'); // [MQTT-3.10.3-2]
  }
  for (const topicFilter of packet.topicFilters) measure.topicFilter('topic filter', topicFilter);
}

export function writeUnsubscribe(writer: Writer, packet: UnsubscribePacket): void {
  writer.twoByteInteger('packet identifier', packet.packetIdentifier);
  writeProperties(writer, packet.properties);
  for (const topicFilter of packet.topicFilters) writer.string('topic filter', topicFilter);
}
