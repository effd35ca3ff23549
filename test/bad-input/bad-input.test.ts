/**
 * The catalogue of bad input: everything that an application can get wrong in a call, one test each. What is refused
 * is refused by a `MqttUsageError` that names the option or argument, and before a byte is sent.
 */
import { describe, expect, it } from 'vitest';
import { connectionEntries } from './connection-entries.ts';
import { messageEntries } from './message-entries.ts';
import { requestEntries } from './request-entries.ts';
import { Stage } from './stage.ts';
import { storeEntries } from './store-entries.ts';

const entries = [...connectionEntries, ...messageEntries, ...requestEntries, ...storeEntries].sort(
  ([one], [other]) => one - other,
);

/** IndexedDB missing or blocked: tested beside the store for it. */
const elsewhere = [58];

describe('bad input', () => {
  for (const [number, sentence, prove] of entries) {
    it(`${number}: ${sentence}`, async () => {
      await using stage = await Stage.open();
      await prove(stage);
      await stage.sawNothing();
    });
  }

  it('has every entry of the catalogue once', () => {
    const numbers = [...entries.map(([number]) => number), ...elsewhere];
    const all = Array.from({ length: 65 }, (_, index) => index + 1);
    expect(numbers.sort((one, other) => one - other)).toEqual(all);
  });
});
