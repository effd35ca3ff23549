/** A message as the JSON of mosquitto_sub's `%j` and `%J`. */
import type { Message } from 'mqtt-kit';
import type { Sink } from './message-format.ts';
import { type ReceivedAt, strftime } from './strftime.ts';

export type { ReceivedAt } from './strftime.ts';

export interface JsonSettings {
  readonly pretty: boolean;
  /** The one that was asked for: the client chooses its own, which mean nothing to anybody else. */
  readonly subscriptionIdentifier: number | undefined;
}

/** What is shown of the Subscription Identifiers of a message. */
export function subscriptionIdentifier(
  { subscriptionIdentifiers }: Message,
  asked: number | undefined,
): number | undefined {
  return subscriptionIdentifiers.length === 0 ? undefined : asked;
}

/**
 * Prints it. `json` takes the payload as JSON; returns whether it was, and prints nothing otherwise. Bytes that are no
 * UTF-8 go through as they are, as they do there.
 */
export function messageJson(
  message: Message,
  at: ReceivedAt,
  payloadAs: 'text' | 'json',
  { pretty, subscriptionIdentifier: asked }: JsonSettings,
  sink: Sink,
): boolean {
  const head: Record<string, unknown> = {
    tst: `${strftime('FT%T', at)}.${`${Math.floor(at.nanoseconds / 1000)}`.padStart(6, '0')}${strftime('z', at)}`,
    topic: message.topic,
    qos: message.qos,
    retain: message.retain,
    payloadlen: message.payload.length,
    ...(message.qos > 0 ? { mid: message.packetIdentifier } : {}),
    ...propertiesOf(message, asked),
  };
  const payload = payloadAs === 'json' ? jsonPayload(message.payload) : text(message.payload);
  if (payload === notJson) return false;
  const whole = { ...head, payload };
  sink.text(pretty ? indented(whole, 0) : JSON.stringify(whole));
  return true;
}

/** A member of an object on each line, arrays on one. */
function indented(value: unknown, depth: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    return `[${value.map((one) => indented(one, depth + 1)).join(', ')}]`;
  }
  const tabs = '\t'.repeat(depth);
  const members = Object.entries(value).map(
    ([name, one]) => `${tabs}\t${JSON.stringify(name)}:\t${indented(one, depth + 1)}`,
  );
  return members.length === 0 ? `{\n${tabs}}` : `{\n${members.join(',\n')}\n${tabs}}`;
}

const notJson = Symbol('not JSON');

function text(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return null;
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function jsonPayload(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return null;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return notJson;
  }
}

function propertiesOf(
  message: Message,
  asked: number | undefined,
): Readonly<Record<string, unknown>> {
  const properties: Record<string, unknown> = {};
  const add = (name: string, value: unknown): void => {
    if (value !== undefined) properties[name] = value;
  };
  add('payload-format-indicator', message.payloadFormatIndicator);
  add('message-expiry-interval', message.messageExpirySeconds);
  add('content-type', message.contentType);
  add('response-topic', message.responseTopic);
  add('correlation-data', message.correlationData && text(message.correlationData));
  if (message.userProperties.length > 0) {
    add(
      'user-properties',
      message.userProperties.map(([name, value]) => ({ [name]: value })),
    );
  }
  add('subscription-identifier', subscriptionIdentifier(message, asked));
  return Object.keys(properties).length > 0 ? { properties } : {};
}
