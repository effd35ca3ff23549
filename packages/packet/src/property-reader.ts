import {
  noProperties,
  type Properties,
  type Property,
  type PropertyPlace,
  propertiesByIdentifier,
} from './property.ts';
import type { Reader } from './reader.ts';
import { hexadecimal } from './reason-code.ts';
import { topicNameShapeProblem } from './topic.ts';

/** `Properties` while they are being read: any of its values under any of its keys. */
type PropertyValues = Record<string, unknown>;

/** Reads Property Length and the properties after it (2.2.2). Keys come in the order of arrival. */
export function readProperties(reader: Reader, place: PropertyPlace): Properties {
  const length = reader.variableByteInteger('property length');
  if (length === 0) return noProperties;
  const packetEnd = reader.end;
  const blockEnd = reader.offset + length;
  if (blockEnd > packetEnd) {
    reader.malformed(
      `property length is ${length}, expected at most the ${packetEnd - reader.offset} bytes that are left`,
    );
  }
  reader.end = blockEnd;
  const values: PropertyValues = {};
  // Each turn takes at least the byte of the identifier, so the loop ends.
  while (reader.offset < blockEnd) readProperty(reader, place, values);
  reader.end = packetEnd;
  if (values['authenticationData'] !== undefined && values['authenticationMethod'] === undefined) {
    reader.protocolError('Authentication Data without Authentication Method, expected both');
  }
  return values as Properties;
}

function readProperty(reader: Reader, place: PropertyPlace, values: PropertyValues): void {
  const identifier = reader.variableByteInteger('property identifier');
  const property = propertiesByIdentifier.get(identifier);
  if (property === undefined) {
    reader.malformed(`property identifier is ${hexadecimal(identifier)}, expected an assigned one`);
  }
  if (!property.packets.has(place)) {
    reader.malformed(`${property.name} found, ${expectedPlaces(property)}`);
  }
  const onlySender = property.sender?.[place];
  if (onlySender !== undefined && onlySender !== reader.sender) {
    reader.protocolError(`${property.name} found, expected only from the ${onlySender}`);
  }
  const value = readValue(reader, property);
  const earlier = values[property.key];
  if (property.repeatsIn === undefined) {
    if (earlier !== undefined) reader.protocolError(`${property.name} found twice, expected once`);
    values[property.key] = value;
  } else if (earlier === undefined) {
    values[property.key] = [value];
  } else if (property.repeatsIn.has(place)) {
    (earlier as unknown[]).push(value);
  } else {
    reader.protocolError(`${property.name} found twice, expected once`);
  }
}

function readValue(reader: Reader, property: Property): unknown {
  switch (property.type) {
    case 'Byte':
      return allowed(reader, property, reader.byte(property.name));
    case 'Two Byte Integer':
      return allowed(reader, property, reader.twoByteInteger(property.name));
    case 'Four Byte Integer':
      return allowed(reader, property, reader.fourByteInteger(property.name));
    case 'Variable Byte Integer':
      return allowed(reader, property, reader.variableByteInteger(property.name));
    case 'UTF-8 Encoded String':
      return allowed(reader, property, reader.string(property.name));
    case 'Binary Data':
      return reader.binary(property.name);
    case 'UTF-8 String Pair': {
      const name = reader.string(property.name); // [MQTT-1.5.7-1]
      return [name, reader.string(property.name)];
    }
  }
}

function allowed<Value extends number | string>(
  reader: Reader,
  property: Property,
  value: Value,
): Value {
  const problem = valueProblem(property, value);
  if (problem !== undefined) reader.fail(property.reasonCode, `${property.name} ${problem}`);
  return value;
}

/** What the specification has against a value of the right data type, as the end of a sentence, or `undefined`. */
export function valueProblem(property: Property, value: number | string): string | undefined {
  switch (property.values) {
    case 'zero or one':
      return value === 0 || value === 1 ? undefined : `is ${value}, expected 0 or 1`;
    case 'not zero':
      return value === 0 ? 'is 0, expected at least 1' : undefined;
    case 'topic name':
      return topicNameShapeProblem(String(value));
    case undefined:
      return undefined;
  }
}

/** Where a property may stand, as the end of a message about one that stands elsewhere. */
export function expectedPlaces(property: Property): string {
  const places = Array.from(property.packets, (place) => place.toUpperCase());
  return `expected only in ${places.join(', ')}`;
}
