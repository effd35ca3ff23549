import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberMap } from './number-map.ts';

type Action =
  | { readonly do: 'set' | 'delete' | 'get'; readonly key: number }
  | { readonly do: 'clear' };

/** Few numbers, so that entries meet; far apart, so that they share places; and beyond 32 bits, as tickets may be. */
const keys = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 20 }).map((key) => key * 64),
  fc.integer({ min: 0, max: 5 }).map((key) => 2 ** 31 - 3 + key),
  fc.integer({ min: 0, max: 5 }).map((key) => 2 ** 40 + key),
);

const actions: fc.Arbitrary<Action> = fc.oneof(
  { weight: 60, arbitrary: keys.map((key) => ({ do: 'set' as const, key })) },
  { weight: 50, arbitrary: keys.map((key) => ({ do: 'delete' as const, key })) },
  { weight: 20, arbitrary: keys.map((key) => ({ do: 'get' as const, key })) },
  { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
);

describe('a map from numbers', () => {
  it('holds what a Map holds, whatever came and went', () => {
    fc.assert(
      fc.property(fc.array(actions, { maxLength: 300 }), (steps) => {
        const map = new NumberMap<string>();
        const expected = new Map<number, string>();
        for (const [index, step] of steps.entries()) {
          if (step.do === 'clear') {
            map.clear();
            expected.clear();
          } else if (step.do === 'set') {
            map.set(step.key, `${index}`);
            expected.set(step.key, `${index}`);
          } else if (step.do === 'delete') {
            expect(map.delete(step.key)).toBe(expected.delete(step.key));
          } else {
            expect(map.get(step.key)).toBe(expected.get(step.key));
            expect(map.has(step.key)).toBe(expected.has(step.key));
          }
          expect(map.size).toBe(expected.size);
        }
        const ascending = [...expected.keys()].sort((a, b) => a - b);
        expect(map.values()).toStrictEqual(ascending.map((key) => expected.get(key)));
        for (const key of ascending) expect(map.get(key)).toBe(expected.get(key));
      }),
      { numRuns: 500 },
    );
  });

  it('takes the first of many in a row out as fast as the first of few', () => {
    const map = new NumberMap<number>();
    const most = 60_000;
    for (let key = 0; key < 400_000; key += 1) {
      map.set(key, key);
      if (key >= most) map.delete(key - most);
    }
    expect(map.size).toBe(most);
    expect(map.get(399_999)).toBe(399_999);
  });

  it('keeps one that stays while others come and go, at no growing cost', () => {
    const map = new NumberMap<number>();
    map.set(1, 1);
    for (let key = 2; key < 200_000; key += 1) {
      map.set(key, key);
      if (key > 102) map.delete(key - 100);
    }
    expect(map.get(1)).toBe(1);
    expect(map.size).toBe(102);
  });
});
