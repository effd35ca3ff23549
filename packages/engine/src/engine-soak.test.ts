/**
 * The engine against an honest server over a link that is cut at random bytes, with a store that is committed in the
 * order of duty and a process that crashes now and then. Everything random comes from one seed.
 *
 * The server is written down here from the specification alone, with no code of the engine's. It complains about
 * whatever a client must not do; the rest is checked where the engine's packets, events and operations pass by.
 */
import {
  type AcknowledgePacket,
  type ConnectPacket,
  noProperties,
  type Packet,
  PacketDecoder,
  PacketEncoder,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type PublishPacket,
  type QoS,
} from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import * as build from '../../testkit/src/packet-builders.ts';
import { Prng } from '../../testkit/src/prng.ts';
import type { Batch, EngineEvent } from './batch.ts';
import { ClientEngine } from './client-engine.ts';
import type { SessionOperation } from './session-operation.ts';

const largest = 268_435_460;
const topics = ['alpha', 'beta/long/enough', 'gamma/one'];
const decodeText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** What the server keeps of the session. */
class ServerSession {
  /** QoS 2 identifiers whose PUBREL has not come. */
  readonly received = new Set<number>();
  /** Messages for the client, the oldest first. */
  readonly toClient: {
    name: string;
    qos: QoS;
    identifier: number;
    state: 'new' | 'sent' | 'again' | 'released';
  }[] = [];
  nextIdentifier = 1;
  /**
   * Whether the client has sent anything after CONNECT. Until then the server may forget it as well: a CONNACK that
   * says Session Present 0 and is lost would otherwise make the next one say 1, about a session that the client takes
   * for the one before. No client can tell them apart.
   */
  used = false;
}

/** One server over all connections. */
class HonestServer {
  readonly complaints: string[] = [];
  /** How often each message of the client's arrived as a new one. */
  readonly owned = new Map<string, number>();
  /** Names of messages in order of first arrival, by topic and QoS. */
  readonly order = new Map<string, string[]>();
  /** Messages for the client that no session holds any more although they were not delivered. */
  readonly forgotten = new Set<string>();
  readonly refused = new Set<string>();
  readonly produced: string[] = [];
  session: ServerSession | undefined;
  #random: Prng;
  #version: ProtocolVersion;
  #connection: ServerConnection | undefined;
  #made = 0;

  constructor(random: Prng, version: ProtocolVersion) {
    this.#random = random;
    this.#version = version;
  }

  connect(): ServerConnection {
    if (this.session?.used === false) this.forgetSession();
    this.#connection = new ServerConnection(this, this.#random, this.#version);
    return this.#connection;
  }

  /** A message for the client appears. */
  produce(qos: QoS): string {
    this.#made += 1;
    const name = `s${this.#made}-${qos}`;
    this.produced.push(name);
    if (this.session === undefined) this.forgotten.add(name);
    else this.session.toClient.push({ name, qos, identifier: 0, state: 'new' });
    return name;
  }

  forgetSession(): void {
    for (const { name } of this.session?.toClient ?? []) this.forgotten.add(name);
    this.session = undefined;
  }

  own(packet: PublishPacket, topic: string): void {
    const name = decodeText(packet.payload);
    const times = this.owned.get(name) ?? 0;
    this.owned.set(name, times + 1);
    // One that was refused first, and taken when it came again, has lost its place by the server's own doing.
    if (times > 0 || this.refused.has(name)) return;
    const key = `${topic} ${packet.qos}`;
    const list = this.order.get(key) ?? [];
    list.push(name);
    this.order.set(key, list);
  }
}

class ServerConnection {
  readonly #server: HonestServer;
  readonly #random: Prng;
  readonly #encoder: PacketEncoder;
  readonly #decoder: PacketDecoder;
  readonly #answers: Packet[] = [];
  readonly #aliases = new Map<number, string>();
  readonly #receiveMaximum: number;
  readonly #properties: Properties;
  /** Identifiers of QoS 1 and 2 messages of the client's that are not acknowledged on this connection. */
  readonly #open = new Set<number>();
  readonly #requests = new Set<number>();
  #connect: ConnectPacket | undefined;
  #connackSent = false;
  #disconnected = false;
  /** Identifiers in the order in which PUBREC left; PUBREL has to come in the same. */
  readonly #pubrecs: number[] = [];
  /** Identifiers of QoS 1 messages sent on this connection, in order; PUBACK has to come in the same. */
  readonly #pubacksDue: number[] = [];
  readonly #pubrecsDue: number[] = [];
  #clientQuota = 0;
  #clientMaximum = 0;

