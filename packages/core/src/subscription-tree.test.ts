import { matches, topicFilterProblem, topicNameProblem } from '@mqtt-kit/packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SubscriptionTree } from './subscription-tree.ts';

function treeOf(...filters: string[]): SubscriptionTree<string> {
  const tree = new SubscriptionTree<string>();
  for (const filter of filters) tree.add(filter, filter);
  return tree;
}

const level = fc.constantFrom('', 'a', 'b', '$x', '$SYS');
const topicName = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((name) => topicNameProblem(name) === undefined);
const plainFilter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 5 }), fc.constantFrom([], ['#']))
  .map(([levels, end]) => [...levels, ...end].join('/'));
const topicFilter = fc
  .tuple(fc.constantFrom('', '$share/group/'), plainFilter)
  .map(([prefix, filter]) => prefix + filter)
  .filter((filter) => topicFilterProblem(filter) === undefined);

describe('SubscriptionTree', () => {
  it('finds what the rules of 4.7 say', () => {
    expect(treeOf('a/#').match('a')).toEqual(['a/#']);
    expect(treeOf('a/#').match('a/b/c')).toEqual(['a/#']);
    expect(treeOf('a/+').match('a')).toEqual([]);
    expect(treeOf('a/+').match('a/')).toEqual(['a/+']);
    expect(treeOf('+/+').match('/a')).toEqual(['+/+']);
    expect(treeOf('+').match('/a')).toEqual([]);
    expect(treeOf('$share/g/a/+').match('a/b')).toEqual(['$share/g/a/+']);
  });

  it('[MQTT-4.7.2-1] does not match names that begin with $ by a wildcard in the first level', () => {
    const tree = treeOf('#', '+/monitor', '$SYS/#', '$SYS/+');
    expect(tree.match('$SYS/monitor')).toEqual(['$SYS/#', '$SYS/+']);
    expect(tree.match('x/monitor')).toEqual(['#', '+/monitor']);
    expect(treeOf('#').match('$')).toEqual([]);
  });

  it('agrees with matches() for every filter and name, also after removals', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(topicFilter, { maxLength: 12 }),
        fc.array(fc.nat(11), { maxLength: 6 }),
        fc.array(topicName, { minLength: 1, maxLength: 6 }),
        (filters, removals, names) => {
          const tree = treeOf(...filters);
          for (const name of names) tree.match(name);
          const removed = new Set(removals.map((index) => filters[index]));
          for (const filter of removed) if (filter !== undefined) tree.remove(filter, filter);
          for (const name of names) {
            expect(tree.match(name)).toEqual(
              filters.filter((filter) => !removed.has(filter) && matches(filter, name)),
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('finds overlapping filters: all those that share a topic name', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(topicFilter, { minLength: 1, maxLength: 8 }),
        topicFilter,
        topicName,
        (filters, other, name) => {
          const overlapping = treeOf(...filters).overlapping(other);
          for (const filter of filters) {
            if (matches(filter, name) && matches(other, name)) {
              expect(overlapping).toContain(filter);
            }
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('does not call filters overlapping that share no topic name', () => {
    const tree = treeOf('a/b', 'a/+/c', '$SYS/#', 'x/y/z');
    expect([...tree.overlapping('a/c')]).toEqual([]);
    expect([...tree.overlapping('+/b')]).toEqual(['a/b']);
    expect([...tree.overlapping('#')].sort()).toEqual(['a/+/c', 'a/b', 'x/y/z']);
    expect([...tree.overlapping('+/#')].sort()).toEqual(['a/+/c', 'a/b', 'x/y/z']);
    expect([...tree.overlapping('$SYS/a')]).toEqual(['$SYS/#']);
    expect([...tree.overlapping('x/#')]).toEqual(['x/y/z']);
    expect([...tree.overlapping('x')]).toEqual([]);
    expect([...treeOf('x/#').overlapping('x')]).toEqual(['x/#']);
  });

  it('sees a new filter although the result for a name was kept', () => {
    const tree = treeOf('a');
    expect(tree.match('a')).toEqual(['a']);
    tree.add('+', '+');
    expect(tree.match('a')).toEqual(['a', '+']);
    expect(tree.match('a')).toBe(tree.match('a'));
  });

  it('keeps results for a bounded number of names', () => {
    const tree = treeOf('+');
    const first = tree.match('0');
    for (let index = 1; index < 20_000; index++) tree.match(String(index));
    expect(tree.match('0')).not.toBe(first);
  });

  it('takes filters and names of any depth', () => {
    const deep = Array.from({ length: 30_000 }, () => '+').join('/');
    const name = '/'.repeat(29_999);
    const tree = treeOf(deep, '#');
    expect(tree.match(name)).toEqual([deep, '#']);
    expect(tree.overlapping(deep).size).toBe(2);
    expect(tree.overlapping('#').size).toBe(2);
    tree.remove(deep, deep);
    expect(tree.match(name)).toEqual(['#']);
  });
});
