import { DefinitionError } from './definition-error.ts';
import { parseExpression } from './expression.ts';
import { nextToken, type Token } from './expression-tokens.ts';
import type { FieldValue, Signal } from './signal.ts';

/** As many fields as a text names: `temp=walk(20,0.2,15..30) hum=sine(50,10,24h)+noise(1)`. */
export function parseFields(text: string): Record<string, Signal<FieldValue>> {
  // A field starts at a name with one equals sign that stands in no bracket.
  const starts = fieldStarts(text);
  const first = starts[0];
  if (first === undefined || text.slice(0, first.nameAt).trim() !== '') {
    throw new DefinitionError('expected fields such as temp=walk(20, 0.2, 15..30)', [], 0);
  }
  const names = starts.map(({ name }) => name);
  const fields: Record<string, Signal<FieldValue>> = {};
  for (const [index, { name, nameAt, valueAt }] of starts.entries()) {
    if (name in fields) throw new DefinitionError(`the field ${name} is given twice`, [], nameAt);
    const end = starts[index + 1]?.nameAt ?? text.length;
    // Blanks in front keep the offsets of the whole text.
    const own = ' '.repeat(valueAt) + text.slice(valueAt, end).replace(/[\s,;]+$/, '');
    fields[name] = parseExpression(own, { names });
  }
  return fields;
}

function fieldStarts(text: string): { name: string; nameAt: number; valueAt: number }[] {
  const starts: { name: string; nameAt: number; valueAt: number }[] = [];
  let depth = 0;
  let previous: Token | undefined;
  for (let at = 0; ; ) {
    const token = nextToken(text, at);
    if (token.kind === 'end') return starts;
    if (token.text === '(') depth += 1;
    if (token.text === ')') depth -= 1;
    if (token.text === '=' && depth === 0 && previous?.kind === 'name') {
      starts.push({ name: previous.text, nameAt: previous.offset, valueAt: token.end });
    }
    previous = token;
    at = token.end;
  }
}
