/**
 * SUBSCRIBE and UNSUBSCRIBE, from the request to its outcome. They are no session state: they are over when their
 * connection is, and sending them again is for whoever still wants them. Those made before a connection stands wait for
 * one, over as many attempts as it takes; later ones wait for a packet identifier at most, and for no window.
 * [MQTT-4.9.0-3]
 */
import {
  clientPacketSize,
  InvalidPacketError,
  PacketType,
  type Properties,
  ReasonCode,
  type SubackPacket,
  type SubscribePacket,
  sharedSubscription,
  type UnsubackPacket,
  type UnsubscribePacket,
} from '@mqtt-kit/packet';
import { ProtocolBreach, packetName } from './breach.ts';
import type { Connection } from './connection.ts';
import type { Negotiated } from './negotiated.ts';
import { NumberMap } from './number-map.ts';
import type {
  CancelResult,
  EngineErrorCode,
  RequestOutcome,
  SubscribeRequest,
  Ticket,
  UnsubscribeRequest,
} from './request.ts';
import type { SentRequest } from './sent-request.ts';
import type { Shared } from './shared.ts';

export class SubscribeRequests {
  readonly #shared: Shared;
  /** Not sent yet, in order of request. */
  #waiting: NumberMap<SentRequest> | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  subscribe(request: SubscribeRequest): Ticket {
    const ticket = this.#shared.session.nextTicket();
    return this.#take({ kind: 'subscribe', ticket, request, settled: false });
  }

  unsubscribe(request: UnsubscribeRequest): Ticket {
    const ticket = this.#shared.session.nextTicket();
    return this.#take({ kind: 'unsubscribe', ticket, request, settled: false });
  }

  cancel(ticket: Ticket): CancelResult {
    if (this.#waiting?.delete(ticket)) return 'withdrawn';
    for (const request of this.#shared.connection?.requests.values() ?? []) {
      if (request.ticket === ticket) return 'inFlight';
    }
    return 'unknown';
  }

  /** Sends what waits, as far as it may be sent now. */
  pump(): void {
    const { connection } = this.#shared;
    const waiting = this.#waiting;
    if (connection === undefined || waiting === undefined || waiting.size === 0) return;
    for (const request of waiting.values()) {
      if (!this.#mayGo(request, connection)) return;
      waiting.delete(request.ticket);
      this.#send(request, connection);
    }
  }

  suback(packet: SubackPacket): void {
    const request = this.#answered(packet, 'subscribe', packet.reasonCodes.length);
    if (request?.kind !== 'subscribe' || request.settled) return;
    const { output } = this.#shared;
    for (const [place, options] of request.request.subscriptions.entries()) {
      if (!output.recording || packet.reasonCodes[place]! >= 0x80) continue;
      output.record({ type: 'subscription', topicFilter: options.topicFilter, options });
    }
    const { reasonCodes, properties } = packet;
    this.#settle(request, { kind: 'acknowledged', reasonCodes, properties });
  }

  unsuback(packet: UnsubackPacket): void {
    // 3.1.1 has no reason codes here: the packet says yes to all.
    const { reasons } = this.#shared.connection!.negotiated;
    const waiting = this.#shared.connection!.requests.get(packet.packetIdentifier);
    const asked = waiting?.kind === 'unsubscribe' ? waiting.request.topicFilters.length : 0;
    const reasonCodes = reasons ? packet.reasonCodes : new Array<number>(asked).fill(0);
    const request = this.#answered(packet, 'unsubscribe', reasonCodes.length);
    if (request?.kind !== 'unsubscribe') return;
    const { output } = this.#shared;
    for (const [place, topicFilter] of request.request.topicFilters.entries()) {
      if (!output.recording || reasonCodes[place]! >= 0x80) continue;
      output.record({ type: 'unsubscription', topicFilter });
    }
    this.#settle(request, { kind: 'acknowledged', reasonCodes, properties: packet.properties });
  }

  /** CONNACK came: what left behind CONNECT may be more than the server turns out to take, and is told so now. */
  connackReceived({ requests, negotiated, request: { version } }: Connection): void {
    for (const packetIdentifier of requests.keys()) {
      const request = requests.get(packetIdentifier)!;
      const packet = requestPacket(request, packetIdentifier, negotiated);
      const problem = requestProblem(request, clientPacketSize(packet, version), negotiated);
      if (problem !== undefined) this.#fail(request, problem.code, problem.message);
    }
  }

  /** All requests fail with a connection that the server had taken; else what was sent, too, waits for the next. */
  connectionEnded(connection: Connection): void {
    const requests = [...connection.requests.values(), ...(this.#waiting?.values() ?? [])];
    for (const packetIdentifier of connection.requests.keys()) {
      this.#shared.session.identifiers.release(packetIdentifier);
    }
    connection.requests.clear();
    this.#waiting = undefined;
    for (const request of requests) {
      if (!connection.connackReceived) this.#wait(request);
      else this.#fail(request, 'connectionLost', 'the connection ended before the answer came');
    }
  }

  #take(request: SentRequest): Ticket {
    const { connection } = this.#shared;
    if (
      (this.#waiting?.size ?? 0) === 0 &&
      connection !== undefined &&
      this.#mayGo(request, connection)
    ) {
      this.#send(request, connection);
    } else {
      this.#wait(request);
    }
    return request.ticket;
  }

  #mayGo(request: SentRequest, connection: Connection): boolean {
    if (!this.#shared.session.identifiers.available) return false;
    if (connection.phase === 'connected') return !isSuspectAlone(connection);
    return connection.pipelining && mayBePipelined(request, connection.negotiated);
  }

  #wait(request: SentRequest): void {
    this.#waiting ??= new NumberMap();
    this.#waiting.set(request.ticket, request);
  }

  #send(request: SentRequest, connection: Connection): void {
    const { session, output } = this.#shared;
    const { negotiated } = connection;
    const packetIdentifier = session.identifiers.take();
    const packet = requestPacket(request, packetIdentifier, negotiated);
    try {
      const size = clientPacketSize(packet, connection.request.version);
      const problem = requestProblem(request, size, negotiated);
      if (problem !== undefined) {
        session.identifiers.release(packetIdentifier);
        this.#fail(request, problem.code, problem.message);
        return;
      }
      connection.encoder.encode(packet);
    } catch (error) {
      if (!(error instanceof InvalidPacketError)) throw error;
      session.identifiers.release(packetIdentifier);
      this.#fail(request, 'invalidArgument', error.message);
      return;
    }
    connection.requests.set(packetIdentifier, request);
    if (output.tracing) output.tracePacket('sent', packet);
  }

  /** The request that an answer belongs to. None: that is reported. One that it does not fit: a breach. */
  #answered(
    packet: SubackPacket | UnsubackPacket,
    kind: SentRequest['kind'],
    reasonCodes: number,
  ): SentRequest | undefined {
    const { session, output } = this.#shared;
    const { requests } = this.#shared.connection!;
    const { packetIdentifier, type: packetType } = packet;
    const request = requests.get(packetIdentifier);
    if (request === undefined && session.identifiers.ownerOf(packetIdentifier) === undefined) {
      output.emit({ type: 'unexpectedAcknowledgement', packetType, packetIdentifier });
      return undefined;
    }
    if (request?.kind !== kind) {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        `${packetName(packetType)} for packet identifier ${packetIdentifier}, which belongs to another kind of packet`,
      );
    }
    const asked = filtersOf(request).length;
    if (reasonCodes !== asked) {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        `${packetName(packetType)} has ${reasonCodes} reason codes for ${asked} topic filters`,
      );
    }
    requests.delete(packetIdentifier);
    session.identifiers.release(packetIdentifier);
    return request;
  }

  #fail(request: SentRequest, code: EngineErrorCode, message: string): void {
    this.#settle(request, { kind: 'failed', code, message });
  }

  #settle(request: SentRequest, outcome: RequestOutcome): void {
    if (request.settled) return;
    request.settled = true;
    const type = request.kind === 'subscribe' ? 'subscribed' : 'unsubscribed';
    this.#shared.output.emit({ type, ticket: request.ticket, outcome });
  }
}

