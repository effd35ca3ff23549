import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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

describe('owners of packet identifiers', () => {
  it('are found by what they took, until it is given back or retired', () => {
    const identifiers = new PacketIdentifiers<object>();
    const [one, other] = [{}, {}];
    expect([identifiers.take(one), identifiers.take(), identifiers.take(other)]).toEqual([1, 2, 3]);
    expect(identifiers.ownerOf(1)).toBe(one);
    expect([identifiers.ownerOf(2), identifiers.isUsed(2)]).toEqual([undefined, true]);
    identifiers.release(1);
    identifiers.reserve(3);
    expect([identifiers.ownerOf(1), identifiers.isUsed(1)]).toEqual([undefined, false]);
    expect([identifiers.ownerOf(3), identifiers.isUsed(3)]).toEqual([undefined, true]);
  });

  it('are not those of another identifier at the same place', () => {
    const identifiers = new PacketIdentifiers<object>();
    const stuck = {};
    const first = identifiers.take(stuck);
    for (let count = 0; count < 20; count += 1) {
      const identifier = identifiers.take({});
      expect(identifiers.ownerOf(identifier + 8)).toBeUndefined();
      identifiers.release(identifier + 8);
      expect(identifiers.isUsed(identifier)).toBe(true);
      identifiers.release(identifier);
    }
    expect(identifiers.ownerOf(first)).toBe(stuck);
    expect(identifiers.used).toBe(1);
  });

  it('are what a table says, whatever comes and goes', () => {
    const near = fc.integer({ min: 1, max: 65_535 });
    const step = fc.oneof(
      fc.constant('take' as const),
      fc.record({ release: fc.nat(40) }),
      fc.record({ reserve: fc.oneof(near, fc.integer({ min: 1, max: 40 })) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const identifiers = new PacketIdentifiers<object>();
        const reference = new Map<number, object | undefined>();
        for (const one of steps) {
          if (one === 'take') {
            const owner = {};
            const identifier = identifiers.take(owner);
            expect(reference.has(identifier)).toBe(false);
            expect(identifier >= 1 && identifier <= 65_535).toBe(true);
            reference.set(identifier, owner);
          } else if ('release' in one) {
            const identifier = [...reference.keys()][one.release] ?? one.release;
            identifiers.release(identifier);
            reference.delete(identifier);
          } else {
            identifiers.reserve(one.reserve);
            reference.set(one.reserve, undefined);
          }
          expect(identifiers.used).toBe(reference.size);
        }
        for (const [identifier, owner] of reference) {
          expect(identifiers.isUsed(identifier)).toBe(true);
          expect(identifiers.ownerOf(identifier)).toBe(owner);
        }
      }),
    );
  });
});
