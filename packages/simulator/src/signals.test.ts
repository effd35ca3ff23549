import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { follow, integral } from './follow.ts';
import { geoPath } from './geo-path.ts';
import { meanReverting, noise, perDevice, pick, states, walk } from './random-signals.ts';
import { RandomStream } from './random-stream.ts';
import { type FieldValue, type Moment, Signal, type SignalDevice } from './signal.ts';
import {
  battery,
  clock,
  constant,
  counter,
  dayCurve,
  drift,
  dutyCycle,
  ramp,
  saw,
  sine,
  square,
  steps,
} from './waveforms.ts';

const startMs = Date.UTC(2026, 0, 1);
const device: SignalDevice = { id: 'test', index: 0, state: {}, attributes: {} };
const hour = 3_600_000;

function momentAt(elapsedMs: number, reading = 0): Moment {
  const epochMs = startMs + elapsedMs;
  return { elapsedMs, epochMs, clockMs: epochMs, reading };
}

/** The signal of one device as a function of milliseconds. */
function started<T>(signal: Signal<T>, name = 'signal', seed = 1): (ms: number) => T {
  const sampler = signal.start(RandomStream.named(seed, 'device', name));
  return (ms) => sampler(momentAt(ms, Math.floor(ms / 1000)), {}, device);
}

/** One value for each step of time. */
function series<T>(signal: Signal<T>, count: number, stepMs: number, seed = 1): T[] {
  const at = started(signal, 'signal', seed);
  return Array.from({ length: count }, (_, index) => at(index * stepMs));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
}

function autocorrelation(values: readonly number[], lag: number): number {
  const middle = mean(values);
  const pairs = values.slice(lag).map((value, index) => [value, values[index] ?? 0] as const);
  return mean(pairs.map(([a, b]) => (a - middle) * (b - middle))) / deviation(values) ** 2;
}

/** Every kind of signal, all that depend on chance among them. */
const kinds: Readonly<Record<string, Signal<FieldValue>>> = {
  constant: constant(7),
  counter: counter({ every: '3s', modulo: 5 }),
  ramp: ramp(0, 10, '1h', { loop: true }),
  drift: drift(2),
  sine: sine({ mean: 20, amplitude: 5, period: '24h', phase: 'random' }),
  saw: saw({ period: '10m' }),
  square: square({ period: '10m', duty: 0.3 }),
  dayCurve: dayCurve({ mean: 21, amplitude: 3 }),
  dutyCycle: dutyCycle({ period: '20m', on: 0.4, phase: 'random' }),
  steps: steps([
    ['night', '6h'],
    ['day', '18h'],
  ]),
  battery: battery({ life: '20h', replaceAt: 10 }),
  clock: clock('iso'),
  noise: noise(2, 5),
  walk: walk({ from: 20, step: 0.2, min: 15, max: 30 }),
  freeWalk: walk({ step: 1, every: '100ms' }),
  meanReverting: meanReverting({ mean: 50, deviation: 4, relaxation: '5m' }),
  perDevice: perDevice(1, 9),
  pick: pick(['a', 'b', 'c'], { weights: [5, 3, 2], every: '10s' }),
  states: states({
    idle: { for: '2m', to: 'busy' },
    busy: { for: '1m', to: { idle: 3, fault: 1 } },
    fault: { for: '30s', to: 'idle' },
  }),
  geoPath: geoPath(
    [
      [52.5, 13.4],
      [52.51, 13.42],
      [52.49, 13.45],
    ],
    { speedKmh: 30, scatter: true },
  ),
  follow: follow(meanReverting({ mean: 20, deviation: 3 }), { time: '8m' }),
  integral: integral(noise(0.5, 2)),
  combined: walk({ from: 0, step: 0.1 })
    .plus(noise(0.2))
    .times(3)
    .delay('10s')
    .clamp(-10, 10)
    .quantize(0.25)
    .hold('5s'),
};

