/** A mistake in the command line: exit code 64. `hint` says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** What was given, for a message: in quotes, and its beginning alone when it is long. */
export function quoted(text: string): string {
  return text.length > 80 ? `'${text.slice(0, 80)}...'` : `'${text}'`;
}
