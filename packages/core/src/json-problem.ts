/**
 * Where a text stops being JSON (RFC 8259). What the platform says differs, and often names no position; this is asked
 * only when the platform has refused a text.
 */

const tokens = {
  space: /[ \t\n\r]*/y,
  // Everything from the space on but the quote and the backslash, and escapes.
  string: /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/y,
  number: /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  word: /true|false|null/y,
} as const;

/** What may come next. */
type Expected = 'value' | 'valueOrEnd' | 'name' | 'nameOrEnd' | 'colon' | 'commaOrEnd' | 'nothing';

const descriptions: Readonly<Record<Expected, string>> = {
  value: 'a value',
  valueOrEnd: 'a value or "]"',
  name: 'a name in quotes',
  nameOrEnd: 'a name in quotes or "}"',
  colon: '":"',
  commaOrEnd: '"," or the end of the list',
  nothing: 'nothing more',
};

/** `expected a value at position 7, found "y"`, or `undefined` when nothing is wrong. */
export function jsonProblem(text: string): string | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  let position = 0;
  const skip = (token: RegExp): boolean => {
    token.lastIndex = position;
    const found = token.exec(text);
    position += found?.[0].length ?? 0;
    return found !== null;
  };
  const afterValue = (): Expected => (open.length > 0 ? 'commaOrEnd' : 'nothing');

  for (;;) {
    skip(tokens.space);
    const character = text[position];
    if (character === undefined && expected === 'nothing') return undefined;
    if (expected === 'value' || expected === 'valueOrEnd') {
      if (character === '{' || character === '[') {
        open.push(character);
        position += 1;
        expected = character === '{' ? 'nameOrEnd' : 'valueOrEnd';
        continue;
      }
      if (skip(tokens.string) || skip(tokens.word) || skip(tokens.number)) {
        expected = afterValue();
        continue;
      }
    } else if ((expected === 'name' || expected === 'nameOrEnd') && skip(tokens.string)) {
      expected = 'colon';
      continue;
    } else if (expected === 'colon' && character === ':') {
      position += 1;
      expected = 'value';
      continue;
    } else if (expected === 'commaOrEnd' && character === ',') {
      position += 1;
      expected = open.at(-1) === '{' ? 'name' : 'value';
      continue;
    }
    const endsHere =
      character === (open.at(-1) === '{' ? '}' : ']') &&
      (expected === 'commaOrEnd' || expected === 'nameOrEnd' || expected === 'valueOrEnd');
    if (!endsHere || open.length === 0) {
      const found = character === undefined ? 'the end' : JSON.stringify(character);
      return `expected ${descriptions[expected]} at position ${position}, found ${found}`;
    }
    open.pop();
    position += 1;
    expected = afterValue();
  }
}
