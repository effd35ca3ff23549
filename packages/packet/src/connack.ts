/** CONNACK (3.2). */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { ConnackPacket } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties, writeProperties } from './property-writer.ts';
import type { Reader } from './reader.ts';
import { hexadecimal, ReasonCode, reasonCodeName } from './reason-code.ts';
import { checkReasonCode, readReasonCode } from './reason-code-field.ts';
import { connackReturnCodeOfReasonCode, reasonCodeOfConnackReturnCode } from './return-code.ts';
import type { Writer } from './writer.ts';

/** Remaining Length of each CONNACK of 3.1.1. In 5.0 it cannot be so short, since Property Length follows. */
const returnCodeFormLength = 2;

export function readConnack(reader: Reader): ConnackPacket {
  const returnCodeForm = reader.end - reader.offset === returnCodeFormLength;
  const flags = reader.byte('acknowledge flags');
  if (flags > 1) reader.malformed(`acknowledge flags are ${hexadecimal(flags)}, expected 0 or 1`); // [MQTT-3.2.2-1]
  const sessionPresent = flags === 1;
  let reasonCode: number;
  let properties = noProperties;
  if (reader.version === '3.1.1' || returnCodeForm) {
    reasonCode = readReturnCode(reader);
  } else {
    reasonCode = readReasonCode(reader, 'connack');
    properties = readProperties(reader, 'connack');
  }
  reader.finish();
  if (sessionPresent && reasonCode !== ReasonCode.success) {
    // [MQTT-3.2.2-6] [MQTT3-3.2.2-4]
    reader.protocolError(
      `Session Present is 1 with ${hexadecimal(reasonCode)} (${reasonCodeName(reasonCode)}), expected 0`,
    );
  }
  return { type: PacketType.connack, sessionPresent, reasonCode, properties };
}

/**
 * A server of 3.1.1 alone answers a CONNECT of 5.0 in its own form, to say that it does not know the version.
 * A refusal in that form is understood; a success is not, since nothing after it could be.
 */
function readReturnCode(reader: Reader): number {
  const returnCode = reader.byte('return code');
  const reasonCode = reasonCodeOfConnackReturnCode(returnCode);
  if (reasonCode === undefined) {
    return reader.version === '5.0'
      ? reader.malformed('Property Length is missing, expected it after the reason code')
      : reader.protocolError(`return code is ${returnCode}, expected 0 to 5`);
  }
  if (reader.version === '5.0' && reasonCode === ReasonCode.success) {
    reader.malformed('Property Length is missing, expected it after the reason code');
  }
  return reasonCode;
}

export function checkConnack(measure: Measure, packet: ConnackPacket): void {
  const { reasonCode } = packet;
  checkReasonCode(measure, 'connack', reasonCode);
  if (measure.version === '5.0') {
    checkProperties(measure, packet.properties, 'connack');
  } else if (connackReturnCodeOfReasonCode(reasonCode) === undefined) {
    // [MQTT3-3.2.2-6]
    measure.fail(
      `reason code ${hexadecimal(reasonCode)} (${reasonCodeName(reasonCode)}) has no return code in 3.1.1, expected one that has`,
    );
  }
  if (packet.sessionPresent && reasonCode !== ReasonCode.success) {
    measure.fail('Session Present with a refusal, expected it with success alone'); // [MQTT-3.2.2-6]
  }
}

export function writeConnack(writer: Writer, packet: ConnackPacket): void {
  writer.byte('acknowledge flags', packet.sessionPresent ? 1 : 0);
  if (writer.version === '5.0') {
    writer.byte('reason code', packet.reasonCode);
    writeProperties(writer, packet.properties);
  } else {
    writer.byte('return code', connackReturnCodeOfReasonCode(packet.reasonCode)!);
  }
}
