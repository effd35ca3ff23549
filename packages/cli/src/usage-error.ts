/** A mistake in the command line: exit code 64. `hint` says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Whether it is one. A bundled program has this class in several of its files, so `instanceof` would not tell. */
export function isUsageError(error: unknown): error is UsageError {
  return error instanceof Error && error.name === 'UsageError';
}

/** What was given, for a message: in quotes, and its beginning alone when it is long. */
export function quoted(text: string): string {
  // A URL may have come to the wrong place, and its password with it.
  const shown = text.replace(/:\/\/.*@/s, '://***@');
  return shown.length > 80 ? `'${shown.slice(0, 80)}...'` : `'${shown}'`;
}

/** What the client itself finds wrong with its options. */
export function isInvalidArgument(error: unknown): error is Error & { hint: string | undefined } {
  return error instanceof Error && (error as { code?: unknown }).code === 'invalidArgument';
}
