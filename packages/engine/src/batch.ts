/**
 * What comes out of the engine, and what is asked of it: plain data, in the order of duty.
 */
import type {
  ConnackPacket,
  DisconnectPacket,
  Packet,
  Properties,
  ProtocolVersion,
  PublishPacket,
  QoS,
  SubscriptionRequest,
} from '@mqtt-kit/packet';
import type { Negotiated } from './negotiated.ts';

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
  | 'outcomeUnknown';

/** A request that failed on our side: `message` says what was given and what the limit is. */
export interface LocalFailure {
  readonly kind: 'failed';
  readonly code: EngineErrorCode;
  readonly message: string;
}

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

/**
 * Whose doing it was that a transport ended: the server closed it in order, it broke (a reset, say, by whomever), or this
 * side ended it.
 */
export type TransportEnd = 'server' | 'network' | 'ourselves';

/** Why a connection is over. There is exactly one `disconnected` event for each `connect`. */
export type DisconnectReason =
  /** `disconnect` was called. */
  | { readonly kind: 'requested' }
  /** The transport was closed from outside: by the server without a word, or by the network. */
  | {
      readonly kind: 'transportClosed';
      readonly bytesReceived: number;
      readonly connackReceived: boolean;
    }
  /** CONNACK with a reason code of 0x80 and above. */
  | { readonly kind: 'refused'; readonly connack: ConnackPacket }
  /** The server sent DISCONNECT (5.0). */
  | { readonly kind: 'serverDisconnected'; readonly packet: DisconnectPacket }
  /** The server broke the protocol. DISCONNECT with `reasonCode` was sent if CONNACK had come (5.0). */
  | {
      readonly kind: 'breach';
      readonly reasonCode: number;
      readonly message: string;
      readonly connackReceived: boolean;
      /** At most the first 16 bytes of the connection, for a hint what answered instead of an MQTT server. */
      readonly firstBytes: Uint8Array;
    }
  /** Nothing was received for too long, or a PINGREQ was not answered. */
  | { readonly kind: 'keepAliveTimeout'; readonly silentMs: number }
  /** Session Present 1 where we have no state of it, and `foreignSession` is not 'adopt'. [MQTT-3.2.2-4] */
  | { readonly kind: 'foreignSession' };

/** What happened, to be delivered in order. */
export type EngineEvent =
  | {
      readonly type: 'connected';
      readonly connection: number;
      readonly sessionPresent: boolean;
      /** Whether the session is one of an unknown past that was taken over just now (`foreignSession: 'adopt'`). */
      readonly adopted: boolean;
      readonly negotiated: Negotiated;
      readonly connack: ConnackPacket;
    }
  | {
      readonly type: 'disconnected';
      readonly connection: number;
      readonly reason: DisconnectReason;
    }
  /**
   * The server's DISCONNECT of 0x80 and above (5.0) that crossed ours, after the `disconnected` event with `requested`:
   * at QoS 0 nothing else tells that the messages sent last came to nothing.
   */
  | {
      readonly type: 'crossedDisconnect';
      readonly connection: number;
      readonly packet: DisconnectPacket;
    }
  /** Once a connection: the first acknowledgement of ours, or message neither retained nor part of a SUBACK exchange. */
  | { readonly type: 'progress'; readonly connection: number }
  | {
      readonly type: 'message';
      readonly connection: number;
      readonly delivery: Delivery;
      /** Its topic is absolute: an alias is resolved. */
      readonly packet: PublishPacket;
      /** It was handed out before, in an earlier life of the process. */
      readonly redelivered: boolean;
    }
  /**
   * What `acknowledge` was asked to tell: the message is settled, so that no crash brings it again. Its `inDone` is
   * committed, and where answers follow the handler, its PUBACK or PUBREC was handed to the transport. `again`: nothing
   * of that has happened, since there is no connection, or it ended first. At QoS 1 the server sends the message again
   * if it keeps the session; at QoS 2 its repetition by the server is a `message` event with the same delivery.
   */
  | { readonly type: 'settled'; readonly delivery: Delivery; readonly again: boolean }
  | { readonly type: 'published'; readonly ticket: Ticket; readonly outcome: PublishOutcome }
  | { readonly type: 'subscribed'; readonly ticket: Ticket; readonly outcome: RequestOutcome }
  | { readonly type: 'unsubscribed'; readonly ticket: Ticket; readonly outcome: RequestOutcome }
  /** The server had forgotten a session that we had state of. What became of it is in the counts. */
  | {
      readonly type: 'sessionLost';
      /** QoS 1 and 2 messages that go out again as new ones. */
      readonly resent: number;
      /** QoS 2 messages whose PUBREL was under way: taken as delivered. */
      readonly assumedDelivered: number;
      /** QoS 2 messages rejected by policy. */
      readonly rejected: number;
    }
  /** The queue had been full and has room again. */
  | { readonly type: 'queueRoom' }
  /** AUTH from the server: 0x18 wants `authenticate`, 0x00 ends a re-authentication. */
  | {
      readonly type: 'authentication';
      readonly reasonCode: number;
      readonly method: string;
      readonly data: Uint8Array | undefined;
      readonly properties: Properties;
    }
  /** An acknowledgement for a packet identifier that awaits none: reported, otherwise ignored or answered by the rules. */
  | {
      readonly type: 'unexpectedAcknowledgement';
      readonly packetType: number;
      readonly packetIdentifier: number;
    }
  /** With the option `trace` alone. A CONNECT's password and AUTH data are left out. */
  | { readonly type: 'packet'; readonly direction: 'sent' | 'received'; readonly packet: Packet };

