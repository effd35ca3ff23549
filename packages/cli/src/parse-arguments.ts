import { argumentTokens } from './argument-tokens.ts';
import type { MosquittoWire } from './mosquitto-wire.ts';
import {
  type OptionDefinition,
  type OptionName,
  optionsOf,
  type ProgramName,
} from './option-table.ts';
import {
  choiceValue,
  durationValueMs,
  expiryValue,
  integerValue,
  percentValue,
  rateValueMs,
  secondsValue,
} from './option-values.ts';

/** mosquitto's programs. */
export type MosquittoName = 'mosquitto_pub' | 'mosquitto_sub' | 'mosquitto_rr';

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

/** Throws `UsageError`. `argv` is without the interpreter and the script. */
export function parseArguments(program: ProgramName, argv: readonly string[]): ParsedArguments {
  const tokens = argumentTokens(program, argv);
  const given = new Map<string, string[]>();
  for (const token of tokens.options) {
    const equals = token.indexOf('=');
    const name = token.slice(2, equals < 0 ? undefined : equals);
    // No guesses about values: what the user typed is what arrives.
    const value = equals < 0 ? 'true' : token.slice(equals + 1);
    const others = given.get(name);
    if (others === undefined) given.set(name, [value]);
    else others.push(value);
  }
  const values = new Map<OptionName, readonly OptionValue[]>();
  for (const option of given.size === 0 ? [] : optionsOf(program)) {
    const texts = given.get(option.name);
    if (texts === undefined) continue;
    values.set(
      option.name,
      texts.map((text) => checked(option, text)),
    );
  }
  return parsedArguments(program, tokens.positionals, values, undefined);
}

/** A value after it was checked: of the kinds with numbers a number. */
export type OptionValue = string | number;

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

function checked(option: OptionDefinition, text: string): OptionValue {
  switch (option.kind) {
    case 'integer':
      return integerValue(option, text);
    case 'duration':
      return durationValueMs(option, text);
    case 'seconds':
      return secondsValue(option, text);
    case 'expiry':
      return expiryValue(option, text);
    case 'rate':
      return rateValueMs(option, text);
    case 'percent':
      return percentValue(option, text);
    case 'choice':
      return choiceValue(option, text);
    default:
      return text;
  }
}

function numberOf(value: string | number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
