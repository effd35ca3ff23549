/** The properties of `-D` as mosquitto's programs read them, and as bytes in the order of the command line. */

import { topicNameProblem } from '@mqtt-kit/packet';
import { isUtf8 } from './mosquitto-text.ts';
import { long } from './mosquitto-values.ts';
import { type PropertyBytes, propertyIdentifiers, variableBytes } from './property-bytes.ts';
import { argumentBytes } from './raw-arguments.ts';

/** Packet, name and value, or name, key and value of a user property. */
export type MosquittoProperty = readonly string[];

type Kind = 'byte' | 'twoBytes' | 'fourBytes' | 'variable' | 'binary' | 'text' | 'pair';

const ofMessages = ['publish', 'will'];

/** Every property of the protocol: of which kind it is, and the packets that have it. */
const properties: Readonly<Record<string, readonly [kind: Kind, packets: readonly string[]]>> = {
  'payload-format-indicator': ['byte', ofMessages],
  'message-expiry-interval': ['fourBytes', ofMessages],
  'content-type': ['text', ofMessages],
  'response-topic': ['text', ofMessages],
  'correlation-data': ['binary', ofMessages],
  'subscription-identifier': ['variable', ['publish', 'subscribe']],
  'session-expiry-interval': ['fourBytes', ['connect', 'connack', 'disconnect']],
  'assigned-client-identifier': ['text', ['connack']],
  'server-keep-alive': ['twoBytes', ['connack']],
  'authentication-method': ['text', ['connect', 'connack', 'auth']],
  'authentication-data': ['binary', ['connect', 'connack', 'auth']],
  'request-problem-information': ['byte', ['connect']],
  'will-delay-interval': ['fourBytes', ['will']],
  'request-response-information': ['byte', ['connect']],
  'response-information': ['text', ['connack']],
  'server-reference': ['text', ['connack', 'disconnect']],
  'reason-string': ['text', []],
  'receive-maximum': ['twoBytes', ['connect', 'connack']],
  'topic-alias-maximum': ['twoBytes', ['connect', 'connack']],
  'topic-alias': ['twoBytes', ['publish']],
  'maximum-qos': ['byte', ['connack']],
  'retain-available': ['byte', ['connack']],
  'user-property': ['pair', []],
  'maximum-packet-size': ['fourBytes', ['connect', 'connack']],
  'wildcard-subscription-available': ['byte', ['connack']],
  'subscription-identifier-available': ['byte', ['connack']],
  'shared-subscription-available': ['byte', ['connack']],
};

/** Packets whose properties can be given, and those that are only known by name. */
const given = ['connect', 'publish', 'will', 'subscribe', 'unsubscribe', 'disconnect'];
const known = ['auth', 'puback', 'pubrec', 'pubrel', 'pubcomp', 'suback', 'unsuback'];

/** In these two a reason is told to somebody else. */
const withoutReasonString = ['connect', 'publish', 'subscribe', 'unsubscribe'];

/**
 * What is taken of the arguments that follow `-D`; or what is said of a property that cannot be. An unknown packet is
 * told before an unknown name, and that before a property that is not for the packet.
 */
export function mosquittoProperty(following: readonly string[]): MosquittoProperty | Error {
  const tooFew = new Error(
    'Error: --property argument given but not enough arguments specified.\n',
  );
  if (following.length < 3) return tooFew;
  const [packet = '', name = '', value = '', second = ''] = following;
  const problem = nameProblem(packet, name);
  if (problem !== undefined) return new Error(problem);
  const lower = name.toLowerCase();
  const taken = following.slice(0, lower === 'user-property' ? 4 : 3);
  if (lower === 'user-property' && taken.length < 4) return tooFew;
  const unsupported =
    known.includes(packet.toLowerCase()) ||
    (lower === 'subscription-identifier' && packet.toLowerCase() === 'publish');
  if (unsupported) {
    return new Error(
      `Error: ${name} property not supported for ${packet} in --property argument.\n`,
    );
  }
  // This one they know, and say nothing of it.
  if (packet.toLowerCase() === 'connack') return new Error('');
  const wrong = valueProblem(name, properties[lower]![0], value, second);
  return wrong === undefined ? taken : new Error(wrong);
}

function nameProblem(packetText: string, nameText: string): string | undefined {
  const packet = packetText.toLowerCase();
  const name = nameText.toLowerCase();
  if (![...given, ...known, 'connack'].includes(packet)) {
    return `Error: Invalid command ${packetText} given in --property argument.\n`;
  }
  if (!Object.hasOwn(properties, name)) {
    return `Error: Invalid property name ${nameText} given in --property argument.\n`;
  }
  const allowed =
    name === 'user-property' ||
    (name === 'reason-string'
      ? !withoutReasonString.includes(packet)
      : properties[name]![1].includes(packet));
  return allowed
    ? undefined
    : `Error: ${nameText} property not allowed for ${packetText} in --property argument.\n`;
}

const sizes: Partial<Record<Kind, bigint>> = {
  byte: 0xffn,
  twoBytes: 0xffffn,
  fourBytes: 0xffff_ffffn,
  variable: 0xffff_ffffn,
};

