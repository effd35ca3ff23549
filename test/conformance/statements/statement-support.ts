/** What the tests of single statements share: bytes a client writes, and what a client engine makes of bytes it gets. */
import {
  InvalidPacketError,
  type Packet,
  PacketEncoder,
  type ProtocolVersion,
} from '@mqtt-kit/packet';
import { expect } from 'vitest';
import { EngineHarness } from '../../../packages/testkit/src/engine-harness.ts';
import { bytes, type Part } from '../support/bytes.ts';

export const versions: readonly ProtocolVersion[] = ['5.0', '3.1.1'];

/** A packet as a client writes it, in hex with blanks. */
export function hexOf(version: ProtocolVersion, packet: Packet): string {
  const encoder = new PacketEncoder(version, 'client');
  encoder.encode(packet);
  return toHex(encoder.take());
}

export function toHex(chunks: readonly Uint8Array[]): string {
  return chunks
    .flatMap((chunk) => [...chunk])
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join(' ');
}

/** Fails unless the encoder refuses the packet and writes nothing of it. */
export function expectNotEncoded(version: ProtocolVersion, packet: Packet): void {
  const encoder = new PacketEncoder(version, 'client');
  expect(() => encoder.encode(packet)).toThrow(InvalidPacketError);
  expect(encoder.pendingBytes).toBe(0);
}

/** Every byte that the engine wrote so far, in hex with blanks. Urgent output is not among it. */
export function writtenHex(harness: EngineHarness): string {
  return toHex(harness.batches.flatMap((batch) => batch.bytes));
}

/**
 * Fails unless a connected client that gets these bytes closes at once, delivers nothing, and under 5.0 says why.
 */
export function expectBreach(
  version: ProtocolVersion,
  reasonCodes: number | readonly number[],
  ...parts: readonly Part[]
): void {
  const expected = typeof reasonCodes === 'number' ? [reasonCodes] : reasonCodes;
  const harness = new EngineHarness({ version }).connected();
  harness.serverBytes(bytes(parts));
  const sent = harness.takeSent();
  const events = harness.takeEvents();
  expect(harness.closed, 'closed').toBe(true);
  expect(events.filter(({ type }) => type === 'message')).toEqual([]);
  expect(events.find(({ type }) => type === 'disconnected')).toMatchObject({
    reason: { kind: 'breach' },
  });
  if (version === '3.1.1') {
    expect(sent).toEqual([]);
    return;
  }
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({ type: 14 });
  expect(expected).toContain((sent[0] as { reasonCode: number }).reasonCode);
}
