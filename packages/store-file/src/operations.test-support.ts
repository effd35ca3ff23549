import type { OutgoingMessage, SessionOperation } from '@mqtt-kit/engine';

/** A message with every kind of property value. */
export const fullMessage: OutgoingMessage = {
  topic: 'house/küche/temperature',
  payload: Uint8Array.of(0, 1, 2, 255),
  qos: 2,
  retain: true,
  properties: {
    payloadFormatIndicator: 0,
    messageExpiryInterval: 4_000_000_000,
    contentType: 'text/plain',
    correlationData: Uint8Array.of(9, 8),
    userProperties: [
      ['a', '1'],
      ['a', '2'],
    ],
  },
};

/** One operation of each type, and of each form that a type has. */
export const everyOperation: readonly SessionOperation[] = [
  {
    type: 'session',
    clientId: '../gateway/☂',
    serverKey: 'mqtt://localhost:1883',
    storeEpoch: 3,
    version: '5.0',
    standing: 'established',
  },
  {
    type: 'subscription',
    topicFilter: '$share/g/house/+/#',
    options: {
      topicFilter: '$share/g/house/+/#',
      qos: 2,
      noLocal: false,
      retainAsPublished: true,
      retainHandling: 2,
    },
  },
  { type: 'unsubscription', topicFilter: 'house/#' },
  { type: 'out', sequence: 2 ** 40, message: fullMessage, expiresAtEpochMs: 1_800_000_000_123 },
  { type: 'out', sequence: 8, message: { ...fullMessage, qos: 1 }, expiresAtEpochMs: undefined },
  { type: 'outIdentifier', sequence: 2 ** 40, packetIdentifier: 65_535 },
  { type: 'outReceived', packetIdentifier: 65_535 },
  { type: 'outDone', sequence: 8, packetIdentifier: 1, reasonCode: 0x97, cause: undefined },
  {
    type: 'outDone',
    sequence: 9,
    packetIdentifier: undefined,
    reasonCode: undefined,
    cause: 'expired',
  },
  { type: 'in', packetIdentifier: 12, delivery: 77, message: fullMessage },
  { type: 'inDone', delivery: 77 },
  { type: 'inReleased', packetIdentifier: 12 },
  { type: 'reset', storeEpoch: 4, cause: 'sessionLost' },
];

/** An accepted message, small and told apart by its number. */
export function outOperation(sequence: number, payloadBytes = 3): SessionOperation {
  const payload = new Uint8Array(payloadBytes).fill(sequence);
  const message = {
    topic: `t/${sequence}`,
    payload,
    qos: 1,
    retain: false,
    properties: {},
  } as const;
  return { type: 'out', sequence, message, expiresAtEpochMs: undefined };
}

export function doneOperation(sequence: number): SessionOperation {
  return {
    type: 'outDone',
    sequence,
    packetIdentifier: undefined,
    reasonCode: 0,
    cause: undefined,
  };
}
