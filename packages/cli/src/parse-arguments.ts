import { argumentTokens } from './argument-tokens.ts';
import {
  type OptionDefinition,
  type OptionName,
  optionsOf,
  type ProgramName,
} from './option-table.ts';
import type { OptionValue } from './option-values.ts';
import {
  choiceValue,
  durationValueMs,
  expiryValue,
  integerValue,
  percentValue,
  rateValueMs,
  secondsValue,
} from './option-values.ts';
import { type ParsedArguments, parsedArguments } from './parsed-arguments.ts';

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
