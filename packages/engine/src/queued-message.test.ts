import { noProperties } from '@mqtt-kit/packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageOf, type QueuedMessage, QueuedMessages } from './queued-message.ts';
import type { OutgoingMessage } from './request.ts';

const size = fc.oneof(fc.nat(80), fc.constantFrom(511, 512, 513, 16_383, 16_384, 16_385));
const wanted = fc.record({
  size,
  qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
  retain: fc.boolean(),
  properties: fc.constantFrom(noProperties, { contentType: 'text/plain' }),
  expiresAtEpochMs: fc.constantFrom(Number.POSITIVE_INFINITY, 5000),
  queuedMs: fc.constantFrom(undefined, 0, 17.5),
  own: fc.boolean(),
});

describe('a message that waits', () => {
  it('leaves as it came, whatever became of the caller’s payload and whoever waits beside it', () => {
    fc.assert(
      fc.property(fc.array(wanted, { maxLength: 60 }), fc.nat(60), (all, clearedAt) => {
        const queued = new QueuedMessages();
        const made: QueuedMessage[] = [];
        for (const [number, one] of all.entries()) {
          const payload = new Uint8Array(one.size).fill(number % 255);
          const { qos, retain, properties, expiresAtEpochMs, queuedMs, own } = one;
          const message: OutgoingMessage = {
            topic: `t/${number}`,
            payload,
            qos,
            retain,
            properties,
          };
          made.push(queued.make(message, number, expiresAtEpochMs, queuedMs, own));
          if (!own && one.size <= 16_384) payload.fill(255);
          // Those that wait elsewhere by then go on to wait.
          if (number === clearedAt) queued.clear();
        }
        for (const [number, one] of all.entries()) {
          const message = messageOf(made[number]!);
          const { qos, retain, properties, expiresAtEpochMs, queuedMs } = one;
          expect(message).toMatchObject({
            sequence: number,
            topic: `t/${number}`,
            qos,
            retain,
            properties,
            expiresAtEpochMs,
            queuedMs,
            state: 'queued',
          });
          expect(message.payload.length).toBe(one.size);
          expect(message.payload.every((byte) => byte === number % 255)).toBe(true);
        }
      }),
    );
  });

  it('holds no memory but its own when it has left', () => {
    const queued = new QueuedMessages();
    const payload = new Uint8Array(64);
    const message = {
      topic: 't',
      payload,
      qos: 1,
      retain: false,
      properties: noProperties,
    } as const;
    const make = () => queued.make(message, 1, Number.POSITIVE_INFINITY, undefined, false);
    const slabs = new Set(Array.from({ length: 1000 }, () => make().bytes.buffer));
    const held = [...slabs].reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(held).toBeLessThan(1000 * 64 + 8192);
    expect(Math.max(...[...slabs].map(({ byteLength }) => byteLength))).toBe(8192);
    expect(messageOf(make()).payload.buffer.byteLength).toBe(64);
  });
});
