/** Secrets of tests: every one has one word in it, which is looked for in all that anybody may print. */
import { inspect } from 'node:util';
import { expect } from 'vitest';
import { utf8 } from '../conformance/support/bytes.ts';

export const word = 'hunter2';
export const secret = (what: string): string => `${word}-${what}`;

/** The word as text, and as the bytes that it is, however they are printed. */
const hex = Buffer.from(word).toString('hex');
const forms = [
  new RegExp(word),
  new RegExp(hex.replace(/../g, '$& ?'), 'i'),
  new RegExp(Buffer.from(word).toString('base64').slice(0, 8)),
  new RegExp([...utf8(word)].join(',\\s*')),
  new RegExp([...utf8(word)].map((byte, index) => `"${index}":${byte}`).join(',')),
];

/** All that somebody may print of a value. */
export function printed(value: unknown): string {
  const texts = [
    String(value),
    inspect(value, { depth: 40, showHidden: true, getters: true, maxArrayLength: null }),
    JSON.stringify(value) ?? '',
  ];
  if (value instanceof Error) {
    texts.push(value.stack ?? '', value.message);
    for (const name of Reflect.ownKeys(value)) {
      texts.push(inspect(Reflect.get(value, name), { depth: 40, showHidden: true }));
    }
  }
  return texts.join('\n');
}

export function expectNoSecret(...values: readonly unknown[]): void {
  for (const value of values) {
    const text = typeof value === 'string' ? value : printed(value);
    for (const form of forms) expect(text).not.toMatch(form);
  }
}
