/** A mistake in a command line of mosquitto's, told in its words: exit code 1. */
export class MosquittoMistake extends Error {
  override readonly name = 'MosquittoMistake';
  /** Whether the usage is shown, too, on standard output. */
  readonly withUsage: boolean;
  /** Whether nothing is said of it under `--quiet`. */
  readonly isQuiet: boolean;

  constructor(
    text: string,
    {
      withUsage = false,
      isQuiet = false,
    }: { readonly withUsage?: boolean; readonly isQuiet?: boolean } = {},
  ) {
    super(text);
    this.withUsage = withUsage;
    this.isQuiet = isQuiet;
  }
}

/** Whether it is one. A bundled program has this class in several of its files, so `instanceof` would not tell. */
export function isMosquittoMistake(error: unknown): error is MosquittoMistake {
  return error instanceof Error && error.name === 'MosquittoMistake';
}
