/** Checks of the parts of a definition, each of which tells what was expected and what was given. */
import type { QoS } from '@mqtt-kit/core';
import { DefinitionError, type DefinitionPath, shown } from './definition-error.ts';
import type { FleetDefinition } from './fleet-definition.ts';
import { type Template, template } from './template.ts';

/** The names that parts of a definition may use. */
export class Names {
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
    check(!Array.isArray(signals), ['signals'], 'must be an object of fields', signals);
    this.device = ['id', 'n', 'index', 'name', ...attributes];
    this.fields = Object.keys(signals);
    const state = Object.keys(definition.state ?? {});
    this.values = [...this.fields, ...state, ...attributes, 'id', 'index'];
  }
}

/** A topic with names in braces, valid when they are filled with plain words. */
export function checkedTopic(
  text: string,
  known: readonly string[],
  problemOf: (topic: string) => string | undefined,
): Template {
  check(typeof text === 'string', [], 'the topic must be a text', text);
  const topic = template(text, known);
  const problem = problemOf(topic.fill(() => 'x'));
  if (problem !== undefined) throw new DefinitionError(`the topic "${text}" ${problem}`);
  return topic;
}

export function checkedQos(qos: unknown): QoS {
  if (qos === 0 || qos === 1 || qos === 2) return qos;
  throw new DefinitionError(`must be 0, 1 or 2, not ${shown(qos)}`, ['qos']);
}

export function checkedFlag(flag: unknown, name: string): boolean {
  if (typeof flag === 'boolean') return flag;
  throw new DefinitionError(`must be true or false, not ${shown(flag)}`, [name]);
}

/** An object that is no list. */
export function checkObject(
  value: unknown,
  path: DefinitionPath,
): asserts value is Readonly<Record<string, unknown>> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  check(isObject, path, 'must be an object', value);
}

export function check(
  holds: boolean,
  path: DefinitionPath,
  expectation: string,
  given: unknown,
): asserts holds {
  if (!holds) throw new DefinitionError(`${expectation}; given was ${shown(given)}`, path);
}
