/**
 * How a connection begins and ends, and what that means for the session.
 *
 *     opening -transportOpened: CONNECT-> connecting -CONNACK below 0x80-> connected
 *        \_____________________________________\______________________________\______-> over
 *
 * `over` is reached once, by whatever ends the connection first; that is when the one `disconnected` event is made.
 * In `over` nothing is sent [MQTT-3.14.4-1] and nothing that comes in is looked at, with one exception: behind our own
 * DISCONNECT a bounded part of what the server still says is searched for its DISCONNECT, which crossed ours. The
 * connection object stays until its transport is closed, since until then the number stands for something.
 *
 * What ends a connection decides how it is left: a request of ours by DISCONNECT in the batch, behind everything
 * encoded before; a breach by DISCONNECT as urgent output, in place of everything not taken yet; the server's own word
 * and a dead link by closing. Before CONNACK a breach is only closed: there is nobody yet to speak to.
 *
 * CONNACK tells whether the server has a session, we know whether we have one. Both: what is unfinished is sent again.
 * Only we: what is ours goes on as new. Only the server: the session is foreign; its past may hold packet identifiers
 * and messages that nobody here knows of, so the connection ends, or the session is adopted with care. A session counts
 * as known from its first CONNACK on, not from the CONNECT that asked for it.
 */
import {
  ClientPacketEncoder,
  type ConnackPacket,
  clientPacketSize,
  type DisconnectPacket,
  MalformedPacketError,
  noProperties,
  PacketType,
  type Properties,
  ReasonCode,
} from '@mqtt-kit/packet';
import type { DisconnectReason } from './batch.ts';
import { ProtocolBreach } from './breach.ts';
import { Connection, connectPacket } from './connection.ts';
import type { IncomingPublish } from './incoming-publish.ts';
import { KeepAlive } from './keep-alive.ts';
import { checkConnack, negotiate } from './negotiated.ts';
import type { OutgoingPublish } from './outgoing-publish.ts';
import { judgeEnd } from './poison-judgement.ts';
import type { ConnectRequest, DisconnectRequest, Now, TransportEnd } from './request.ts';
import { agreeOnSession, recordSession } from './session-agreement.ts';
import type { Shared } from './shared.ts';
import type { SubscribeRequests } from './subscribe-requests.ts';

/** PUBACK and the like without a reason code. No PUBLISH of any use is smaller. */
const leastPacketSize = 4;

/** Reasons of a DISCONNECT that lie with the server or its administrator, not with what it was sent. */
const reasonsOfItsOwn: ReadonlySet<number> = new Set([
  ReasonCode.serverBusy,
  ReasonCode.serverShuttingDown,
  ReasonCode.keepAliveTimeout,
  ReasonCode.sessionTakenOver,
  ReasonCode.messageRateTooHigh,
  ReasonCode.administrativeAction,
  ReasonCode.useAnotherServer,
  ReasonCode.serverMoved,
  ReasonCode.connectionRateExceeded,
  ReasonCode.maximumConnectTime,
]);

/** A server's queue may stand before its last word; a server that never ends is not listened to for ever. */
const mostFarewellBytes = 1_048_576;

export class ConnectionPhases {
  readonly #shared: Shared;
  readonly #outgoing: OutgoingPublish;
  readonly #incoming: IncomingPublish;
  readonly #requests: SubscribeRequests;
  #lastNumber = 0;

  constructor(
    shared: Shared,
    outgoing: OutgoingPublish,
    incoming: IncomingPublish,
    requests: SubscribeRequests,
  ) {
    this.#shared = shared;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    this.#requests = requests;
  }

  numberAfter(previous: ConnectionPhases): void {
    this.#lastNumber = previous.#lastNumber;
  }

