import type { ProtocolVersion, SubscriptionRequest } from '@mqtt-kit/packet';
import type { Delivery, EngineErrorCode, OutgoingMessage } from './request.ts';

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
