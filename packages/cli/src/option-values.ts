import { type OptionDefinition, optionLabel } from './option-table.ts';
import { quoted, UsageError } from './usage-error.ts';

/** A value after it was checked: of the kinds with numbers a number. */
export type OptionValue = string | number;

/** The text of an integer option as a number. Throws `UsageError` that names what was given and what is expected. */
export function integerValue(option: OptionDefinition, text: string): number {
  const minimum = option.minimum ?? 0;
  const maximum = option.maximum ?? Number.MAX_SAFE_INTEGER;
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= minimum && value <= maximum) return value;
  const expected =
    maximum === Number.MAX_SAFE_INTEGER
      ? `a whole number from ${minimum}`
      : `a whole number from ${minimum} to ${maximum}`;
  throw wrongValue(option, text, expected);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The seconds of a `seconds` option: `90`, `90s`, `2m`, `1h`. The protocol counts whole ones. */
export function secondsValue(option: OptionDefinition, text: string): number {
  const minimum = option.minimum ?? 0;
  const maximum = option.maximum ?? Number.MAX_SAFE_INTEGER;
  const parts = /^([0-9]{1,9})(s|m|h)?$/.exec(text);
  const value = parts === null ? Number.NaN : Number(parts[1]) * (unitMs[parts[2] ?? 's']! / 1000);
  if (value >= minimum && value <= maximum) return value;
  throw wrongValue(
    option,
    text,
    `whole seconds from ${minimum} to ${maximum}, such as 90, 90s or 2m`,
  );
}

/** Timers cannot wait for longer: some 24 days. */
const longestMs = 2_147_483_647;

/** A duration option in milliseconds: `5`, `0.5`, `500ms`, `5s`, `2m`, `1h`; seconds without a unit. */
export function durationValueMs(option: OptionDefinition, text: string): number {
  const parts = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(ms|s|m|h)?$/.exec(text);
  const value = parts === null ? Number.NaN : Number(parts[1]) * unitMs[parts[2] ?? 's']!;
  if (value > longestMs) throw wrongValue(option, text, 'at most 24 days');
  if (value === 0 && option.minimum === 0) return 0;
  if (value > 0) return Math.max(1, Math.round(value));
  throw wrongValue(option, text, 'a time above 0 in seconds, such as 5, 0.5, 500ms or 2m');
}

const never: ReadonlySet<string> = new Set(['never', '-1', '∞', '4294967295']);

/** The seconds of an `expiry`: as `seconds`, or `Infinity` for never. */
export function expiryValue(option: OptionDefinition, text: string): number {
  return never.has(text) ? Number.POSITIVE_INFINITY : secondsValue(option, text);
}

const unitOfRateMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** A rate as the milliseconds between two: `10`, `10/s`, `0.5/s`, `30/m`, `5/h`. */
export function rateValueMs(option: OptionDefinition, text: string): number {
  const parts = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:\/(s|m|h))?$/.exec(text);
  const value = parts === null ? Number.NaN : Number(parts[1]);
  if (value > 0) return unitOfRateMs[parts?.[2] ?? 's']! / value;
  throw wrongValue(option, text, 'a rate above 0, such as 10/s, 30/m or 5/h');
}

/** A share as a number from 0 to 1: `10`, `10%`, `0.1%`. */
export function percentValue(option: OptionDefinition, text: string): number {
  const parts = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)%?$/.exec(text);
  const value = parts === null ? Number.NaN : Number(parts[1]);
  if (value >= 0.1 && value <= 100) return value / 100;
  throw wrongValue(option, text, 'a share from 0.1 to 100 %, such as 10%');
}

/** What a choice stands for. */
export function choiceValue(option: OptionDefinition, text: string): string {
  const choices = option.choices ?? {};
  if (Object.hasOwn(choices, text)) return choices[text]!;
  throw wrongValue(option, text, listOf(Object.keys(choices)));
}

function wrongValue(option: OptionDefinition, text: string, expected: string): UsageError {
  const given = text === '' ? 'an empty value' : quoted(text);
  return new UsageError(`${optionLabel(option)} expects ${expected}, not ${given}`);
}

function listOf(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
