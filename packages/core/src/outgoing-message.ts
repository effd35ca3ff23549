/** From what `publish` and `will` are given to what the engine takes: checked by the rules of both versions. */
import type { OutgoingMessage } from '@mqtt-kit/engine';
import {
  noProperties,
  type Properties,
  type QoS,
  topicNameProblem,
  type UserProperty,
} from '@mqtt-kit/packet';
import { MqttUsageError } from './errors.ts';
import {
  checkBoolean,
  checkBytes,
  checkInteger,
  checkOneOf,
  checkSignal,
  checkString,
  checkTimeout,
  expectation,
  given,
  unknownName,
} from './option-check.ts';
import type { MessageProperties, PublishOptions } from './options.ts';
import { encodePayload } from './payload.ts';

const propertyChecks: {
  readonly [Name in keyof MessageProperties]-?: (name: string, value: unknown) => unknown;
} = {
  payloadFormatIndicator: (name, value) => checkOneOf(name, value, [0, 1]),
  messageExpirySeconds: (name, value) => checkInteger(name, value, 0, 0xffff_ffff),
  contentType: checkString,
  // [MQTT-3.3.2-14]
  responseTopic: checkTopic,
  correlationData: (name, value) => checkBytes(name, value, 65_535),
  userProperties: checkUserProperties,
};

const propertyNames = Object.keys(propertyChecks) as readonly (keyof MessageProperties)[];

const publishNames: readonly (keyof PublishOptions)[] = [
  'qos',
  'retain',
  ...propertyNames,
  'signal',
  'timeoutMs',
];

/** What other clients ask of each message. */
const elsewhere = { topicAlias: 'topicAliases of connect' };

const qualities: readonly QoS[] = [0, 1, 2];

const noOptions: PublishOptions = Object.freeze({});

/**
 * Checks a message of the application and puts it into the engine's form. `properties` says why 5.0 properties cannot
 * be sent, or `undefined` where they can.
 */
export function outgoingMessage(
  topic: unknown,
  payload: unknown,
  options: PublishOptions = noOptions,
  propertiesProblem: string | undefined = undefined,
): OutgoingMessage {
  const checkedTopic = checkTopic('topic', topic);
  const bytes = encodePayload('payload', payload);
  if (options === noOptions) return plainMessage(checkedTopic, bytes, 0, false, noProperties);
  if (typeof options !== 'object' || options === null) {
    throw expectation('options of publish', 'an object', options);
  }
  const hasProperties = checkPublishOptions(options);
  return plainMessage(
    checkedTopic,
    bytes,
    options.qos ?? 0,
    options.retain ?? false,
    hasProperties ? messageProperties('', options, propertiesProblem) : noProperties,
  );
}

/** In one place, so that all messages have one shape. */
function plainMessage(
  topic: string,
  payload: Uint8Array,
  qos: QoS,
  retain: boolean,
  properties: Properties,
): OutgoingMessage {
  return { topic, payload, qos, retain, properties };
}

/** Whether there are properties among them. */
function checkPublishOptions(options: PublishOptions): boolean {
  let hasProperties = false;
  for (const name in options) {
    const value = options[name as keyof PublishOptions];
    if (value === undefined) continue;
    if (name === 'qos') checkQos('qos', value);
    else if (name === 'retain') checkBoolean('retain', value);
    else if (name === 'signal') checkSignal('signal', value);
    else if (name === 'timeoutMs') checkTimeout('timeoutMs', value);
    else if (propertyNames.includes(name as never)) hasProperties = true;
    else throw unknownName('options of publish', name, publishNames, elsewhere);
  }
  return hasProperties;
}

export function checkTopic(name: string, topic: unknown): string {
  if (typeof topic !== 'string') throw expectation(name, 'a string', topic);
  const problem = topicNameProblem(topic);
  if (problem === undefined) return topic;
  throw new MqttUsageError(`${name} ${given(topic)} ${problem}`);
}

export function checkQos(name: string, qos: unknown): QoS {
  if (qos === 0 || qos === 1 || qos === 2) return qos;
  return checkOneOf<QoS>(name, qos, qualities);
}

/** The PUBLISH or will properties of options. `prefix` stands before their names in messages. */
export function messageProperties(
  prefix: string,
  options: MessageProperties,
  propertiesProblem: string | undefined,
): Properties {
  let properties: Record<string, unknown> | undefined;
  for (const name of propertyNames) {
    const value = options[name];
    if (value === undefined) continue;
    properties ??= {};
    const fullName = prefix + name;
    if (propertiesProblem !== undefined) {
      throw new MqttUsageError(`${fullName} ${propertiesProblem}`);
    }
    const key = name === 'messageExpirySeconds' ? 'messageExpiryInterval' : name;
    properties[key] = propertyChecks[name](fullName, value);
  }
  return properties ?? noProperties;
}

/** Pairs, copied. Names may recur and keep their order, which an object could not say. */
export function checkUserProperties(name: string, value: unknown): readonly UserProperty[] {
  const expected = 'an array of [name, value] pairs of strings';
  if (!Array.isArray(value)) throw expectation(name, expected, value);
  return value.map((pair: unknown, index): UserProperty => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw expectation(`${name}[${index}]`, 'a [name, value] pair of strings', pair);
    }
    return [
      checkString(`the name in ${name}[${index}]`, pair[0]),
      checkString(`the value in ${name}[${index}]`, pair[1]),
    ];
  });
}
