import type { MosquittoName } from './mosquitto-name.ts';
import type { MosquittoWire } from './mosquitto-wire.ts';
import type { OptionName, ProgramName } from './option-table.ts';
import type { OptionValue } from './option-values.ts';

/** A command line that was understood: every value is checked against its option's kind. */
export interface ParsedArguments {
  readonly program: ProgramName;
  /** The program of mosquitto that we are to be like in every way, if any. */
  readonly mosquitto: MosquittoName | undefined;
  /** What stands between the client and its transport then. */
  readonly wire: MosquittoWire | undefined;
  /** What stands by itself, and everything after `--`. */
  readonly positionals: readonly string[];
  /** The options that were given, each once. */
  readonly names: readonly OptionName[];
  given(name: OptionName): boolean;
  flag(name: OptionName): boolean;
  /** The value of a text, file or choice option; of several the last. */
  text(name: OptionName): string | undefined;
  /** All values of an option, in order. */
  texts(name: OptionName): readonly string[];
  /**
   * An integer as it is, `seconds` and `expiry` in seconds (`Infinity`: never), a duration in milliseconds, a rate as
   * the milliseconds between two, a share from 0 to 1; of several the last.
   */
  number(name: OptionName): number | undefined;
}

/** The arguments that these values are. */
export function parsedArguments(
  program: ProgramName,
  positionals: readonly string[],
  values: ReadonlyMap<OptionName, readonly OptionValue[]>,
  mosquitto: MosquittoName | undefined,
): ParsedArguments {
  return {
    program,
    mosquitto,
    wire: undefined,
    positionals,
    names: [...values.keys()],
    given: (name) => values.has(name),
    flag: (name) => values.has(name),
    text: (name) => values.get(name)?.at(-1)?.toString(),
    texts: (name) => values.get(name)?.map(String) ?? [],
    number: (name) => numberOf(values.get(name)?.at(-1)),
  };
}

function numberOf(value: string | number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
