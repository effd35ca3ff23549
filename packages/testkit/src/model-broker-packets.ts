/**
 * What a client may send and a server may answer, as the model broker sees it: plain records of its own, and the
 * table of properties. Nothing here comes from the packet package, so that a mistake there is not repeated here.
 */
export type ModelVersion = '3.1.1' | '5.0';

/** Property values by identifier. One that may occur several times holds all its values. */
export type ModelProperties = ReadonlyMap<number, readonly PropertyValue[]>;

export type PropertyValue = number | string | Uint8Array | readonly [string, string];

export type PropertyKind = 'byte' | 'two' | 'four' | 'variable' | 'text' | 'binary' | 'pair';

/** Packets of a client that carry properties, one letter each: C, W (will), P, A (acks), S, U, D, X (AUTH). */
export interface PropertyRule {
  readonly kind: PropertyKind;
  readonly packets: string;
  /** Whether it may occur more than once in a packet of a client. */
  readonly many?: boolean;
  /** Largest value, and whether 0 is forbidden. */
  readonly most?: number;
  readonly notZero?: boolean;
}

/** Section 2.2.2.2 of 5.0, as far as clients may send them. A client never sends a Subscription Identifier in PUBLISH. */
export const propertyRules: ReadonlyMap<number, PropertyRule> = new Map<number, PropertyRule>([
  [0x01, { kind: 'byte', packets: 'PW', most: 1 }],
  [0x02, { kind: 'four', packets: 'PW' }],
  [0x03, { kind: 'text', packets: 'PW' }],
  [0x08, { kind: 'text', packets: 'PW' }],
  [0x09, { kind: 'binary', packets: 'PW' }],
  [0x0b, { kind: 'variable', packets: 'S', notZero: true }],
  [0x11, { kind: 'four', packets: 'CD' }],
  [0x15, { kind: 'text', packets: 'CX' }],
  [0x16, { kind: 'binary', packets: 'CX' }],
  [0x17, { kind: 'byte', packets: 'C', most: 1 }],
  [0x18, { kind: 'four', packets: 'W' }],
  [0x19, { kind: 'byte', packets: 'C', most: 1 }],
  [0x1f, { kind: 'text', packets: 'ADX' }],
  [0x21, { kind: 'two', packets: 'C', notZero: true }],
  [0x22, { kind: 'two', packets: 'C' }],
  [0x23, { kind: 'two', packets: 'P', notZero: true }],
  [0x26, { kind: 'pair', packets: 'CWPASUDX', many: true }],
  [0x27, { kind: 'four', packets: 'C', notZero: true }],
]);

/** Properties that a server sends, for the encoder. */
export const serverPropertyKinds: ReadonlyMap<number, PropertyKind> = new Map<number, PropertyKind>(
  [
    ...[...propertyRules].map(([id, rule]): [number, PropertyKind] => [id, rule.kind]),
    [0x12, 'text'],
    [0x13, 'two'],
    [0x1a, 'text'],
    [0x1c, 'text'],
    [0x24, 'byte'],
    [0x25, 'byte'],
    [0x28, 'byte'],
    [0x29, 'byte'],
    [0x2a, 'byte'],
  ],
);

export interface ConnectFromClient {
  readonly kind: 'connect';
  readonly version: ModelVersion;
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly properties: ModelProperties;
}

export interface PublishFromClient {
  readonly kind: 'publish';
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly dup: boolean;
  readonly retain: boolean;
  /** 0 at QoS 0. */
  readonly packetIdentifier: number;
  readonly properties: ModelProperties;
}

export interface AckFromClient {
  readonly kind: 'puback' | 'pubrec' | 'pubrel' | 'pubcomp';
  readonly packetIdentifier: number;
  readonly reasonCode: number;
}

export interface FilterFromClient {
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
}

export interface SubscribeFromClient {
  readonly kind: 'subscribe';
  readonly packetIdentifier: number;
  readonly filters: readonly FilterFromClient[];
  readonly properties: ModelProperties;
}

export interface UnsubscribeFromClient {
  readonly kind: 'unsubscribe';
  readonly packetIdentifier: number;
  readonly filters: readonly string[];
}

export type ClientPacket =
  | ConnectFromClient
  | PublishFromClient
  | AckFromClient
  | SubscribeFromClient
  | UnsubscribeFromClient
  | { readonly kind: 'pingreq' }
  | {
      readonly kind: 'disconnect';
      readonly reasonCode: number;
      readonly properties: ModelProperties;
    }
  | { readonly kind: 'auth'; readonly reasonCode: number };

/** The client sent what no client may send. */
export class ClientBreach extends Error {
  override readonly name = 'ClientBreach';
}

/** A number that a property has, or a default. */
export function numberOf(
  properties: ModelProperties,
  identifier: number,
  otherwise: number,
): number {
  const value = properties.get(identifier)?.[0];
  return typeof value === 'number' ? value : otherwise;
}

/** Topic names and filters as section 4.7 has them. */
export function checkTopicName(topic: string): void {
  if (topic.length === 0 || /[+#]/.test(topic)) throw new ClientBreach(`topic name "${topic}"`);
}

export function checkTopicFilter(filter: string): void {
  const levels = filter.split('/');
  const wellFormed = levels.every(
    (level, index) =>
      level === '+' || (level === '#' && index === levels.length - 1) || !/[+#]/.test(level),
  );
  if (filter.length === 0 || !wellFormed) throw new ClientBreach(`topic filter "${filter}"`);
}

export function filterMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}
