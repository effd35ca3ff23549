import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SmallSet } from './small-set.ts';

const things = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];

describe('a small set', () => {
  it('does what a set does', () => {
    const step = fc.tuple(fc.constantFrom('add', 'delete', 'clear'), fc.constantFrom(...things));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const small = new SmallSet<object>();
        const set = new Set<object>();
        for (const [what, thing] of steps) {
          if (what === 'add') {
            small.add(thing);
            set.add(thing);
          } else if (what === 'delete') {
            expect(small.delete(thing)).toBe(set.delete(thing));
          } else {
            small.clear();
            set.clear();
          }
          expect(small.size).toBe(set.size);
          expect([...small]).toEqual([...set]);
          for (const each of things) expect(small.has(each)).toBe(set.has(each));
        }
      }),
    );
  });

  it.each([1, 3])('gives everything when it is emptied on the way: %i', (count) => {
    const small = new SmallSet<object>();
    const seen: object[] = [];
    for (const thing of things.slice(0, count)) small.add(thing);
    for (const thing of small) {
      small.delete(thing);
      seen.push(thing);
    }
    expect(seen).toHaveLength(count);
    expect(small.size).toBe(0);
  });
});