function requestPacket(
  request: SentRequest,
  packetIdentifier: number,
  negotiated: Negotiated,
): SubscribePacket | UnsubscribePacket {
  if (request.kind === 'unsubscribe') {
    const { topicFilters, properties } = request.request;
    return { type: PacketType.unsubscribe, packetIdentifier, topicFilters, properties };
  }
  return {
    type: PacketType.subscribe,
    packetIdentifier,
    subscriptions: request.request.subscriptions,
    properties: allowedProperties(request.request.properties, negotiated),
  };
}

/** A Subscription Identifier is a help, not a need: without it the filter decides who gets a message. */
function allowedProperties(properties: Properties, negotiated: Negotiated): Properties {
  if (negotiated.subscriptionIdentifiersAvailable) return properties;
  const { subscriptionIdentifiers, ...allowed } = properties;
  return subscriptionIdentifiers === undefined ? properties : allowed;
}

/** What the server would refuse, or end the connection for. */
function requestProblem(
  request: SentRequest,
  size: number,
  negotiated: Negotiated,
): { code: EngineErrorCode; message: string } | undefined {
  const { maximumPacketSize } = negotiated;
  // [MQTT-3.2.2-15]
  if (size > maximumPacketSize) {
    const message = `the request has ${size} bytes, the server takes at most ${maximumPacketSize}`;
    return { code: 'serverLimit', message };
  }
  const subscriptions = request.kind === 'subscribe' ? request.request.subscriptions : [];
  for (const { topicFilter, noLocal } of subscriptions) {
    const shared = sharedSubscription(topicFilter) !== undefined;
    // [MQTT-3.8.3-4]
    if (shared && noLocal) {
      const message = `noLocal for "${topicFilter}": a shared subscription cannot have it`;
      return { code: 'invalidArgument', message };
    }
    if (shared && !negotiated.sharedSubscriptionAvailable) {
      const message = `"${topicFilter}": the server has no shared subscriptions`;
      return { code: 'serverLimit', message };
    }
    if (!negotiated.wildcardSubscriptionAvailable && /[+#]/.test(topicFilter)) {
      const message = `"${topicFilter}": the server takes no wildcards`;
      return { code: 'serverLimit', message };
    }
  }
  return undefined;
}

/** A message is on its way alone, to find out whether the server closes at it: a request beside it would hide that. */
function isSuspectAlone({ poisonWatch, unacknowledged }: Connection): boolean {
  return poisonWatch.holdsQos0 && unacknowledged > 0;
}

/** Whether a request needs nothing that CONNACK may forbid but wildcards, which hardly any server does. */
function mayBePipelined(request: SentRequest, negotiated: Negotiated): boolean {
  if (request.kind === 'unsubscribe') return false;
  const { properties, subscriptions } = request.request;
  if (Object.keys(properties).length > 0) return false;
  return subscriptions.every(
    ({ topicFilter, noLocal, retainAsPublished, retainHandling }) =>
      !noLocal &&
      !retainAsPublished &&
      retainHandling === 0 &&
      (negotiated.sharedSubscriptionAvailable || sharedSubscription(topicFilter) === undefined),
  );
}

function filtersOf(request: SentRequest): readonly unknown[] {
  return request.kind === 'subscribe'
    ? request.request.subscriptions
    : request.request.topicFilters;
}
