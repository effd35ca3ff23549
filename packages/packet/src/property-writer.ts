import type { Measure } from './measure.ts';
import {
  noProperties,
  type Properties,
  type Property,
  type PropertyPlace,
  propertiesByKey,
  type UserProperty,
} from './property.ts';
import { expectedPlaces, valueProblem } from './property-reader.ts';
import type { Writer } from './writer.ts';

/** Whether there is something to write. Keys whose value is `undefined` count as absent. */
export function hasProperties(properties: Properties): boolean {
  if (properties === noProperties) return false;
  for (const key of Object.keys(properties)) {
    if (properties[key as keyof Properties] !== undefined) return true;
  }
  return false;
}

/** Writes Property Length and the properties in the order of their keys; under 3.1.1 nothing. [MQTT-2.2.2-1] */
export function writeProperties(writer: Writer, properties: Properties): void {
  if (writer.version === '3.1.1') return;
  const block = writer.beginBlock();
  for (const key of Object.keys(properties)) {
    const value = properties[key as keyof Properties];
    if (value === undefined) continue;
    const property = propertiesByKey.get(key)!;
    if (property.repeatsIn === undefined) {
      writeProperty(writer, property, value);
    } else {
      for (const each of value as readonly unknown[]) writeProperty(writer, property, each);
    }
  }
  writer.endBlock(block);
}

/** Refuses properties that do not belong there, or with values that are not allowed. */
export function checkProperties(
  measure: Measure,
  properties: Properties,
  place: PropertyPlace,
): void {
  if (properties === noProperties || measure.version === '3.1.1') return;
  for (const key of Object.keys(properties)) {
    const value = properties[key as keyof Properties];
    if (value === undefined) continue;
    const property = propertiesByKey.get(key);
    if (property === undefined) measure.fail(`${key} is no property, expected a key of Properties`);
    checkPlace(measure, property, place);
    if (property.repeatsIn !== undefined) {
      checkRepeats(measure, property, place, value);
    } else if (property.values !== undefined) {
      checkValue(measure, property, value as number | string);
    }
  }
  if (
    properties.authenticationData !== undefined &&
    properties.authenticationMethod === undefined
  ) {
    measure.fail('Authentication Data without Authentication Method, expected both');
  }
}

function checkPlace(measure: Measure, property: Property, place: PropertyPlace): void {
  if (!property.packets.has(place)) {
    measure.fail(`${property.name} given, ${expectedPlaces(property)}`);
  }
  const onlySender = property.sender?.[place];
  if (onlySender !== undefined && measure.sender !== undefined && onlySender !== measure.sender) {
    measure.fail(`${property.name} given, expected only from the ${onlySender}`);
  }
}

function checkRepeats(
  measure: Measure,
  property: Property,
  place: PropertyPlace,
  value: unknown,
): void {
  if (!Array.isArray(value))
    measure.fail(`${property.name} is no array, expected one of its values`);
  if (value.length > 1 && property.repeatsIn?.has(place) === false) {
    measure.fail(`${property.name} given ${value.length} times, expected once`);
  }
  for (const each of value) {
    if (property.type === 'UTF-8 String Pair' && !(Array.isArray(each) && each.length === 2)) {
      measure.fail(`${property.name} is ${typeof each}, expected a pair of strings`);
    }
    checkValue(measure, property, each);
  }
}

function checkValue(measure: Measure, property: Property, value: number | string): void {
  const problem = valueProblem(property, value);
  if (problem !== undefined) measure.fail(`${property.name} ${problem}`);
}

function writeProperty(writer: Writer, property: Property, value: unknown): void {
  writer.variableByteInteger('property identifier', property.identifier);
  switch (property.type) {
    case 'Byte':
      writer.byte(property.name, value as number);
      break;
    case 'Two Byte Integer':
      writer.twoByteInteger(property.name, value as number);
      break;
    case 'Four Byte Integer':
      writer.fourByteInteger(property.name, value as number);
      break;
    case 'Variable Byte Integer':
      writer.variableByteInteger(property.name, value as number);
      break;
    case 'UTF-8 Encoded String':
      writer.string(property.name, value as string);
      break;
    case 'Binary Data':
      writer.binary(property.name, value as Uint8Array);
      break;
    case 'UTF-8 String Pair': {
      const [name, content] = value as UserProperty;
      writer.string(property.name, name);
      writer.string(property.name, content);
      break;
    }
  }
}
