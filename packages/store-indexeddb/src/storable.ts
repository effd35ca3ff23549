import type { OutgoingMessage, SessionOperation } from '@mqtt-kit/core';

/**
 * The operation as it goes into the database. Cloning a view clones the whole buffer behind it, so bytes that are part
 * of a larger buffer are copied out of it first.
 */
export function storable(operation: SessionOperation): SessionOperation {
  if (operation.type !== 'out' && operation.type !== 'in') return operation;
  const { topic, payload, qos, retain, properties } = operation.message;
  const message: OutgoingMessage = {
    topic,
    payload: ownBytes(payload),
    qos,
    retain,
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [
        name,
        value instanceof Uint8Array ? ownBytes(value) : value,
      ]),
    ),
  };
  return { ...operation, message };
}

function ownBytes(bytes: Uint8Array): Uint8Array {
  const whole = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  return whole ? bytes : bytes.slice();
}
