/** The 5.0 properties of `-D PACKET NAME VALUE`. */
import type {
  CloseOptions,
  ConnectOptions,
  MessageProperties,
  UserProperty,
  WillOptions,
} from 'mqtt-kit';
import { nearestName } from './nearest-name.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { argumentBytes } from './raw-arguments.ts';
import { quoted, UsageError } from './usage-error.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What `-D` says of each packet that it can be given for. */
export interface PropertyOptions {
  readonly connect: Pick<
    ConnectOptions,
    | 'sessionExpirySeconds'
    | 'receiveMaximum'
    | 'maximumPacketSize'
    | 'topicAliasMaximum'
    | 'requestProblemInformation'
    | 'requestResponseInformation'
    | 'authentication'
    | 'userProperties'
  >;
  readonly publish: MessageProperties;
  /** The topic alias that was asked for. */
  readonly topicAlias: number | undefined;
  readonly will: MessageProperties & Pick<WillOptions, 'delaySeconds'>;
  readonly subscribe: { readonly userProperties?: readonly UserProperty[] };
  /** The Subscription Identifier that was asked for. */
  readonly subscriptionIdentifier: number | undefined;
  readonly unsubscribe: { readonly userProperties?: readonly UserProperty[] };
  readonly disconnect: Pick<
    CloseOptions,
    'sessionExpirySeconds' | 'reasonString' | 'userProperties'
  >;
  /** Names of the properties by packet, as they were given. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** Whether any was given. */
  readonly any: boolean;
}

/** How a property's value is written, and which values there are. */
type Form = { readonly kind: 'text' | 'bytes' | 'pair' } | NumberForm;

interface NumberForm {
  readonly kind: 'number';
  readonly minimum: number;
  readonly maximum: number;
}

const byte: Form = { kind: 'number', minimum: 0, maximum: 1 };
const number = (minimum: number, maximum: number): Form => ({ kind: 'number', minimum, maximum });
const text: Form = { kind: 'text' };
const bytes: Form = { kind: 'bytes' };
const pair: Form = { kind: 'pair' };

const ofMessages: Readonly<Record<string, Form>> = {
  'payload-format-indicator': byte,
  'message-expiry-interval': number(0, 0xffff_ffff),
  'content-type': text,
  'response-topic': text,
  'correlation-data': bytes,
  'user-property': pair,
};

/** Which packets take which properties, by the names of the specification in mosquitto's spelling. */
export const packetProperties: Readonly<Record<string, Readonly<Record<string, Form>>>> = {
  connect: {
    'session-expiry-interval': number(0, 0xffff_ffff),
    'receive-maximum': number(1, 65_535),
    'maximum-packet-size': number(1, 0xffff_ffff),
    'topic-alias-maximum': number(0, 65_535),
    'request-problem-information': byte,
    'request-response-information': byte,
    'authentication-method': text,
    'authentication-data': bytes,
    'user-property': pair,
  },
  publish: { ...ofMessages, 'topic-alias': number(1, 65_535) },
  will: { ...ofMessages, 'will-delay-interval': number(0, 0xffff_ffff) },
  subscribe: { 'subscription-identifier': number(1, 268_435_455), 'user-property': pair },
  unsubscribe: { 'user-property': pair },
  disconnect: {
    'session-expiry-interval': number(0, 0xffff_ffff),
    'reason-string': text,
    'server-reference': text,
    'user-property': pair,
  },
};

/** What each property is called as an option of the client; what is not here is handled by name. */
const optionNames: Readonly<Record<string, string>> = {
  'session-expiry-interval': 'sessionExpirySeconds',
  'receive-maximum': 'receiveMaximum',
  'maximum-packet-size': 'maximumPacketSize',
  'topic-alias-maximum': 'topicAliasMaximum',
  'request-problem-information': 'requestProblemInformation',
  'request-response-information': 'requestResponseInformation',
  'payload-format-indicator': 'payloadFormatIndicator',
  'message-expiry-interval': 'messageExpirySeconds',
  'content-type': 'contentType',
  'response-topic': 'responseTopic',
  'correlation-data': 'correlationData',
  'will-delay-interval': 'delaySeconds',
  'reason-string': 'reasonString',
};

interface Values {
  readonly options: Record<string, unknown>;
  readonly userProperties: UserProperty[];
}

