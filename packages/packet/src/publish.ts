/** PUBLISH (3.3). */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { PublishPacket } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties, writeProperties } from './property-writer.ts';
import type { QoS } from './qos.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const retainFlag = 0b0001;
const qosShift = 1;
const dupFlag = 0b1000;

/** What is wrong with bits 3-0 of the first byte, or `undefined`: known before anything else has arrived. */
export function publishFlagsProblem(flags: number): string | undefined {
  const qos = (flags >> qosShift) & 0b11;
  if (qos === 3) return 'QoS is 3, expected 0, 1 or 2'; // [MQTT-3.3.1-4]
  if (qos === 0 && (flags & dupFlag) !== 0) return 'DUP is 1 with QoS 0, expected 0'; // [MQTT-3.3.1-2]
  return undefined;
}

export function readPublish(reader: Reader, flags: number): PublishPacket {
  const qos = ((flags >> qosShift) & 0b11) as QoS;
  const topic = reader.topicName('topic name'); // [MQTT-3.3.2-1]
  // [MQTT-2.2.1-2]
  const packetIdentifier = qos === 0 ? undefined : reader.packetIdentifier();
  const properties =
    reader.version === '3.1.1' || reader.passNoProperties()
      ? noProperties
      : readProperties(reader, 'publish');
  if (topic === '' && properties.topicAlias === undefined) {
    reader.protocolError('topic name is empty without Topic Alias, expected one of them'); // [MQTT-4.7.3-1]
  }
  return {
    type: PacketType.publish,
    topic,
    payload: reader.rest(),
    qos,
    retain: (flags & retainFlag) !== 0,
    dup: (flags & dupFlag) !== 0,
    packetIdentifier,
    properties,
  };
}

export function checkPublish(measure: Measure, packet: PublishPacket): void {
  const { topic, qos, packetIdentifier } = packet;
  measure.integer('QoS', qos, 0, 2); // [MQTT-3.3.1-4]
  if (qos > 0) {
    measure.integer('packet identifier', packetIdentifier, 1, 0xffff); // [MQTT-2.2.1-3]
  } else {
    if (packet.dup) measure.fail('DUP is set with QoS 0, expected it with QoS 1 or 2'); // [MQTT-3.3.1-2]
    if (packetIdentifier !== undefined) {
      measure.fail(`packet identifier is ${packetIdentifier} with QoS 0, expected undefined`); // [MQTT-2.2.1-2]
    }
  }
  checkProperties(measure, packet.properties, 'publish');
  if (topic === '' && measure.version === '5.0') {
    if (packet.properties.topicAlias === undefined) {
      measure.fail('topic name is empty without Topic Alias, expected one of them'); // [MQTT-4.7.3-1]
    }
    return;
  }
  measure.topicName('topic name', topic); // [MQTT-3.3.2-2]
}

export function writePublish(writer: Writer, packet: PublishPacket): void {
  writer.string('topic name', packet.topic);
  if (packet.qos > 0) writer.twoByteInteger('packet identifier', packet.packetIdentifier!);
  writeProperties(writer, packet.properties);
  writer.payload(packet.payload);
}

export function publishFlags(qos: QoS, retain: boolean, dup: boolean): number {
  return (dup ? dupFlag : 0) | (qos << qosShift) | (retain ? retainFlag : 0);
}
