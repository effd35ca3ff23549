/**
 * Whether a value has all that `expected` names: objects are compared by the fields that `expected` has, lists item by
 * item, bytes by their content (a text stands for its UTF-8 bytes), everything else by identity.
 */
export function matchesFields(actual: unknown, expected: unknown): boolean {
  if (actual instanceof Uint8Array) return sameBytes(actual, expected);
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item, index) => matchesFields(actual[index], item))
    );
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null) return false;
    const fields = actual as Readonly<Record<string, unknown>>;
    return Object.entries(expected).every(([name, value]) => matchesFields(fields[name], value));
  }
  return Object.is(actual, expected);
}

function sameBytes(actual: Uint8Array, expected: unknown): boolean {
  const bytes = typeof expected === 'string' ? new TextEncoder().encode(expected) : expected;
  if (!(bytes instanceof Uint8Array) || bytes.length !== actual.length) return false;
  return bytes.every((byte, index) => byte === actual[index]);
}
