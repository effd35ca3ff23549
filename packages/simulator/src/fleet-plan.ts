/**
 * A definition, checked and made ready: what is the same for all devices of a fleet. Every mistake that can be seen
 * without running is found here and told with its place.
 */
import { type Payload, type QoS, topicFilterProblem, topicNameProblem } from '@mqtt-kit/core';
import {
  checkMembers,
  DefinitionError,
  type DefinitionPath,
  shown,
  within,
} from './definition-error.ts';
import { type Duration, positiveDurationMs } from './duration.ts';
import { parseExpression } from './expression.ts';
import { type Fault, occasions, skewMs } from './fault.ts';
import { FieldSet } from './fields.ts';
import type {
  CommandRule,
  FleetDefinition,
  PresenceDefinition,
  PublishRule,
} from './fleet-definition.ts';
import { RandomStream } from './random-stream.ts';
import { Recording } from './recording.ts';
import {
  asSignal,
  type FieldFunction,
  type FieldValue,
  type Reading,
  Signal,
  type SignalDevice,
} from './signal.ts';
import { plainText, type Template, template } from './template.ts';

/** What is sent under one topic. */
export interface Output {
  readonly topic: Template;
  /** Whether the topic is the same in all readings of a device. */
  readonly fixedTopic: boolean;
  /** Number of this output in its fleet. */
  readonly index: number;
  readonly topicText: string;
  /** Number of the first output with the same times: what has one rhythm is read at one moment. */
  readonly rhythm: number;
  /** Fields that are sent, by number; those that a function takes are not known. */
  readonly fields: readonly number[];
  /** What stands before each of them in a JSON object. */
  readonly keys: readonly string[];
  readonly form: 'object' | 'plain' | 'template' | 'function';
  readonly text: Template | undefined;
  readonly make: ((fields: Reading, device: SignalDevice) => Payload) | undefined;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly changesOnly: boolean;
  readonly everyMs: number;
  readonly times: Recording | undefined;
}

/** A fault with the numbers of the fields that it concerns; `undefined`: all that are numbers, or for `stuck` all. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly fields: ReadonlySet<number> | undefined;
  /** Name of its random stream, which another fault beside it does not change. */
  readonly streamName: string;
}

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

