/** UNSUBACK (3.11). */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { UnsubackPacket } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties, writeProperties } from './property-writer.ts';
import type { Reader } from './reader.ts';
import { hexadecimal } from './reason-code.ts';
import { checkReasonCode, readReasonCode } from './reason-code-field.ts';
import type { Writer } from './writer.ts';

export function readUnsuback(reader: Reader): UnsubackPacket {
  const packetIdentifier = reader.packetIdentifier();
  const reasonCodes: number[] = [];
  let properties = noProperties;
  if (reader.version === '5.0') {
    properties = readProperties(reader, 'unsuback');
    // At least one, since there was at least one filter.
    do {
      reasonCodes.push(readReasonCode(reader, 'unsuback'));
    } while (reader.offset < reader.end);
  }
  reader.finish();
  return { type: PacketType.unsuback, packetIdentifier, reasonCodes, properties };
}

export function checkUnsuback(measure: Measure, packet: UnsubackPacket): void {
  measure.integer('packet identifier', packet.packetIdentifier, 1, 0xffff);
  checkProperties(measure, packet.properties, 'unsuback');
  if (packet.reasonCodes.length === 0 && measure.version === '5.0') {
    measure.fail('no reason code given, expected one for each topic filter');
  }
  for (const reasonCode of packet.reasonCodes) {
    checkReasonCode(measure, 'unsuback', reasonCode);
    if (reasonCode >= 0x80 && measure.version === '3.1.1') {
      // Left out like a success it would turn a refusal into its opposite.
      measure.fail(
        `reason code is ${hexadecimal(reasonCode)}, which 3.1.1 cannot say, expected 0x00 or none`,
      );
    }
  }
}

export function writeUnsuback(writer: Writer, packet: UnsubackPacket): void {
  writer.twoByteInteger('packet identifier', packet.packetIdentifier);
  if (writer.version === '3.1.1') return;
  writeProperties(writer, packet.properties);
  for (const reasonCode of packet.reasonCodes) writer.byte('reason code', reasonCode);
}
