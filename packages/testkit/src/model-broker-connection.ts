/**
 * One connection of the model broker, from CONNECT to its end. Every packet of the client is judged by what this
 * connection and the session allow at that moment; the first that is not allowed is a breach. Messages of the client
 * are taken in model-broker-incoming.ts, those to it sent in model-broker-outgoing.ts.
 */
import type { ModelBroker, ModelConnectionPlan } from './model-broker.ts';
import { ModelDecoder } from './model-broker-decoder.ts';
import {
  encodeAck,
  encodeConnack,
  encodeDisconnect,
  encodeSuback,
  encodeUnsuback,
  type PropertyList,
  pingresp,
} from './model-broker-encoder.ts';
import { ModelIncoming } from './model-broker-incoming.ts';
import type { ModelLink } from './model-broker-link.ts';
import { ModelOutgoing } from './model-broker-outgoing.ts';
import {
  ClientBreach,
  type ClientPacket,
  type ConnectFromClient,
  type ModelVersion,
  numberOf,
  type SubscribeFromClient,
} from './model-broker-packets.ts';
import type { ModelSession } from './model-broker-session.ts';
import type { ServerStream, ServerStreamHandlers } from './server-stream.ts';

const largestPacketSize = 268_435_460;

/** What a connection has once its CONNECT is accepted. */
interface Established {
  readonly session: ModelSession;
  readonly plan: ModelConnectionPlan;
  readonly incoming: ModelIncoming;
  readonly outgoing: ModelOutgoing;
}

export class ModelConnection implements ServerStreamHandlers {
  readonly number: number;
  /**
   * Whether the client has taken CONNACK to heart, durably where it has a store: whoever drives the broker says so. A
   * session that began with a CONNACK of which that is not true is forgotten, since no client could tell it from the
   * one before.
   */
  connackArrived = false;
  /** Whether answers wait for `answer`, whatever the plan says. */
  holdsAnswers = false;
  clientId = '';
  version: ModelVersion = '5.0';
  readonly #broker: ModelBroker;
  readonly #stream: ServerStream;
  readonly #decoder = new ModelDecoder();
  #established: Established | undefined;
  #state: 'opened' | 'connected' | 'over' = 'opened';
  /** The client said DISCONNECT: nothing may follow. */
  #saidGoodbye = false;
  #expirySeconds = 0;
  #isNewSession = false;
  /** Answers that wait, in order. */
  readonly #owed: (() => void)[] = [];

  constructor(broker: ModelBroker, stream: ServerStream, number: number) {
    this.#broker = broker;
    this.#stream = stream;
    this.number = number;
  }

  get isConnected(): boolean {
    return this.#state === 'connected';
  }

  get session(): ModelSession | undefined {
    return this.#established?.session;
  }

  /** Answers that wait for `answer`. */
  get owed(): number {
    return this.#owed.length;
  }

  /** Quota that the client has used up. */
  get unanswered(): number {
    return this.#established?.incoming.unanswered ?? 0;
  }

  onData(chunk: Uint8Array): void {
    if (this.#state === 'over') return;
    try {
      this.#decoder.push(chunk);
      for (let packet = this.#next(); packet !== undefined; packet = this.#next()) {
        if (this.#saidGoodbye) throw new ClientBreach(`${packet.kind} after DISCONNECT`);
        this.#take(packet);
      }
    } catch (error) {
      if (!(error instanceof ClientBreach)) throw error;
      this.reset();
      this.#broker.hooks.onBreach(error.message);
    }
  }

  onClosed(): void {
    this.#end();
  }

  /** Sends answers that wait, at most so many. */
  answer(most: number): void {
    for (let count = 0; count < most; count++) this.#owed.shift()?.();
  }

  /** Cuts the connection. */
  reset(): void {
    this.#end();
    this.#stream.reset();
  }

  /** Ends the connection in order, under 5.0 with DISCONNECT, which may send the client elsewhere. */
  leave(reasonCode: number, serverReference?: string): void {
    if (this.version === '5.0' && this.isConnected)
      this.#stream.write(encodeDisconnect(reasonCode, serverReference));
    this.#end();
    this.#stream.end();
  }

  /** Sends bytes that no server may send. */
  writeRaw(bytes: Uint8Array): void {
    if (this.#state !== 'over') this.#stream.write(bytes);
  }

  /** An acknowledgement that belongs to nothing. The client has to bear it. */
  writeStray(kind: 'puback' | 'pubrec' | 'pubrel', packetIdentifier: number): void {
    const established = this.#established;
    if (established === undefined || !this.isConnected) return;
    if (kind === 'pubrel') established.outgoing.expectStray(packetIdentifier);
    else established.incoming.expectStray(packetIdentifier);
    this.#stream.write(encodeAck(this.version, kind, packetIdentifier, 0));
  }

  publishUnkept(topic: string, payload: Uint8Array): void {
    this.#established?.outgoing.publishUnkept(topic, payload);
  }

  /** Sends what the client's window has room for, first what it may not have got on an earlier connection. */
  pump(): void {
    this.#established?.outgoing.pump();
  }

  #next(): ClientPacket | undefined {
    return this.#state === 'over' ? undefined : this.#decoder.next();
  }

  #take(packet: ClientPacket): void {
    const { hooks } = this.#broker;
    if (packet.kind === 'connect') {
      this.#connect(packet);
      return;
    }
    const established = this.#established;
    if (established === undefined || this.#state !== 'connected') {
      throw new ClientBreach(`${packet.kind} before CONNACK`);
    }
    const { session, plan, incoming, outgoing } = established;
    if (this.#decoder.lastSize > plan.maximumPacketSize) {
      throw new ClientBreach(`${packet.kind} of ${this.#decoder.lastSize} bytes is too large`);
    }
    hooks.count(`${this.version} got ${packet.kind}`);
    switch (packet.kind) {
      case 'publish':
        incoming.publish(packet, session);
        return;
      case 'puback':
        outgoing.puback(packet);
        return;
      case 'pubrec':
        outgoing.pubrec(packet);
        return;
      case 'pubrel':
        incoming.pubrel(packet, session);
        return;
      case 'pubcomp':
        outgoing.pubcomp(packet);
        return;
      case 'subscribe':
        this.#subscribe(packet, session);
        return;
      case 'unsubscribe': {
        const known = packet.filters.map((filter) => session.subscriptions.delete(filter));
        const reasons = known.map((was) => (was ? 0 : 0x11));
        this.#owe(() =>
          this.#stream.write(encodeUnsuback(this.version, packet.packetIdentifier, reasons)),
        );
        return;
      }
      case 'pingreq':
        this.#owe(() => this.#stream.write(pingresp));
        return;
      case 'disconnect':
        this.#saidGoodbye = true;
        this.#expirySeconds = numberOf(packet.properties, 0x11, this.#expirySeconds);
        return;
      case 'auth':
        throw new ClientBreach('AUTH without an authentication method');
    }
  }

