/**
 * A definition, checked and made ready: what is the same for all devices of a fleet. Every mistake that can be seen
 * without running is found here and told with its place.
 */
import { type QoS, topicFilterProblem, topicNameProblem } from '@mqtt-kit/core';
import {
  check,
  checkedFlag,
  checkedQos,
  checkedTopic,
  checkObject,
  Names,
} from './definition-checks.ts';
import { checkMembers, within } from './definition-error.ts';
import { parseExpression } from './expression.ts';
import { FieldSet } from './fields.ts';
import type { CommandRule, FleetDefinition, PresenceDefinition } from './fleet-definition.ts';
import { type PlannedFault, plannedFaults } from './planned-faults.ts';
import { type Output, plannedOutputs } from './planned-outputs.ts';
import { asSignal, type FieldFunction, type FieldValue, Signal } from './signal.ts';
import { plainText, type Template, template } from './template.ts';

/** Presence with every default filled in. */
export interface PlannedPresence {
  readonly topic: Template;
  readonly online: string;
  readonly offline: string;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** A command with its topic filter. */
export interface PlannedCommand {
  readonly topic: Template;
  readonly rule: CommandRule;
}

/** A fleet ready to run. */
export interface FleetPlan {
  readonly name: string;
  readonly seed: number | string;
  readonly jitter: number;
  readonly stagger: boolean;
  readonly devices: readonly {
    readonly id: string;
    readonly attributes: Readonly<Record<string, FieldValue>>;
  }[];
  readonly state: Readonly<Record<string, FieldValue>>;
  readonly hasState: boolean;
  readonly fields: FieldSet;
  readonly outputs: readonly Output[];
  readonly presence: PlannedPresence | undefined;
  readonly commands: readonly PlannedCommand[];
  readonly faults: readonly PlannedFault[];
  readonly discoveryPrefix: string | undefined;
  readonly units: Readonly<Record<string, string>>;
}

const members: readonly (keyof FleetDefinition)[] = [
  'name',
  'seed',
  'count',
  'id',
  'devices',
  'every',
  'jitter',
  'stagger',
  'recording',
  'state',
  'signals',
  'publish',
  'qos',
  'retain',
  'presence',
  'commands',
  'faults',
  'discovery',
  'units',
];

/** More in one process is a mistake in a number rather than a wish. */
const mostDevices = 1_000_000;

/** Of all devices that have none: one object for thousands. */
const noAttributes: Readonly<Record<string, FieldValue>> = Object.freeze({});

/** What no topic name may have. */
const wildcards = /[+#\0]/;

/** Checks a definition. Throws `DefinitionError`. */
export function fleetPlan(definition: FleetDefinition): FleetPlan {
  checkMembers(definition, members, 'a fleet');
  const { name = 'fleet', seed = 1, jitter = 0, stagger = true, state = {} } = definition;
  check(typeof name === 'string' && name !== '', ['name'], 'must be a text', name);
  check(!wildcards.test(name), ['name'], 'must be without + and #', name);
  check(
    typeof seed === 'string' || Number.isFinite(seed),
    ['seed'],
    'must be a number or a text',
    seed,
  );
  check(jitter >= 0 && jitter <= 1, ['jitter'], 'must be from 0 to 1', jitter);
  check(typeof stagger === 'boolean', ['stagger'], 'must be true or false', stagger);
  checkObject(state, ['state']);
  const devices = plannedDevices(definition, name);
  const attributeNames = [...new Set(devices.flatMap(({ attributes }) => Object.keys(attributes)))];
  const names = new Names(definition, attributeNames);
  const fields = new FieldSet(plannedSignals(definition, names));
  const outputs = plannedOutputs(definition, name, names, fields);
  return {
    name,
    seed,
    jitter,
    stagger,
    devices,
    state,
    hasState: Object.keys(state).length > 0,
    fields,
    outputs,
    presence: plannedPresence(definition.presence, names),
    commands: plannedCommands(definition, names),
    faults: plannedFaults(definition.faults ?? [], fields),
    discoveryPrefix: discoveryPrefix(definition.discovery),
    units: plannedUnits(definition.units ?? {}, names.fields),
  };
}

function plannedDevices(definition: FleetDefinition, name: string): FleetPlan['devices'] {
  const { devices: listed, count = 1, id = '{name}-{n}' } = definition;
  if (listed !== undefined) {
    check(definition.count === undefined, ['count'], 'does not go with devices', count);
    check(
      Array.isArray(listed) && listed.length > 0,
      ['devices'],
      'must be a list of at least one device',
      listed,
    );
    const devices = listed.map((entry, index) => {
      const path = ['devices', index];
      if (typeof entry === 'string') return { id: entry, attributes: noAttributes };
      check(
        typeof entry === 'object' && entry !== null && typeof entry.id === 'string',
        path,
        'must be an identifier, or an object with id',
        entry,
      );
      return { id: entry.id, attributes: entry };
    });
    return uniqueDevices(devices, 'devices');
  }
  check(
    Number.isInteger(count) && count >= 1 && count <= mostDevices,
    ['count'],
    `must be a whole number from 1 to ${mostDevices}`,
    count,
  );
  check(
    typeof id === 'string' || typeof id === 'function',
    ['id'],
    'must be a text such as "meter-{n}", or a function of the index',
    id,
  );
  const text =
    typeof id === 'string' ? within(['id'], () => template(id, ['n', 'index', 'name'])) : undefined;
  const devices = Array.from({ length: count }, (_, index) => ({
    id:
      text?.fill((hole) => (hole === 'n' ? index + 1 : hole === 'index' ? index : name)) ??
      String((id as (index: number) => string)(index)),
    attributes: noAttributes,
  }));
  return uniqueDevices(devices, 'id');
}

function uniqueDevices(devices: FleetPlan['devices'], member: string): FleetPlan['devices'] {
  const seen = new Set<string>();
  for (const { id } of devices) {
    check(id !== '' && !wildcards.test(id), [member], 'must give identifiers without + and #', id);
    check(!seen.has(id), [member], 'must give each device another identifier', id);
    seen.add(id);
  }
  return devices;
}

function plannedSignals(
  { signals, recording }: FleetDefinition,
  names: Names,
): Map<string, Signal<FieldValue>> {
  const planned = new Map<string, Signal<FieldValue>>();
  for (const [name, given] of Object.entries(signals)) {
    const path = ['signals', name];
    check(/^[A-Za-z_]\w*$/.test(name), path, 'must be a name of letters, digits and _', name);
    check(
      Signal.is(given) ||
        Number.isFinite(given) ||
        ['function', 'string', 'boolean'].includes(typeof given),
      path,
      'must be a signal, an expression, a number or a function',
      given,
    );
    planned.set(
      name,
      typeof given === 'string'
        ? within(path, () => parseExpression(given, { names: names.values, own: name, recording }))
        : asSignal<FieldValue>(
            given as FieldValue | Signal<FieldValue> | FieldFunction<FieldValue>,
          ),
    );
  }
  check(planned.size > 0, ['signals'], 'must have at least one field', {});
  return planned;
}

function plannedPresence(
  given: boolean | PresenceDefinition | undefined,
  names: Names,
): PlannedPresence | undefined {
  if (given === undefined || given === false) return undefined;
  return within(['presence'], () => {
    const presence = given === true ? {} : given;
    checkMembers(presence, ['topic', 'online', 'offline', 'qos', 'retain'], 'presence');
    const { online = 'online', offline = 'offline', qos = 1, retain = true } = presence;
    return {
      topic: checkedTopic(presence.topic ?? '{name}/{id}/status', names.device, topicNameProblem),
      online: plainText(online),
      offline: plainText(offline),
      qos: checkedQos(qos),
      retain: checkedFlag(retain, 'retain'),
    };
  });
}

function plannedCommands(
  { commands = {}, state = {} }: FleetDefinition,
  names: Names,
): PlannedCommand[] {
  checkObject(commands, ['commands']);
  const known = Object.keys(state);
  return Object.entries(commands).map(([topicText, rule]) =>
    within(['commands', topicText], () => {
      const topic = checkedTopic(topicText, names.device, topicFilterProblem);
      if (typeof rule !== 'function') {
        const list = typeof rule === 'string' ? [rule] : rule;
        check(
          Array.isArray(list) && list.length > 0,
          [],
          'must be a function or names of state',
          rule,
        );
        for (const name of list) {
          check(
            known.includes(name),
            [],
            `must be of the state, which has ${known.join(', ') || 'nothing'}`,
            name,
          );
        }
      }
      return { topic, rule };
    }),
  );
}

function discoveryPrefix(discovery: FleetDefinition['discovery']): string | undefined {
  if (discovery === undefined) return undefined;
  if (discovery === 'homeassistant') return 'homeassistant';
  return within(['discovery'], () => {
    check(typeof discovery === 'object', [], 'must be "homeassistant" or an object', discovery);
    checkMembers(discovery, ['prefix'], 'discovery');
    const { prefix = 'homeassistant' } = discovery;
    check(typeof prefix === 'string', ['prefix'], 'must be a text', prefix);
    const problem = topicNameProblem(prefix);
    check(problem === undefined, ['prefix'], `the prefix ${problem}`, prefix);
    return prefix;
  });
}

function plannedUnits(
  units: Readonly<Record<string, string>>,
  fields: readonly string[],
): Readonly<Record<string, string>> {
  within(['units'], () => checkMembers(units, fields, 'units'));
  for (const [name, unit] of Object.entries(units)) {
    check(typeof unit === 'string', ['units', name], 'must be a text', unit);
  }
  return units;
}
