/** The packets that only a client sends: CONNECT, SUBSCRIBE, UNSUBSCRIBE and PINGREQ. */
import { checkConnect, readConnect, writeConnect } from './connect.ts';
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { Packet } from './packets.ts';
import { readPingreq } from './ping.ts';
import type { Reader } from './reader.ts';
import { refusePacketType } from './slab-encoder.ts';
import { checkSubscribe, readSubscribe, writeSubscribe } from './subscribe.ts';
import { checkUnsubscribe, readUnsubscribe, writeUnsubscribe } from './unsubscribe.ts';
import type { Writer } from './writer.ts';

export function readClientPacket(reader: Reader): Packet {
  switch (reader.packetType) {
    case PacketType.connect:
      return readConnect(reader);
    case PacketType.subscribe:
      return readSubscribe(reader);
    case PacketType.unsubscribe:
      return readUnsubscribe(reader);
    default:
      return readPingreq(reader);
  }
}

export function checkClientPacket(measure: Measure, packet: Packet): void {
  switch (packet.type) {
    case PacketType.connect:
      checkConnect(measure, packet);
      break;
    case PacketType.subscribe:
      checkSubscribe(measure, packet);
      break;
    case PacketType.unsubscribe:
      checkUnsubscribe(measure, packet);
      break;
    case PacketType.pingreq:
      break;
    default:
      refusePacketType(packet);
  }
}

export function writeClientPacket(writer: Writer, packet: Packet): void {
  switch (packet.type) {
    case PacketType.connect:
      writeConnect(writer, packet);
      break;
    case PacketType.subscribe:
      writeSubscribe(writer, packet);
      break;
    case PacketType.unsubscribe:
      writeUnsubscribe(writer, packet);
      break;
  }
}
