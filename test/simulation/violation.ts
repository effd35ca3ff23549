/** Something that must never happen, did. `invariant` is its number in the list of `README.md`, or a word. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: number | string;

  constructor(invariant: number | string, message: string) {
    super(message);
    this.invariant = invariant;
  }
}

/** Throws a `Violation` unless a condition holds. */
export function hold(
  condition: boolean,
  invariant: number | string,
  message: () => string,
): asserts condition {
  if (!condition) throw new Violation(invariant, message());
}
