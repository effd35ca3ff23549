import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.ts';
import { type Linked, LinkedList } from './linked-list.ts';

describe('a ring', () => {
  it('gives back in the order of arrival, however it has grown and turned', () => {
    const fifo = new Fifo<number>();
    const out: (number | undefined)[] = [];
    for (let value = 0; value < 100; value++) {
      fifo.push(value);
      if (value % 3 === 0) out.push(fifo.shift());
    }
    expect(fifo.at(5)).toBe(out.length + 5);
    expect(fifo.at(fifo.size)).toBeUndefined();
    while (fifo.size > 0) out.push(fifo.shift());
    expect(out).toEqual(Array.from({ length: 100 }, (_, value) => value));
    expect([fifo.first, fifo.shift(), fifo.size]).toEqual([undefined, undefined, 0]);
  });
});

describe('a queue', () => {
  it('behaves as an array with push and shift, whatever is done to it', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ push: fc.integer() }),
        fc.constant('shift' as const),
        fc.constant('takeAll' as const),
      ),
    );
    fc.assert(
      fc.property(steps, (list) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        for (const step of list) {
          if (step === 'shift') expect(fifo.shift()).toBe(model.shift());
          else if (step === 'takeAll') {
            expect(fifo.takeAll()).toEqual(model);
            model = [];
          } else {
            fifo.push(step.push);
            model.push(step.push);
          }
          expect(fifo.size).toBe(model.length);
          expect(fifo.first).toBe(model[0]);
        }
      }),
    );
  });

  it('keeps its order when its head moves on for long', () => {
    const fifo = new Fifo<number>();
    let taken = 0;
    for (let index = 0; index < 10_000; index++) {
      fifo.push(index);
      if (index % 3 > 0) expect(fifo.shift()).toBe(taken++);
    }
    expect(fifo.size).toBe(10_000 - taken);
    expect(fifo.takeAll()[0]).toBe(taken);
  });
});

describe('a linked list', () => {
  interface Entry extends Linked<Entry> {
    readonly name: string;
  }
  const entry = (name: string): Entry => ({ name, previous: undefined, next: undefined });
  const names = (list: LinkedList<Entry>): string => {
    let found = '';
    for (let one = list.first; one !== undefined; one = one.next) found += one.name;
    return found;
  };

  it('lets go of the first, the last and one between', () => {
    const [a, b, c, d] = [entry('a'), entry('b'), entry('c'), entry('d')];
    const list = new LinkedList<Entry>();
    for (const one of [b, c, d]) list.append(one);
    list.prepend(a);
    expect([names(list), list.size]).toEqual(['abcd', 4]);
    list.remove(c);
    list.remove(a);
    list.remove(d);
    expect([names(list), list.size]).toEqual(['b', 1]);
    list.remove(b);
    list.append(c);
    expect([names(list), list.size]).toEqual(['c', 1]);
  });
});