  constructor(server: HonestServer, random: Prng, version: ProtocolVersion) {
    this.#server = server;
    this.#random = random;
    this.#encoder = new PacketEncoder(version);
    this.#decoder = new PacketDecoder({ version, receiver: 'server', maximumPacketSize: largest });
    this.#receiveMaximum = random.integer(1, 4);
    this.#properties =
      version === '3.1.1'
        ? noProperties
        : { receiveMaximum: this.#receiveMaximum, topicAliasMaximum: random.integer(0, 2) };
    if (version === '3.1.1') this.#receiveMaximum = 65_535;
  }

  receive(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
    for (let packet = this.#decoder.next(); packet; packet = this.#decoder.next())
      this.#take(packet);
  }

  /** Does one thing it has to do, if there is any, and returns whether there was. */
  work(): boolean {
    const answer = this.#answers.shift();
    if (answer !== undefined) {
      this.#send(answer);
      return true;
    }
    return this.#connackSent && this.#deliver();
  }

  takeBytes(): Uint8Array[] {
    return this.#encoder.take();
  }

  #complain(what: string): void {
    this.#server.complaints.push(what);
  }

  #send(packet: Packet): void {
    if (packet.type === PacketType.connack) this.#connackSent = true;
    if (packet.type === PacketType.puback) this.#open.delete(packet.packetIdentifier);
    if (packet.type === PacketType.pubcomp) this.#open.delete(packet.packetIdentifier);
    if (packet.type === PacketType.pubrec) {
      if (packet.reasonCode >= 0x80) this.#open.delete(packet.packetIdentifier);
      else this.#pubrecs.push(packet.packetIdentifier);
    }
    if (packet.type === PacketType.suback || packet.type === PacketType.unsuback) {
      this.#requests.delete(packet.packetIdentifier);
    }
    this.#encoder.encode(packet);
  }

  /** Sends the next message for the client, within what the client can take. */
  #deliver(): boolean {
    if (this.#clientQuota === 0) return false;
    const { session } = this.#server;
    if (session === undefined) return false;
    const again = session.toClient.find(({ state }) => state === 'again');
    if (again !== undefined) {
      this.#publish(again, true);
      return true;
    }
    const message = session.toClient.find(({ state }) => state === 'new');
    if (message === undefined) return false;
    if (message.qos > 0) {
      if (session.toClient.filter(({ state }) => state !== 'new').length >= 5) return false;
      while (session.toClient.some(({ identifier }) => identifier === session.nextIdentifier)) {
        session.nextIdentifier = (session.nextIdentifier % 5) + 1;
      }
      message.identifier = session.nextIdentifier;
      session.nextIdentifier = (session.nextIdentifier % 5) + 1;
    }
    this.#publish(message, false);
    if (message.qos === 0) session.toClient.splice(session.toClient.indexOf(message), 1);
    return true;
  }