  /** @throws InvalidPacketError when CONNECT cannot be encoded: then nothing has begun. */
  begin(request: ConnectRequest, now: Now): void {
    const { session } = this.#shared;
    const connection = new Connection(this.#lastNumber + 1, request);
    this.#lastNumber = connection.number;
    this.#outgoing.pipelined.decide(request.fellBack ?? false, now);
    this.#shared.connection = connection;
    const otherSession =
      session.clientId !== request.clientId ||
      session.serverKey !== request.serverKey ||
      session.version !== request.version;
    // What is known of a session is known of one name at one server. [MQTT-3.1.3-2]
    if (otherSession) session.standing = 'none';
    connection.sessionExpected = session.isExpected(request, now);
  }

  opened(connection: Connection, now: Now): void {
    const { session, output } = this.#shared;
    connection.phase = 'connecting';
    connection.lastSentMs = now.monotonicMs;
    if (session.standing === 'none') {
      // Before CONNECT: whoever starts from the store afterwards knows that the server may have been asked.
      session.standing = 'requested';
      session.clientId = connection.request.clientId;
      session.serverKey = connection.request.serverKey;
      session.version = connection.request.version;
      recordSession(this.#shared);
    }
    if (output.tracing) output.tracePacket('sent', connectPacket(connection.request));
  }

  connack(connack: ConnackPacket, connection: Connection, now: Now): void {
    const { session, output, options } = this.#shared;
    if (connack.reasonCode >= 0x80) {
      this.#leave(connection, { kind: 'refused', connack }, now);
      return;
    }
    // From here on a breach is answered with DISCONNECT, and what was pipelined has reached its server.
    connection.connackReceived = true;
    connection.authentication.connackReceived(connack);
    checkConnack(connack, connection.request);
    const foreign = connack.sessionPresent && !session.isKnown();
    if (foreign && options.foreignSession !== 'adopt') {
      // [MQTT-3.2.2-4]
      this.#endUrgently(connection, { kind: 'foreignSession' }, ReasonCode.protocolError, now);
      return;
    }
    const negotiated = negotiate(connection.request, connack);
    if (negotiated.maximumPacketSize < leastPacketSize) {
      connection.negotiated = negotiated;
      throw new ProtocolBreach(
        ReasonCode.implementationSpecificError,
        `CONNACK allows packets of at most ${negotiated.maximumPacketSize} bytes, too few for any PUBLISH or its acknowledgement`,
      );
    }
    const keepAlive = new KeepAlive(
      negotiated.keepAliveSeconds,
      options.pingTimeoutMs,
      connection.lastSentMs,
      now.monotonicMs,
      connection.readingPaused,
    );
    connection.connected(negotiated, keepAlive, options.useTopicAliases);
    connection.poisonWatch.begin(session.abruptness, now.monotonicMs);
    const { number } = connection;
    const { sessionPresent } = connack;
    connection.publishingHeld = options.subscribeFirst === true && !sessionPresent;
    output.emit({
      type: 'connected',
      connection: number,
      sessionPresent,
      adopted: foreign,
      negotiated,
      connack,
    });
    this.#outgoing.pipelined.settle(connection);
    this.#requests.connackReceived(connection);
    agreeOnSession(this.#shared, this.#outgoing, sessionPresent, foreign, now);
  }

  /** The server ends the connection with its own word: there is nothing to add. */
  serverDisconnected(packet: DisconnectPacket, connection: Connection, now: Now): void {
    // [MQTT-3.14.2-2]
    if (packet.properties.sessionExpiryInterval !== undefined) {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        'DISCONNECT from the server has a Session Expiry Interval',
      );
    }
    const blamesUs = !reasonsOfItsOwn.has(packet.reasonCode);
    this.#leave(connection, { kind: 'serverDisconnected', packet }, now, blamesUs);
  }

  /**
   * What came behind our own DISCONNECT. Only a refusal of the server is told; anything else, broken or not, concerns
   * nobody any more.
   */
  farewell(connection: Connection, chunk: Uint8Array): void {
    if (connection.farewellBytes <= 0) return;
    connection.farewellBytes -= chunk.length;
    const { decoder, number } = connection;
    try {
      decoder.push(chunk);
      for (let packet = decoder.next(); packet !== undefined; packet = decoder.next()) {
        if (packet.type !== PacketType.disconnect) continue;
        connection.farewellBytes = 0;
        if (packet.reasonCode < 0x80) return;
        const { output } = this.#shared;
        if (output.tracing) output.tracePacket('received', packet);
        output.emit({ type: 'crossedDisconnect', connection: number, packet });
        return;
      }
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error;
      connection.farewellBytes = 0;
    }
  }

  /** [MQTT-4.13.1-1] The server broke the protocol: it is told why where it can be told, then left. */
  breach(connection: Connection, reasonCode: number, message: string, now: Now): void {
    const { connackReceived, firstBytes } = connection;
    const reason = { kind: 'breach', reasonCode, message, connackReceived, firstBytes } as const;
    this.#endUrgently(connection, reason, connackReceived ? reasonCode : undefined, now);
  }

  /** Nothing came for too long. Nobody would read a DISCONNECT. */
  dead(connection: Connection, silentMs: number, now: Now): void {
    this.#endUrgently(connection, { kind: 'keepAliveTimeout', silentMs }, undefined, now);
  }

  transportClosed(connection: Connection, now: Now, by: TransportEnd): void {
    const { bytesReceived, connackReceived } = connection;
    const reason = { kind: 'transportClosed', bytesReceived, connackReceived } as const;
    this.#end(connection, reason, now, by);
  }

  /** @throws Error when the request is not allowed on this connection: then it goes on. */
  disconnect(request: DisconnectRequest, connection: Connection, now: Now): void {
    const { session, output } = this.#shared;
    const { reasons } = connection.negotiated;
    const opened = connection.phase !== 'opening';
    // 3.1.1's DISCONNECT takes the will back: whoever wants it published just closes.
    if (opened && (reasons || request.reasonCode === 0)) {
      checkSessionExpiry(request, connection);
      const packet = disconnectPacket(connection, request.reasonCode, request.properties);
      connection.encoder.encode(packet);
      if (output.tracing) output.tracePacket('sent', packet);
      const { sessionExpiryInterval } = packet.properties;
      if (sessionExpiryInterval !== undefined && connection.phase === 'connected') {
        session.expirySeconds = sessionExpiryInterval;
      }
    }
    const bytes = opened ? connection.encoder.take() : [];
    if (connection.phase === 'connected') connection.farewellBytes = mostFarewellBytes;
    this.#end(connection, { kind: 'requested' }, now);
    // [MQTT-3.14.4-2] [MQTT3-3.14.4-1]
    output.seal(connection.number, bytes, true);
  }

  /** Ends a connection at once, waiting for no commit: with DISCONNECT where a reason is given and the version has it. */
  #endUrgently(
    connection: Connection,
    reason: DisconnectReason,
    reasonCode: number | undefined,
    now: Now,
  ): void {
    const { output } = this.#shared;
    let bytes: Uint8Array[] = [];
    if (reasonCode !== undefined && connection.negotiated.reasons) {
      const packet = disconnectPacket(connection, reasonCode, noProperties);
      const { version } = connection.request;
      // [MQTT-3.2.2-15]
      if (clientPacketSize(packet, version) <= connection.negotiated.maximumPacketSize) {
        const encoder = new ClientPacketEncoder(version);
        encoder.encode(packet);
        bytes = encoder.take();
        if (output.tracing) output.tracePacket('sent', packet);
      }
    }
    this.#end(connection, reason, now);
    output.urge(connection.number, bytes, true);
  }

  /** Ends a connection with nothing more to say. */
  #leave(connection: Connection, reason: DisconnectReason, now: Now, blamesUs = false): void {
    this.#end(connection, reason, now, blamesUs ? 'server' : 'ourselves');
    this.#shared.output.seal(connection.number, [], true);
  }

