/**
 * A client engine joined to a server-side codec, with time in the test's hands: no link, no driver, no store.
 *
 * After every input the harness does a driver's duty at once: urgent output, then batches until there is none, each
 * committed, written, delivered, closed in that order. What came out is kept as plain lists for the test to take.
 */
import {
  type Batch,
  ClientEngine,
  type ConnectRequest,
  type DisconnectReason,
  type EngineEvent,
  type EngineOptions,
  type OutgoingMessage,
  type QueueLimits,
  type SessionOperation,
  type Ticket,
  type TransportEnd,
} from '@mqtt-kit/engine';
import {
  type ConnackPacket,
  noProperties,
  type Packet,
  PacketDecoder,
  PacketEncoder,
  type Properties,
  type ProtocolVersion,
  type QoS,
  type SubscriptionRequest,
} from '@mqtt-kit/packet';
import { describePacket, packetTypeName } from './describe-packet.ts';
import { bytesOf, connack, subscription } from './packet-builders.ts';

export interface EngineHarnessOptions extends Partial<Omit<EngineOptions, 'queue' | 'inbox'>> {
  readonly version?: ProtocolVersion;
  readonly queue?: Partial<QueueLimits>;
  readonly inbox?: Partial<EngineOptions['inbox']>;
}

export type EventOf<T extends EngineEvent['type']> = Extract<EngineEvent, { type: T }>;

const largestPacketSize = 268_435_460;

export class EngineHarness {
  readonly engine: ClientEngine;
  readonly version: ProtocolVersion;
  readonly now = { monotonicMs: 1000, epochMs: 1_700_000_000_000 };
  /** While set, batches are left in the engine, as while a commit is under way. Urgent output is still taken. */
  holdBatches = false;
  /** Whether `written` is told to the engine. */
  tellsWritten = true;
  /** Every operation that was committed. */
  readonly committed: SessionOperation[] = [];
  /** Batches as they came. */
  readonly batches: Batch[] = [];
  /** Whether the engine asked for the current connection to be closed. */
  closed = false;
  #open = false;
  #sent: Packet[] = [];
  #events: EngineEvent[] = [];
  #operations: SessionOperation[] = [];
  #decoder: PacketDecoder;

  constructor(options: EngineHarnessOptions = {}) {
    const { version = '5.0', queue, inbox, ...others } = options;
    this.version = version;
    this.#decoder = this.#newDecoder();
    this.engine = new ClientEngine({
      recordOperations: true,
      acknowledgeAfter: 'handler',
      foreignSession: 'refuse',
      lostSessionQos2: 'resend',
      pingTimeoutMs: 20_000,
      useTopicAliases: false,
      trace: false,
      ...others,
      queue: {
        maximumMessages: 1000,
        maximumBytes: 1_000_000,
        maximumAgeMs: Number.POSITIVE_INFINITY,
        overflow: 'reject',
        queueQos0: true,
        inFlight: 65_535,
        ...queue,
      },
      inbox: { maximumMessages: 1000, maximumBytes: 1_000_000, ...inbox },
    });
  }

  /** Starts a connection and opens its transport: CONNECT has left. */
  open(request: Partial<ConnectRequest> = {}): void {
    this.start(request);
    this.#open = true;
    this.engine.transportOpened(this.now);
    this.settle();
  }

  /** Starts a connection whose transport is not open yet. */
  start(request: Partial<ConnectRequest> = {}): void {
    this.engine.connect(
      {
        version: this.version,
        clientId: 'client',
        cleanStart: true,
        keepAliveSeconds: 60,
        username: undefined,
        password: undefined,
        will: undefined,
        properties: noProperties,
        serverKey: 'server',
        pipeline: false,
        ...request,
      },
      this.now,
    );
    this.#decoder = this.#newDecoder();
    this.closed = false;
    this.#open = false;
    this.settle();
  }

  /** The whole of a connection's beginning. What was sent and said until then is thrown away. */
  connected(
    request: Partial<ConnectRequest> = {},
    answer: Partial<Omit<ConnackPacket, 'type'>> = {},
  ): this {
    this.open(request);
    this.server(connack(answer));
    this.takeSent();
    this.takeEvents();
    this.takeOperations();
    return this;
  }