  #publish(message: ServerSession['toClient'][number], dup: boolean): void {
    const { name, qos, identifier } = message;
    message.state = 'sent';
    if (qos > 0) this.#clientQuota -= 1;
    if (qos === 1) this.#pubacksDue.push(identifier);
    if (qos === 2) this.#pubrecsDue.push(identifier);
    const packetIdentifier = qos === 0 ? {} : { packetIdentifier: identifier };
    this.#encoder.encode(build.publish('to/client', name, { qos, dup, ...packetIdentifier }));
  }

  #take(packet: Packet): void {
    if (this.#disconnected) this.#complain(`packet type ${packet.type} after DISCONNECT`);
    if (this.#connect === undefined) {
      if (packet.type !== PacketType.connect) {
        this.#complain(`first packet is of type ${packet.type}`);
        return;
      }
      this.#accept(packet);
      return;
    }
    this.#server.session!.used = true;
    switch (packet.type) {
      case PacketType.publish:
        this.#takePublish(packet);
        return;
      case PacketType.puback:
        this.#takeAcknowledgement(packet as AcknowledgePacket, this.#pubacksDue);
        return;
      case PacketType.pubrec:
        this.#takePubrec(packet as AcknowledgePacket);
        return;
      case PacketType.pubrel:
        this.#takePubrel(packet as AcknowledgePacket);
        return;
      case PacketType.pubcomp:
        this.#finish(packet.packetIdentifier);
        return;
      case PacketType.subscribe:
      case PacketType.unsubscribe: {
        const { packetIdentifier } = packet;
        this.#takeIdentifier(packetIdentifier);
        this.#requests.add(packetIdentifier);
        this.#answers.push(
          packet.type === PacketType.subscribe ? build.suback(packet) : build.unsuback(packet),
        );
        return;
      }
      case PacketType.pingreq:
        this.#answers.push(build.pingresp());
        return;
      case PacketType.disconnect:
        this.#disconnected = true;
        return;
      default:
        this.#complain(`packet type ${packet.type} after CONNECT`);
    }
  }

  #accept(packet: ConnectPacket): void {
    this.#connect = packet;
    const server = this.#server;
    if (packet.cleanStart) server.forgetSession();
    const sessionPresent = server.session !== undefined;
    server.session ??= new ServerSession();
    this.#clientMaximum = packet.properties.receiveMaximum ?? 65_535;
    this.#clientQuota = this.#clientMaximum;
    this.#send(build.connack({ sessionPresent, properties: this.#properties }));
    for (const message of server.session.toClient) {
      if (message.state === 'sent') message.state = 'again';
      else if (message.state === 'released') this.#encoder.encode(build.pubrel(message.identifier));
    }
  }

  #takeIdentifier(identifier: number): void {
    if (this.#open.has(identifier) || this.#requests.has(identifier)) {
      this.#complain(`packet identifier ${identifier} is in use`);
    }
  }

  #takePublish(packet: PublishPacket): void {
    const { topicAlias } = packet.properties;
    if (topicAlias !== undefined) {
      if (topicAlias > (this.#properties.topicAliasMaximum ?? 0)) this.#complain('alias too high');
      if (packet.dup) this.#complain('a message sent again has an alias');
      if (packet.topic !== '') this.#aliases.set(topicAlias, packet.topic);
    }
    const topic = packet.topic || this.#aliases.get(topicAlias ?? 0);
    if (topic === undefined) {
      this.#complain('alias without a topic');
      return;
    }
    if (packet.qos === 0) {
      this.#server.own(packet, topic);
      return;
    }
    const identifier = packet.packetIdentifier!;
    if (!packet.dup) this.#takeIdentifier(identifier);
    const { received } = this.#server.session!;
    if (packet.qos === 2 && received.has(identifier) && !packet.dup) {
      this.#complain(`packet identifier ${identifier} is in use by an exchange that is not over`);
    }
    this.#open.add(identifier);
    if (this.#open.size > this.#receiveMaximum) this.#complain('Receive Maximum exceeded');
    const refuse =
      !received.has(identifier) && this.#connect!.version === '5.0' && this.#random.chance(0.1);
    if (refuse) this.#server.refused.add(decodeText(packet.payload));
    else if (packet.qos === 1 || !received.has(identifier)) this.#server.own(packet, topic);
    if (packet.qos === 2 && !refuse) received.add(identifier);
    const answer = packet.qos === 1 ? build.puback : build.pubrec;
    this.#answers.push(answer(identifier, refuse ? 0x97 : 0));
  }

  #takePubrel(packet: AcknowledgePacket): void {
    const { packetIdentifier } = packet;
    const { received } = this.#server.session!;
    const due = this.#pubrecs.indexOf(packetIdentifier);
    if (due > 0) this.#complain(`PUBREL ${packetIdentifier} before PUBREL ${this.#pubrecs[0]}`);
    if (due >= 0) this.#pubrecs.splice(due, 1);
    const known = received.delete(packetIdentifier);
    this.#open.add(packetIdentifier);
    const version = this.#connect?.version;
    this.#answers.push(build.pubcomp(packetIdentifier, known || version === '3.1.1' ? 0 : 0x92));
  }

  #takeAcknowledgement(packet: AcknowledgePacket, due: number[]): void {
    const { packetIdentifier } = packet;
    if (due[0] !== packetIdentifier) {
      this.#complain(`acknowledged ${packetIdentifier}, due is ${due[0] ?? 'none'}`);
    }
    due.shift();
    if (packet.type === PacketType.puback) this.#finish(packetIdentifier);
  }

  #takePubrec(packet: AcknowledgePacket): void {
    const { packetIdentifier } = packet;
    this.#takeAcknowledgement(packet, this.#pubrecsDue);
    const message = this.#server.session!.toClient.find(
      ({ identifier }) => identifier === packetIdentifier,
    );
    if (message === undefined) {
      this.#complain(`PUBREC for nothing: ${packetIdentifier}`);
      return;
    }
    message.state = 'released';
    this.#answers.push(build.pubrel(packetIdentifier));
  }

  #finish(packetIdentifier: number): void {
    const { toClient } = this.#server.session!;
    const place = toClient.findIndex(({ identifier }) => identifier === packetIdentifier);
    if (place < 0) {
      this.#complain(`acknowledged for nothing: ${packetIdentifier}`);
      return;
    }
    toClient.splice(place, 1);
    this.#clientQuota = Math.min(this.#clientQuota + 1, this.#clientMaximum);
  }
}

