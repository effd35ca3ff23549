import { describe, expect, it } from 'vitest';
import { encodePayload } from './payload.ts';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe('encodePayload', () => {
  it('encodes text as UTF-8', () => {
    expect(encodePayload('payload', 'grün €')).toEqual(new TextEncoder().encode('grün €'));
    expect(encodePayload('payload', '')).toHaveLength(0);
  });

  it('takes bytes as they are, without a copy', () => {
    const bytes = new Uint8Array([1, 2, 3, 4]);
    expect(encodePayload('payload', bytes)).toBe(bytes);
    expect(encodePayload('payload', new DataView(bytes.buffer, 1, 2))).toEqual(
      new Uint8Array([2, 3]),
    );
    expect(encodePayload('payload', bytes.buffer)).toEqual(bytes);
    expect(encodePayload('payload', bytes.buffer).buffer).toBe(bytes.buffer);
  });

  it('writes plain objects and arrays as JSON', () => {
    expect(text(encodePayload('payload', { on: true }))).toBe('{"on":true}');
    expect(text(encodePayload('payload', [1, 'a']))).toBe('[1,"a"]');
    expect(text(encodePayload('payload', Object.create(null)))).toBe('{}');
  });

  it('refuses everything else and says what it takes', () => {
    const values = [undefined, null, 21.5, true, 5n, Symbol('x'), () => {}, new Date(0), new Map()];
    for (const value of [...values, new Float64Array(1), new SharedArrayBuffer(1)]) {
      expect(() => encodePayload('payload', value)).toThrow(
        /^payload must be a string, Uint8Array, ArrayBuffer, DataView, plain object or array; got /,
      );
    }
    expect(() => encodePayload('payload', new Date(0))).toThrow('got an instance of Date');
  });

  it('refuses what has no JSON form', () => {
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(() => encodePayload('payload', circular)).toThrow('cannot be written as JSON');
    expect(() => encodePayload('payload', { n: 1n })).toThrow('cannot be written as JSON');
    expect(() => encodePayload('payload', { toJSON: () => undefined })).toThrow('returned nothing');
  });

  it('refuses text with a lone surrogate in place of sending U+FFFD', () => {
    expect(() => encodePayload('payload', 'ab\ud800')).toThrow('lone surrogate at index 2');
    expect(text(encodePayload('payload', '\u{1f600}'))).toBe('\u{1f600}');
  });
});
