/**
 * What comes out of the engine: plain data, in the order of duty.
 */
import type { ConnackPacket, DisconnectPacket, Packet, Properties } from '@mqtt-kit/packet';
import type { MessageEvent } from './message-event.ts';
import type { Negotiated } from './negotiated.ts';
import type { Delivery, PublishOutcome, RequestOutcome, Ticket } from './request.ts';
import type { SessionOperation } from './session-operation.ts';

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
  | MessageEvent
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
      /** Before CONNACK at most the first 16 bytes, for a hint what answered instead of an MQTT server. */
      readonly firstBytes: Uint8Array;
    }
  /** Nothing was received for too long, or a PINGREQ was not answered. */
  | { readonly kind: 'keepAliveTimeout'; readonly silentMs: number }
  /** Session Present 1 where we have no state of it, and `foreignSession` is not 'adopt'. [MQTT-3.2.2-4] */
  | { readonly kind: 'foreignSession' };
