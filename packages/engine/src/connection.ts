/**
 * The state of one connection, thrown away as a whole when the next begins: nothing can be left over.
 * How it begins and ends is told in `connection-phase.ts`; the flows keep here what must not outlive it.
 */
import {
  ClientPacketDecoder,
  ClientPacketEncoder,
  type ConnectPacket,
  PacketType,
} from '@mqtt-kit/packet';
import type { AcceptedMessage } from './accepted-message.ts';
import { EnhancedAuth } from './enhanced-auth.ts';
import { Fifo } from './fifo.ts';
import type { IncomingExchange, PostponedMessage } from './incoming-exchange.ts';
import type { KeepAlive } from './keep-alive.ts';
import { beforeConnack, type Negotiated, type OwnLimits, ownLimits } from './negotiated.ts';
import { NumberMap } from './number-map.ts';
import { PoisonWatch } from './poison-watch.ts';
import type { ConnectRequest } from './request.ts';
import type { SentRequest } from './sent-request.ts';
import { IncomingTopicAliases, OutgoingTopicAliases } from './topic-alias.ts';

export class Connection {
  readonly number: number;
  readonly request: ConnectRequest;
  readonly encoder: ClientPacketEncoder;
  readonly decoder: ClientPacketDecoder;
  readonly authentication: EnhancedAuth;
  readonly own: OwnLimits;
  phase: 'opening' | 'connecting' | 'connected' | 'over' = 'opening';
  /** Until CONNACK, what may be assumed without it. */
  negotiated: Negotiated;
  connackReceived = false;
  /** Whether a live session was expected when CONNECT was made. */
  sessionExpected = false;

  /** From CONNACK on. */
  keepAlive: KeepAlive | undefined = undefined;
  lastSentMs = 0;
  readingPaused = false;
  bytesReceived = 0;
  firstBytes: Uint8Array = noBytes;
  progressed = false;
  /** Bytes that are still looked at although the connection is over: the server's DISCONNECT may cross ours. */
  farewellBytes = 0;

  /** Whether the transport takes more. */
  writable = true;
  /** Whether PUBLISH packets wait for `publishingMayBegin`. */
  publishingHeld = false;
  /** QoS 1 and 2 messages on this connection that are not acknowledged; PUBREL sent again counts, too. */
  unacknowledged = 0;
  /** The first message of the session that may have to be sent again; `undefined` when that is done. */
  resendFrom: AcceptedMessage | undefined = undefined;
  readonly poisonWatch: PoisonWatch = new PoisonWatch();
  outgoingAliases: OutgoingTopicAliases | undefined = undefined;
  /** Identifiers of PUBREL packets that answered a PUBREC for nothing: their PUBCOMP is for nothing, too. */
  strayReleases: NumberMap<true> | undefined = undefined;
  /** QoS 0 messages that left behind CONNECT and are settled by CONNACK. */
  pipelined: AcceptedMessage[] = [];
  /** SUBSCRIBE and UNSUBSCRIBE packets that await their answer, by packet identifier. */
  readonly requests: NumberMap<SentRequest> = new NumberMap();

  readonly incomingAliases: IncomingTopicAliases;
  /** Messages that owe PUBACK, in order of arrival; likewise PUBREC. */
  readonly pubackOrder: Fifo<IncomingExchange> = new Fifo();
  readonly pubrecOrder: Fifo<IncomingExchange> = new Fifo();
  /** By packet identifier those of QoS 1. */
  readonly unansweredQos1: NumberMap<IncomingExchange> = new NumberMap();
  /** Places taken within our Receive Maximum. */
  places = 0;
  /** Places beyond it that a server may rightly believe to have. */
  lentPlaces = 0;
  /** QoS 1 messages whose handler has not done with them, and their bytes. They die with the connection. */
  heldMessages = 0;
  heldBytes = 0;
  /** Messages that came while the inbox was full, in order of arrival: neither stored nor delivered nor answered. */
  postponed: Map<number, PostponedMessage> | undefined = undefined;

  /** @throws InvalidPacketError when the request cannot be put on the wire: before anything has changed. */
  constructor(number: number, request: ConnectRequest) {
    this.number = number;
    this.request = request;
    this.negotiated = beforeConnack(request);
    this.own = ownLimits(request);
    this.authentication = new EnhancedAuth(request);
    this.incomingAliases = new IncomingTopicAliases(this.own.topicAliasMaximum);
    this.encoder = new ClientPacketEncoder(request.version);
    // CONNECT lies here until the transport is open, always in front of everything else. [MQTT-3.1.0-1]
    this.encoder.encode(connectPacket(request));
    this.decoder = new ClientPacketDecoder(request.version, this.own.maximumPacketSize);
  }

  /** Whether SUBSCRIBE and QoS 0 PUBLISH may leave now although CONNACK has not come. */
  get pipelining(): boolean {
    return (
      this.phase === 'connecting' &&
      this.request.pipeline &&
      this.request.cleanStart &&
      this.authentication.method === undefined
    );
  }

  received(chunk: Uint8Array, nowMs: number): void {
    this.bytesReceived += chunk.length;
    this.keepAlive?.received(nowMs);
    const missing = firstBytesKept - this.firstBytes.length;
    if (missing <= 0 || this.connackReceived) return;
    const begin = chunk.subarray(0, missing);
    const firstBytes = new Uint8Array(this.firstBytes.length + begin.length);
    firstBytes.set(this.firstBytes);
    firstBytes.set(begin, this.firstBytes.length);
    this.firstBytes = firstBytes;
  }

  /** CONNACK below 0x80 holds from here on. */
  connected(negotiated: Negotiated, keepAlive: KeepAlive, useTopicAliases: boolean): void {
    this.phase = 'connected';
    this.negotiated = negotiated;
    this.keepAlive = keepAlive;
    this.firstBytes = noBytes;
    if (useTopicAliases && negotiated.topicAliasMaximum > 0) {
      this.outgoingAliases = new OutgoingTopicAliases(negotiated.topicAliasMaximum);
    }
  }
}

const firstBytesKept = 16;
const noBytes = new Uint8Array(0);

export function connectPacket(request: ConnectRequest): ConnectPacket {
  const { version, clientId, cleanStart, keepAliveSeconds, username, password, will } = request;
  return {
    type: PacketType.connect,
    version,
    clientId,
    cleanStart,
    keepAliveSeconds,
    username,
    password,
    will,
    properties: request.properties,
  };
}
