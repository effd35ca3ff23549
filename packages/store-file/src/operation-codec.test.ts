import type { SessionOperation } from '@mqtt-kit/engine';
import { describe, expect, it } from 'vitest';
import { OperationWriter, readOperations } from './operation-codec.ts';
import { everyOperation } from './operations.test-support.ts';

function roundTrip(operations: readonly SessionOperation[]): readonly SessionOperation[] {
  const writer = new OperationWriter();
  for (const operation of operations) writer.append(operation);
  return readOperations(Buffer.from(writer.bytes));
}

describe('operations as bytes', () => {
  it('come back as they were, of every type', () => {
    expect(roundTrip(everyOperation)).toEqual(everyOperation);
  });

  it.each(everyOperation.map((operation) => [operation.type, operation] as const))(
    'are refused when %s is cut short at any byte',
    (_type, operation) => {
      const writer = new OperationWriter();
      writer.append(operation);
      const bytes = Buffer.from(writer.bytes);
      for (let length = 1; length < bytes.byteLength; length += 1) {
        expect(() => readOperations(bytes.subarray(0, length)), `cut at ${length}`).toThrow();
      }
    },
  );

  it('hold payloads that the encoder passes by reference', () => {
    const payload = new Uint8Array(100_000).fill(7);
    const message = { topic: 'a/b', payload, qos: 2, retain: false, properties: {} } as const;
    const out = { type: 'out', sequence: 1, message, expiresAtEpochMs: undefined } as const;
    const [read] = roundTrip([out]);
    expect(read?.type === 'out' && Buffer.compare(read.message.payload, payload)).toBe(0);
  });

  it('name a type that they do not know', () => {
    expect(() => readOperations(Buffer.of(200))).toThrow('operation type 200 is unknown');
  });
});
