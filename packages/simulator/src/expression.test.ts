import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DefinitionError } from './definition-error.ts';
import { type ExpressionScope, parseExpression } from './expression.ts';
import { parseFields } from './expression-fields.ts';
import { RandomStream } from './random-stream.ts';
import { recording } from './recording.ts';
import type { FieldValue, Moment, Reading, Signal } from './signal.ts';

const device = { id: 'd', index: 0, state: { target: 21 }, attributes: { base: 5 } };

function momentAt(elapsedMs: number): Moment {
  return {
    elapsedMs,
    epochMs: elapsedMs,
    clockMs: elapsedMs,
    reading: Math.floor(elapsedMs / 1000),
  };
}

function at(signal: Signal<FieldValue>, ms: number, fields: Reading = {}): FieldValue {
  return signal.start(RandomStream.named(1, 'd', 'x'))(momentAt(ms), fields, device);
}

function value(text: string, ms = 0, fields: Reading = {}): FieldValue {
  return at(
    parseExpression(text, { names: [...Object.keys(fields), 'target', 'base', 'id'] }),
    ms,
    fields,
  );
}

function mistake(text: string, scope?: ExpressionScope): DefinitionError {
  try {
    parseExpression(text, scope);
  } catch (error) {
    if (error instanceof DefinitionError) return error;
    throw error;
  }
  throw new Error(`${text} is an expression`);
}

describe('an expression', () => {
  it.each([
    ['1 + 2 * 3 - 4 / 2', 5],
    ['(1 + 2) * 3', 9],
    ['-2 * -(3 - 5)', -4],
    ['7 % 4', 3],
    ['.5 + 1e3', 1000.5],
    ['"open"', 'open'],
    ["'it is'", 'it is'],
    ['true', true],
    ['!true', false],
    ['2 > 1 && 1 >= 1', true],
    ['2 < 1 || 1 != 1', false],
    ['target > 20 ? "warm" : "cold"', 'warm'],
    ['1 == 2 ? 1 : 2 == 2 ? 5 : 6', 5],
    ['round(1.26, 1)', 1.3],
    ['(1.26).round(1).plus(1)', 2.3],
    ['clamp(50, 0..10)', 10],
    ['clamp(-50, -10..-5)', -10],
    ['min(3, base)', 3],
    ['abs(-4)', 4],
    ['target + base', 26],
    ['id', 'd'],
    ['walk(20, 0.2, 15..30)', 20],
  ])('%s gives %j', (text, expected) => {
    expect(value(text)).toBe(expected);
  });

  it('takes time as its signals do', () => {
    expect(value('ramp(0, 10, 10s)', 5000)).toBe(5);
    expect(value('ramp(0, 10, 10s).delay(2s)', 5000)).toBe(3);
    expect(value('steps(18, 6h, 21, 18h)', 7 * 3_600_000)).toBe(21);
    expect(value('steps("a", 1h30m, "b", 1m)', 91 * 60_000 - 1)).toBe('b');
    expect(value('sine(50, 10, 24h)', 6 * 3_600_000)).toBe(60);
    expect(value('dayCurve(20, 5, peak="12:00").round(6)', 12 * 3_600_000)).toBe(25);
    expect(value('counter(from=10, step=2)', 3000)).toBe(16);
    expect(value('follow(target, 10m, from=21)', 3_600_000)).toBeCloseTo(21);
  });

  it('refers to the other fields of its device before anything else', () => {
    expect(value('80 - 1.5 * temperature', 0, { temperature: 20 })).toBe(50);
    expect(value('target', 0, { target: 7 })).toBe(7);
  });

  it('takes columns of the recording', () => {
    const log = recording('time,celsius\n2026-01-01,4\n2026-01-02,5\n');
    expect(at(parseExpression('column("celsius")', { names: [], recording: log }), 0)).toBe(4);
  });

  it('gives each part chance of its own, which later parts do not change', () => {
    const one = value('noise(1)', 777) as number;
    expect(value('noise(1) + noise(1)', 777)).not.toBe(2 * one);
    expect(value('noise(1) + 0 * noise(5)', 777)).toBe(one);
  });
});