/** What a store would hold, to check that duty comes before bytes. */
class StoreModel {
  readonly log: SessionOperation[] = [];
  readonly identifiers = new Map<number, 'sent' | 'released'>();
  readonly out = new Set<number>();
  /** Every sequence there ever was. */
  readonly accepted = new Set<number>();
  readonly incoming = new Set<number>();
  #ofSequence = new Map<number, number>();
  /** What is wrong with the operations themselves. */
  readonly complaints: string[] = [];

  commit(operations: readonly SessionOperation[]): void {
    for (const operation of operations) {
      this.log.push(operation);
      this.#apply(operation);
    }
  }

  #apply(operation: SessionOperation): void {
    switch (operation.type) {
      case 'out':
        if (this.out.has(operation.sequence)) this.complaints.push('one sequence twice');
        this.out.add(operation.sequence);
        this.accepted.add(operation.sequence);
        return;
      case 'outIdentifier':
        if (this.identifiers.has(operation.packetIdentifier)) {
          this.complaints.push(`identifier ${operation.packetIdentifier} twice`);
        }
        this.identifiers.set(operation.packetIdentifier, 'sent');
        this.#ofSequence.set(operation.sequence, operation.packetIdentifier);
        return;
      case 'outReceived':
        this.identifiers.set(operation.packetIdentifier, 'released');
        return;
      case 'outDone': {
        if (!this.out.delete(operation.sequence)) this.complaints.push('done twice');
        const identifier = this.#ofSequence.get(operation.sequence);
        if (identifier !== undefined) this.identifiers.delete(identifier);
        this.#ofSequence.delete(operation.sequence);
        return;
      }
      case 'in':
        if (operation.message.qos === 2) this.incoming.add(operation.packetIdentifier);
        return;
      case 'inReleased':
        this.incoming.delete(operation.packetIdentifier);
        return;
      case 'reset':
        this.identifiers.clear();
        this.#ofSequence.clear();
        this.incoming.clear();
    }
  }
}

class Soak {
  readonly random: Prng;
  readonly version: ProtocolVersion;
  readonly server: HonestServer;
  readonly store = new StoreModel();
  readonly complaints: string[] = [];
  readonly now = { monotonicMs: 0, epochMs: 1_700_000_000_000 };
  engine: ClientEngine;
  /** Names of published messages by ticket, and of those with an outcome. */
  readonly published = new Map<number, { name: string; qos: QoS; topic: string }>();
  readonly settled = new Map<number, string>();
  readonly delivered = new Map<string, number>();
  readonly #stored: boolean;
  #connection: ServerConnection | undefined;
  #link = 0;
  #toServer: Uint8Array[] = [];
  #toClient: Uint8Array[] = [];
  #undone: number[] = [];
  #watch: PacketDecoder | undefined;
  #held: Batch[] = [];
  #names = 0;

