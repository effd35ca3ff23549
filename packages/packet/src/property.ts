/**
 * The properties of 5.0 (2.2.2). One table says everything about them: reading, checking, writing and the
 * type `Properties` all follow from it, so that a new property is one row.
 */
import type { PacketSender, PacketTypeName } from './packet-type.ts';
import { ReasonCode } from './reason-code.ts';

/** A User Property: a name and a value. Names may recur and their order is significant, so they are pairs. */
export type UserProperty = readonly [name: string, value: string];

/** Where a property may stand: in a packet's own properties, or in the will's within CONNECT. */
export type PropertyPlace = PacketTypeName | 'will';

type Places = readonly PropertyPlace[];

/** The data types of the specification (1.5), and what their values are here. */
interface ValueTypes {
  readonly Byte: number;
  readonly 'Two Byte Integer': number;
  readonly 'Four Byte Integer': number;
  readonly 'Variable Byte Integer': number;
  readonly 'UTF-8 Encoded String': string;
  readonly 'Binary Data': Uint8Array;
  readonly 'UTF-8 String Pair': UserProperty;
}

/** What the table says about one property. */
export interface PropertyDefinition {
  readonly identifier: number;
  /** The name in the specification, for messages, where it is not the key in words. */
  readonly name?: string;
  readonly type: keyof ValueTypes;
  /** An identifier in another packet makes it malformed (0x81). */
  readonly packets: readonly PropertyPlace[];
  /** Packets in which only this end may send it; from the other it is a protocol error (0x82). */
  readonly sender?: Readonly<Partial<Record<PropertyPlace, PacketSender>>>;
  /** Its value is a list, and these packets may hold it more than once. A repeat elsewhere is a protocol error (0x82). */
  readonly repeatsIn?: readonly PropertyPlace[];
  /** What the data type allows and the specification does not. */
  readonly values?: 'zero or one' | 'not zero' | 'topic name';
  /** What a value that is not allowed is answered with, when there is something more precise than 0x82. */
  readonly reasonCode?: number;
}

/** The packets that answer, or end something. */
const answers: Places = [
  'connack',
  'puback',
  'pubrec',
  'pubrel',
  'pubcomp',
  'suback',
  'unsuback',
  'disconnect',
  'auth',
];

const everywhere: Places = ['connect', 'will', 'publish', 'subscribe', 'unsubscribe', ...answers];

/** Every property by its key in `Properties`. */
export const propertyTable = {
  /** 1 when the payload is UTF-8 text, 0 (also when absent) when it is unspecified bytes. */
  payloadFormatIndicator: {
    identifier: 0x01,
    type: 'Byte',
    packets: ['publish', 'will'],
    values: 'zero or one',
  },
  /** Seconds until the message is of no use any more. Absent: it never expires. */
  messageExpiryInterval: {
    identifier: 0x02,
    type: 'Four Byte Integer',
    packets: ['publish', 'will'],
  },
  /** What the payload is, by agreement of sender and receiver: often a MIME type. */
  contentType: {
    identifier: 0x03,
    type: 'UTF-8 Encoded String',
    packets: ['publish', 'will'],
  },
  /** The topic name that an answer goes to: not empty, no wildcards. */
  responseTopic: {
    identifier: 0x08,
    type: 'UTF-8 Encoded String',
    packets: ['publish', 'will'],
    values: 'topic name', // [MQTT-3.3.2-14]
    reasonCode: 0x90,
  },
  /** What an answer repeats, so that the requester knows which request it answers. */
  correlationData: {
    identifier: 0x09,
    type: 'Binary Data',
    packets: ['publish', 'will'],
  },
  /**
   * 1 to 268,435,455. One in SUBSCRIBE; in PUBLISH, from the server alone, one for each subscription
   * that matched.
   */
  subscriptionIdentifiers: {
    identifier: 0x0b,
    name: 'Subscription Identifier',
    type: 'Variable Byte Integer',
    packets: ['publish', 'subscribe'],
    sender: { publish: 'server' }, // [MQTT-3.3.4-6]
    repeatsIn: ['publish'],
    values: 'not zero',
  },
  /** Seconds that the session outlives the connection. 0: it ends with it; 4,294,967,295: it never ends. */
  sessionExpiryInterval: {
    identifier: 0x11,
    type: 'Four Byte Integer',
    packets: ['connect', 'connack', 'disconnect'],
    sender: { disconnect: 'client' }, // [MQTT-3.14.2-2]
  },
  /** The client identifier that the server chose, when CONNECT had none. */
  assignedClientIdentifier: {
    identifier: 0x12,
    type: 'UTF-8 Encoded String',
    packets: ['connack'],
  },
  /** Seconds, to be used in place of the Keep Alive of CONNECT. 0: off. */
  serverKeepAlive: {
    identifier: 0x13,
    type: 'Two Byte Integer',
    packets: ['connack'],
  },
  /** The name of the method of enhanced authentication. */
  authenticationMethod: {
    identifier: 0x15,
    type: 'UTF-8 Encoded String',
    packets: ['connect', 'connack', 'auth'],
  },
  /** Data of that method; never without it. */
  authenticationData: {
    identifier: 0x16,
    type: 'Binary Data',
    packets: ['connect', 'connack', 'auth'],
  },
  /** 0: Reason String and User Properties only in PUBLISH, CONNACK and DISCONNECT. Absent: 1. */
  requestProblemInformation: {
    identifier: 0x17,
    type: 'Byte',
    packets: ['connect'],
    values: 'zero or one',
  },
  /** Seconds between the end of the connection and the will. Absent: 0. */
  willDelayInterval: {
    identifier: 0x18,
    type: 'Four Byte Integer',
    packets: ['will'],
  },
  /** 1: the server may send Response Information. Absent: 0. */
  requestResponseInformation: {
    identifier: 0x19,
    type: 'Byte',
    packets: ['connect'],
    values: 'zero or one',
  },
  /** What response topics are to be made from, usually their beginning. */
  responseInformation: {
    identifier: 0x1a,
    type: 'UTF-8 Encoded String',
    packets: ['connack'],
  },
  /** The server to use in place of this one, with reason codes 0x9C and 0x9D. */
  serverReference: {
    identifier: 0x1c,
    type: 'UTF-8 Encoded String',
    packets: ['connack', 'disconnect'],
    sender: { disconnect: 'server' },
  },
  /** What happened, in words for people. */
  reasonString: {
    identifier: 0x1f,
    type: 'UTF-8 Encoded String',
    packets: answers as Places,
  },
  /** The most QoS 1 and 2 messages that the sender of this will have unacknowledged. Absent: 65,535. */
  receiveMaximum: {
    identifier: 0x21,
    type: 'Two Byte Integer',
    packets: ['connect', 'connack'],
    values: 'not zero',
  },
  /** The highest Topic Alias that the sender of this accepts. Absent or 0: none. */
  topicAliasMaximum: {
    identifier: 0x22,
    type: 'Two Byte Integer',
    packets: ['connect', 'connack'],
  },
  /** A number that stands for the topic name, from 1 to the receiver's Topic Alias Maximum. */
  topicAlias: {
    identifier: 0x23,
    type: 'Two Byte Integer',
    packets: ['publish'],
    values: 'not zero', // [MQTT-3.3.2-8]
    reasonCode: 0x94,
  },
  /** The highest QoS that may be published, 0 or 1. Absent: 2. */
  maximumQos: {
    identifier: 0x24,
    name: 'Maximum QoS',
    type: 'Byte',
    packets: ['connack'],
    values: 'zero or one',
  },
  /** 0: the server keeps no retained messages. Absent: 1. */
  retainAvailable: {
    identifier: 0x25,
    type: 'Byte',
    packets: ['connack'],
    values: 'zero or one',
  },
  /** Pairs of the application, in their order. */
  userProperties: {
    identifier: 0x26,
    name: 'User Property',
    type: 'UTF-8 String Pair',
    packets: everywhere as Places,
    repeatsIn: everywhere as Places,
  },
  /** The largest packet, in bytes, that the sender of this accepts. Absent: no limit but the protocol's. */
  maximumPacketSize: {
    identifier: 0x27,
    type: 'Four Byte Integer',
    packets: ['connect', 'connack'],
    values: 'not zero',
  },
  /** 0: the server takes no wildcards in SUBSCRIBE. Absent: 1. */
  wildcardSubscriptionAvailable: {
    identifier: 0x28,
    type: 'Byte',
    packets: ['connack'],
    values: 'zero or one',
  },
  /** 0: the server takes no Subscription Identifiers. Absent: 1. */
  subscriptionIdentifiersAvailable: {
    identifier: 0x29,
    type: 'Byte',
    packets: ['connack'],
    values: 'zero or one',
  },
  /** 0: the server takes no shared subscriptions. Absent: 1. */
  sharedSubscriptionAvailable: {
    identifier: 0x2a,
    type: 'Byte',
    packets: ['connack'],
    values: 'zero or one',
  },
} as const;

