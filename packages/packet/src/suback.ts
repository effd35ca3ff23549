/** SUBACK (3.9). */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { SubackPacket } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties, writeProperties } from './property-writer.ts';
import type { Reader } from './reader.ts';
import { hexadecimal } from './reason-code.ts';
import { checkReasonCode, readReasonCode } from './reason-code-field.ts';
import { subackReturnCodeOfReasonCode, subackReturnCodes } from './return-code.ts';
import type { Writer } from './writer.ts';

export function readSuback(reader: Reader): SubackPacket {
  const packetIdentifier = reader.packetIdentifier();
  const properties = reader.version === '5.0' ? readProperties(reader, 'suback') : noProperties;
  const reasonCodes: number[] = [];
  // At least one, since there was at least one filter. [MQTT-3.8.4-6]
  do {
    reasonCodes.push(
      reader.version === '5.0' ? readReasonCode(reader, 'suback') : readReturnCode(reader),
    );
  } while (reader.offset < reader.end);
  return { type: PacketType.suback, packetIdentifier, reasonCodes, properties };
}

/** [MQTT3-3.9.3-2]. These codes mean the same as reason codes. */
function readReturnCode(reader: Reader): number {
  const returnCode = reader.byte('return code');
  if (!subackReturnCodes.includes(returnCode)) {
    reader.protocolError(
      `return code is ${hexadecimal(returnCode)}, expected one of ${subackReturnCodes.map(hexadecimal).join(' ')}`,
    );
  }
  return returnCode;
}

export function checkSuback(measure: Measure, packet: SubackPacket): void {
  measure.integer('packet identifier', packet.packetIdentifier, 1, 0xffff);
  checkProperties(measure, packet.properties, 'suback');
  if (packet.reasonCodes.length === 0) {
    measure.fail('no reason code given, expected one for each topic filter'); // [MQTT-3.8.4-6]
  }
  for (const reasonCode of packet.reasonCodes) checkReasonCode(measure, 'suback', reasonCode);
}

export function writeSuback(writer: Writer, packet: SubackPacket): void {
  writer.twoByteInteger('packet identifier', packet.packetIdentifier);
  writeProperties(writer, packet.properties);
  for (const reasonCode of packet.reasonCodes) {
    writer.byte(
      'reason code',
      writer.version === '5.0' ? reasonCode : subackReturnCodeOfReasonCode(reasonCode),
    );
  }
}