  #connect(connect: ConnectFromClient): void {
    const { hooks } = this.#broker;
    this.version = connect.version;
    this.clientId = connect.clientId;
    hooks.count(`${connect.version} got connect`);
    const plan = hooks.plan(connect);
    if (plan.refusal !== 0) {
      hooks.count(`refused ${connect.version} ${plan.refusal}`);
      this.#stream.write(encodeConnack(connect.version, false, plan.refusal, []));
      this.#end();
      this.#stream.end();
      return;
    }
    // A client that comes again takes the place of its own earlier connection.
    this.#broker.connectionOf(connect.clientId)?.reset();
    const { session, present } = this.#broker.sessionFor(connect);
    this.#isNewSession = !present;
    this.#state = 'connected';
    const { properties } = connect;
    const fallback = connect.version === '3.1.1' && !connect.cleanStart ? 4_294_967_295 : 0;
    this.#expirySeconds = numberOf(properties, 0x11, fallback);
    const link = this.#linkWith(plan);
    const receiveMaximum =
      connect.version === '5.0' ? numberOf(properties, 0x21, 65_535) : plan.window;
    const outgoing = new ModelOutgoing(link, session, {
      receiveMaximum,
      maximumPacketSize: numberOf(properties, 0x27, largestPacketSize),
      topicAliasMaximum: numberOf(properties, 0x22, 0),
    });
    this.#established = { session, plan, incoming: new ModelIncoming(link), outgoing };
    hooks.count(`connack ${present ? 'with' : 'without'} session`);
    this.#stream.write(encodeConnack(this.version, present, 0, grants(plan)));
    this.pump();
  }

  #subscribe(packet: SubscribeFromClient, session: ModelSession): void {
    const { hooks } = this.#broker;
    const identifier = numberOf(packet.properties, 0x0b, 0);
    const reasons = packet.filters.map(({ filter, qos }) => {
      const reason = hooks.reasonFor('suback', this.version, packet);
      if (reason >= 0x80) return reason;
      session.subscriptions.set(filter, { qos, identifier });
      return qos;
    });
    this.#owe(() =>
      this.#stream.write(encodeSuback(this.version, packet.packetIdentifier, reasons)),
    );
  }

  #linkWith(plan: ModelConnectionPlan): ModelLink {
    const isConnected = (): boolean => this.isConnected;
    return {
      hooks: this.#broker.hooks,
      plan,
      version: this.version,
      number: this.number,
      get isConnected() {
        return isConnected();
      },
      write: (bytes) => this.#stream.write(bytes),
      owe: (send) => this.#owe(send),
      leave: (reasonCode) => this.leave(reasonCode),
    };
  }

  #owe(send: () => void): void {
    const guarded = (): void => {
      if (this.#state === 'connected') send();
    };
    const waits =
      this.holdsAnswers || this.#established?.plan.delayAnswers || this.#owed.length > 0;
    if (waits) this.#owed.push(guarded);
    else guarded();
  }

  #end(): void {
    if (this.#state === 'over') return;
    const { session } = this;
    this.#state = 'over';
    this.#broker.connections.delete(this);
    const unheard = this.#isNewSession && !this.connackArrived;
    if (session === undefined || (this.#expirySeconds > 0 && !unheard)) return;
    if (this.#broker.sessions.get(session.clientId) === session) {
      this.#broker.sessions.delete(session.clientId);
    }
  }
}

/** Properties of CONNACK: what is not the default is told. */
function grants(plan: ModelConnectionPlan): PropertyList {
  const told: [number, number][] = [];
  if (plan.receiveMaximum < 65_535) told.push([0x21, plan.receiveMaximum]);
  if (plan.maximumQos < 2) told.push([0x24, plan.maximumQos]);
  if (!plan.retainAvailable) told.push([0x25, 0]);
  if (plan.maximumPacketSize < largestPacketSize) told.push([0x27, plan.maximumPacketSize]);
  if (plan.topicAliasMaximum > 0) told.push([0x22, plan.topicAliasMaximum]);
  if (plan.serverKeepAlive !== undefined) told.push([0x13, plan.serverKeepAlive]);
  return told;
}
