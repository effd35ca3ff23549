/** A message as the JSON of mosquitto_sub's `%j` and `%J`. */
import type { Message } from 'mqtt-kit';
import type { Sink } from './message-format.ts';
import { type ReceivedAt, strftime } from './strftime.ts';

export type { ReceivedAt } from './strftime.ts';

/**
 * Prints it. `json` takes the payload as JSON; returns whether it was, and prints nothing otherwise. Bytes that are no
 * UTF-8 go through as they are, as they do there.
 */
export function messageJson(
  message: Message,
  at: ReceivedAt,
  payloadAs: 'text' | 'json',
  pretty: boolean,
  sink: Sink,
): boolean {
  const head: Record<string, unknown> = {
    tst: `${strftime('FT%T', at)}.${`${Math.floor(at.nanoseconds / 1000)}`.padStart(6, '0')}${strftime('z', at)}`,
    topic: message.topic,
    qos: message.qos,
    retain: message.retain,
    payloadlen: message.payload.length,
    ...(message.qos > 0 ? { mid: message.packetIdentifier } : {}),
    ...propertiesOf(message),
  };
  const payload = payloadAs === 'json' ? jsonPayload(message.payload) : text(message.payload);
  if (payload === notJson) return false;
  const whole = JSON.stringify({ ...head, payload }, undefined, pretty ? '\t' : undefined);
  sink.text(pretty ? whole.replaceAll('": ', '":\t') : whole);
  return true;
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

function propertiesOf(message: Message): Readonly<Record<string, unknown>> {
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
  add('subscription-identifier', message.subscriptionIdentifiers[0]);
  return Object.keys(properties).length > 0 ? { properties } : {};
}