/**
 * One step of the session's life, in the order in which it must become durable
 * (a journal appends them as they are). `restore` takes them back in the same order.
 */
export type SessionOperation =
  | {
      readonly type: 'session';
      readonly clientId: string;
      readonly serverKey: string;
      readonly storeEpoch: number;
      readonly version: ProtocolVersion;
      /**
       * `requested`: CONNECT was made, the server's word is open, so a session that the server presents is foreign.
       * `established`: its CONNACK came. `adopted`: a foreign session was taken over.
       */
      readonly standing: 'requested' | 'established' | 'adopted';
    }
  | {
      readonly type: 'subscription';
      readonly topicFilter: string;
      readonly options: SubscriptionRequest;
    }
  | { readonly type: 'unsubscription'; readonly topicFilter: string }
  /** Accepted: must be durable before `stored` is said. */
  | {
      readonly type: 'out';
      readonly sequence: number;
      readonly message: OutgoingMessage;
      readonly expiresAtEpochMs: number | undefined;
    }
  /** Before the first byte of that PUBLISH. */
  | {
      readonly type: 'outIdentifier';
      readonly sequence: number;
      readonly packetIdentifier: number;
    }
  /** Before PUBREL. The payload may go. */
  | { readonly type: 'outReceived'; readonly packetIdentifier: number }
  /**
   * Before the identifier is used again and the promise settles. No identifier: it never had one.
   * With an identifier, no reason code and the cause `serverLimit` or `invalidArgument` the server may still know the
   * identifier: it stays retired until `reset`, so a store that compacts keeps this operation until then.
   */
  | {
      readonly type: 'outDone';
      readonly sequence: number;
      readonly packetIdentifier: number | undefined;
      /** The server's, or `undefined` where it ended on our side (`cause` tells). */
      readonly reasonCode: number | undefined;
      readonly cause: EngineErrorCode | 'withdrawn' | 'assumedDelivered' | undefined;
    }
  /** Before PUBREC, and in durable delivery before PUBACK. */
  | {
      readonly type: 'in';
      readonly packetIdentifier: number;
      readonly delivery: Delivery;
      readonly message: OutgoingMessage;
    }
  /** The handler has done with it. */
  | { readonly type: 'inDone'; readonly delivery: Delivery }
  /** Before PUBCOMP. */
  | { readonly type: 'inReleased'; readonly packetIdentifier: number }
  /**
   * The server's session is a new one: messages not done lose their identifiers and wait to go out as new ones, the
   * identifiers of received QoS 2 messages are forgotten, received messages without `inDone` stay.
   */
  | { readonly type: 'reset'; readonly storeEpoch: number; readonly cause: string };

/** What a store gives back on start: operations that rebuild the state, in order. Empty for a new session. */
export type SessionSnapshot = readonly SessionOperation[];

/** Duty of the driver: commit, then write, then deliver the events, then close. */
export interface Batch {
  /**
   * The connection the bytes and the close belong to; 0 for none. Also 0 when the engine dropped the bytes of this
   * batch with their connection: a QoS 0 message published `withNextBatch` was then not sent.
   */
  readonly connection: number;
  /** 1. To be committed before anything below; one commit a batch, batches one after the other. */
  readonly operations: readonly SessionOperation[];
  /** 2. To be written if that connection is still the current one, else dropped. Their memory is the driver's. */
  readonly bytes: readonly Uint8Array[];
  /** 3. To be delivered, whatever became of the connection. */
  readonly events: readonly EngineEvent[];
  /** 4. Whether to close the connection then. Nothing is written to it afterwards. */
  readonly close: boolean;
}

/** Output that waits for no commit: PINGREQ, or the DISCONNECT and close of a breach or a dead link. */
export interface Urgent {
  readonly connection: number;
  readonly bytes: readonly Uint8Array[];
  readonly close: boolean;
}

/** `withdrawn`: it never reached a wire and nothing more is said of it. `inFlight`: its outcome is open. `unknown`: no such request. */
export type CancelResult = 'withdrawn' | 'inFlight' | 'unknown';
