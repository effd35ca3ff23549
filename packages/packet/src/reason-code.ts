import type { PacketSender, PacketTypeName } from './packet-type.ts';

/** The reason codes of 5.0 (2.4). Below 0x80 success, 0x80 and above failure. 0x00 has three names in the specification. */
export const ReasonCode = {
  success: 0x00,
  grantedQos1: 0x01,
  grantedQos2: 0x02,
  disconnectWithWillMessage: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

/** The specification's name of a reason code, for messages to people: `0x87` is "Not authorized". */
export function reasonCodeName(reasonCode: number): string {
  return names.get(reasonCode) ?? `Unknown reason code ${hexadecimal(reasonCode)}`;
}

/** The codes that a packet from this end may carry, or `undefined` for a packet without reason code. */
export function allowedReasonCodes(
  packet: PacketTypeName,
  sender: PacketSender,
): readonly number[] | undefined {
  return allowed[packet]?.[sender];
}

/** A code in the way the specification writes them: `0x8C`. */
export function hexadecimal(code: number): string {
  return `0x${code.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** In the order of `ReasonCode`. */
const specificationNames = [
  'Success',
  'Granted QoS 1',
  'Granted QoS 2',
  'Disconnect with Will Message',
  'No matching subscribers',
  'No subscription existed',
  'Continue authentication',
  'Re-authenticate',
  'Unspecified error',
  'Malformed Packet',
  'Protocol Error',
  'Implementation specific error',
  'Unsupported Protocol Version',
  'Client Identifier not valid',
  'Bad User Name or Password',
  'Not authorized',
  'Server unavailable',
  'Server busy',
  'Banned',
  'Server shutting down',
  'Bad authentication method',
  'Keep Alive timeout',
  'Session taken over',
  'Topic Filter invalid',
  'Topic Name invalid',
  'Packet Identifier in use',
  'Packet Identifier not found',
  'Receive Maximum exceeded',
  'Topic Alias invalid',
  'Packet too large',
  'Message rate too high',
  'Quota exceeded',
  'Administrative action',
  'Payload format invalid',
  'Retain not supported',
  'QoS not supported',
  'Use another server',
  'Server moved',
  'Shared Subscriptions not supported',
  'Connection rate exceeded',
  'Maximum connect time',
  'Subscription Identifiers not supported',
  'Wildcard Subscriptions not supported',
];

const names: ReadonlyMap<number, string> = new Map(
  Object.values(ReasonCode).map((code, index) => [code, specificationNames[index]!]),
);

function fromBothEnds(codes: readonly number[]): Record<PacketSender, readonly number[]> {
  return { client: codes, server: codes };
}

// [MQTT-3.4.2-1] [MQTT-3.5.2-1]: 0x10 (no matching subscribers) is the server's alone.
const publishAnswer: Record<PacketSender, readonly number[]> = {
  client: [0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  server: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
};

/** The tables of 3.x.2.1 and 3.9.3, 3.11.3, by packet and by who sends it. */
const allowed: Partial<Record<PacketTypeName, Record<PacketSender, readonly number[]>>> = {
  // [MQTT-3.2.2-8]
  connack: fromBothEnds([
    0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97,
    0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
  ]),
  puback: publishAnswer,
  pubrec: publishAnswer,
  // [MQTT-3.6.2-1]
  pubrel: fromBothEnds([0x00, 0x92]),
  // [MQTT-3.7.2-1]
  pubcomp: fromBothEnds([0x00, 0x92]),
  // [MQTT-3.9.3-2]
  suback: fromBothEnds([0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]),
  // [MQTT-3.11.3-2]
  unsuback: fromBothEnds([0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91]),
  // [MQTT-3.14.2-1]. 0x8C stands in the general table (2.4) with DISCONNECT, and in 4.12, but not in
  // the table of DISCONNECT itself: it is taken from both ends.
  disconnect: {
    client: [
      0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x8c, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    ],
    server: [
      0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94,
      0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ],
  },
  // [MQTT-3.15.2-1]
  auth: { client: [0x18, 0x19], server: [0x00, 0x18] },
};
