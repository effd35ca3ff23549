import { describe, expect, it } from 'vitest';
import { matchesFields } from './match-fields.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('matchesFields', () => {
  it.each([
    ['fields that are named, whatever the others are', { a: 1, b: 2 }, { a: 1 }],
    ['fields of fields', { will: { topic: 't', qos: 1 } }, { will: { qos: 1 } }],
    ['a field that is expected to be absent', { a: undefined }, { a: undefined }],
    ['bytes by their content', { payload: bytes(1, 2) }, { payload: bytes(1, 2) }],
    ['bytes by a text', { payload: bytes(0x61, 0xc3, 0xa9) }, { payload: 'aé' }],
    ['lists item by item', { list: [{ a: 1, b: 2 }] }, { list: [{ a: 1 }] }],
    ['nothing in particular', { a: 1 }, {}],
  ])('takes %s', (_what, actual, expected) => {
    expect(matchesFields(actual, expected)).toBe(true);
  });

  it.each([
    ['another value', { a: 1 }, { a: 2 }],
    ['a missing field', { a: 1 }, { b: 1 }],
    ['a value where none is expected', { a: 1 }, { a: undefined }],
    ['other bytes', { payload: bytes(1, 2) }, { payload: bytes(1, 3) }],
    ['more bytes', { payload: bytes(1, 2) }, { payload: bytes(1) }],
    ['fewer bytes', { payload: bytes(1) }, { payload: bytes(1, 2) }],
    ['a longer list', { list: [1, 2] }, { list: [1] }],
    ['a shorter list', { list: [1] }, { list: [1, 2] }],
    ['nothing where fields are expected', { will: undefined }, { will: { qos: 1 } }],
    ['a number for bytes', { payload: bytes(1) }, { payload: 1 }],
  ])('refuses %s', (_what, actual, expected) => {
    expect(matchesFields(actual, expected)).toBe(false);
  });
});
