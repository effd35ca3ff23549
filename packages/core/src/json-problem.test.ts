import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonProblem } from './json-problem.ts';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('jsonProblem', () => {
  it('says where a text stops being JSON', () => {
    expect(jsonProblem('{"on": yes}')).toBe('expected a value at position 7, found "y"');
    expect(jsonProblem('')).toBe('expected a value at position 0, found the end');
    expect(jsonProblem('[1, 2')).toBe(
      'expected "," or the end of the list at position 5, found the end',
    );
    expect(jsonProblem('[1,]')).toBe('expected a value at position 3, found "]"');
    expect(jsonProblem('{"a":1,}')).toBe('expected a name in quotes at position 7, found "}"');
    expect(jsonProblem('{a:1}')).toBe('expected a name in quotes or "}" at position 1, found "a"');
    expect(jsonProblem('{"a" 1}')).toBe('expected ":" at position 5, found "1"');
    expect(jsonProblem('1 2')).toBe('expected nothing more at position 2, found "2"');
    expect(jsonProblem('[1}')).toContain('at position 2, found "}"');
    expect(jsonProblem("'a'")).toContain('position 0');
    expect(jsonProblem('"a\nb"')).toContain('position 0');
  });

  it('finds something in exactly those texts that the platform refuses', () => {
    const piece = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a"',
        '"\\u00e9"',
        '"\\x"',
        '1',
        '-0.5e+3',
        '01',
        '+1',
        ' ',
      ],
      ...['true', 'null', 'nul', '\n', '\u00a0', '"', 'é'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('');
        expect(jsonProblem(text) === undefined).toBe(parses(text));
      }),
      { numRuns: 5_000 },
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(jsonProblem(text)).toBeUndefined();
      }),
    );
  });

  it('takes any depth', () => {
    expect(jsonProblem('['.repeat(100_000))).toContain('position 100000');
  });
});