  constructor(seed: number, version: ProtocolVersion) {
    this.random = new Prng(seed);
    this.version = version;
    this.#stored = this.random.chance(0.5);
    this.server = new HonestServer(this.random.fork(), version);
    this.engine = this.#newEngine();
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) this.#step();
    this.#settle();
  }

  #newEngine(): ClientEngine {
    return new ClientEngine({
      queue: {
        maximumMessages: 100_000,
        maximumBytes: 1e9,
        maximumAgeMs: Number.POSITIVE_INFINITY,
        overflow: 'reject',
        queueQos0: true,
        inFlight: 65_535,
      },
      inbox: { maximumMessages: 3, maximumBytes: 1e9 },
      recordOperations: true,
      acknowledgeAfter: this.#stored ? 'commit' : 'handler',
      foreignSession: 'refuse',
      lostSessionQos2: 'reject',
      pingTimeoutMs: 20_000,
      useTopicAliases: true,
      trace: false,
    });
  }

  #step(): void {
    const { random } = this;
    this.now.monotonicMs += random.integer(0, 50);
    this.now.epochMs = 1_700_000_000_000 + this.now.monotonicMs;
    const connected = this.#connection !== undefined;
    const what = random.integer(0, 99);
    if (!connected && what < 40) this.#open();
    else if (what < 20) this.#publish();
    else if (what < 30) this.server.produce(random.integer(0, 2) as QoS);
    else if (what < 45) this.#passToServer(random.integer(1, 60));
    else if (what < 60) this.#passToClient(random.integer(1, 60));
    else if (what < 75) this.#serverWorks();
    else if (what < 88) this.#acknowledgeOne();
    else if (what < 90) this.#subscribe();
    else if (what < 92) this.engine.transportWritable(random.chance(0.7), this.now);
    else if (what < 94 && connected) this.#cut();
    else if (what === 94 && random.chance(0.2)) this.#crash();
    else if (what === 95 && random.chance(0.1)) {
      this.#cut();
      this.server.forgetSession();
    }
    if (this.engine.nextDeadlineMs <= this.now.monotonicMs) this.engine.deadlineReached(this.now);
    this.#takeUrgent();
    if (random.chance(0.6)) this.#takeBatches();
    if (random.chance(0.7)) this.#commitHeld();
  }

  /** Faults off: everything has to come to its end. */
  #settle(): void {
    for (let round = 0; round < 5000 && !this.#isQuiet(); round++) {
      if (this.#connection === undefined) this.#open();
      this.engine.transportWritable(true, this.now);
      for (let work = 0; work < 10; work++) this.#serverWorks();
      this.#passToServer(100_000);
      this.#passToClient(100_000);
      while (this.#undone.length > 0) this.#acknowledgeOne();
      this.now.monotonicMs += 10;
      if (this.engine.nextDeadlineMs <= this.now.monotonicMs) this.engine.deadlineReached(this.now);
      this.#takeUrgent();
      this.#takeBatches();
      this.#commitHeld();
    }
  }

  #isQuiet(): boolean {
    const { toClient } = this.server.session ?? {};
    return (
      toClient?.length === 0 &&
      this.engine.connection !== 0 &&
      this.engine.queued.messages === 0 &&
      !this.engine.awaitingAnswer &&
      this.#held.length + this.#undone.length === 0
    );
  }

  #open(): void {
    this.#link += 1;
    this.#connection = this.server.connect();
    this.#toServer = [];
    this.#toClient = [];
    const { version } = this;
    this.#watch = new PacketDecoder({ version, receiver: 'server', maximumPacketSize: largest });
    this.engine.connect(
      {
        version,
        clientId: 'soak',
        cleanStart: false,
        keepAliveSeconds: 60,
        username: undefined,
        password: undefined,
        will: undefined,
        properties: { sessionExpiryInterval: 4_294_967_295, receiveMaximum: 3 },
        serverKey: 'server',
        pipeline: false,
      },
      this.now,
    );
    this.engine.transportOpened(this.now);
  }

  #cut(): void {
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    this.engine.transportClosed(this.now);
  }

  /** The process dies: what was not committed has never been, and its tickets may be given again. */
  #crash(): void {
    this.#connection = undefined;
    this.#held = [];
    this.#undone = [];
    for (const ticket of [...this.published.keys(), ...this.settled.keys()]) {
      if (this.store.accepted.has(ticket)) continue;
      this.published.delete(ticket);
      this.settled.delete(ticket);
    }
    this.engine = this.#newEngine();
    this.engine.restore(this.store.log, this.now);
  }

  #publish(): void {
    this.#names += 1;
    const qos = this.random.integer(0, 2) as QoS;
    const topic = this.random.pick(topics);
    const name = `c${this.#names}`;
    const message = {
      topic,
      payload: build.bytesOf(name),
      qos,
      retain: false,
      properties: noProperties,
    };
    const ticket = this.engine.publish(message, this.now);
    if (ticket !== 0) this.published.set(ticket, { name, qos, topic });
  }

  #subscribe(): void {
    const subscriptions = [build.subscription('x')];
    this.engine.subscribe({ subscriptions, properties: noProperties }, this.now);
  }

  #acknowledgeOne(): void {
    if (this.#undone.length === 0) return;
    const place = this.random.integer(0, this.#undone.length - 1);
    const [delivery] = this.#undone.splice(place, 1);
    this.engine.acknowledge(delivery!, 0, this.now);
  }

  #serverWorks(): void {
    if (this.#connection?.work()) this.#toClient.push(...this.#connection.takeBytes());
  }

  #passToServer(most: number): void {
    const bytes = takeBytes(this.#toServer, most);
    if (bytes.length === 0) return;
    this.#connection?.receive(bytes);
    this.#toClient.push(...(this.#connection?.takeBytes() ?? []));
  }

  #passToClient(most: number): void {
    const bytes = takeBytes(this.#toClient, most);
    if (bytes.length > 0 && this.#connection !== undefined) this.engine.receive(bytes, this.now);
  }

  #takeUrgent(): void {
    for (let urgent = this.engine.takeUrgent(); urgent; urgent = this.engine.takeUrgent()) {
      if (this.#connection === undefined) continue;
      this.#toServer.push(...urgent.bytes);
      if (urgent.close) this.#cut();
    }
  }

  #takeBatches(): void {
    for (let batch = this.engine.takeBatch(); batch; batch = this.engine.takeBatch()) {
      this.#held.push(batch);
      if (batch.bytes.length > 0) this.engine.written(this.now);
    }
  }

  #commitHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const batch of held) {
      this.store.commit(batch.operations);
      if (this.#connection !== undefined && batch.connection === this.engine.connection) {
        this.#check(batch);
        this.#toServer.push(...batch.bytes);
      }
      for (const event of batch.events) this.#take(event);
      if (batch.close && batch.connection === this.engine.connection) this.#cut();
    }
  }

  /** Duty before bytes, and DUP on what may have been sent. */
  #check({ bytes, operations }: Batch): void {
    const watch = this.#watch!;
    for (const chunk of bytes) watch.push(chunk.slice());
    for (let packet = watch.next(); packet; packet = watch.next()) {
      if (!('packetIdentifier' in packet) || packet.packetIdentifier === undefined) continue;
      const { packetIdentifier } = packet;
      const inStore = this.store.identifiers.get(packetIdentifier);
      if (packet.type === PacketType.publish) {
        if (inStore !== 'sent') this.complaints.push(`PUBLISH ${packetIdentifier} is ${inStore}`);
        // The identifier is stored in the batch of the first sending, and every later sending has DUP.
        const first = operations.some(
          (operation) =>
            operation.type === 'outIdentifier' && operation.packetIdentifier === packetIdentifier,
        );
        if (packet.dup === first)
          this.complaints.push(`PUBLISH ${packetIdentifier}: DUP ${packet.dup}`);
      } else if (packet.type === PacketType.pubrel) {
        if (packet.reasonCode < 0x80 && inStore !== 'released') {
          this.complaints.push(`PUBREL ${packetIdentifier} is ${inStore}`);
        }
      } else if (packet.type === PacketType.pubrec && !this.store.incoming.has(packetIdentifier)) {
        this.complaints.push(`PUBREC ${packetIdentifier} is not stored`);
      } else if (packet.type === PacketType.pubcomp && this.store.incoming.has(packetIdentifier)) {
        this.complaints.push(`PUBCOMP ${packetIdentifier} is not released in the store`);
      }
    }
  }

  #take(event: EngineEvent): void {
    switch (event.type) {
      case 'message': {
        const name = decodeText(event.packet.payload);
        if (!event.redelivered) this.delivered.set(name, (this.delivered.get(name) ?? 0) + 1);
        if (event.delivery !== 0) this.#undone.push(event.delivery);
        return;
      }
      case 'published': {
        if (this.settled.has(event.ticket)) this.complaints.push(`two outcomes of ${event.ticket}`);
        const { outcome } = event;
        const code = outcome.kind === 'acknowledged' && outcome.reasonCode >= 0x80 ? 'refused' : '';
        this.settled.set(event.ticket, code || (outcome.kind === 'failed' ? outcome.code : 'ok'));
        return;
      }
      case 'disconnected':
        if (event.reason.kind === 'breach' || event.reason.kind === 'keepAliveTimeout') {
          this.complaints.push(
            `the engine ended an honest connection: ${JSON.stringify(event.reason)}`,
          );
        }
    }
  }
}

