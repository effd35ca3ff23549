import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { angleOf, cosineOf, exponentialOf, logarithmOf, sineOf } from './real-functions.ts';

/** Within some units of the last place of the larger of the value and 1. */
function near(value: number, expected: number, tolerance = 4e-15): void {
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(
    tolerance * Math.max(1, Math.abs(expected)),
  );
}

describe('the functions of signals', () => {
  it('agree with those of the language for every angle of some turns', () => {
    fc.assert(
      fc.property(fc.double({ min: -1000, max: 1000, noNaN: true }), (angle) => {
        near(sineOf(angle), Math.sin(angle));
        near(cosineOf(angle), Math.cos(angle));
      }),
    );
  });

  it('agree with the exponential wherever it is a normal number', () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
        near(exponentialOf(x) / Math.exp(x), 1);
      }),
    );
  });

  it('agree with the logarithm of every positive normal number', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        near(logarithmOf(x), Math.log(x));
      }),
    );
  });

  it('agree with the angle of every vector', () => {
    const coordinate = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(coordinate, coordinate, (y, x) => {
        fc.pre(Math.abs(x) > 1e-9 || Math.abs(y) > 1e-9);
        // Zeros have no sign here.
        near(angleOf(y, x), Math.atan2(y + 0, x + 0));
      }),
    );
  });

  it('have these bits, on every machine', () => {
    const values = [
      sineOf(0.7),
      sineOf(-100.25),
      cosineOf(12345.678),
      exponentialOf(-3.3),
      logarithmOf(17.25),
      angleOf(3, -2),
    ];
    expect(values).toMatchInlineSnapshot(`
      [
        0.644217687237691,
        0.27728285645485135,
        0.7101193587160628,
        0.03688316740124001,
        2.847812143477369,
        2.1587989303424644,
      ]
    `);
  });
});