/** What a property of a kind is numbered with in a mistake. */
const kindNumbers: Readonly<Record<Kind, number>> = {
  byte: 1,
  twoBytes: 2,
  fourBytes: 3,
  variable: 4,
  binary: 5,
  text: 6,
  pair: 7,
};

function valueProblem(name: string, kind: Kind, value: string, second: string): string | undefined {
  const largest = sizes[kind];
  const adding = `Error adding property ${name} ${kindNumbers[kind]}`;
  if (largest !== undefined) {
    const number = long(value);
    if (number < 0n || number > largest) {
      return `Error: Property value (${number}) out of range for property ${name}.\n`;
    }
    return kind === 'variable' && number > 268_435_455n ? adding : undefined;
  }
  if (kind === 'binary') {
    return argumentBytes(value).length > 65_535
      ? `Error: Property value too long for property ${name}.\n`
      : undefined;
  }
  const texts = kind === 'pair' ? [value, second] : [value];
  const fits = texts.every((text) => argumentBytes(text).length <= 65_535 && isUtf8(text));
  return fits ? undefined : adding;
}

/** What is wrong with the properties of a packet together. */
export type ListProblem = 'protocol' | 'duplicate';

/** The properties of a packet, in the order of the command line. */
export class PropertyList {
  readonly bytes: readonly PropertyBytes[];
  readonly problem: ListProblem | undefined;

  constructor(all: readonly MosquittoProperty[], packet: string) {
    const own = all.filter(([of = '']) => of.toLowerCase() === packet);
    this.bytes = own.map(propertyOf);
    this.problem = listProblem(own);
  }
}

/** The first thing that is wrong. */
function listProblem(all: readonly MosquittoProperty[]): ListProblem | undefined {
  for (const [index, [, nameText = '', value = '']] of all.entries()) {
    const name = nameText.toLowerCase();
    if (impossible(name, value)) return 'protocol';
    const others = all.slice(index + 1).map(([, other = '']) => other.toLowerCase());
    if (name !== 'user-property' && others.includes(name)) return 'duplicate';
  }
  return undefined;
}

function impossible(name: string, value: string): boolean {
  switch (name) {
    case 'request-problem-information':
    case 'request-response-information':
    case 'payload-format-indicator':
      return long(value) > 1n;
    case 'maximum-packet-size':
    case 'receive-maximum':
    case 'topic-alias':
      return long(value) === 0n;
    case 'response-topic':
      return topicNameProblem(value) !== undefined;
    default:
      return false;
  }
}

function propertyOf([, nameText = '', value = '', second = '']: MosquittoProperty): PropertyBytes {
  const name = nameText.toLowerCase();
  const identifier = propertyIdentifiers[name]!;
  const kind = properties[name]![0];
  return {
    identifier,
    bytes: Buffer.concat([Uint8Array.of(identifier), valueBytes(kind, value, second)]),
  };
}

function valueBytes(kind: Kind, value: string, second: string): Uint8Array {
  const number = (): number => Number(long(value));
  switch (kind) {
    case 'byte':
      return Uint8Array.of(number());
    case 'twoBytes':
      return Uint8Array.of(number() >> 8, number() & 0xff);
    case 'fourBytes':
      return fourBytes(number());
    case 'variable':
      return variableBytes(number());
    case 'pair':
      return Buffer.concat([withLength(value), withLength(second)]);
    default:
      return withLength(value);
  }
}

/** A property of four bytes. */
export function fourByteProperty(identifier: number, value: number): PropertyBytes {
  return { identifier, bytes: Buffer.concat([Uint8Array.of(identifier), fourBytes(value)]) };
}

/** A property that is a text. */
export function textProperty(identifier: number, value: string): PropertyBytes {
  return { identifier, bytes: Buffer.concat([Uint8Array.of(identifier), withLength(value)]) };
}

function fourBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function withLength(text: string): Uint8Array {
  const bytes = argumentBytes(text);
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length & 0xff), bytes]);
}

/** What the client itself has to know of the properties in CONNECT. */
const usedByClient = [
  'session-expiry-interval',
  'receive-maximum',
  'topic-alias-maximum',
  'authentication-method',
  'authentication-data',
];

/** Of `-D`, each as JSON, what the client is told: the last of each name. */
export function clientProperties(all: readonly string[]): readonly string[] {
  const found = new Map<string, string>();
  for (const text of all) {
    const [packet = '', nameText = '', value = ''] = JSON.parse(text) as MosquittoProperty;
    const name = nameText.toLowerCase();
    if (packet.toLowerCase() !== 'connect' || !usedByClient.includes(name)) continue;
    const kind = properties[name]![0];
    const shown = sizes[kind] === undefined ? value : `${long(value)}`;
    found.set(name, JSON.stringify(['connect', name, shown]));
  }
  // Data without a method is nothing that the client could use.
  if (!found.has('authentication-method')) found.delete('authentication-data');
  return [...found.values()];
}
