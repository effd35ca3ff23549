/** DISCONNECT (3.14). */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { DisconnectPacket } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties } from './property-writer.ts';
import type { Reader } from './reader.ts';
import { hexadecimal, ReasonCode } from './reason-code.ts';
import { checkReasonCode, readReasonCode, writeReason } from './reason-code-field.ts';
import type { Writer } from './writer.ts';

export function readDisconnect(reader: Reader): DisconnectPacket {
  let reasonCode: number = ReasonCode.success;
  let properties = noProperties;
  if (reader.version === '5.0' && reader.offset < reader.end) {
    reasonCode = readReasonCode(reader, 'disconnect');
    if (reader.offset < reader.end) properties = readProperties(reader, 'disconnect');
  }
  reader.finish();
  return { type: PacketType.disconnect, reasonCode, properties };
}

export function checkDisconnect(measure: Measure, packet: DisconnectPacket): void {
  const { reasonCode } = packet;
  checkReasonCode(measure, 'disconnect', reasonCode);
  if (measure.version === '5.0') {
    checkProperties(measure, packet.properties, 'disconnect');
  } else if (reasonCode !== ReasonCode.success) {
    // 3.1.1's DISCONNECT discards the will and says that all was well, which this one does not mean.
    measure.fail(
      `reason code is ${hexadecimal(reasonCode)}, which 3.1.1 cannot say, expected 0x00`,
    );
  }
}

export function writeDisconnect(writer: Writer, packet: DisconnectPacket): void {
  if (writer.version === '5.0') writeReason(writer, packet);
}
