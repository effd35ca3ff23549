/** What `node:assert/strict` gives the contract of session stores, for pages: the same failures, told by JSON. */

export function equal(actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) throw new Error(`${told(actual)} is not ${told(expected)}`);
}

export function deepEqual(actual: unknown, expected: unknown): void {
  if (told(actual) !== told(expected)) {
    throw new Error(`${told(actual)} is not deeply equal to ${told(expected)}`);
  }
}

/** Rejects unless the promise rejects with an error that has all of these fields. */
export async function rejects(
  action: () => Promise<unknown>,
  expected: Readonly<Record<string, unknown>>,
): Promise<void> {
  let thrown: unknown;
  try {
    await action();
  } catch (error) {
    thrown = error;
  }
  if (thrown === undefined) throw new Error('it did not reject');
  for (const [name, value] of Object.entries(expected)) {
    equal((thrown as Record<string, unknown>)[name], value);
  }
}

/** Bytes as bytes, fields in one order, `undefined` as what it is. */
function told(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof Uint8Array) return `bytes ${Array.from(part)}`;
    if (part === undefined) return 'undefined';
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
