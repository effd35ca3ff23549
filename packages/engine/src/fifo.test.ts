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
