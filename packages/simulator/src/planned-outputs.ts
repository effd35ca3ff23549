import { type Payload, type QoS, topicNameProblem } from '@mqtt-kit/core';
import {
  check,
  checkedFlag,
  checkedQos,
  checkedTopic,
  checkObject,
  type Names,
} from './definition-checks.ts';
import { checkMembers, within } from './definition-error.ts';
import { type Duration, positiveDurationMs } from './duration.ts';
import type { FieldSet } from './fields.ts';
import type { FleetDefinition, PublishRule } from './fleet-definition.ts';
import { keyBytes } from './payload-bytes.ts';
import { Recording } from './recording.ts';
import type { Moment, Reading, SignalDevice } from './signal.ts';
import { type Template, template } from './template.ts';

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
  readonly keyBytes: readonly Uint8Array[];
  readonly form: 'object' | 'plain' | 'template' | 'function';
  readonly text: Template | undefined;
  readonly make: ((fields: Reading, device: SignalDevice, moment: Moment) => Payload) | undefined;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly changesOnly: boolean;
  readonly everyMs: number;
  readonly times: Recording | undefined;
}

const ruleMembers: readonly (keyof PublishRule)[] = [
  'payload',
  'qos',
  'retain',
  'every',
  'changesOnly',
];

/** What a fleet publishes, checked. Throws `DefinitionError`. */
export function plannedOutputs(
  definition: FleetDefinition,
  name: string,
  names: Names,
  fields: FieldSet,
): Output[] {
  const { publish = { [`${name}/{id}`]: '*' } } = definition;
  checkObject(publish, ['publish']);
  if (definition.every !== undefined) {
    within(['every'], () => times(definition.every as Duration | Recording));
  }
  const outputs = Object.entries(publish).map(([topicText, given], index) =>
    within(['publish', topicText], () => {
      const isRule = typeof given === 'object' && given !== null && !Array.isArray(given);
      check(given !== null, [], 'must be a field, a list of fields, or an object', given);
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
    keyBytes: output.keys.map((key, at) => keyBytes(`${at === 0 ? '{' : ''}${key}`)),
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
  if (own !== undefined) return within(['every'], () => times(own));
  return times(every ?? recording ?? '10s');
}

function times(given: Duration | Recording): Pick<Output, 'everyMs' | 'times'> {
  if (isRecording(given)) return { everyMs: 0, times: given };
  return { everyMs: positiveDurationMs(given, 'it'), times: undefined };
}

/** Also one of another copy of this package. */
function isRecording(given: Duration | Recording): given is Recording {
  return given instanceof Recording || (typeof given === 'object' && 'timeOf' in (given as object));
}
