import parser from 'yargs-parser';
import { argumentTokens } from './argument-tokens.ts';
import {
  type OptionDefinition,
  type OptionName,
  optionsOf,
  type ProgramName,
} from './option-table.ts';
import { choiceValue, durationValueMs, integerValue, secondsValue } from './option-values.ts';

/** A command line that was understood: every value is checked against its option's kind. */
export interface ParsedArguments {
  readonly program: ProgramName;
  /** What stands by itself, and everything after `--`. */
  readonly positionals: readonly string[];
  given(name: OptionName): boolean;
  flag(name: OptionName): boolean;
  /** The value of a text, file or choice option; of several the last. */
  text(name: OptionName): string | undefined;
  /** All values of an option, in order. */
  texts(name: OptionName): readonly string[];
  /** An integer as it is, `seconds` in seconds, a duration in milliseconds; of several the last. */
  number(name: OptionName): number | undefined;
}

/** Throws `UsageError`. `argv` is without the interpreter and the script. */
export function parseArguments(program: ProgramName, argv: readonly string[]): ParsedArguments {
  const options = optionsOf(program);
  const tokens = argumentTokens(program, argv);
  const takesValue = options.filter((option) => option.kind !== 'flag').map(({ name }) => name);
  const parsed: Readonly<Record<string, unknown>> = parser([...tokens.options], {
    string: takesValue,
    // Only with a count of its values does the parser leave quotes in a value alone: '"on"' is JSON, five bytes.
    narg: Object.fromEntries(takesValue.map((name) => [name, 1])),
    configuration: parserConfiguration,
  });
  const values = new Map<string, readonly (string | number)[]>();
  for (const option of options) {
    const value = parsed[option.name];
    if (value === undefined) continue;
    const all: readonly unknown[] = Array.isArray(value) ? value : [value];
    values.set(
      option.name,
      all.map((one) => checked(option, one)),
    );
  }
  return {
    program,
    positionals: tokens.positionals,
    given: (name) => values.has(name),
    flag: (name) => values.has(name),
    text: (name) => values.get(name)?.at(-1)?.toString(),
    texts: (name) => values.get(name)?.map(String) ?? [],
    number: (name) => numberOf(values.get(name)?.at(-1)),
  };
}

/** No guesses about values: what the user typed is what arrives. */
const parserConfiguration = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'duplicate-arguments-array': true,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'short-option-groups': false,
};

function checked(option: OptionDefinition, value: unknown): string | number {
  const text = String(value);
  if (option.kind === 'integer') return integerValue(option, text);
  if (option.kind === 'duration') return durationValueMs(option, text);
  if (option.kind === 'seconds') return secondsValue(option, text);
  if (option.kind === 'choice') return choiceValue(option, text);
  return text;
}

function numberOf(value: string | number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
