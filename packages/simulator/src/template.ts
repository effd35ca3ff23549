import { DefinitionError, knownNames } from './definition-error.ts';
import type { FieldValue } from './signal.ts';

/** A text with names in braces: `house/{id}/{room}`, `meter-{n:04}` (filled up with zeros). */
export interface Template {
  /** Names in braces, as they come. */
  readonly names: readonly string[];
  fill(value: (name: string) => FieldValue | undefined): string;
}

const hole = /\{(\w+)(?::0(\d{1,2}))?\}/g;

/** Reads a template. With `known`, throws `DefinitionError` for a name that is none of them. */
export function template(text: string, known?: readonly string[]): Template {
  const parts: string[] = [];
  const holes: { readonly name: string; readonly width: number }[] = [];
  let at = 0;
  for (const found of text.matchAll(hole)) {
    const [whole, name = '', width] = found;
    if (known !== undefined && !known.includes(name)) {
      throw new DefinitionError(`{${name}} is no name here${knownNames(name, known)}`);
    }
    parts.push(text.slice(at, found.index));
    holes.push({ name, width: Number(width ?? 0) });
    at = found.index + whole.length;
  }
  const last = text.slice(at);
  return {
    names: holes.map(({ name }) => name),
    fill(value) {
      let filled = '';
      for (const [index, { name, width }] of holes.entries()) {
        filled += parts[index] + plainText(value(name)).padStart(width, '0');
      }
      return filled + last;
    },
  };
}

/** A value as a payload of its own: text as it is, all else as JSON. */
export function plainText(value: FieldValue | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return `${value}`;
  return JSON.stringify(value ?? null);
}
