/** PINGREQ and PINGRESP (3.12, 3.13): a fixed header and nothing else. */
import { PacketType } from './packet-type.ts';
import type { PingreqPacket, PingrespPacket } from './packets.ts';
import type { Reader } from './reader.ts';

const pingreq: PingreqPacket = Object.freeze({ type: PacketType.pingreq });
const pingresp: PingrespPacket = Object.freeze({ type: PacketType.pingresp });

export function readPingreq(reader: Reader): PingreqPacket {
  reader.finish();
  return pingreq;
}

export function readPingresp(reader: Reader): PingrespPacket {
  reader.finish();
  return pingresp;
}
