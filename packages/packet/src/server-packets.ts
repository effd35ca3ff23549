/** The packets that only a server sends: CONNACK, SUBACK, UNSUBACK and PINGRESP. */
import { checkConnack, readConnack, writeConnack } from './connack.ts';
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { Packet } from './packets.ts';
import { readPingresp } from './ping.ts';
import type { Reader } from './reader.ts';
import { refusePacketType } from './slab-encoder.ts';
import { checkSuback, readSuback, writeSuback } from './suback.ts';
import { checkUnsuback, readUnsuback, writeUnsuback } from './unsuback.ts';
import type { Writer } from './writer.ts';

export function readServerPacket(reader: Reader): Packet {
  switch (reader.packetType) {
    case PacketType.connack:
      return readConnack(reader);
    case PacketType.suback:
      return readSuback(reader);
    case PacketType.unsuback:
      return readUnsuback(reader);
    default:
      return readPingresp(reader);
  }
}

export function checkServerPacket(measure: Measure, packet: Packet): void {
  switch (packet.type) {
    case PacketType.connack:
      checkConnack(measure, packet);
      break;
    case PacketType.suback:
      checkSuback(measure, packet);
      break;
    case PacketType.unsuback:
      checkUnsuback(measure, packet);
      break;
    case PacketType.pingresp:
      break;
    default:
      refusePacketType(packet);
  }
}

export function writeServerPacket(writer: Writer, packet: Packet): void {
  switch (packet.type) {
    case PacketType.connack:
      writeConnack(writer, packet);
      break;
    case PacketType.suback:
      writeSuback(writer, packet);
      break;
    case PacketType.unsuback:
      writeUnsuback(writer, packet);
      break;
  }
}
