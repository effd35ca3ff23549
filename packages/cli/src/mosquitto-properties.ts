import { packetProperties } from './property-options.ts';

/** Packets that mosquitto's programs know by name and take no property for. */
const withoutProperties = new Set([
  'auth',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'suback',
  'unsuback',
]);

/** Every property of the protocol, by mosquitto's names. */
const properties = new Set([
  'payload-format-indicator',
  'message-expiry-interval',
  'content-type',
  'response-topic',
  'correlation-data',
  'subscription-identifier',
  'session-expiry-interval',
  'assigned-client-identifier',
  'server-keep-alive',
  'authentication-method',
  'authentication-data',
  'request-problem-information',
  'will-delay-interval',
  'request-response-information',
  'response-information',
  'server-reference',
  'reason-string',
  'receive-maximum',
  'topic-alias-maximum',
  'topic-alias',
  'maximum-qos',
  'retain-available',
  'user-property',
  'maximum-packet-size',
  'wildcard-subscription-available',
  'subscription-identifier-available',
  'shared-subscription-available',
]);

/** What mosquitto's programs say of a property that cannot be, or `undefined`. */
export function checkMosquittoProperty([
  packetText = '',
  nameText = '',
  value = '',
]: readonly string[]): string | undefined {
  const packet = packetText.toLowerCase();
  const name = nameText.toLowerCase();
  const forms = Object.hasOwn(packetProperties, packet) ? packetProperties[packet] : undefined;
  if (forms === undefined && !withoutProperties.has(packet)) {
    return `Error: Invalid command ${packetText} given in --property argument.\n`;
  }
  if (!properties.has(name)) {
    return `Error: Invalid property name ${nameText} given in --property argument.\n`;
  }
  const form = forms !== undefined && Object.hasOwn(forms, name) ? forms[name] : undefined;
  if (form === undefined) {
    const known = packet === 'publish' && name === 'subscription-identifier';
    const unable = forms === undefined || known ? 'supported' : 'allowed';
    return `Error: ${nameText} property not ${unable} for ${packetText} in --property argument.\n`;
  }
  if (form.kind !== 'number') return undefined;
  const number = Number.parseInt(value, 10) || 0;
  const largest = form.maximum > 65_535 ? 0xffff_ffff : form.maximum > 255 ? 65_535 : 255;
  if (number < 0 || number > largest) {
    return `Error: Property value (${number}) out of range for property ${nameText}.\n`;
  }
  if (name === 'subscription-identifier' && number > form.maximum) {
    return `Error adding property ${nameText} 4`;
  }
  return undefined;
}

/** What they say of a value that the property cannot have, when everything else is right. */
export function impossibleValue(packet: string, name: string, value: string): string | undefined {
  const form = packetProperties[packet]?.[name];
  if (form?.kind !== 'number' || name === 'payload-format-indicator') return undefined;
  const number = Number.parseInt(value, 10) || 0;
  if (number >= form.minimum && number <= form.maximum) return undefined;
  return `Error in ${packet.toUpperCase()} properties: A network protocol error occurred when communicating with the broker.`;
}
