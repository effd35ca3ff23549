/** AUTH (3.15), which 5.0 alone has. */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { AuthPacket } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties, writeProperties } from './property-writer.ts';
import type { Reader } from './reader.ts';
import { ReasonCode } from './reason-code.ts';
import { checkReasonCode, readReasonCode } from './reason-code-field.ts';
import type { Writer } from './writer.ts';

export function readAuth(reader: Reader): AuthPacket {
  if (reader.offset === reader.end && reader.sender === 'server') {
    // Stands for success without properties, which a client never says. That the method is missing is
    // for those to judge who know it.
    return { type: PacketType.auth, reasonCode: ReasonCode.success, properties: noProperties };
  }
  const reasonCode = readReasonCode(reader, 'auth');
  const properties = readProperties(reader, 'auth');
  reader.finish();
  return { type: PacketType.auth, reasonCode, properties };
}

export function checkAuth(measure: Measure, packet: AuthPacket): void {
  if (measure.version === '3.1.1') measure.fail('3.1.1 has no such packet, expected version 5.0');
  checkReasonCode(measure, 'auth', packet.reasonCode);
  checkProperties(measure, packet.properties, 'auth');
  if (packet.properties.authenticationMethod === undefined) {
    measure.fail('Authentication Method is missing, expected that of CONNECT');
  }
}

export function writeAuth(writer: Writer, packet: AuthPacket): void {
  writer.byte('reason code', packet.reasonCode);
  writeProperties(writer, packet.properties);
}
