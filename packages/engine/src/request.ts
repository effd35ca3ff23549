/**
 * What is asked of the engine, and what becomes of it: plain data.
 */
import type { Properties, ProtocolVersion, QoS, SubscriptionRequest } from '@mqtt-kit/packet';

/** The current time, given with every input: the engine never reads a clock. */
export interface Now {
  /** Never goes back. All deadlines use it. */
  readonly monotonicMs: number;
  /** Wall time since 1970. Message expiry uses it, since it outlives the process. */
  readonly epochMs: number;
}

/** Names one publish, subscribe or unsubscribe request. For a message it is its sequence in the session. */
export type Ticket = number & { readonly brand?: 'Ticket' };

/**
 * What `publish` returns for a QoS 0 message that is in the next batch's bytes: nothing more will be said of it.
 * It was sent when that batch's bytes were written, and lost when that batch's connection is no longer the current one.
 */
export const withNextBatch: Ticket = 0;

/** Names one received QoS 1 or 2 message until it is acknowledged; 0 at QoS 0. */
export type Delivery = number & { readonly brand?: 'Delivery' };

/**
 * A message to publish: valid, its topic absolute. The engine copies payloads up to 16 KiB where it has to keep them
 * (QoS 1 and 2, or queued), so nobody above need; larger ones are held by reference until settled.
 */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  /** PUBLISH properties; no Topic Alias, no Subscription Identifier. */
  readonly properties: Properties;
}

/** The will as CONNECT carries it. */
export interface Will extends OutgoingMessage {}

/** The contents of one CONNECT: what may change from attempt to attempt. */
export interface ConnectRequest {
  readonly version: ProtocolVersion;
  /** `''` asks the server for one; it is taken over from Assigned Client Identifier for later attempts by the caller. */
  readonly clientId: string;
  readonly cleanStart: boolean;
  readonly keepAliveSeconds: number;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly will: Will | undefined;
  /**
   * CONNECT properties under 5.0. Under 3.1.1 none is sent, but `maximumPacketSize` (largest packet taken)
   * and `receiveMaximum` (most unacknowledged received messages, see inbox) still bind our own side.
   */
  readonly properties: Properties;
  /** Names the server for the session record, so that a store is never played back to another server. */
  readonly serverKey: string;
  /** SUBSCRIBE without 5.0 options and QoS 0 PUBLISH may leave together with CONNECT. Needs cleanStart and no authenticationMethod. */
  readonly pipeline: boolean;
  /** The server turned out not to know the version of the last attempt: what left behind its CONNECT goes out again. */
  readonly fellBack?: boolean;
}

/** The contents of one SUBSCRIBE. */
export interface SubscribeRequest {
  readonly subscriptions: readonly SubscriptionRequest[];
  /** Subscription Identifier and User Properties under 5.0. Left out where the server does not allow the identifier. */
  readonly properties: Properties;
}

/** The contents of one UNSUBSCRIBE. */
export interface UnsubscribeRequest {
  readonly topicFilters: readonly string[];
  readonly properties: Properties;
}

/** The contents of DISCONNECT. Under 3.1.1, which has none, a reason other than 0x00 means to close without it. */
export interface DisconnectRequest {
  /** 0x00 normal; 0x04 lets the will be published. */
  readonly reasonCode: number;
  readonly properties: Properties;
}

/**
 * Whose doing it was that a transport ended: the server closed it in order, it broke (a reset, say, by whomever), or this
 * side ended it.
 */
export type TransportEnd = 'server' | 'network' | 'ourselves';

/** `withdrawn`: it never reached a wire and nothing more is said of it. `inFlight`: its outcome is open. `unknown`: no such request. */
export type CancelResult = 'withdrawn' | 'inFlight' | 'unknown';

/** What became of a message: told once. */
export type PublishOutcome =
  /**
   * PUBACK, PUBCOMP, or a PUBREC of 0x80 and above. A reason code of 0x80 and above is a refusal. At QoS 2 the code is
   * that of PUBREC, since PUBCOMP 0x92 only says that the exchange was over; also where the session was lost after
   * PUBREC, and PUBCOMP will never come.
   */
  | {
      readonly kind: 'acknowledged';
      readonly reasonCode: number;
      readonly properties: Properties;
      /** How often its PUBLISH was put on a wire. */
      readonly attempts: number;
      /**
       * What it went through when the server forgot a session. `resent`: it had been sent and went out as a new message,
       * so that at QoS 2 it may have come twice. `assumedDelivered`: PUBREC had come, and PUBCOMP never will.
       */
      readonly sessionLost: 'resent' | 'assumedDelivered' | undefined;
    }
  /** A QoS 0 message that had been queued is in this batch's bytes. */
  | { readonly kind: 'sent' }
  | LocalFailure;

/** What became of a SUBSCRIBE or UNSUBSCRIBE: told once. */
export type RequestOutcome =
  /** SUBACK or UNSUBACK: one reason code for each filter, in order. 3.1.1's UNSUBACK counts as 0x00 for each. */
  | {
      readonly kind: 'acknowledged';
      readonly reasonCodes: readonly number[];
      readonly properties: Properties;
    }
  /** `connectionLost`: the connection ended first. It is not repeated by the engine (it is not session state). */
  | LocalFailure;

/** A request that failed on our side: `message` says what was given and what the limit is. */
export interface LocalFailure {
  readonly kind: 'failed';
  readonly code: EngineErrorCode;
  readonly message: string;
}

/** Why a request came to nothing without, or before, the server's word. A subset of the public error codes. */
export type EngineErrorCode =
  /** The codec cannot put it on the wire, or the specification forbids it: `message` names the field. */
  | 'invalidArgument'
  | 'serverLimit'
  /** The server closed the connection at this message each time: it is given up. */
  | 'publishRefused'
  | 'queueFull'
  | 'expired'
  | 'sessionLost'
  | 'connectionLost'
  /** Sent in a session that was lost, and too old by now; or taken by PUBREC, and refused by another one. */
  | 'outcomeUnknown';
