/**
 * Where a text stops being JSON (RFC 8259). What the platform says differs, and often names no position; this is asked
 * only when the platform has refused a text.
 */

const spaces = /[ \t\n\r]*/y;
// In a string everything from the space on but the quote and the backslash, and escapes.
const tokens =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/y;

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
  /** Whether each list that is open is an object. */
  const open: boolean[] = [];
  let expected: Expected = 'value';
  const afterValue = (): Expected => (open.length > 0 ? 'commaOrEnd' : 'nothing');

  for (let position = 0; ; ) {
    spaces.lastIndex = position;
    spaces.test(text);
    position = spaces.lastIndex;
    if (position === text.length && expected === 'nothing') return undefined;
    tokens.lastIndex = position;
    const token = tokens.exec(text)?.[0] ?? '';
    const inObject = open.at(-1) ?? false;
    if (expected.startsWith('value') && /^["\-\dtfn]/.test(token)) {
      expected = afterValue();
    } else if (expected.startsWith('value') && (token === '{' || token === '[')) {
      open.push(token === '{');
      expected = token === '{' ? 'nameOrEnd' : 'valueOrEnd';
    } else if (expected.startsWith('name') && token.startsWith('"')) {
      expected = 'colon';
    } else if (expected === 'colon' && token === ':') {
      expected = 'value';
    } else if (expected === 'commaOrEnd' && token === ',') {
      expected = inObject ? 'name' : 'value';
    } else if (expected.endsWith('OrEnd') && token === (inObject ? '}' : ']')) {
      open.pop();
      expected = afterValue();
    } else {
      const found = position === text.length ? 'the end' : JSON.stringify(text[position]);
      return `expected ${descriptions[expected]} at position ${position}, found ${found}`;
    }
    position += token.length;
  }
}
