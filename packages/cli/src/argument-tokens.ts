/**
 * Brings a command line into the one form `--name=value`, so that what follows an option that takes a value is its
 * value whatever it looks like: `-m -1`, `-m --x`, `-t -x`. That is how mosquitto reads its arguments, and no parser
 * with GNU conventions does. The GNU forms `-tfoo`, `-vd`, `--topic=foo` and `--` are taken as well.
 */
import { nearestName } from './nearest-name.ts';
import {
  type OptionDefinition,
  optionLabel,
  optionsOf,
  optionTable,
  type ProgramName,
} from './option-table.ts';
import { quoted, UsageError } from './usage-error.ts';

export interface ArgumentTokens {
  /** `--name` or `--name=value`, in the order given. */
  readonly options: readonly string[];
  readonly positionals: readonly string[];
}

/** Throws `UsageError` for unknown options, missing values, and values that nothing takes. */
export function argumentTokens(program: ProgramName, argv: readonly string[]): ArgumentTokens {
  const names = optionNames(program);
  const options: string[] = [];
  const positionals: string[] = [];
  let index = 0;
  while (index < argv.length) {
    const argument = argv[index]!;
    index += 1;
    if (argument === '--') {
      positionals.push(...argv.slice(index));
      break;
    }
    if (argument.startsWith('--')) {
      index += readLong(argument, argv.slice(index, index + 4), names, options);
    } else if (argument.startsWith('-') && argument !== '-') {
      index += readShort(argument, argv.slice(index, index + 4), names, options);
    } else positionals.push(argument);
  }
  return { options, positionals };
}

interface OptionNames {
  readonly program: ProgramName;
  readonly long: ReadonlyMap<string, OptionDefinition>;
  readonly short: ReadonlyMap<string, OptionDefinition>;
}

function optionNames(program: ProgramName): OptionNames {
  const long = new Map<string, OptionDefinition>();
  const short = new Map<string, OptionDefinition>();
  for (const option of optionsOf(program)) {
    long.set(option.name, option);
    for (const alias of option.aliases ?? []) long.set(alias, option);
    if (option.short !== undefined) short.set(option.short, option);
  }
  return { program, long, short };
}

/** Returns how many of the following arguments were taken. */
function readLong(
  argument: string,
  following: readonly string[],
  names: OptionNames,
  options: string[],
): number {
  const equals = argument.indexOf('=');
  const name = equals < 0 ? argument.slice(2) : argument.slice(2, equals);
  const value = equals < 0 ? undefined : argument.slice(equals + 1);
  const option = names.long.get(name);
  if (option === undefined) throw unknownLong(name, names);
  if (option.kind === 'flag') {
    if (value !== undefined && !option.optionalValues?.includes(value)) {
      throw new UsageError(`--${name} takes no value, but ${quoted(value)} was given`);
    }
    options.push(value === undefined ? `--${option.name}` : `--${option.name}=${value}`);
    return 0;
  }
  if (option.kind === 'property') {
    const parts = value === undefined ? following : [value, ...following.slice(0, 3)];
    return readProperty(`--${name}`, option, parts, options) - (value === undefined ? 0 : 1);
  }
  if (value !== undefined) {
    options.push(`--${option.name}=${value}`);
    return 0;
  }
  const [next] = following;
  if (next === undefined) throw missingValue(`--${name}`, option, names.program);
  options.push(`--${option.name}=${next}`);
  return 1;
}

/** Three values travel through parsing as one: `PACKET NAME VALUE`, for a user property `PACKET NAME KEY VALUE`. */
function readProperty(
  given: string,
  option: OptionDefinition,
  following: readonly string[],
  options: string[],
): number {
  const count = following[1]?.toLowerCase() === 'user-property' ? 4 : 3;
  if (following.length < count) {
    const form = count === 4 ? 'PACKET user-property KEY VALUE' : option.placeholder;
    throw new UsageError(
      `${given} needs ${count} values: ${given} ${form}`,
      `For example: ${given} publish content-type text/plain`,
    );
  }
  options.push(`--${option.name}=${JSON.stringify(following.slice(0, count))}`);
  return count;
}

/** `-v`, `-vd`, `-t foo`, `-tfoo`, `-vtfoo`. Returns how many of the following arguments were taken. */
function readShort(
  argument: string,
  following: readonly string[],
  names: OptionNames,
  options: string[],
): number {
  const word = argument.slice(1);
  if (word.length > 1 && names.long.has(word)) {
    throw new UsageError(`unknown option ${argument}`, `Long options have two dashes: --${word}`);
  }
  for (let at = 0; at < word.length; at += 1) {
    const option = names.short.get(word[at]!);
    if (option === undefined) throw unknownShort(word[at]!, argument, names.program);
    if (option.kind === 'flag') {
      options.push(`--${option.name}`);
      continue;
    }
    const glued = word.slice(at + 1);
    if (option.kind === 'property' && !glued.startsWith('=')) {
      const parts = glued === '' ? following : [glued, ...following.slice(0, 3)];
      return readProperty(`-${option.short}`, option, parts, options) - (glued === '' ? 0 : 1);
    }
    if (glued.startsWith('=')) {
      // POSIX takes the sign as part of the value, other parsers drop it: neither guess is safe.
      throw new UsageError(
        `${argument}: no = after the letter of an option`,
        `Write -${option.short} ${glued.slice(1)} or --${option.name}${glued}`,
      );
    }
    if (glued !== '') {
      options.push(`--${option.name}=${glued}`);
      return 0;
    }
    const [next] = following;
    if (next === undefined) throw missingValue(`-${option.short}`, option, names.program);
    options.push(`--${option.name}=${next}`);
    return 1;
  }
  return 0;
}

function unknownLong(name: string, names: OptionNames): UsageError {
  const elsewhere = otherProgramWith(names.program, (option) => option.name === name);
  if (elsewhere !== undefined) {
    return new UsageError(`${names.program} has no option --${name}`, `${elsewhere} has it.`);
  }
  const near = nearestName(name, [...names.long.keys()]);
  return new UsageError(
    `unknown option --${name}`,
    near === undefined ? undefined : `Did you mean --${near}?`,
  );
}

function unknownShort(letter: string, argument: string, program: ProgramName): UsageError {
  const where = argument.length > 2 ? ` in ${argument}` : '';
  const elsewhere = otherProgramWith(program, (option) => option.short === letter);
  if (elsewhere !== undefined) {
    return new UsageError(`${program} has no option -${letter}${where}`, `${elsewhere} has it.`);
  }
  return new UsageError(`unknown option -${letter}${where}`);
}

function otherProgramWith(
  program: ProgramName,
  matches: (option: OptionDefinition) => boolean,
): ProgramName | undefined {
  return optionTable.find((option) => matches(option) && !option.programs.includes(program))
    ?.programs[0];
}

function missingValue(given: string, option: OptionDefinition, program: ProgramName): UsageError {
  return new UsageError(
    `${given} needs a value: ${given} ${option.placeholder}`,
    missingValueHint(option, program),
  );
}

function missingValueHint(option: OptionDefinition, program: ProgramName): string | undefined {
  if (option.name === 'topic' || option.name === 'message') {
    return `An unquoted # begins a comment in the shell: write ${optionLabel(option)} '${option.name === 'topic' ? 'house/#' : '#1'}'`;
  }
  if (option.name === 'host') return `-h is the host, as in mosquitto; for help: ${program} --help`;
  return undefined;
}
