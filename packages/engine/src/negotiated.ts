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