describe.each(Object.entries(kinds))('the signal %s', (_name, signal) => {
  it('is a pure function of time: any order gives the same values', () => {
    const times = fc.array(fc.integer({ min: 0, max: 30 * hour }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(times, (list) => {
        const at = started(signal);
        const values = list.map(at);
        // One sampler that has been everywhere, and one for each time that has been nowhere.
        expect([...list].reverse().map(at).reverse()).toEqual(values);
        expect(list.map((ms) => started(signal)(ms))).toEqual(values);
      }),
      { numRuns: 25 },
    );
  });

  it('is another one for another seed or name, if chance has a part in it, and else the same', () => {
    const times = [11_000, 777_777, 5 * hour + 1, 29 * hour];
    const random = started(signal, 'a');
    const values = times.map(random);
    const others = [started(signal, 'b'), started(signal, 'a', 2)].map((at) => times.map(at));
    for (const other of others) {
      if (signal.streams === 0) expect(other).toEqual(values);
      else expect(other).not.toEqual(values);
    }
  });
});

describe('the numbers of all signals', () => {
  it('are the same bytes everywhere', () => {
    const digest = (signal: Signal<FieldValue>): string =>
      createHash('sha256')
        .update(JSON.stringify(series(signal, 2000, 1111)))
        .digest('hex')
        .slice(0, 16);
    const digests = Object.entries(kinds).map(([name, signal]) => [name, digest(signal)]);
    expect(Object.fromEntries(digests)).toMatchInlineSnapshot(`
      {
        "battery": "1e3b1a0ee1c03257",
        "clock": "f8afc29f78c477e2",
        "combined": "e3e4b9a1ea00578d",
        "constant": "9c54c602f5abf2bf",
        "counter": "964380d885e63b1b",
        "dayCurve": "484aac337b93485e",
        "drift": "642dd994b8c79f3f",
        "dutyCycle": "c0d6cf078e1174e9",
        "follow": "45e66ea82fce6639",
        "freeWalk": "a38deedfa1235841",
        "geoPath": "7e352f031627c4a9",
        "integral": "f43f84688f31c4fd",
        "meanReverting": "fdd7dc3d5d8dced1",
        "noise": "54195c65ea75e64a",
        "perDevice": "9173ea701cc3d56e",
        "pick": "cfc97d12a4ca9b6d",
        "ramp": "3dab97980035c0c5",
        "saw": "423dc203c667631a",
        "sine": "089048c47c6b1d6c",
        "square": "c187714321db2e06",
        "states": "c94386fa3ca3eec0",
        "steps": "fe9aba9abbd32ed0",
        "walk": "8747f12c61fd970d",
      }
    `);
  });

  it('do not change when something is added at the end of a chain', () => {
    const before = walk({ from: 20, step: 0.2 }).plus(noise(1));
    const after = before.plus(noise(1)).minus(noise(0));
    const [a, b] = [series(before, 50, 1000), series(after, 50, 1000)];
    const added = b.map((value, index) => value - (a[index] ?? 0));
    expect(deviation(added)).toBeGreaterThan(0.7);
    expect(Math.abs(mean(added))).toBeLessThan(0.6);
    // Two equal noises of one chain are two noises.
    const doubled = series(noise(1).minus(noise(1)), 500, 1000);
    expect(deviation(doubled)).toBeGreaterThan(1.2);
  });
});

describe('noise', () => {
  it('has its mean and deviation, and no memory', () => {
    const values = series(noise(2, 5), 40_000, 1000);
    expect(Math.abs(mean(values) - 5)).toBeLessThan(0.05);
    expect(Math.abs(deviation(values) - 2)).toBeLessThan(0.04);
    expect(Math.abs(autocorrelation(values, 1))).toBeLessThan(0.03);
  });
});

describe('a random walk', () => {
  it('adds independent steps of its deviation', () => {
    const values = series(walk({ from: 20, step: 0.2 }), 20_001, 1000);
    const added = values.slice(1).map((value, index) => value - (values[index] ?? 0));
    expect(values[0]).toBe(20);
    expect(Math.abs(mean(added))).toBeLessThan(0.008);
    expect(Math.abs(deviation(added) - 0.2)).toBeLessThan(0.006);
    expect(Math.abs(autocorrelation(added, 1))).toBeLessThan(0.03);
  });

  it('spreads with the root of time, over many seeds', () => {
    const ends = (seconds: number): number[] =>
      Array.from({ length: 2000 }, (_, seed) =>
        started(walk({ step: 1 }), 'w', seed)(seconds * 1000),
      );
    for (const seconds of [1, 100, 1_000_000]) {
      const spread = deviation(ends(seconds)) / Math.sqrt(seconds);
      expect(Math.abs(spread - 1)).toBeLessThan(0.07);
    }
  });

  it('keeps to its bounds, reaches them, and is even between them over a long time', () => {
    const values = series(walk({ from: 20, step: 0.5, min: 15, max: 30 }), 200_000, 1000);
    expect(Math.min(...values.slice(0, 100_000))).toBeGreaterThanOrEqual(15);
    expect(Math.max(...values.slice(0, 100_000))).toBeLessThanOrEqual(30);
    expect(values.every((value) => value >= 15 && value <= 30)).toBe(true);
    expect(values.some((value) => value < 15.1) && values.some((value) => value > 29.9)).toBe(true);
    expect(Math.abs(mean(values) - 22.5)).toBeLessThan(0.6);
    expect(Math.abs(deviation(values) - 15 / Math.sqrt(12))).toBeLessThan(0.4);
  });

  it('turns back at one bound alone', () => {
    const low = series(walk({ from: 1, step: 1, min: 0 }), 5000, 1000);
    expect(low.every((value) => value >= 0)).toBe(true);
    expect(Math.max(...low)).toBeGreaterThan(20);
    const high = series(walk({ from: -1, step: 1, max: 0 }), 5000, 1000);
    expect(high.every((value) => value <= 0)).toBe(true);
  });

  it('stands still before the start and after its last step', () => {
    const at = started(walk({ from: 3, step: 1, every: '1ms' }));
    expect(at(-5000)).toBe(3);
    expect(at(2 ** 33)).toBe(at(2 ** 34));
  });
});

describe('a mean-reverting signal', () => {
  const signal = meanReverting({ mean: 50, deviation: 4, relaxation: '5m' });

  it('has its mean and deviation from the start on', () => {
    const values = series(signal, 60_000, 60_000);
    expect(Math.abs(mean(values) - 50)).toBeLessThan(0.2);
    expect(Math.abs(deviation(values) - 4)).toBeLessThan(0.1);
    const starts = Array.from({ length: 3000 }, (_, seed) => started(signal, 's', seed)(0));
    expect(Math.abs(deviation(starts) - 4)).toBeLessThan(0.2);
  });

  it('forgets as fast as it says', () => {
    const values = series(signal, 60_000, 60_000);
    for (const minutes of [1, 5, 10]) {
      expect(Math.abs(autocorrelation(values, minutes) - Math.exp(-minutes / 5))).toBeLessThan(
        0.03,
      );
    }
    // Over the edge of its blocks as within them.
    const across = Array.from({ length: 3000 }, (_, seed) => {
      const at = started(signal, 's', seed);
      const edge = 64 * 300_000;
      return ((at(edge - 150_000) - 50) * (at(edge + 150_000) - 50)) / 16;
    });
    expect(Math.abs(mean(across) - Math.exp(-1))).toBeLessThan(0.08);
  });
});

describe('states', () => {
  const machine = states({
    idle: { for: '2m', to: 'busy' },
    busy: { for: '1m', to: { idle: 3, fault: 1 } },
    fault: { for: '30s', to: 'idle' },
  });

  it('begin with the first one, and last as long as they say on average', () => {
    const values = series(machine, 400_000, 1000);
    expect(values[0]).toBe('idle');
    const dwells = new Map<string, number[]>();
    let since = 0;
    for (const [at, value] of values.entries()) {
      const before = values[at - 1] ?? value;
      if (value === before) continue;
      dwells.set(before, [...(dwells.get(before) ?? []), at - since]);
      since = at;
    }
    expect(Math.abs(mean(dwells.get('idle') ?? []) / 120 - 1)).toBeLessThan(0.08);
    expect(Math.abs(mean(dwells.get('busy') ?? []) / 60 - 1)).toBeLessThan(0.08);
    expect(Math.abs(mean(dwells.get('fault') ?? []) / 30 - 1)).toBeLessThan(0.12);
    const share = (dwells.get('fault')?.length ?? 0) / (dwells.get('busy')?.length ?? 1);
    expect(Math.abs(share - 0.25)).toBeLessThan(0.04);
  });

  it('that are never left, or only change places, are known at a far moment too', () => {
    const ending = states({ on: { for: '1m', to: 'off' }, off: { for: '1m' } });
    const at = started(ending);
    expect(at(24 * hour)).toBe('off');
    expect(at(0)).toBe('on');
    const swap = states({ a: { for: '1m', to: 'b' }, b: { for: '1m', to: 'a' } });
    expect(started(swap)(100 * hour)).toMatch(/^[ab]$/);
  });

  it('refuse to lead to a state that is none', () => {
    expect(() => states({ a: { for: '1m', to: 'c' }, b: { for: '1m' } })).toThrow(
      'states: a leads to "c", which is none of "a", "b"',
    );
  });
});

describe('pick', () => {
  it('follows its weights', () => {
    const values = series(pick(['a', 'b'], { weights: [3, 1] }), 20_000, 1000);
    expect(Math.abs(values.filter((value) => value === 'a').length / 20_000 - 0.75)).toBeLessThan(
      0.015,
    );
  });

  it('stays at what it drew for as long as it says', () => {
    const values = series(pick([1, 2, 3, 4, 5], { every: '10s' }), 5000, 1000);
    const changes = values.flatMap((value, at) => (value === values[at - 1] ? [] : [at % 10]));
    expect(new Set(changes)).toEqual(new Set([0]));
    expect(Math.abs(changes.length / 500 - 0.8)).toBeLessThan(0.08);
  });

  it('refuses weights that are none', () => {
    expect(() => pick(['a', 'b'], { weights: [0, 0] })).toThrow('one above 0');
    expect(() => pick([])).toThrow('at least one value');
  });
});

describe('signals without chance', () => {
  it('are what they say at these moments', () => {
    const at = <T>(signal: Signal<T>, ...hours: number[]): T[] =>
      hours.map((one) => started(signal)(one * hour));
    expect(at(ramp(10, 20, '10h'), 0, 5, 10, 11)).toEqual([10, 15, 20, 20]);
    expect(at(ramp(10, 20, '10h', { loop: true }), 5, 15)).toEqual([15, 15]);
    expect(at(drift(0.5), 0, 4)).toEqual([0, 2]);
    expect(at(saw({ period: '4h' }), 0, 1, 3, 4)).toEqual([-1, -0.5, 0.5, -1]);
    expect(at(square({ period: '4h', duty: 0.25, mean: 1 }), 0, 0.9, 1, 4)).toEqual([2, 2, 0, 2]);
    expect(at(sine({ mean: 1, amplitude: 2, period: '4h' }).round(9), 0, 1, 2, 3)).toEqual([
      1, 3, 1, -1,
    ]);
    expect(at(dayCurve({ mean: 20, amplitude: 5, peak: '15:00' }).round(9), 15, 27, 39)).toEqual([
      25, 15, 25,
    ]);
    expect(
      at(dayCurve({ mean: 0, amplitude: 1, peak: '12:00', utcOffsetHours: 2 }).round(9), 10),
    ).toEqual([1]);
    expect(
      at(dayCurve({ mean: 20, amplitude: 5, peak: '12:00' }).delay('3h').round(9), 15, 12),
    ).toEqual([25, 23.535533906]);
    expect(at(clock('s').delay('1h'), 1)).toEqual([startMs / 1000]);
    expect(
      at(
        integral(() => 2, { from: 5, every: '1h' }),
        0,
        0.5,
        1.25,
      ),
    ).toEqual([5, 6, 7.5]);
    expect(at(dutyCycle({ period: '1h', on: 0.5 }), 0, 0.25, 0.5, 1)).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect(
      at(
        steps<number | string>([
          [1, '1h'],
          ['b', '2h'],
        ]),
        0,
        1,
        2.9,
        3,
      ),
    ).toEqual([1, 'b', 'b', 1]);
    expect(
      at(
        steps(
          [
            [1, '1h'],
            [2, '1h'],
          ],
          { loop: false },
        ),
        5,
      ),
    ).toEqual([2]);
    expect(at(battery({ life: '100h' }), 0, 50, 200)).toEqual([100, 50, 0]);
    expect(at(battery({ life: '100h', replaceAt: 20 }).round(6), 79, 80, 90, 160)).toEqual([
      21, 100, 90, 100,
    ]);
    expect(at(battery({ life: '100h', from: 80 }).delay('10h'), 0, 9, 20)).toEqual([80, 80, 70]);
    expect(at(clock('s'), 1)).toEqual([startMs / 1000 + 3600]);
    expect(at(counter({ from: 10, step: 2, modulo: 3 }), 0, 1 / 3600, 3 / 3600)).toEqual([
      10, 12, 10,
    ]);
    expect(at(integral(() => 2, { from: 5 }).round(9), 0, 1, 2.5)).toEqual([5, 7, 10]);
    expect(at(follow(() => 20, { time: '1h', from: 0 }).round(4), 0, 1, 20)).toEqual([
      0, 12.6424, 20,
    ]);
  });

  it('drive a path at their speed, and round its corners', () => {
    const drive = geoPath(
      [
        [0, 0],
        [0, 1],
        [1, 1],
      ],
      { speedKmh: 111.19493, end: 'return' },
    );
    const at = started(drive);
    expect(at(0)).toMatchObject({ latitude: 0, longitude: 0, heading: 90 });
    expect(at(0.5 * hour)).toMatchObject({ latitude: 0, longitude: 0.5, heading: 90 });
    expect(at(1.5 * hour)).toMatchObject({ latitude: 0.5, longitude: 1, heading: 0 });
    expect(at(2.5 * hour)).toMatchObject({ latitude: 0.5, longitude: 1, heading: 180 });
    expect(at(4 * hour)).toMatchObject({ latitude: 0, longitude: 0 });
    const stay = started(
      geoPath(
        [
          [0, 0],
          [0, 1],
        ],
        { speedKmh: 111.19493, end: 'stay' },
      ),
    );
    expect(stay(9 * hour)).toMatchObject({ longitude: 1, speedKmh: 0 });
  });
});

describe('combinators', () => {
  const at = (signal: Signal<number>, ms: number): number => started(signal)(ms);

  it('compute, bound, round and shift', () => {
    const line = drift(1);
    expect(at(line.plus(2).minus(1).times(3), hour)).toBe(6);
    expect(at(line.clamp(2, 3), hour)).toBe(2);
    expect(at(line.clamp(2, 3), 9 * hour)).toBe(3);
    expect(at(constant(2.345).round(1), 0)).toBe(2.3);
    expect(Object.is(at(constant(-0.04).round(1), 0), 0)).toBe(true);
    expect(at(constant(0.31).quantize(0.1), 0)).toBe(0.3);
    expect(at(constant(17).quantize(5), 0)).toBe(15);
    expect(at(line.delay('1h'), 3 * hour)).toBe(2);
    expect(at(line.hold('1h'), 1.9 * hour)).toBe(1);
    expect(at(line.plus(line.delay('1h')), hour)).toBe(1);
  });

  it.each([
    [() => constant(1).clamp(2, 1), 'clamp takes a minimum and a maximum above it'],
    [() => constant(1).round(1.5), 'round takes 0 to 15 decimal places; given was 1.5'],
    [() => constant(1).quantize(0), 'quantize takes a step above 0'],
    [() => constant(1).delay('soon'), 'delay must be a duration such as "10s"'],
    [() => sine({ period: 0 }), 'sine: period must be more than 0'],
    [
      () => walk({ from: 40, step: 1, min: 0, max: 30 }),
      'walk: from 40 must lie within the bounds',
    ],
    [() => noise(Number.NaN), 'noise: deviation must be a number'],
    [
      () => dayCurve({ mean: 1, amplitude: 1, peak: '25:00' }),
      'dayCurve: peak must be a time of day',
    ],
    [() => steps([]), 'steps takes at least one value'],
    [() => geoPath([[0, 0]], { speedKmh: 1 }), 'geoPath takes at least two points'],
    [
      () =>
        geoPath(
          [
            [13, 252],
            [0, 0],
          ],
          { speedKmh: 1 },
        ),
      '[latitude, longitude] in degrees',
    ],
    [() => counter({ modulo: 0 }), 'counter: modulo must be a whole number above 0'],
    [
      () => battery({ life: '1h', replaceAt: 100 }),
      'battery: replaceAt must be from 0 to below 100',
    ],
  ])('refuse what cannot be: %s', (make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ code: 'invalidArgument' }));
  });

  it('take a signal of another copy of the package', () => {
    const foreign = Object.create(null, {
      [Symbol.for('mqtt-kit.Signal')]: { value: true },
    }) as object;
    expect(Signal.is(foreign)).toBe(true);
    expect(Signal.is({})).toBe(false);
  });
});