  /** A connection on a session that outlives it. */
  resumable(answer: Partial<Omit<ConnackPacket, 'type'>> = {}): this {
    return this.connected(persistent, answer);
  }

  /** The transport is gone, and another connection is made on the same session. What was sent before is thrown away. */
  reconnect(
    request: Partial<ConnectRequest> = persistent,
    answer: Partial<Omit<ConnackPacket, 'type'>> = { sessionPresent: true },
  ): void {
    this.cut();
    this.takeSent();
    this.open(request);
    this.#expectSent('connect');
    this.server(connack(answer));
  }

  /** What the server sends, in one chunk. */
  server(...packets: readonly Packet[]): void {
    this.serverBytes(...this.encode(...packets));
  }

  /** Packets as the server's bytes. */
  encode(...packets: readonly Packet[]): Uint8Array[] {
    const encoder = new PacketEncoder(this.version);
    for (const packet of packets) encoder.encode(packet);
    return encoder.take();
  }

  serverBytes(...chunks: readonly Uint8Array[]): void {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const chunk = new Uint8Array(length);
    let offset = 0;
    for (const part of chunks) {
      chunk.set(part, offset);
      offset += part.length;
    }
    this.engine.receive(chunk, this.now);
    this.settle();
  }

  /** The transport is gone, by our own doing if nothing else is said. */
  cut(by?: TransportEnd): void {
    this.#open = false;
    this.engine.transportClosed(this.now, by);
    this.settle();
  }

  publish(
    topic: string,
    fields: {
      readonly payload?: string | Uint8Array;
      readonly qos?: QoS;
      readonly retain?: boolean;
      readonly properties?: Properties;
    } = {},
  ): Ticket {
    const ticket = this.engine.publish(message(topic, fields), this.now);
    this.settle();
    return ticket;
  }

  /** Many small messages of QoS 1, the driver's duty done once at their end. */
  publishMany(count: number): void {
    const one = message('t', { qos: 1 });
    for (let published = 0; published < count; published++) this.engine.publish(one, this.now);
    this.settle();
  }

  subscribe(
    filters: readonly (string | SubscriptionRequest)[],
    properties: Properties = noProperties,
  ): Ticket {
    const subscriptions = filters.map((one) => (typeof one === 'string' ? subscription(one) : one));
    const ticket = this.engine.subscribe({ subscriptions, properties }, this.now);
    this.settle();
    return ticket;
  }

  unsubscribe(topicFilters: readonly string[], properties: Properties = noProperties): Ticket {
    const ticket = this.engine.unsubscribe({ topicFilters, properties }, this.now);
    this.settle();
    return ticket;
  }

  acknowledge(delivery: number, reasonCode = 0): void {
    this.engine.acknowledge(delivery, reasonCode, this.now);
    this.settle();
  }

  disconnect(reasonCode = 0, properties: Properties = noProperties): void {
    this.engine.disconnect({ reasonCode, properties }, this.now);
    this.settle();
  }

  writable(writable: boolean): void {
    this.engine.transportWritable(writable, this.now);
    this.settle();
  }

  /** Lets time pass; every deadline on the way is met on time. */
  advance(ms: number): void {
    const endMs = this.now.monotonicMs + ms;
    for (let met = 0; this.engine.nextDeadlineMs <= endMs; met++) {
      if (met > 100_000) throw new Error('the engine asks for deadlines without end');
      this.#moveTo(Math.max(this.engine.nextDeadlineMs, this.now.monotonicMs));
      this.engine.deadlineReached(this.now);
      this.settle();
    }
    this.#moveTo(endMs);
  }

  /** Lets time pass without any timer, as when the machine sleeps; then the one that is due comes late. */
  sleep(ms: number): void {
    this.#moveTo(this.now.monotonicMs + ms);
    if (this.engine.nextDeadlineMs > this.now.monotonicMs) return;
    this.engine.deadlineReached(this.now);
    this.settle();
  }

