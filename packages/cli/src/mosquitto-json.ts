/** A message as the JSON of mosquitto_sub's `%j` and `%J`. */
import type { Message } from 'mqtt-kit';
import { type JsonValue, parseJson, printJson } from './json-text.ts';
import type { Sink } from './message-format.ts';
import { type ReceivedAt, strftime } from './strftime.ts';

export type { ReceivedAt } from './strftime.ts';

export interface JsonSettings {
  readonly pretty: boolean;
  /** Whether the client's Subscription Identifiers are those that were asked for: its own mean nothing to anybody else. */
  readonly identifiersShown: boolean;
  /** Whether what mosquitto's programs lose is lost: a text ends at U+0000, and a large number becomes negative. */
  readonly likeTheirs?: boolean;
  /** The properties of a message as they came, in their order. */
  readonly received?: ((message: Message) => object | undefined) | undefined;
}

/** What is shown of the Subscription Identifiers of a message. */
export function subscriptionIdentifier(
  { subscriptionIdentifiers }: Message,
  { identifiersShown }: JsonSettings,
): number | undefined {
  return identifiersShown ? subscriptionIdentifiers[0] : undefined;
}

/** The topic alias that a message came with. */
export function topicAlias(message: Message, { received }: JsonSettings): number | undefined {
  const properties = received?.(message) as { readonly topicAlias?: number } | undefined;
  return properties?.topicAlias;
}

/**
 * Prints it. `json` takes the payload as JSON; returns whether it was, and prints nothing otherwise. Bytes that are no
 * UTF-8 go through as they are, as they do there.
 */
export function messageJson(
  message: Message,
  at: ReceivedAt,
  payloadAs: 'text' | 'json',
  settings: JsonSettings,
  sink: Sink,
): boolean {
  const payload =
    payloadAs === 'json' ? jsonPayload(message.payload) : bytesText(message.payload, settings);
  if (payload === undefined) return false;
  const members: (readonly [string, JsonValue])[] = [
    ['tst', timeStamp(at)],
    ['topic', text(message.topic)],
    ['qos', message.qos],
    ['retain', message.retain],
    ['payloadlen', message.payload.length],
  ];
  if (message.qos > 0) members.push(['mid', message.packetIdentifier ?? 0]);
  const properties = propertiesOf(message, settings);
  if (properties.length > 0) members.push(['properties', { members: properties }]);
  members.push(['payload', payload]);
  sink.bytes(Buffer.from(printJson({ members }, settings.pretty), 'latin1'));
  return true;
}

function timeStamp(at: ReceivedAt): string {
  const microseconds = `${Math.floor(at.nanoseconds / 1000)}`.padStart(6, '0');
  return `${strftime('FT%T', at)}.${microseconds}${strftime('z', at)}`;
}

/** A character stands for each byte, so that bytes that are no UTF-8 get through. */
function bytesText(bytes: Uint8Array, { likeTheirs = false }: JsonSettings): string | null {
  if (bytes.length === 0) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const nul = likeTheirs ? text.indexOf('\0') : -1;
  return nul < 0 ? text : text.slice(0, nul);
}

function text(value: string): string {
  return Buffer.from(value).toString('latin1');
}

function jsonPayload(bytes: Uint8Array): JsonValue | undefined {
  if (bytes.length === 0) return null;
  const payload = Buffer.from(bytes).toString('latin1');
  return parseJson(payload, new TextDecoder().decode(bytes));
}

type Members = readonly (readonly [string, JsonValue])[];

/** By the client's names, in the order in which they are shown when nobody knows how they came. */
const shownProperties: Readonly<
  Record<string, (message: Message, settings: JsonSettings) => Members>
> = {
  payloadFormatIndicator: ({ payloadFormatIndicator }) =>
    member('payload-format-indicator', payloadFormatIndicator),
  messageExpiryInterval: ({ messageExpirySeconds }) =>
    member('message-expiry-interval', messageExpirySeconds),
  contentType: ({ contentType }) => member('content-type', contentType && text(contentType)),
  responseTopic: ({ responseTopic }) =>
    member('response-topic', responseTopic && text(responseTopic)),
  correlationData: ({ correlationData }, settings) =>
    member('correlation-data', correlationData && (bytesText(correlationData, settings) ?? '')),
  userProperties: ({ userProperties }) =>
    userProperties.length === 0
      ? []
      : [
          [
            'user-properties',
            userProperties.map(([name, value]) => ({ members: [[text(name), text(value)]] })),
          ],
        ],
  topicAlias: (message, settings) => member('topic-alias', topicAlias(message, settings)),
  subscriptionIdentifiers: (message, settings) =>
    member('subscription-identifier', subscriptionIdentifier(message, settings)),
};

function member(name: string, value: JsonValue | undefined): Members {
  return value === undefined ? [] : [[name, value]];
}

function propertiesOf(message: Message, settings: JsonSettings): Members {
  const came = Object.keys(settings.received?.(message) ?? {});
  const names = new Set([...came, ...Object.keys(shownProperties)]);
  return [...names].flatMap((name) => shownProperties[name]?.(message, settings) ?? []);
}
