import { type ConnackPacket, ReasonCode } from '@mqtt-kit/packet';
import { ProtocolBreach } from './breach.ts';
import type { ConnectRequest } from './request.ts';

/**
 * What holds for the connection, from CONNECT and CONNACK together. Under 3.1.1 that version's constants.
 * All engine code asks this object, never the version.
 */
export interface Negotiated {
  readonly clientId: string;
  readonly keepAliveSeconds: number;
  /** Seconds; 0: ends with the connection; 4,294,967,295: never. */
  readonly sessionExpirySeconds: number;
  /** Most QoS 1 and 2 messages that we may have unacknowledged. */
  readonly receiveMaximum: number;
  readonly maximumQos: 0 | 1 | 2;
  readonly retainAvailable: boolean;
  /** Largest packet the server takes, in bytes; 268,435,460 when it sets no limit. */
  readonly maximumPacketSize: number;
  /** Highest Topic Alias we may send; 0: none. */
  readonly topicAliasMaximum: number;
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifiersAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
  readonly responseInformation: string | undefined;
  readonly serverReference: string | undefined;
  /** Whether a DISCONNECT may carry a reason, and AUTH, reason codes and properties exist: 5.0. */
  readonly reasons: boolean;
}

/** What we allow the server. */
export interface OwnLimits {
  /** Most QoS 1 and 2 messages that the server may have unacknowledged; `Infinity` where it was told nothing. */
  readonly receiveMaximum: number;
  /** Received messages that our own side wants to hold at most, whether the server was told or not. */
  readonly heldMaximum: number;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
}

/** The largest packet there can be: its Remaining Length has four bytes. */
export const largestPacketSize = 268_435_460;
const neverExpires = 4_294_967_295;
const highestReceiveMaximum = 65_535;

/** What is known before CONNACK: nothing that the server might forbid is taken for granted. */
export function beforeConnack(request: ConnectRequest): Negotiated {
  return request.version === '3.1.1' ? constants(request) : { ...constants(request), ...cautious };
}

/** Checks what a successful CONNACK says against what CONNECT asked. */
export function checkConnack(connack: ConnackPacket, request: ConnectRequest): void {
  const { clientId, cleanStart } = request;
  const assigned = connack.properties.assignedClientIdentifier;
  // [MQTT-3.2.2-2] [MQTT3-3.2.2-1]
  if (cleanStart && connack.sessionPresent) {
    throw inconsistent('presents a session although CONNECT asked for a new one');
  }
  // [MQTT-3.2.2-16]
  if (request.version === '5.0' && clientId === '' && !assigned) {
    throw inconsistent('has no Assigned Client Identifier although CONNECT left it to the server');
  }
  if (clientId !== '' && assigned !== undefined && assigned !== clientId) {
    throw inconsistent(`assigns Client Identifier "${assigned}", CONNECT had "${clientId}"`);
  }
}

/** [MQTT-3.1.2-21] [MQTT-3.2.2-21] Server Keep Alive takes the place of ours, 0 included. */
export function negotiate(request: ConnectRequest, connack: ConnackPacket): Negotiated {
  if (request.version === '3.1.1') return constants(request);
  const asked = request.properties;
  const told = connack.properties;
  return {
    clientId: told.assignedClientIdentifier ?? request.clientId,
    keepAliveSeconds: told.serverKeepAlive ?? request.keepAliveSeconds,
    sessionExpirySeconds: told.sessionExpiryInterval ?? asked.sessionExpiryInterval ?? 0,
    receiveMaximum: told.receiveMaximum ?? highestReceiveMaximum,
    maximumQos: told.maximumQos === undefined ? 2 : (told.maximumQos as 0 | 1),
    retainAvailable: told.retainAvailable !== 0,
    maximumPacketSize: told.maximumPacketSize ?? largestPacketSize,
    topicAliasMaximum: told.topicAliasMaximum ?? 0,
    wildcardSubscriptionAvailable: told.wildcardSubscriptionAvailable !== 0,
    subscriptionIdentifiersAvailable: told.subscriptionIdentifiersAvailable !== 0,
    sharedSubscriptionAvailable: told.sharedSubscriptionAvailable !== 0,
    responseInformation: told.responseInformation,
    serverReference: told.serverReference,
    reasons: true,
  };
}

/** What binds our side. Under 3.1.1 the server cannot be told a Receive Maximum, so it cannot break it either. */
export function ownLimits(request: ConnectRequest): OwnLimits {
  const { receiveMaximum, maximumPacketSize, topicAliasMaximum } = request.properties;
  const told = request.version === '5.0';
  return {
    receiveMaximum: told ? (receiveMaximum ?? highestReceiveMaximum) : Number.POSITIVE_INFINITY,
    heldMaximum: told ? Number.POSITIVE_INFINITY : (receiveMaximum ?? Number.POSITIVE_INFINITY),
    maximumPacketSize: maximumPacketSize ?? largestPacketSize,
    topicAliasMaximum: told ? (topicAliasMaximum ?? 0) : 0,
  };
}

/** 3.1.1, which has no words for any of it. Many of its servers know shared subscriptions all the same. */
function constants(request: ConnectRequest): Negotiated {
  return {
    clientId: request.clientId,
    keepAliveSeconds: request.keepAliveSeconds,
    sessionExpirySeconds: request.cleanStart ? 0 : neverExpires,
    receiveMaximum: highestReceiveMaximum,
    maximumQos: 2,
    retainAvailable: true,
    maximumPacketSize: largestPacketSize,
    topicAliasMaximum: 0,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: true,
    responseInformation: undefined,
    serverReference: undefined,
    reasons: false,
  };
}

const cautious = { retainAvailable: false, sharedSubscriptionAvailable: false, reasons: true };

/** A packet with an identifier and a reason code. */
const reasonPacketSize = 5;

/** The reason code as it may be sent: not under 3.1.1, nor where not even that fits into a packet. [MQTT-3.2.2-15] */
export function fittingReasonCode(reasonCode: number, negotiated: Negotiated): number {
  const fits = negotiated.reasons && negotiated.maximumPacketSize >= reasonPacketSize;
  return fits ? reasonCode : ReasonCode.success;
}

function inconsistent(what: string): ProtocolBreach {
  return new ProtocolBreach(ReasonCode.protocolError, `CONNACK ${what}`);
}