  /** A driver's duty. Called after every input already. */
  settle(): void {
    for (let urgent = this.engine.takeUrgent(); urgent; urgent = this.engine.takeUrgent()) {
      if (urgent.connection !== this.engine.connection) continue;
      this.#write(urgent.bytes);
      if (urgent.close) this.#close();
    }
    if (this.holdBatches) return;
    for (let batch = this.engine.takeBatch(); batch; batch = this.engine.takeBatch()) {
      this.batches.push(batch);
      this.committed.push(...batch.operations);
      this.#operations.push(...batch.operations);
      if (batch.connection === this.engine.connection) this.#write(batch.bytes);
      this.#events.push(...batch.events);
      if (batch.close && batch.connection === this.engine.connection) this.#close();
    }
  }

  /** The packets the engine sent since the last call. */
  takeSent(): Packet[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** The same by type and identifier, for short: `publish 1 dup`, `pubrel 2`, `pingreq`. */
  takeSentShort(): string[] {
    return this.takeSent().map(shortPacket);
  }

  takeEvents(): EngineEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** The events of one type since the last call of this or `takeEvents`; the others are thrown away. */
  take<T extends EngineEvent['type']>(type: T): EventOf<T>[] {
    return this.takeEvents().filter((event): event is EventOf<T> => event.type === type);
  }

  takeOperations(): SessionOperation[] {
    const operations = this.#operations;
    this.#operations = [];
    return operations;
  }

  /** Why the connection ended; fails when it did not, or more than once. */
  takeEnd(): DisconnectReason {
    const ends = this.take('disconnected');
    if (ends.length !== 1) throw new Error(`expected one disconnected event, got ${ends.length}`);
    return ends[0]!.reason;
  }

  #expectSent(name: string): void {
    const sent = this.takeSent();
    if (sent.length === 1 && packetTypeName(sent[0]!) === name) return;
    throw new Error(`expected ${name} alone, got ${sent.map(describePacket).join('; ')}`);
  }

  #moveTo(monotonicMs: number): void {
    this.now.epochMs += monotonicMs - this.now.monotonicMs;
    this.now.monotonicMs = monotonicMs;
  }

  #close(): void {
    this.closed = true;
    this.#open = false;
  }

  #write(bytes: readonly Uint8Array[]): void {
    if (bytes.length === 0) return;
    if (!this.#open) throw new Error('the engine wrote to a connection that is not open');
    for (const chunk of bytes) this.#decoder.push(chunk.slice());
    for (let packet = this.#decoder.next(); packet; packet = this.#decoder.next()) {
      this.#sent.push(packet);
    }
    if (this.#decoder.incomplete) throw new Error('the engine wrote a part of a packet');
    if (this.tellsWritten) this.engine.written(this.now);
  }

  #newDecoder(): PacketDecoder {
    const { version } = this;
    return new PacketDecoder({ version, receiver: 'server', maximumPacketSize: largestPacketSize });
  }
}

/** The part of a connect request that makes a session outlive its connection, in either version. */
export const persistent = {
  cleanStart: false,
  properties: { sessionExpiryInterval: 1000 },
} as const;

/** A message to publish: QoS 0, empty, unless `fields` say otherwise. */
export function message(
  topic: string,
  fields: {
    readonly payload?: string | Uint8Array;
    readonly qos?: QoS;
    readonly retain?: boolean;
    readonly properties?: Properties;
  } = {},
): OutgoingMessage {
  return {
    topic,
    payload: bytesOf(fields.payload ?? ''),
    qos: fields.qos ?? 0,
    retain: fields.retain ?? false,
    properties: fields.properties ?? noProperties,
  };
}

function shortPacket(packet: Packet): string {
  const name = packetTypeName(packet);
  const parts: (string | number)[] = [name];
  if ('packetIdentifier' in packet && packet.packetIdentifier !== undefined) {
    parts.push(packet.packetIdentifier);
  } else if ('topic' in packet) {
    parts.push(packet.topic);
  }
  if ('dup' in packet && packet.dup) parts.push('dup');
  if ('reasonCode' in packet && packet.reasonCode !== 0) {
    parts.push(`0x${packet.reasonCode.toString(16)}`);
  }
  return parts.join(' ');
}