/** Throws `UsageError` for packets, properties and values that cannot be, and for a property given twice. */
export function propertyOptions(args: ParsedArguments): PropertyOptions {
  const packets: Record<string, Values> = {};
  const names: Record<string, string[]> = {};
  const given = args.texts('property').map((joined) => JSON.parse(joined) as string[]);
  for (const [packetText = '', nameText = '', ...values] of given) {
    const packet = packetText.toLowerCase();
    const name = nameText.toLowerCase();
    const form = formOf(packet, name);
    packets[packet] ??= { options: {}, userProperties: [] };
    names[packet] ??= [];
    names[packet].push(name);
    add(packets[packet], `-D ${packet} ${name}`, name, form, values);
  }
  const connect = optionsOfPacket(packets['connect']);
  const { 'topic-alias': alias, ...publish } = optionsOfPacket(packets['publish']);
  const { 'subscription-identifier': identifier, ...subscribe } = optionsOfPacket(
    packets['subscribe'],
  );
  return {
    connect: withAuthentication(connect),
    publish: publish as MessageProperties,
    topicAlias: alias as number | undefined,
    will: optionsOfPacket(packets['will']),
    subscribe: subscribe as PropertyOptions['subscribe'],
    subscriptionIdentifier: identifier as number | undefined,
    unsubscribe: optionsOfPacket(packets['unsubscribe']),
    disconnect: disconnectOptions(optionsOfPacket(packets['disconnect'])),
    names,
    any: given.length > 0,
  };
}

function formOf(packet: string, name: string): Form {
  const forms = Object.hasOwn(packetProperties, packet) ? packetProperties[packet]! : undefined;
  if (forms === undefined) {
    const names = Object.keys(packetProperties).join(', ');
    throw new UsageError(`-D: ${quoted(packet)} is no packet with properties of ours`, names);
  }
  if (Object.hasOwn(forms, name)) return forms[name]!;
  const near = nearestName(name, Object.keys(forms));
  throw new UsageError(
    `-D ${packet}: no property ${quoted(name)}`,
    near === undefined ? `There are ${Object.keys(forms).join(', ')}` : `Did you mean ${near}?`,
  );
}

function add(
  to: Values,
  label: string,
  name: string,
  form: Form,
  [value = '', second = '']: readonly string[],
): void {
  if (form.kind === 'pair') {
    to.userProperties.push([utf8(label, value), utf8(label, second)]);
    return;
  }
  const key = optionNames[name] ?? name;
  if (Object.hasOwn(to.options, key)) {
    throw new UsageError(`${label} was given twice, and can be in a packet once`);
  }
  if (form.kind === 'text') to.options[key] = utf8(label, value);
  else if (form.kind === 'number') to.options[key] = numberOf(label, name, form, value);
  else to.options[key] = argumentBytes(value);
}

function utf8(label: string, value: string): string {
  if (!value.includes('\0') && !/[\ud800-\udfff]/u.test(value)) return value;
  throw new UsageError(`${label} must be UTF-8 text without U+0000`);
}

function numberOf(
  label: string,
  name: string,
  { minimum, maximum }: NumberForm,
  value: string,
): number | boolean {
  const parsed = /^[0-9]{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (!(parsed >= minimum && parsed <= maximum)) {
    throw new UsageError(
      `${label} expects a whole number from ${minimum} to ${maximum}, not ${quoted(value)}`,
    );
  }
  return name.startsWith('request-') ? parsed === 1 : parsed;
}

function optionsOfPacket(values: Values | undefined): Record<string, unknown> {
  if (values === undefined) return {};
  const { options, userProperties } = values;
  return { ...options, ...(userProperties.length > 0 ? { userProperties } : {}) };
}

/** A method whose only data is what the command line gives: a challenge is answered by nothing. */
function withAuthentication(options: Record<string, unknown>): PropertyOptions['connect'] {
  const { 'authentication-method': method, 'authentication-data': data, ...rest } = options;
  if (method === undefined) {
    if (data === undefined) return rest;
    throw new UsageError('-D connect authentication-data needs -D connect authentication-method');
  }
  const connect: Mutable<PropertyOptions['connect']> = rest;
  connect.authentication = {
    method: String(method),
    start: () => data as Uint8Array | undefined,
    respond: () => undefined,
  };
  return connect;
}

/** A client has no business to name a server: the property is the server's alone. (3.14.2.2.5) */
function disconnectOptions(options: Record<string, unknown>): PropertyOptions['disconnect'] {
  if (options['server-reference'] === undefined) return options;
  throw new UsageError('-D disconnect server-reference is for servers: a client cannot send it');
}
