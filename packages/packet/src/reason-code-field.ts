/** The reason code as a field of packets: only those of the packet's own table, by who sends it. */
import type { Measure } from './measure.ts';
import type { PacketTypeName } from './packet-type.ts';
import type { Properties } from './property.ts';
import { hasProperties, writeProperties } from './property-writer.ts';
import type { Reader } from './reader.ts';
import { allowedReasonCodes, hexadecimal, ReasonCode } from './reason-code.ts';
import type { Writer } from './writer.ts';

export function readReasonCode(reader: Reader, packet: PacketTypeName): number {
  const reasonCode = reader.byte('reason code');
  const allowed = allowedReasonCodes(packet, reader.sender)!;
  if (!allowed.includes(reasonCode)) {
    reader.protocolError(
      `reason code is ${hexadecimal(reasonCode)}, expected one of ${allowed.map(hexadecimal).join(' ')}`,
    );
  }
  return reasonCode;
}

export function checkReasonCode(
  measure: Measure,
  packet: PacketTypeName,
  reasonCode: number,
): void {
  measure.integer('reason code', reasonCode, 0x00, 0xff);
  const allowed = allowedReasonCodes(packet, measure.sender ?? 'server')!;
  if (allowed.includes(reasonCode)) return;
  if (measure.sender === undefined && allowedReasonCodes(packet, 'client')!.includes(reasonCode)) {
    return;
  }
  measure.fail(
    `reason code is ${hexadecimal(reasonCode)}, expected one of ${allowed.map(hexadecimal).join(' ')}`,
  );
}

/** Reason code and properties in the shortest form, as they end PUBACK, PUBREC, PUBREL, PUBCOMP and DISCONNECT. */
export function writeReason(
  writer: Writer,
  packet: { readonly reasonCode: number; readonly properties: Properties },
): void {
  const withProperties = hasProperties(packet.properties);
  if (packet.reasonCode === ReasonCode.success && !withProperties) return;
  writer.byte('reason code', packet.reasonCode);
  if (withProperties) writeProperties(writer, packet.properties);
}
