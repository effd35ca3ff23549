import { PacketType } from '@mqtt-kit/packet';

/**
 * The server broke the protocol: thrown by whatever handles a received packet, caught in one place, which answers
 * with DISCONNECT and closes. What was handled before it in the same chunk stays; what follows is not looked at.
 * A handler throws before it changes anything.
 */
export class ProtocolBreach extends Error {
  override readonly name = 'ProtocolBreach';
  readonly reasonCode: number;
  constructor(reasonCode: number, message: string) {
    super(message);
    this.reasonCode = reasonCode;
  }
}

/** The specification's name of a packet type, for messages to people. */
export function packetName(packetType: number): string {
  const [name] = Object.entries(PacketType).find(([, type]) => type === packetType) ?? ['?'];
  return name.toUpperCase();
}
