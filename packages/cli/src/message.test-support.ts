import type { Message } from 'mqtt-kit';

/** A message as it might come. */
export function testMessage({
  payload = '',
  ...rest
}: Partial<Omit<Message, 'payload'>> & { readonly payload?: string | Uint8Array }): Message {
  const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  const text = (): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return {
    topic: 'a/b',
    payload: bytes,
    qos: 0,
    retain: false,
    dup: false,
    redelivered: false,
    params: {},
    packetIdentifier: undefined,
    payloadFormatIndicator: undefined,
    messageExpirySeconds: undefined,
    contentType: undefined,
    responseTopic: undefined,
    correlationData: undefined,
    userProperties: [],
    subscriptionIdentifiers: [],
    text,
    json: <T>() => JSON.parse(text()) as T,
    ...rest,
  } as Message;
}
