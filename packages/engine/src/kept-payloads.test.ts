import { ClientPacketEncoder } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { type AcceptedMessage, acceptedMessage, keptPayload } from './accepted-message.ts';
import { KeptPayloads } from './kept-payloads.ts';
import { LinkedList } from './linked-list.ts';

class Stage {
  readonly inFlight = new LinkedList<AcceptedMessage>();
  readonly kept = new KeptPayloads(this.inFlight);
  readonly encoder = new ClientPacketEncoder('5.0');
  readonly #caller = new Uint8Array(1000);
  #sequence = 0;

  /** Publishes 1,000 bytes of a value from an array that is changed right after. */
  publish(value: number): AcceptedMessage {
    const payload = this.#caller.fill(value);
    const rest = { qos: 1, retain: false, properties: {} } as const;
    this.#sequence += 1;
    const accepted = acceptedMessage('a', payload, rest, this.#sequence, Infinity, undefined);
    const size = this.encoder.encodePlainPublish('a', payload, 1, false, false, this.#sequence);
    expect(size).toBeGreaterThan(1000);
    this.inFlight.append(accepted);
    this.kept.leaveIn(this.encoder, accepted);
    this.#caller.fill(0);
    return accepted;
  }

  /** Fills that many pieces of the encoder's memory with messages that are done at once. */
  fill(pieces: number): void {
    for (let bytes = 0; bytes < pieces * 65_536; bytes += 1000) {
      this.inFlight.remove(this.publish(255));
      this.encoder.take();
    }
  }
}

function bytesOf({ encoded, payload, payloadStart, payloadEnd }: AcceptedMessage): number[] {
  const bytes = encoded === undefined ? payload : encoded.subarray(payloadStart, payloadEnd);
  return [bytes.length, bytes[0] ?? -1, bytes.at(-1) ?? -1];
}

describe('kept payloads', () => {
  it('lie in the encoder’s memory, whatever the caller does with its own', () => {
    const stage = new Stage();
    const messages = [stage.publish(1), stage.publish(2), stage.publish(3)];
    stage.encoder.take();
    stage.publish(4);
    expect(messages.map((message) => message.payload.length)).toEqual([0, 0, 0]);
    expect(messages.map(bytesOf)).toEqual([
      [1000, 1, 1],
      [1000, 2, 2],
      [1000, 3, 3],
    ]);
  });

  it('are taken out when the connection ends', () => {
    const stage = new Stage();
    const messages = [stage.publish(1), stage.publish(2)];
    stage.kept.takeAll();
    expect(messages.map(({ encoded }) => encoded)).toEqual([undefined, undefined]);
    expect(messages.map(bytesOf)).toEqual([
      [1000, 1, 1],
      [1000, 2, 2],
    ]);
  });

  it('hold no memory of long ago, so that a message without an answer holds no more than itself', () => {
    const stage = new Stage();
    const stuck = stage.publish(7);
    stage.fill(1);
    const later = stage.publish(8);
    expect(stuck.encoded).toBeDefined();
    stage.fill(3);
    expect([stuck.encoded, later.encoded]).toEqual([undefined, undefined]);
    expect(stuck.payload.buffer.byteLength).toBe(1000);
    expect([bytesOf(stuck), bytesOf(later)]).toEqual([
      [1000, 7, 7],
      [1000, 8, 8],
    ]);
    const newest = stage.publish(9);
    expect(newest.encoded).toBeDefined();
    expect(bytesOf(newest)).toEqual([1000, 9, 9]);
  });

  it('are copied up to 16 KiB where they wait, and the caller’s above that', () => {
    const [small, large] = [new Uint8Array(16_384).fill(1), new Uint8Array(16_385)];
    expect(keptPayload(small)).not.toBe(small);
    expect(keptPayload(small)).toEqual(small);
    expect(keptPayload(large)).toBe(large);
  });
});