type PropertyTable = typeof propertyTable;

/**
 * The properties of one packet by their names in the specification, absent ones missing.
 * The encoder writes them in the order of the object's keys, the decoder makes keys in the order of arrival.
 * Under 3.1.1, which has none, nothing of them reaches the wire.
 */
export type Properties = {
  readonly [Key in keyof PropertyTable]?: PropertyTable[Key] extends {
    readonly repeatsIn: readonly PropertyPlace[];
  }
    ? readonly ValueTypes[PropertyTable[Key]['type']][]
    : ValueTypes[PropertyTable[Key]['type']];
};

/** Shared by all packets without properties, so that nobody need ask whether there are any. */
export const noProperties: Properties = Object.freeze({});

/** A row of the table with its key. All have the same fields, which keeps reading them fast. */
export interface Property {
  readonly key: keyof Properties;
  readonly identifier: number;
  readonly name: string;
  readonly type: PropertyDefinition['type'];
  readonly packets: ReadonlySet<PropertyPlace>;
  readonly sender: PropertyDefinition['sender'] | undefined;
  readonly repeatsIn: ReadonlySet<PropertyPlace> | undefined;
  readonly values: PropertyDefinition['values'] | undefined;
  readonly reasonCode: number;
}

/** The rows by key. */
export const propertiesByKey: ReadonlyMap<string, Property> = new Map(
  Object.entries<PropertyDefinition>(propertyTable).map(([key, definition]) => [
    key,
    propertyOf(key as keyof Properties, definition),
  ]),
);

/** The rows by identifier. */
export const propertiesByIdentifier: ReadonlyMap<number, Property> = new Map(
  Array.from(propertiesByKey.values(), (property) => [property.identifier, property]),
);

function propertyOf(key: keyof Properties, definition: PropertyDefinition): Property {
  return {
    key,
    identifier: definition.identifier,
    name: definition.name ?? wordsOf(key),
    type: definition.type,
    packets: new Set(definition.packets),
    sender: definition.sender,
    repeatsIn: definition.repeatsIn && new Set(definition.repeatsIn),
    values: definition.values,
    reasonCode: definition.reasonCode ?? ReasonCode.protocolError,
  };
}

/** `topicAlias` is the "Topic Alias" of the specification. */
function wordsOf(key: string): string {
  const words = key.replace(/[A-Z]/g, ' $&');
  return `${words[0]?.toUpperCase()}${words.slice(1)}`;
}