  /**
   * The one way into `over`. Bytes that nobody took are dropped: after DISCONNECT, or without the transport, they have
   * no meaning. [MQTT-3.14.4-1] What happened before stays, operations and events alike.
   * @param by who ended it: the server, and what looks like the network, may have done so for something that we sent
   */
  #end(
    connection: Connection,
    reason: DisconnectReason,
    now: Now,
    by: TransportEnd = 'ourselves',
  ): void {
    if (connection.phase === 'over') return;
    const { session, output } = this.#shared;
    const dropped = connection.phase !== 'opening' && connection.encoder.pendingBytes > 0;
    session.keptPayloads.takeAll();
    if (connection.phase === 'connected') session.endedMs = now.monotonicMs;
    if (connection.phase === 'connected' && by !== 'ourselves' && !dropped) {
      judgeEnd(this.#shared, this.#outgoing.outcomes, by, now);
    }
    connection.encoder.take();
    connection.phase = 'over';
    if (dropped) output.sealWithoutBytes();
    output.dropUrgent(connection.number);
    const refused = reason.kind === 'refused' || reason.kind === 'breach';
    this.#outgoing.pipelined.connectionEnded(connection, refused, now);
    this.#incoming.connectionEnded(connection);
    this.#requests.connectionEnded(connection);
    // [MQTT-3.1.2-23] [MQTT3-3.1.2-6]
    if (session.isKnown() && session.expirySeconds === 0) session.standing = 'none';
    output.emit({ type: 'disconnected', connection: connection.number, reason });
  }
}

/** A session that CONNECT let end with the connection cannot be made to last by DISCONNECT (3.14.2.2.2). */
function checkSessionExpiry(request: DisconnectRequest, connection: Connection): void {
  const wanted = request.properties.sessionExpiryInterval ?? 0;
  const asked = connection.request.properties.sessionExpiryInterval ?? 0;
  if (wanted > 0 && asked === 0 && connection.negotiated.reasons) {
    throw new Error(`disconnect: sessionExpiryInterval ${wanted} is not allowed, CONNECT had 0`);
  }
}

function disconnectPacket(
  connection: Connection,
  reasonCode: number,
  properties: Properties,
): DisconnectPacket {
  const { reasons, maximumPacketSize } = connection.negotiated;
  if (!reasons) return { type: PacketType.disconnect, reasonCode, properties: noProperties };
  const packet: DisconnectPacket = { type: PacketType.disconnect, reasonCode, properties };
  if (clientPacketSize(packet, connection.request.version) <= maximumPacketSize) return packet;
  // [MQTT-3.14.2-3] [MQTT-3.14.2-4] What is only for people is left out where it does not fit.
  const { reasonString: _reason, userProperties: _pairs, ...rest } = properties;
  return { type: PacketType.disconnect, reasonCode, properties: rest };
}
