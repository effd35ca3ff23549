import { describe, expect, it } from 'vitest';
import { fault } from './fault.ts';
import { fleet } from './fleet.ts';
import type { FleetDefinition } from './fleet-definition.ts';
import { follow, integral } from './follow.ts';
import { meanReverting } from './random-signals.ts';
import type { FieldValue } from './signal.ts';
import { drift } from './waveforms.ts';

const minute = 60_000;

/** All fields of one device, by the minute of the reading. */
function fieldsOf(
  signals: FleetDefinition['signals'],
  every: string,
  more: Partial<FleetDefinition> = {},
): Map<number, Record<string, FieldValue>> {
  const made = fleet({ every, stagger: false, signals, ...more });
  return new Map(
    [...made.messages({ start: 0, for: '6h' })].map(({ timeMs, payload }) => [
      timeMs / minute,
      JSON.parse(String(payload)),
    ]),
  );
}

describe('a field that depends on another one', () => {
  it('sees it at the moment that it asks for, not at the present one', () => {
    const minutes = fieldsOf(
      { t: drift(60), late: 't.delay(5m)', held: 't.hold(10m)', both: 'late.delay(1m) + t' },
      '1m',
    );
    expect(minutes.get(37)).toEqual({ t: 37, late: 32, held: 30, both: 68 });
  });

  it('sums and follows it the same whenever it is asked', () => {
    const signals = {
      power: meanReverting({ mean: 300, deviation: 80, relaxation: '4m' }),
      energy: integral(({ power }) => power),
      slow: follow(({ power }) => power, { time: '10m' }),
      text: 'integral(power)',
    };
    const often = fieldsOf(signals, '10s');
    const seldom = fieldsOf(signals, '40m');
    for (const at of [40, 80, 320]) expect(seldom.get(at)).toEqual(often.get(at));
    expect(often.get(320)?.['text']).toBe(often.get(320)?.['energy']);
    expect(often.get(320)?.['energy']).toBeGreaterThan(1000);
  });

  it('is refused when it needs itself, at whatever moment', () => {
    const now = { a: 'b + 1', b: 'a + 1' };
    expect(() => fieldsOf(now, '1m')).toThrow('a and b need each other');
    const before = { a: 'b.delay(1m)', b: 'a.delay(1m)', c: 1 };
    expect(() => fieldsOf(before, '1m')).toThrow('signals.a: a and b need each other');
    expect(() => fieldsOf({ a: ({ a }) => a }, '1m')).toThrow('a needs itself');
  });

  it('is refused when its function gives nothing, and named', () => {
    expect(() => fieldsOf({ a: () => undefined as unknown as number }, '1m')).toThrow(
      'signals.a: the function gave undefined in place of a value',
    );
  });
});

describe('a fault of values', () => {
  const signals = { celsius: drift(0), alarm: 'celsius > 2', twice: '2 * celsius' };
  const timing = { every: '1h', for: '30m', fields: ['celsius'] } as const;

  it('is one of the sensor, which other fields do not see, unless it spreads', () => {
    const broken = fault.drift({ ...timing, perHour: 10 });
    const sensor = fieldsOf(signals, '1m', { faults: [broken] });
    expect(sensor.get(85)).toEqual({ celsius: expect.closeTo(4.17, 1), alarm: false, twice: 0 });
    const thing = fieldsOf(signals, '1m', {
      faults: [{ ...broken, spreads: true } as typeof broken],
    });
    expect(thing.get(85)).toEqual({
      celsius: expect.closeTo(4.17, 1),
      alarm: true,
      twice: expect.closeTo(8.33, 1),
    });
    expect(thing.get(95)).toEqual({ celsius: 0, alarm: false, twice: 0 });
  });

  it('that spreads holds and throws values off for the others, too, and keeps to its fields', () => {
    const rising = { ...signals, celsius: drift(60), other: drift(60) };
    const stuck = fieldsOf(rising, '1m', { faults: [fault.stuck({ ...timing, spreads: true })] });
    expect(stuck.get(85)).toEqual({ celsius: 60, alarm: true, twice: 120, other: 85 });
    expect(stuck.get(60)).toMatchObject({ celsius: 60, twice: 120 });
    expect(stuck.get(90)).toMatchObject({ celsius: 90, twice: 180 });
    const spike = fault.spike({ ...timing, size: 7, spreads: true });
    const off = fieldsOf(signals, '1m', { faults: [spike] }).get(70);
    expect(Math.abs(Number(off?.['celsius']))).toBe(7);
    expect(off?.['twice']).toBe(2 * Number(off?.['celsius']));
  });

  it('shows in payloads of functions and in topics as in all others', () => {
    const made = fleet({
      every: '1m',
      stagger: false,
      signals: { value: drift(60) },
      publish: { 'x/{value}': ({ value }, { id }, { reading }) => `${id} ${reading} ${value}` },
      faults: [fault.stuck({ every: '3m', for: '2m' })],
    });
    const sent = [...made.messages({ start: 0, for: '6m' })].map(
      ({ topic, payload }) => `${topic} ${payload}`,
    );
    expect(sent.slice(3)).toEqual(['x/3 fleet-1 3 3', 'x/3 fleet-1 4 3', 'x/5 fleet-1 5 5']);
  });

  it.each([
    [{ ...timing, for: undefined, spreads: true }, 'is needed with spreads'],
    [{ ...timing, spreads: 1 }, 'must be true or false'],
    [{ every: '1h', fields: [] }, 'must be a list of at least one field'],
  ])('%j is refused', (given, problem) => {
    const faults = [{ fault: 'stuck', ...given }] as unknown as FleetDefinition['faults'];
    expect(() => fleet({ signals, ...(faults === undefined ? {} : { faults }) })).toThrow(problem);
  });
});
