/**
 * Packets as bytes and as objects, made by hand from the specification. One table for both directions.
 */
import { rawConnectionPackets } from './raw-connection-packets.test-support.ts';
import type { RawPacket } from './raw-packet.test-support.ts';
import { rawPublishPackets } from './raw-publish-packets.test-support.ts';
import { rawSubscribePackets } from './raw-subscribe-packets.test-support.ts';

export { bytesOfHex, hexOf } from './raw-packet.test-support.ts';

export const rawPackets: readonly RawPacket[] = [
  ...rawConnectionPackets,
  ...rawPublishPackets,
  ...rawSubscribePackets,
];
