/**
 * Every option of the programs, once: parsing, help, completion and manual pages are made from this table. Names and
 * letters are mosquitto's wherever mosquitto has the option.
 */
import type { OptionDefinition, ProgramName } from './option-definition.ts';
import { messageOptions } from './options-message.ts';
import { outputOptions } from './options-output.ts';
import { serverOptions } from './options-server.ts';
import { sessionOptions } from './options-session.ts';
import { subscriptionOptions } from './options-subscription.ts';
import { tlsOptions } from './options-tls.ts';

export {
  type OptionDefinition,
  type OptionName,
  optionGroups,
  type ProgramName,
} from './option-definition.ts';

/** In the order in which help shows them. */
export const optionTable: readonly OptionDefinition[] = [
  ...messageOptions,
  ...subscriptionOptions,
  ...outputOptions,
  ...serverOptions,
  ...sessionOptions,
  ...tlsOptions,
];

/** The options of one program, in the order of the table. */
export function optionsOf(program: ProgramName): readonly OptionDefinition[] {
  return optionTable.filter((option) => option.programs.includes(program));
}

/** How a person writes the option: `-t`, or `--cafile` for one without a letter. */
export function optionLabel(option: OptionDefinition): string {
  return option.short === undefined ? `--${option.name}` : `-${option.short}`;
}
