import { check, checkedFlag } from './definition-checks.ts';
import { checkMembers, within } from './definition-error.ts';
import { durationMs } from './duration.ts';
import { type Fault, occasions, skewMs } from './fault.ts';
import type { FieldSet } from './fields.ts';
import { RandomStream } from './random-stream.ts';

/** A fault with the numbers of the fields that it concerns; `undefined`: all that are numbers, or for `stuck` all. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly fields: ReadonlySet<number> | undefined;
  /** Name of its random stream, which another fault beside it does not change. */
  readonly streamName: string;
}

const valueMembers = ['fields', 'spreads'];
const timingMembers = ['fault', 'every', 'meanEvery', 'chance', 'for', 'first'];
const faultMembers: Readonly<Record<Fault['fault'], readonly string[]>> = {
  stuck: [...timingMembers, ...valueMembers],
  spike: [...timingMembers, ...valueMembers, 'size'],
  drift: [...timingMembers, ...valueMembers, 'perHour', 'recovery'],
  dropout: timingMembers,
  duplicate: timingMembers,
  outOfOrder: timingMembers,
  clockSkew: [...timingMembers, 'by'],
  offline: timingMembers,
  reconnectStorm: timingMembers,
};

/** The faults of a fleet, checked. Throws `DefinitionError`. */
export function plannedFaults(faults: readonly Fault[], fields: FieldSet): PlannedFault[] {
  check(Array.isArray(faults), ['faults'], 'must be a list', faults);
  const counts = new Map<string, number>();
  return faults.map((given, index) =>
    within(['faults', index], () => {
      const kinds = Object.keys(faultMembers);
      check(
        typeof given === 'object' && given !== null && kinds.includes(given.fault),
        [],
        `must be an object whose fault is one of ${kinds.join(', ')}`,
        given,
      );
      const kind: Fault['fault'] = given.fault;
      checkMembers(given, faultMembers[kind], `the fault ${kind}`);
      checkFault(given);
      const number = counts.get(kind) ?? 0;
      counts.set(kind, number + 1);
      return { fault: given, fields: faultFields(given, fields), streamName: `${kind}#${number}` };
    }),
  );
}

function checkFault(given: Fault): void {
  // Finds what is wrong with the times, as it will be for every device.
  occasions(given, RandomStream.named('check'));
  if (given.fault === 'spike') {
    check(Number.isFinite(given.size), ['size'], 'must be a number', given.size);
  }
  if (given.fault === 'drift') {
    check(Number.isFinite(given.perHour), ['perHour'], 'must be a number', given.perHour);
    check(given.for !== undefined, ['for'], 'is needed: how long the drift lasts', given.for);
    within(['recovery'], () => durationMs(given.recovery ?? 0, 'it'));
  }
  if ('spreads' in given && given.spreads !== undefined) {
    checkedFlag(given.spreads, 'spreads');
    check(
      !given.spreads || given.for !== undefined,
      ['for'],
      'is needed with spreads: how long it lasts',
      given.for,
    );
  }
  if (given.fault === 'clockSkew') {
    check(given.by !== undefined, ['by'], 'must be a duration such as "-5m"', given.by);
    within(['by'], () => skewMs(given.by));
  }
  if (given.fault === 'offline' || given.fault === 'reconnectStorm') {
    check(
      given.chance === undefined,
      ['chance'],
      `does not go with ${given.fault}: give every or meanEvery`,
      given.chance,
    );
    check(given.for !== undefined, ['for'], 'is needed: how long it lasts', given.for);
  }
  if (given.fault === 'reconnectStorm') {
    check(
      given.every !== undefined,
      ['every'],
      'is needed: a storm is the same for all',
      given.every,
    );
  }
}

function faultFields(given: Fault, { names }: FieldSet): ReadonlySet<number> | undefined {
  if (!('fields' in given) || given.fields === undefined) return undefined;
  check(
    Array.isArray(given.fields) && given.fields.length > 0,
    ['fields'],
    'must be a list of at least one field',
    given.fields,
  );
  return new Set(
    given.fields.map((name, at) => {
      check(names.includes(name), ['fields', at], `must be one of ${names.join(', ')}`, name);
      return names.indexOf(name);
    }),
  );
}
