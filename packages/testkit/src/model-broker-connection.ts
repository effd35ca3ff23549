/**
 * One connection of the model broker, from CONNECT to its end. Every packet of the client is judged by what this
 * connection and the session allow at that moment; the first that is not allowed is a breach.
 */
import type { ModelBroker, ModelConnectionPlan } from './model-broker.ts';
import { ModelDecoder } from './model-broker-decoder.ts';
import {
  encodeAck,
  encodeConnack,
  encodeDisconnect,
  encodePublish,
  encodeSuback,
  encodeUnsuback,
  type PropertyList,
  pingresp,
} from './model-broker-encoder.ts';
import {
  type AckFromClient,
  ClientBreach,
  type ClientPacket,
  type ConnectFromClient,
  type ModelVersion,
  numberOf,
  type PublishFromClient,
  type SubscribeFromClient,
} from './model-broker-packets.ts';
import type { ModelSession, Outbound } from './model-broker-session.ts';
import type { ServerStream, ServerStreamHandlers } from './server-stream.ts';

const largestPacketSize = 268_435_460;

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
  session: ModelSession | undefined;
  readonly #broker: ModelBroker;
  readonly #stream: ServerStream;
  readonly #decoder = new ModelDecoder();
  #plan: ModelConnectionPlan | undefined;
  #state: 'opened' | 'connected' | 'over' = 'opened';
  /** The client said DISCONNECT: nothing may follow. */
  #saidGoodbye = false;
  #expirySeconds = 0;
  #isNewSession = false;
  #clientReceiveMaximum = 65_535;
  #clientMaximumPacketSize = largestPacketSize;
  #clientAliasMaximum = 0;
  /** Topics by the client's aliases, and ours by topic. */
  readonly #aliases = new Map<number, string>();
  readonly #ownAliases = new Map<string, number>();
  /** Identifiers of QoS 1 and 2 messages of the client without their last answer on this connection. */
  readonly #unanswered = new Set<number>();
  /** Answers that wait, in order. */
  readonly #owed: (() => void)[] = [];
  /** Identifiers for which PUBACK, PUBREC and PUBREL have to come, in this order. */
  readonly #pubacksDue: number[] = [];
  readonly #pubrecsDue: number[] = [];
  readonly #pubrelsDue: number[] = [];
  #lastResumedRelease = 0;
  /** Identifiers that a test sent acknowledgements for which no client can know. */
  readonly #strays = new Set<number>();

  constructor(broker: ModelBroker, stream: ServerStream, number: number) {
    this.#broker = broker;
    this.#stream = stream;
    this.number = number;
  }

  get isConnected(): boolean {
    return this.#state === 'connected';
  }

  /** Answers that wait for `answer`. */
  get owed(): number {
    return this.#owed.length;
  }

  /** Quota that the client has left, and what it was given. */
  get unanswered(): number {
    return this.#unanswered.size;
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
    if (!this.isConnected) return;
    this.#strays.add(packetIdentifier);
    this.#stream.write(encodeAck(this.version, kind, packetIdentifier, 0));
  }

  publishUnkept(topic: string, payload: Uint8Array): void {
    this.#write(topic, payload, 0, 0, false);
  }

  /** Sends what the client's window has room for, first what it may not have got on an earlier connection. */
  pump(): void {
    const { session } = this;
    if (session === undefined || !this.isConnected) return;
    for (const message of [...session.outbound]) {
      if (message.state === 'released') {
        if (message.connection !== this.number) this.#release(message);
      } else if (message.connection !== this.number) {
        if (!this.#hasRoom(session)) return;
        this.#send(message, session);
      }
    }
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
    const { session } = this;
    if (session === undefined || this.#state !== 'connected') {
      throw new ClientBreach(`${packet.kind} before CONNACK`);
    }
    if (this.#decoder.lastSize > (this.#plan?.maximumPacketSize ?? largestPacketSize)) {
      throw new ClientBreach(`${packet.kind} of ${this.#decoder.lastSize} bytes is too large`);
    }
    hooks.count(`${this.version} got ${packet.kind}`);
    switch (packet.kind) {
      case 'publish':
        this.#publish(packet, session);
        return;
      case 'puback':
        this.#puback(packet, session);
        return;
      case 'pubrec':
        this.#pubrec(packet, session);
        return;
      case 'pubrel':
        this.#pubrel(packet, session);
        return;
      case 'pubcomp':
        this.#pubcomp(packet, session);
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
    this.#plan = plan;
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
    this.session = session;
    this.#isNewSession = !present;
    this.#state = 'connected';
    const { properties } = connect;
    const fallback = connect.version === '3.1.1' && !connect.cleanStart ? 4_294_967_295 : 0;
    this.#expirySeconds = numberOf(properties, 0x11, fallback);
    this.#clientReceiveMaximum =
      connect.version === '5.0' ? numberOf(properties, 0x21, 65_535) : plan.window;
    this.#clientMaximumPacketSize = numberOf(properties, 0x27, largestPacketSize);
    this.#clientAliasMaximum = numberOf(properties, 0x22, 0);
    hooks.count(`connack ${present ? 'with' : 'without'} session`);
    this.#stream.write(encodeConnack(this.version, present, 0, grants(plan)));
    this.pump();
  }

  #publish(packet: PublishFromClient, session: ModelSession): void {
    const { hooks } = this.#broker;
    const plan = this.#plan as ModelConnectionPlan;
    if (hooks.closesAt?.(packet) === true) {
      hooks.count('closed at a message');
      this.leave(0x99);
      return;
    }
    const topic = this.#topicOf(packet, plan);
    const { packetIdentifier, qos, dup } = packet;
    if (this.version === '5.0' && qos > plan.maximumQos)
      throw new ClientBreach(`PUBLISH at QoS ${qos}`);
    if (packet.retain && this.version === '5.0' && !plan.retainAvailable)
      throw new ClientBreach('PUBLISH with RETAIN, which is not available');
    if (qos === 0) {
      hooks.onOwned(packet, topic, session);
      return;
    }
    if (this.#unanswered.has(packetIdentifier)) {
      throw new ClientBreach(
        `PUBLISH ${packetIdentifier} again on one connection, or its identifier`,
      );
    }
    this.#unanswered.add(packetIdentifier);
    if (this.version === '5.0' && this.#unanswered.size > plan.receiveMaximum) {
      throw new ClientBreach(`more than ${plan.receiveMaximum} unanswered messages`);
    }
    if (qos === 1) {
      if (session.received.has(packetIdentifier))
        throw new ClientBreach('a QoS 2 identifier at QoS 1');
      const reason = hooks.reasonFor('puback', this.version, packet);
      if (reason < 0x80) hooks.onOwned(packet, topic, session);
      this.#owe(() => this.#answerPublish('puback', packetIdentifier, reason));
      return;
    }
    if (session.received.has(packetIdentifier)) {
      if (!dup) throw new ClientBreach(`PUBLISH ${packetIdentifier} with DUP 0 is known already`);
      hooks.count('known QoS 2 message again');
      this.#owe(() => this.#answerPubrec(packetIdentifier, session));
      return;
    }
    const reason = hooks.reasonFor('pubrec', this.version, packet);
    if (reason >= 0x80) {
      this.#owe(() => this.#answerPublish('pubrec', packetIdentifier, reason));
      return;
    }
    session.received.add(packetIdentifier);
    hooks.onOwned(packet, topic, session);
    this.#owe(() => this.#answerPubrec(packetIdentifier, session));
  }

  #topicOf(packet: PublishFromClient, plan: ModelConnectionPlan): string {
    const alias = numberOf(packet.properties, 0x23, 0);
    if (alias === 0) return packet.topic;
    if (alias > plan.topicAliasMaximum) throw new ClientBreach(`topic alias ${alias}`);
    if (packet.topic !== '') {
      this.#aliases.set(alias, packet.topic);
      return packet.topic;
    }
    this.#broker.hooks.count('topic by alias');
    const topic = this.#aliases.get(alias);
    if (topic === undefined) throw new ClientBreach(`topic alias ${alias} stands for nothing`);
    return topic;
  }

  #answerPublish(kind: 'puback' | 'pubrec', packetIdentifier: number, reason: number): void {
    this.#unanswered.delete(packetIdentifier);
    this.#stream.write(encodeAck(this.version, kind, packetIdentifier, reason));
  }

  #answerPubrec(packetIdentifier: number, session: ModelSession): void {
    session.lastReceivedOrder += 1;
    session.receivedOrder.set(packetIdentifier, session.lastReceivedOrder);
    this.#pubrelsDue.push(packetIdentifier);
    this.#stream.write(encodeAck(this.version, 'pubrec', packetIdentifier, 0));
  }

  #pubrel(packet: AckFromClient, session: ModelSession): void {
    const { packetIdentifier } = packet;
    if (this.#strays.has(packetIdentifier)) {
      this.#owe(() => this.#stream.write(encodeAck(this.version, 'pubcomp', packetIdentifier, 0)));
      return;
    }
    const place = this.#pubrelsDue.indexOf(packetIdentifier);
    if (place > 0)
      throw new ClientBreach(`PUBREL ${packetIdentifier} before that of an earlier PUBREC`);
    if (place === 0) this.#pubrelsDue.shift();
    const known = session.received.delete(packetIdentifier);
    if (place < 0 && known) this.#checkResumedRelease(packetIdentifier, session);
    if (packet.reasonCode !== 0 && known) throw new ClientBreach('PUBREL 0x92 for a known message');
    this.#owe(() => {
      this.#unanswered.delete(packetIdentifier);
      const reason = known || this.version === '3.1.1' ? 0 : 0x92;
      this.#stream.write(encodeAck(this.version, 'pubcomp', packetIdentifier, reason));
    });
  }

  /** PUBREL for a PUBREC of an earlier connection: in the order of those. */
  #checkResumedRelease(packetIdentifier: number, session: ModelSession): void {
    const order = session.receivedOrder.get(packetIdentifier);
    if (order === undefined) throw new ClientBreach(`PUBREL ${packetIdentifier} without a PUBREC`);
    if (order < this.#lastResumedRelease)
      throw new ClientBreach('PUBREL out of the order of PUBREC');
    this.#lastResumedRelease = order;
    this.#broker.hooks.count('PUBREL of an earlier connection');
  }

  #puback(packet: AckFromClient, session: ModelSession): void {
    const { packetIdentifier } = packet;
    if (this.#pubacksDue[0] !== packetIdentifier) {
      throw new ClientBreach(`PUBACK ${packetIdentifier}, due is ${this.#pubacksDue[0]}`);
    }
    this.#pubacksDue.shift();
    this.#finish(packetIdentifier, session);
  }

  #pubrec(packet: AckFromClient, session: ModelSession): void {
    const { packetIdentifier } = packet;
    if (this.#pubrecsDue[0] !== packetIdentifier) {
      throw new ClientBreach(`PUBREC ${packetIdentifier}, due is ${this.#pubrecsDue[0]}`);
    }
    this.#pubrecsDue.shift();
    if (packet.reasonCode >= 0x80) {
      this.#finish(packetIdentifier, session);
      return;
    }
    const message = session.find(packetIdentifier);
    if (message === undefined || message.state !== 'sent') return;
    message.state = 'released';
    this.#broker.hooks.onTaken(message.payload, 2, session);
    this.#owe(() => this.#release(message));
  }

  #pubcomp(packet: AckFromClient, session: ModelSession): void {
    const { packetIdentifier } = packet;
    if (this.#strays.has(packetIdentifier)) return;
    const message = session.find(packetIdentifier);
    if (message?.state !== 'released' || message.connection !== this.number) {
      throw new ClientBreach(`PUBCOMP ${packetIdentifier} for no PUBREL of this connection`);
    }
    session.remove(message);
    this.pump();
  }

  #finish(packetIdentifier: number, session: ModelSession): void {
    const message = session.find(packetIdentifier);
    if (message === undefined) return;
    session.remove(message);
    this.#broker.hooks.onTaken(message.payload, message.qos, session);
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

  #owe(send: () => void): void {
    const guarded = (): void => {
      if (this.#state === 'connected') send();
    };
    const waits = this.holdsAnswers || this.#plan?.delayAnswers || this.#owed.length > 0;
    if (waits) this.#owed.push(guarded);
    else guarded();
  }

  #hasRoom(session: ModelSession): boolean {
    let held = 0;
    for (const message of session.outbound) {
      if (message.connection === this.number && message.holdsPlace) held += 1;
    }
    return held < this.#clientReceiveMaximum;
  }

  #send(message: Outbound, session: ModelSession): void {
    const again = message.state === 'sent';
    if (!again) message.packetIdentifier = session.freeIdentifier();
    message.state = 'sent';
    message.connection = this.number;
    message.holdsPlace = true;
    const { topic, payload, qos, packetIdentifier } = message;
    (qos === 1 ? this.#pubacksDue : this.#pubrecsDue).push(packetIdentifier);
    if (again) this.#broker.hooks.count('message to the client again');
    this.#write(topic, payload, qos, packetIdentifier, again);
  }

  #release(message: Outbound): void {
    // Released before: the client counts it as an exchange of an earlier connection, if it was one.
    message.connection = this.number;
    this.#stream.write(encodeAck(this.version, 'pubrel', message.packetIdentifier, 0));
  }

  #write(
    topic: string,
    payload: Uint8Array,
    qos: 0 | 1 | 2,
    packetIdentifier: number,
    dup: boolean,
  ): void {
    const properties: [number, number][] = [];
    let name = topic;
    const identifier = this.session?.match(topic)?.identifier ?? 0;
    if (identifier !== 0) properties.push([0x0b, identifier]);
    if (this.#plan?.useAliases && this.#clientAliasMaximum > 0 && this.version === '5.0') {
      const known = this.#ownAliases.get(topic);
      const alias = known ?? this.#ownAliases.size + 1;
      if (alias <= this.#clientAliasMaximum) {
        if (known !== undefined) name = '';
        this.#ownAliases.set(topic, alias);
        properties.push([0x23, alias]);
      }
    }
    const bytes = encodePublish(this.version, {
      topic: name,
      payload,
      qos,
      dup,
      packetIdentifier,
      properties,
    });
    if (bytes.length > this.#clientMaximumPacketSize) {
      throw new RangeError(`a packet of ${bytes.length} bytes is more than the client takes`);
    }
    this.#stream.write(bytes);
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
