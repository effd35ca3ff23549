import { asError, MqttUsageError } from './errors.ts';
import { given } from './option-check.ts';

const encoder = new TextEncoder();

/**
 * The bytes of what the application publishes. Text becomes UTF-8, plain objects and arrays JSON; bytes are taken as
 * they are, without a copy. Anything else throws `invalidArgument`: a number or a `Date` can be meant in many ways.
 */
export function encodePayload(name: string, payload: unknown): Uint8Array {
  if (typeof payload === 'string') return encodeText(name, payload);
  if (payload instanceof Uint8Array) return payload;
  if (typeof payload === 'object' && payload !== null) {
    const bytes = viewOf(payload);
    if (bytes !== undefined) return bytes;
    if (Array.isArray(payload) || isPlain(payload)) return encodeJson(name, payload);
  }
  throw new MqttUsageError(
    `${name} must be a string, Uint8Array, ArrayBuffer, DataView, plain object or array; got ${given(payload)}`,
    { hint: 'Turn other values into text first, for example with String(value).' },
  );
}

function encodeText(name: string, text: string): Uint8Array {
  const bytes = encoder.encode(text);
  // Where lengths are equal everything is ASCII. The encoder replaces lone surrogates without a word.
  if (bytes.length !== text.length) {
    const surrogate = text.search(/[\ud800-\udfff]/u);
    if (surrogate >= 0) {
      throw new MqttUsageError(
        `${name} must be well-formed text, found a lone surrogate at index ${surrogate}`,
      );
    }
  }
  return bytes;
}

function encodeJson(name: string, payload: object): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (cause) {
    // V8 draws the circle over several lines.
    const problem = asError(cause).message.replace(/\s+/g, ' ');
    throw new MqttUsageError(`${name} cannot be written as JSON: ${problem}`, { cause });
  }
  if (text === undefined) {
    throw new MqttUsageError(`${name} cannot be written as JSON: its toJSON() returned nothing`);
  }
  // Lone surrogates are escaped in JSON.
  return encoder.encode(text);
}

/** Bytes behind an `ArrayBuffer`, a `DataView` or a `Uint8Array`, of another realm too. */
function viewOf(payload: object): Uint8Array | undefined {
  switch (Object.prototype.toString.call(payload)) {
    case '[object ArrayBuffer]':
      return new Uint8Array(payload as ArrayBuffer);
    case '[object DataView]':
    case '[object Uint8Array]': {
      if (!ArrayBuffer.isView(payload)) return undefined;
      return new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength);
    }
    default:
      return undefined;
  }
}

/** Whether its prototype is the topmost one of some realm, or none. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
