/**
 * A message as one line of JSON that loses nothing: what `--output ndjson` and `--record` write, and what
 * `mqtt-pub --lines json` and `--replay` read.
 */
import type { Message, MessageProperties, UserProperty } from 'mqtt-kit';

/** How a payload stands in a record: as text, or as the base64 of bytes that are no UTF-8. */
export type PayloadEncoding = 'utf8' | 'base64';

/** Of a record, what is there beyond topic and payload. The names of properties are those of the library. */
export interface MessageRecord {
  /** When it came, as ISO 8601 with milliseconds. */
  readonly ts?: string;
  readonly topic: string;
  readonly payload: string;
  readonly payloadEncoding?: PayloadEncoding;
  readonly qos?: 0 | 1 | 2;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly size?: number;
  readonly mid?: number;
  readonly properties?: RecordProperties;
}

export interface RecordProperties {
  readonly payloadFormatIndicator?: number;
  readonly messageExpirySeconds?: number;
  readonly contentType?: string;
  readonly responseTopic?: string;
  /** base64. */
  readonly correlationData?: string;
  /** In their order, names may recur. */
  readonly userProperties?: readonly UserProperty[];
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The record of a message that came at a time. */
export function recordOf(message: Message, epochMs: number): MessageRecord {
  const { topic, payload, qos, retain, dup, packetIdentifier } = message;
  const properties = recordProperties(message);
  return {
    ts: new Date(epochMs).toISOString(),
    topic,
    ...recordPayload(payload),
    qos,
    retain,
    ...(dup ? { dup } : {}),
    size: payload.length,
    ...(packetIdentifier === undefined ? {} : { mid: packetIdentifier }),
    ...(properties === undefined ? {} : { properties }),
  };
}

/** A payload as text where it is UTF-8, and else as base64. */
export function recordPayload(payload: Uint8Array): {
  readonly payload: string;
  readonly payloadEncoding: PayloadEncoding;
} {
  try {
    return { payload: strict.decode(payload), payloadEncoding: 'utf8' };
  } catch {
    return { payload: Buffer.from(payload).toString('base64'), payloadEncoding: 'base64' };
  }
}

function recordProperties(message: Message): RecordProperties | undefined {
  const { correlationData, userProperties } = message;
  const properties: RecordProperties = defined({
    payloadFormatIndicator: message.payloadFormatIndicator,
    messageExpirySeconds: message.messageExpirySeconds,
    contentType: message.contentType,
    responseTopic: message.responseTopic,
    correlationData: correlationData && Buffer.from(correlationData).toString('base64'),
    userProperties: userProperties.length > 0 ? userProperties : undefined,
  });
  return Object.keys(properties).length > 0 ? properties : undefined;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
}

/** What a record says that is to be published. */
export interface PublishedRecord {
  readonly topic: string | undefined;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2 | undefined;
  readonly retain: boolean | undefined;
  readonly properties: MessageProperties;
  /** Milliseconds since 1970, where the record has a time. */
  readonly epochMs: number | undefined;
}

/** Names that a record may have; those that speak of its reception alone are passed over. */
const known = new Set([
  'ts',
  'topic',
  'payload',
  'payloadEncoding',
  'qos',
  'retain',
  'dup',
  'size',
  'mid',
  'properties',
]);

/** Reads a record. Throws an `Error` that says what is wrong with it. A payload that is no string is taken as JSON. */
export function parseRecord(line: string): PublishedRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new Error(`it is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('it is not a JSON object with topic and payload');
  }
  const record = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(record).find((name) => !known.has(name));
  if (unknown !== undefined) {
    throw new Error(`it has the unknown name "${unknown}"; known are ${[...known].join(', ')}`);
  }
  const { topic, qos, retain, ts } = record;
  check(topic === undefined || typeof topic === 'string', 'topic must be a string');
  check(qos === undefined || qos === 0 || qos === 1 || qos === 2, 'qos must be 0, 1 or 2');
  check(
    retain === undefined || typeof retain === 'boolean' || retain === 0 || retain === 1,
    'retain must be true or false',
  );
  const epochMs = ts === undefined ? undefined : Date.parse(String(ts));
  check(epochMs === undefined || !Number.isNaN(epochMs), 'ts must be a time as in ISO 8601');
  return {
    topic: topic as string | undefined,
    payload: payloadBytes(record['payload'], record['payloadEncoding']),
    qos: qos as 0 | 1 | 2 | undefined,
    retain: retain === undefined ? undefined : Boolean(retain),
    properties: messageProperties(record['properties']),
    epochMs,
  };
}

function payloadBytes(payload: unknown, encoding: unknown): Uint8Array {
  if (payload === undefined || (payload === null && encoding === undefined)) {
    return new Uint8Array(0);
  }
  if (encoding === 'base64') {
    check(typeof payload === 'string' && isBase64(payload), 'payload is not base64');
    return Uint8Array.from(Buffer.from(payload as string, 'base64'));
  }
  if (encoding === 'json' || (typeof payload !== 'string' && encoding === undefined)) {
    return new TextEncoder().encode(JSON.stringify(payload));
  }
  check(
    encoding === undefined || encoding === 'utf8',
    'payloadEncoding must be utf8, base64 or json',
  );
  check(typeof payload === 'string', 'payload must be a string');
  return new TextEncoder().encode(payload as string);
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
}

const propertyNames = [
  'payloadFormatIndicator',
  'messageExpirySeconds',
  'contentType',
  'responseTopic',
  'userProperties',
] as const satisfies readonly (keyof MessageProperties)[];

/** The values themselves the client checks. A Subscription Identifier is the receiver's own: it is passed over. */
function messageProperties(value: unknown): MessageProperties {
  if (value === undefined) return {};
  check(typeof value === 'object' && value !== null, 'properties must be an object');
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find(
    (name) =>
      name !== 'subscriptionIdentifiers' &&
      name !== 'correlationData' &&
      !(propertyNames as readonly string[]).includes(name),
  );
  check(unknown === undefined, `properties has the unknown name "${unknown}"`);
  const correlation = given['correlationData'];
  check(
    correlation === undefined || (typeof correlation === 'string' && isBase64(correlation)),
    'properties.correlationData must be base64',
  );
  return {
    ...Object.fromEntries(
      propertyNames.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])),
    ),
    ...(correlation === undefined
      ? {}
      : { correlationData: Uint8Array.from(Buffer.from(String(correlation), 'base64')) }),
  };
}

function check(condition: boolean, problem: string): void {
  if (!condition) throw new Error(problem);
}