/** Checks a definition. Throws `DefinitionError`. */
export function fleetPlan(definition: FleetDefinition): FleetPlan {
  checkMembers(definition, members, 'a fleet');
  const { name = 'fleet', seed = 1, jitter = 0, stagger = true, state = {} } = definition;
  check(typeof name === 'string' && name !== '', ['name'], 'must be a text', name);
  check(
    typeof seed === 'string' || Number.isFinite(seed),
    ['seed'],
    'must be a number or a text',
    seed,
  );
  check(jitter >= 0 && jitter <= 1, ['jitter'], 'must be from 0 to 1', jitter);
  check(typeof stagger === 'boolean', ['stagger'], 'must be true or false', stagger);
  check(typeof state === 'object' && state !== null, ['state'], 'must be an object', state);
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

/** The names that parts of a definition may use. */
class Names {
  /** Filled for each device: `{id}`. */
  readonly device: readonly string[];
  readonly fields: readonly string[];
  /** In expressions. */
  readonly values: readonly string[];

  constructor(definition: FleetDefinition, attributes: readonly string[]) {
    const { signals } = definition;
    check(
      typeof signals === 'object' && signals !== null,
      ['signals'],
      'must be an object of fields',
      signals,
    );
    this.device = ['id', 'n', 'index', 'name', ...attributes];
    this.fields = Object.keys(signals);
    const state = Object.keys(definition.state ?? {});
    this.values = [...this.fields, ...state, ...attributes, 'id', 'index'];
  }
}

function plannedDevices(definition: FleetDefinition, name: string): FleetPlan['devices'] {
  const { devices: listed, count = 1, id = '{name}-{n}' } = definition;
  if (listed !== undefined) {
    check(definition.count === undefined, ['count'], 'does not go with devices', count);
    check(Array.isArray(listed), ['devices'], 'must be a list', listed);
    const devices = listed.map((entry, index) => {
      const path = ['devices', index];
      if (typeof entry === 'string') return { id: entry, attributes: {} };
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
  const text =
    typeof id === 'string' ? within(['id'], () => template(id, ['n', 'index', 'name'])) : undefined;
  const devices = Array.from({ length: count }, (_, index) => ({
    id:
      text?.fill((hole) => (hole === 'n' ? index + 1 : hole === 'index' ? index : name)) ??
      String((id as (index: number) => string)(index)),
    attributes: {},
  }));
  return uniqueDevices(devices, 'id');
}

function uniqueDevices(devices: FleetPlan['devices'], member: string): FleetPlan['devices'] {
  const seen = new Set<string>();
  for (const { id } of devices) {
    check(id !== '' && !/[+#\0]/.test(id), [member], 'must give identifiers without + and #', id);
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
      Signal.is(given) || ['function', 'string', 'number', 'boolean'].includes(typeof given),
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

const ruleMembers: readonly (keyof PublishRule)[] = [
  'payload',
  'qos',
  'retain',
  'every',
  'changesOnly',
];

function plannedOutputs(
  definition: FleetDefinition,
  name: string,
  names: Names,
  fields: FieldSet,
): Output[] {
  const { publish = { [`${name}/{id}`]: '*' } } = definition;
  check(typeof publish === 'object' && publish !== null, ['publish'], 'must be an object', publish);
  const outputs = Object.entries(publish).map(([topicText, given], index) =>
    within(['publish', topicText], () => {
      const isRule = typeof given === 'object' && given !== null && !Array.isArray(given);
      const rule = (isRule ? given : { payload: given }) as PublishRule;
      checkMembers(rule, ruleMembers, 'what is published');
      const topic = checkedTopic(topicText, [...names.device, ...names.fields], topicNameProblem);
      return {
        topic,
        topicText,
        rhythm: index,
        fixedTopic: !topic.names.some((one) => names.fields.includes(one)),
        index,
        ...plannedPayload(rule.payload ?? '*', names, fields),
        qos: checkedQos(rule.qos ?? definition.qos ?? 0),
        retain: checkedFlag(rule.retain ?? definition.retain ?? false, 'retain'),
        changesOnly: checkedFlag(rule.changesOnly ?? false, 'changesOnly'),
        ...plannedTimes(rule.every, definition),
      };
    }),
  );
  check(outputs.length > 0, ['publish'], 'must have at least one topic', {});
  return outputs.map((output) => ({
    ...output,
    rhythm: outputs.findIndex(
      ({ everyMs, times }) => everyMs === output.everyMs && times === output.times,
    ),
  }));
}

function plannedPayload(
  payload: NonNullable<PublishRule['payload']>,
  names: Names,
  { names: fields }: FieldSet,
): Pick<Output, 'fields' | 'keys' | 'form' | 'text' | 'make'> {
  const keysOf = (list: readonly number[]): string[] =>
    list.map((field, at) => `${at === 0 ? '' : ','}${JSON.stringify(fields[field])}:`);
  const all = fields.map((_, index) => index);
  if (typeof payload === 'function') {
    return { form: 'function', fields: [], keys: [], text: undefined, make: payload };
  }
  if (payload === '*') {
    return { form: 'object', fields: all, keys: keysOf(all), text: undefined, make: undefined };
  }
  if (typeof payload === 'string' && payload.includes('{')) {
    const text = template(payload, [...names.fields, ...names.device]);
    const used = text.names.map((name) => fields.indexOf(name)).filter((index) => index >= 0);
    return { form: 'template', fields: [...new Set(used)], keys: [], text, make: undefined };
  }
  const list = typeof payload === 'string' ? [payload] : payload;
  check(
    Array.isArray(list) && list.length > 0,
    [],
    'must be a field, or a list of fields',
    payload,
  );
  const used = list.map((name, at) => {
    const index = fields.indexOf(name);
    check(
      index >= 0,
      Array.isArray(payload) ? [at] : [],
      `must be one of ${fields.join(', ')}`,
      name,
    );
    return index;
  });
  const form = typeof payload === 'string' ? 'plain' : 'object';
  return { form, fields: used, keys: keysOf(used), text: undefined, make: undefined };
}

function plannedTimes(
  own: Duration | Recording | undefined,
  { every, recording }: FleetDefinition,
): Pick<Output, 'everyMs' | 'times'> {
  const given = own ?? every ?? recording ?? '10s';
  if (isRecording(given)) return { everyMs: 0, times: given };
  const what = own === undefined ? 'every of the fleet' : 'every';
  return { everyMs: positiveDurationMs(given, what), times: undefined };
}

/** Also one of another copy of this package. */
function isRecording(given: Duration | Recording): given is Recording {
  return given instanceof Recording || (typeof given === 'object' && 'timeOf' in (given as object));
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
  check(
    typeof commands === 'object' && commands !== null,
    ['commands'],
    'must be an object',
    commands,
  );
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

const timingMembers = ['fault', 'every', 'meanEvery', 'chance', 'for', 'first'];
const faultMembers: Readonly<Record<Fault['fault'], readonly string[]>> = {
  stuck: [...timingMembers, 'fields'],
  spike: [...timingMembers, 'fields', 'size'],
  drift: [...timingMembers, 'fields', 'perHour', 'recovery'],
  dropout: timingMembers,
  duplicate: timingMembers,
  outOfOrder: timingMembers,
  clockSkew: [...timingMembers, 'by'],
  offline: timingMembers,
  reconnectStorm: timingMembers,
};

function plannedFaults(faults: readonly Fault[], fields: FieldSet): PlannedFault[] {
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
  }
  if (given.fault === 'clockSkew') {
    check(given.by !== undefined, ['by'], 'must be a duration such as "-5m"', given.by);
    skewMs(given.by);
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
  check(Array.isArray(given.fields), ['fields'], 'must be a list of fields', given.fields);
  return new Set(
    given.fields.map((name, at) => {
      check(names.includes(name), ['fields', at], `must be one of ${names.join(', ')}`, name);
      return names.indexOf(name);
    }),
  );
}

function discoveryPrefix(discovery: FleetDefinition['discovery']): string | undefined {
  if (discovery === undefined) return undefined;
  if (discovery === 'homeassistant') return 'homeassistant';
  return within(['discovery'], () => {
    check(typeof discovery === 'object', [], 'must be "homeassistant" or an object', discovery);
    checkMembers(discovery, ['prefix'], 'discovery');
    return discovery.prefix ?? 'homeassistant';
  });
}

function plannedUnits(
  units: Readonly<Record<string, string>>,
  fields: readonly string[],
): Readonly<Record<string, string>> {
  within(['units'], () => checkMembers(units, fields, 'units'));
  return units;
}

/** A topic with names in braces, valid when they are filled with plain words. */
function checkedTopic(
  text: string,
  known: readonly string[],
  problemOf: (topic: string) => string | undefined,
): Template {
  const topic = template(text, known);
  const problem = problemOf(topic.fill(() => 'x'));
  if (problem !== undefined) throw new DefinitionError(`the topic "${text}" ${problem}`);
  return topic;
}

function checkedQos(qos: unknown): QoS {
  if (qos === 0 || qos === 1 || qos === 2) return qos;
  throw new DefinitionError(`must be 0, 1 or 2, not ${shown(qos)}`, ['qos']);
}

function checkedFlag(flag: unknown, name: string): boolean {
  if (typeof flag === 'boolean') return flag;
  throw new DefinitionError(`must be true or false, not ${shown(flag)}`, [name]);
}

function check(
  holds: boolean,
  path: DefinitionPath,
  expectation: string,
  given: unknown,
): asserts holds {
  if (!holds) throw new DefinitionError(`${expectation}; given was ${shown(given)}`, path);
}
