import { MqttError, MqttUsageError } from '@mqtt-kit/core';

/** Where in a definition something is: names of members and numbers of elements, from the outside in. */
export type DefinitionPath = readonly (string | number)[];

/** A definition that cannot be, with the place of the mistake. `code` is `invalidArgument`. */
export class DefinitionError extends MqttUsageError {
  /** Such as `['signals', 'temperature']`. */
  readonly path: DefinitionPath;
  /** Characters before the mistake, where it is in an expression; `undefined` elsewhere. */
  readonly offset: number | undefined;
  /** The message without its place. */
  readonly problem: string;

  constructor(problem: string, path: DefinitionPath = [], offset?: number) {
    const place = path.length === 0 ? '' : `${path.join('.')}: `;
    super(`${place}${problem}${offset === undefined ? '' : ` (character ${offset + 1})`}`);
    this.problem = problem;
    this.path = path;
    this.offset = offset;
  }
}

/** Runs something whose mistakes lie at a place, and says so. */
export function within<T>(path: DefinitionPath, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof DefinitionError) {
      throw new DefinitionError(error.problem, [...path, ...error.path], error.offset);
    }
    if (error instanceof MqttError) throw new DefinitionError(error.message, path);
    throw error;
  }
}

/** Throws unless a value is an object with none but known members. */
export function checkMembers(value: unknown, known: readonly string[], what: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DefinitionError(`${what} must be an object, not ${shown(value)}`);
  }
  for (const [name, given] of Object.entries(value)) {
    if (!known.includes(name)) {
      throw new DefinitionError(`${what} has no "${name}"${knownNames(name, known)}`, [name]);
    }
    if (given === null) {
      throw new DefinitionError('must have a value, or be left out; given was null', [name]);
    }
  }
}

/** What follows the news that there is no such name: the one that was meant, or else all that there are. */
export function knownNames(name: string, known: readonly string[]): string {
  const near = suggestion(name, known);
  return near === '' ? `; there are ${known.join(', ') || 'none'}` : near;
}

/** `, did you mean "x"?`, when a name is near a known one; else nothing. */
function suggestion(name: string, known: readonly string[]): string {
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)[0];
  if (near === undefined || near.distance > Math.min(2, name.length - 1)) return '';
  return `, did you mean "${near.candidate}"?`;
}

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'function') return 'a function';
  const text = typeof value === 'number' ? `${value}` : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1]?.toLowerCase() === b[j - 1]?.toLowerCase() ? 0 : 1;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
