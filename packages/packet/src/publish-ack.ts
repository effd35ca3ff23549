/** PUBACK, PUBREC, PUBREL and PUBCOMP (3.4 to 3.7), which are alike but for their type. */
import type { Measure } from './measure.ts';
import { PacketType, packetTypeName } from './packet-type.ts';
import type { AcknowledgePacket } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties } from './property-writer.ts';
import type { Reader } from './reader.ts';
import { hexadecimal, ReasonCode } from './reason-code.ts';
import { checkReasonCode, readReasonCode, writeReason } from './reason-code-field.ts';
import type { Writer } from './writer.ts';

/** Both ends send all four. */
export function isAcknowledgement(type: number): type is AcknowledgePacket['type'] {
  return type >= PacketType.puback && type <= PacketType.pubcomp;
}

export function readAcknowledge(
  reader: Reader,
  type: AcknowledgePacket['type'],
): AcknowledgePacket {
  const packetIdentifier = reader.packetIdentifier();
  let reasonCode: number = ReasonCode.success;
  let properties = noProperties;
  // Nothing after the identifier stands for success; without Property Length there are no properties.
  if (reader.version === '5.0' && reader.offset < reader.end) {
    const name = packetTypeName(type);
    reasonCode = readReasonCode(reader, name);
    if (reader.offset < reader.end) properties = readProperties(reader, name);
  }
  reader.finish();
  return { type, packetIdentifier, reasonCode, properties };
}

export function checkAcknowledge(measure: Measure, packet: AcknowledgePacket): void {
  const { reasonCode } = packet;
  measure.integer('packet identifier', packet.packetIdentifier, 1, 0xffff);
  if (reasonCode !== ReasonCode.success)
    checkReasonCode(measure, packetTypeName(packet.type), reasonCode);
  if (measure.version === '5.0') {
    checkProperties(measure, packet.properties, packetTypeName(packet.type));
  } else if (reasonCode >= 0x80) {
    // Left out like a success it would turn a refusal into its opposite.
    measure.fail(
      `reason code is ${hexadecimal(reasonCode)}, which 3.1.1 cannot say, expected 0x00`,
    );
  }
}

export function writeAcknowledge(writer: Writer, packet: AcknowledgePacket): void {
  writer.twoByteInteger('packet identifier', packet.packetIdentifier);
  if (writer.version === '3.1.1') return;
  writeReason(writer, packet);
}
