/** A mistake in the command line or in a file that it names. */
export class UsageError extends Error {
  /** What somebody can do about it. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
