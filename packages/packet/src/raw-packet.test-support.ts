/** What the tables of raw packets are made of. */
import { PacketType } from './packet-type.ts';
import type { Packet, PublishPacket, SubscriptionRequest } from './packets.ts';
import { noProperties } from './property.ts';
import type { ProtocolVersion } from './protocol-version.ts';

export interface RawPacket {
  readonly name: string;
  readonly versions: readonly ProtocolVersion[];
  /** The ends that may send it. */
  readonly senders: readonly ('client' | 'server')[];
  readonly hex: string;
  readonly packet: Packet;
  /** Another form says the same more shortly, so that this one is only read. */
  readonly readOnly?: true;
}

export const v4: readonly ProtocolVersion[] = ['3.1.1'];
export const v5: readonly ProtocolVersion[] = ['5.0'];
export const bothVersions: readonly ProtocolVersion[] = ['3.1.1', '5.0'];
export const client: readonly 'client'[] = ['client'];
export const server: readonly 'server'[] = ['server'];
export const bothEnds: readonly ('client' | 'server')[] = ['client', 'server'];

export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (byte) => Number.parseInt(byte, 16));
}

export function hexOf(chunks: readonly Uint8Array[]): string {
  return chunks
    .map((chunk) => Array.from(chunk, (byte) => byte.toString(16).padStart(2, '0')).join(''))
    .join('');
}

export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values);
}

export function publish(fields: Partial<PublishPacket>): PublishPacket {
  return {
    type: PacketType.publish,
    topic: 'a/b',
    payload: bytes(),
    qos: 0,
    retain: false,
    dup: false,
    packetIdentifier: undefined,
    properties: noProperties,
    ...fields,
  };
}

export function subscription(fields: Partial<SubscriptionRequest>): SubscriptionRequest {
  return {
    topicFilter: 'a',
    qos: 0,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    ...fields,
  };
}