function takeBytes(chunks: Uint8Array[], most: number): Uint8Array {
  const all = chunks.splice(0);
  const length = all.reduce((sum, chunk) => sum + chunk.length, 0);
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const chunk of all) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  if (length > most) chunks.push(joined.slice(most));
  return joined.slice(0, most);
}

function inOrder(names: readonly string[]): boolean {
  const numbers = names.map((name) => Number(name.slice(1)));
  return numbers.every((number, place) => place === 0 || number > numbers[place - 1]!);
}

/** The whole of one seed, with everything that has to hold at its end. */
function run(seed: number, version: ProtocolVersion): void {
  const soak = new Soak(seed, version);
  soak.run(1500);
  const { server, store, complaints } = soak;
  const wrong: string[] = [...complaints, ...server.complaints, ...store.complaints];
  for (const [ticket, { name, qos }] of soak.published) {
    if (qos === 0) continue;
    const outcome = soak.settled.get(ticket);
    const times = server.owned.get(name) ?? 0;
    if (outcome === undefined) wrong.push(`${name} has no outcome`);
    if (outcome === 'ok' && times === 0) wrong.push(`${name} succeeded, and the server has it not`);
    if (qos === 2 && times > 1) wrong.push(`the server has ${name} ${times} times`);
  }
  for (const list of server.order.values()) {
    if (!inOrder(list)) wrong.push(`arrived out of order: ${list.join(' ')}`);
  }
  for (const name of server.produced) {
    const times = soak.delivered.get(name) ?? 0;
    if (times === 0 && !name.endsWith('-0') && !server.forgotten.has(name)) {
      wrong.push(`${name} was not delivered`);
    }
    if (times > 1 && name.endsWith('-2')) wrong.push(`${name} was delivered ${times} times`);
  }
  const left = store.out.size + store.identifiers.size + store.incoming.size;
  if (left > 0) wrong.push(`${left} entries are left in the store`);
  expect({ seed, wrong: wrong.slice(0, 5) }).toEqual({ seed, wrong: [] });
}

const seeds = 120;

describe.each(['5.0', '3.1.1'] as const)('against an honest server, %s', (version) => {
  it('loses nothing, doubles nothing, and keeps every duty and order over cuts and crashes', () => {
    for (let seed = 1; seed <= seeds; seed++) run(seed, version);
  }, 120_000);
});
