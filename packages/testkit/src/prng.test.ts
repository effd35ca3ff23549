import { describe, expect, it } from 'vitest';
import { Prng } from './prng.ts';

const draw = (prng: Prng, count: number) => Array.from({ length: count }, () => prng.random());

describe('Prng', () => {
  it('gives one sequence for one seed', () => {
    expect(draw(new Prng(42), 20)).toEqual(draw(new Prng(42), 20));
  });

  it('gives unlike sequences for seeds that differ in one bit', () => {
    expect(draw(new Prng(42), 1)).not.toEqual(draw(new Prng(43), 1));
    expect(draw(new Prng(0), 5)).not.toEqual(draw(new Prng(1), 5));
  });

  it('spreads numbers evenly from 0 to below 1', () => {
    const prng = new Prng(7);
    const counts = new Array(10).fill(0);
    for (const number of draw(prng, 10_000)) counts[Math.floor(number * 10)]++;
    expect(counts.length).toBe(10);
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  it('draws integers with both ends included, and nothing outside', () => {
    const prng = new Prng(3);
    const drawn = new Set(Array.from({ length: 500 }, () => prng.integer(-1, 2)));
    expect([...drawn].sort((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
  });

  it('is never true with probability 0 and always with 1', () => {
    const prng = new Prng(3);
    expect(Array.from({ length: 100 }, () => prng.chance(0))).not.toContain(true);
    expect(Array.from({ length: 100 }, () => prng.chance(1))).not.toContain(false);
  });

  it('picks among items and refuses an empty list', () => {
    expect(['a', 'b']).toContain(new Prng(9).pick(['a', 'b']));
    expect(() => new Prng(9).pick([])).toThrow(RangeError);
  });

  it('forks a generator that further draws of the first do not touch', () => {
    const first = new Prng(5);
    const second = new Prng(5);
    const forked = first.fork();
    draw(first, 3);
    expect(draw(forked, 5)).toEqual(draw(second.fork(), 5));
  });
});