describe('a mistake in an expression', () => {
  it.each([
    ['', 0, 'expected a number, a name, a function or "(", found the end'],
    ['1 +', 3, 'expected a number, a name, a function or "(", found the end'],
    ['walk(20', 7, 'expected "," or ")", found the end'],
    ['walk(20, 0.2) 5', 14, 'expected an operator or the end, found "5"'],
    ['wolk(20, 0.2)', 0, 'there is no function "wolk", did you mean "walk"?'],
    ['constructor(1)', 0, 'there is no function "constructor"'],
    ['walk(20)', 0, 'walk(from, step, [bounds], [every]): step is missing'],
    ['walk(20, 0.2, 5)', 14, 'bounds must be a range such as 15..30'],
    ['walk(20, 0.2, 15..30, 1s, 4)', 26, 'takes at most 4 arguments'],
    ['walk(20, stop=1)', 9, 'has no parameter "stop", did you mean "step"?'],
    ['walk(20, 1, step=2)', 12, 'step is given twice'],
    ['walk(20, 1, 30..15)', 12, 'expected a range from the lower to the higher end, found 30..15'],
    ['walk(50, 1, 15..30)', 0, 'walk: from 50 must lie within the bounds 15 to 30'],
    ['sine(1, 2, 24)', 11, 'period must be a duration such as 10s or 1h30m'],
    ['sine(1, 2, 24x)', 11, '"24x)" is neither a number nor a duration'],
    ['temp + 1', 0, '"temp" is no field, state or attribute'],
    ['1 + walk', 4, 'a function needs brackets: walk(...)'],
    ['"open', 0, 'expected a closing quote'],
    ['1 $ 2', 2, '"$" has no meaning here'],
    ['1 + "a"', 4, '"+" takes numbers, found text'],
    ['1 + 5s', 4, 'expected a value, found a duration'],
    ['15..30', 0, 'expected a value, found a range'],
    ['1 ? 2', 5, 'expected ":", found the end'],
    ['(1', 2, 'expected ")", found the end'],
    ['1 . 5', 4, 'expected a function, found "5"'],
    ['steps(18)', 6, 'steps takes values with a duration each'],
    ['states("a", 1m, 2)', 16, 'states takes values with a duration each'],
    ['column("x")', 0, 'column needs a recording, and there is none'],
  ])('%j is told at %i: %s', (text, offset, problem) => {
    const error = mistake(text);
    expect(error.problem).toContain(problem);
    expect(error.offset).toBe(offset);
    expect(error.code).toBe('invalidArgument');
  });

  it('is told by nothing but a DefinitionError, whatever the text', () => {
    const words = fc.constantFrom(
      'walk',
      '(',
      ')',
      ',',
      '..',
      '.',
      '+',
      '-',
      '?',
      ':',
      '!',
      '5',
      '1.5',
      '10s',
      '"a"',
      'x',
      '=',
      '&&',
      '<',
      '\u{1f600}',
      "'",
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 12 }).map((list) => list.join(' ')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseExpression(text, { names: ['x'] });
        } catch (error) {
          expect(error).toBeInstanceOf(DefinitionError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is told when brackets or signs are too deep, however many there are', () => {
    for (const text of ['('.repeat(100_000), '-'.repeat(100_000), 'abs('.repeat(100_000)]) {
      expect(mistake(text).problem).toMatch(/expected at most 100/);
    }
  });
});

describe('fields in one text', () => {
  it('are taken apart at their names', () => {
    const fields = parseFields(
      "temp=walk(20,0.2,15..30) hum=sine(50, 10, period=24h)+noise(0), both=temp+hum state='on'",
    );
    expect(Object.keys(fields)).toEqual(['temp', 'hum', 'both', 'state']);
    expect(at(fields['temp']!, 0)).toBe(20);
    expect(at(fields['both']!, 0, { temp: 1, hum: 2 })).toBe(3);
    expect(at(fields['state']!, 0)).toBe('on');
  });

  it.each([
    ['', 0, 'expected fields such as temp='],
    ['walk(1,2)', 0, 'expected fields such as temp='],
    ['5 temp=1', 0, 'expected fields such as temp='],
    ['a=1 a=2', 4, 'the field a is given twice'],
    ['a=1 b=wolk(2)', 6, 'there is no function "wolk"'],
    ['a=1 b=', 6, 'expected a number'],
    ['a=b', 2, '"b" is no field'],
  ])('%j is refused at %i: %s', (text, offset, problem) => {
    expect(() => parseFields(text)).toThrow(
      expect.objectContaining({ offset, problem: expect.stringContaining(problem) }),
    );
  });
});
