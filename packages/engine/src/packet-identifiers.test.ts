import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdentifierSet } from './identifier-set.ts';
import { PacketIdentifiers } from './packet-identifiers.ts';

describe('packet identifiers', () => {
  it('[MQTT-2.2.1-3] rotate from 1 to 65,535 and round again, and are never 0', () => {
    const identifiers = new PacketIdentifiers();
    const taken: number[] = [];
    for (let round = 0; round < 65_536; round++) {
      const identifier = identifiers.take();
      identifiers.release(identifier);
      taken.push(identifier);
    }
    expect(taken.slice(0, 3)).toEqual([1, 2, 3]);
    expect(taken.slice(-3)).toEqual([65_534, 65_535, 1]);
    expect(taken).not.toContain(0);
  });

  it('[MQTT-2.2.1-3] skip what is in use', () => {
    const identifiers = new PacketIdentifiers();
    expect([identifiers.take(), identifiers.take(), identifiers.take()]).toEqual([1, 2, 3]);
    identifiers.release(2);
    identifiers.reserve(65_535);
    expect([identifiers.take(), identifiers.take()]).toEqual([2, 4]);
  });

  it('run out at 65,535, and give the one that comes back', () => {
    const identifiers = new PacketIdentifiers();
    const seen = new Set<number>();
    for (let count = 0; count < 65_535; count++) seen.add(identifiers.take());
    expect(seen.size).toBe(65_535);
    expect([identifiers.available, identifiers.take()]).toEqual([false, 0]);
    identifiers.release(40_000);
    expect([identifiers.available, identifiers.take(), identifiers.take()]).toEqual([
      true,
      40_000,
      0,
    ]);
  });

  it('are all free after a reset', () => {
    const identifiers = new PacketIdentifiers();
    for (let count = 0; count < 10; count++) identifiers.take();
    identifiers.reset();
    expect([identifiers.isUsed(5), identifiers.take()]).toEqual([false, 11]);
  });
});

describe('a set of identifiers', () => {
  it('knows what was added and deleted, once each', () => {
    const set = new IdentifierSet();
    expect([set.has(7), set.delete(7), set.size]).toEqual([false, false, 0]);
    set.add(7);
    set.add(7);
    set.add(65_535);
    expect([set.has(7), set.has(39), set.has(65_535), set.size]).toEqual([true, false, true, 2]);
    expect([set.delete(7), set.has(7), set.size]).toEqual([true, false, 1]);
    set.clear();
    expect([set.has(65_535), set.size]).toEqual([false, 0]);
  });

  it('finds the first absent one round the end', () => {
    const set = new IdentifierSet();
    expect(set.firstAbsent(9)).toBe(9);
    for (let identifier = 60_000; identifier <= 65_535; identifier++) set.add(identifier);
    for (let identifier = 1; identifier <= 40; identifier++) set.add(identifier);
    expect([set.firstAbsent(61_000), set.firstAbsent(33), set.firstAbsent(59_999)]).toEqual([
      41, 41, 59_999,
    ]);
  });

  it('does what a set does, whatever comes and goes', () => {
    const near = fc.integer({ min: 1, max: 65_535 });
    const step = fc.tuple(fc.boolean(), fc.oneof(near, fc.integer({ min: 2_040, max: 2_060 })));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), near, (steps, start) => {
        const set = new IdentifierSet();
        const reference = new Set<number>();
        for (const [add, identifier] of steps) {
          if (add) {
            set.add(identifier);
            reference.add(identifier);
          } else {
            expect(set.delete(identifier)).toBe(reference.delete(identifier));
          }
          expect(set.size).toBe(reference.size);
        }
        for (const [, identifier] of steps) {
          expect(set.has(identifier)).toBe(reference.has(identifier));
        }
        for (const from of [start, ...reference]) {
          let absent = from;
          while (reference.has(absent)) absent = absent === 65_535 ? 1 : absent + 1;
          expect(set.firstAbsent(from)).toBe(absent);
        }
      }),
    );
  });
});
