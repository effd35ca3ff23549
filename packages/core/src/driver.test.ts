import {
  ClientEngine,
  type ConnectRequest,
  type EngineEvent,
  type EngineOptions,
  type OutgoingMessage,
  type SessionOperation,
  withNextBatch,
} from '@mqtt-kit/engine';
import { type Packet, PacketDecoder, PacketEncoder, PacketType } from '@mqtt-kit/packet';
import { VirtualClock } from '@mqtt-kit/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Driver } from './driver.ts';
import { MqttError } from './errors.ts';
import type { SessionStore } from './session-store.ts';
import type { OpenTransport, Transport, TransportHandlers, TransportTarget } from './transport.ts';

const target: TransportTarget = {
  scheme: 'mqtt',
  hostname: 'h',
  port: 1883,
  path: '',
  tls: undefined,
  webSocket: undefined,
  maximumPacketSize: 1_000_000,
};

const engineOptions: EngineOptions = {
  queue: {
    maximumMessages: 100_000,
    maximumBytes: 100_000_000,
    maximumAgeMs: Number.POSITIVE_INFINITY,
    overflow: 'reject',
    queueQos0: true,
    inFlight: 65_535,
  },
  inbox: { maximumMessages: 1_000, maximumBytes: 1_000_000 },
  recordOperations: false,
  acknowledgeAfter: 'handler',
  foreignSession: 'refuse',
  lostSessionQos2: 'resend',
  pingTimeoutMs: 20_000,
  useTopicAliases: false,
  trace: false,
};

/** A transport whose every call is kept, and a server's end that is played by hand. */
class FakeTransport implements Transport {
  readonly writes: Packet[][] = [];
  writable = true;
  paused = false;
  closed = false;
  destroyed = false;
  readonly handlers: TransportHandlers;
  readonly #decoder = new PacketDecoder({
    version: '5.0',
    receiver: 'server',
    maximumPacketSize: 268_435_460,
  });

  constructor(handlers: TransportHandlers) {
    this.handlers = handlers;
  }

  write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.#decoder.push(chunk.slice());
    const packets: Packet[] = [];
    for (let packet = this.#decoder.next(); packet; packet = this.#decoder.next()) {
      packets.push(packet);
    }
    this.writes.push(packets);
    return this.writable;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(): void {
    this.closed = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** The server writes these packets in one chunk. */
  receive(...packets: Packet[]): void {
    const encoder = new PacketEncoder('5.0');
    for (const packet of packets) encoder.encode(packet);
    const chunks = encoder.take();
    expect(chunks).toHaveLength(1);
    this.handlers.onData(chunks[0] as Uint8Array);
  }

  /** The packet types of each write. */
  get types(): number[][] {
    return this.writes.map((packets) => packets.map(({ type }) => type));
  }
}

interface StageOptions {
  readonly engine?: Partial<EngineOptions>;
  readonly store?: SessionStore;
  readonly request?: Partial<ConnectRequest>;
  readonly withoutPause?: boolean;
}

class Stage {
  readonly clock = new VirtualClock();
  readonly events: EngineEvent[] = [];
  readonly storeErrors: MqttError[] = [];
  readonly transports: FakeTransport[] = [];
  readonly engine: ClientEngine;
  readonly driver: Driver;
  onEvent: (event: EngineEvent) => void = () => {};
  idle = 0;
  readonly #options: StageOptions;

  constructor(options: StageOptions = {}) {
    this.#options = options;
    const recordOperations = options.store !== undefined;
    this.engine = new ClientEngine({ ...engineOptions, recordOperations, ...options.engine });
    this.driver = new Driver(this.engine, options.store, this.clock, {
      onEvent: (event) => {
        this.events.push(event);
        this.onEvent(event);
      },
      onIdle: () => {
        this.idle += 1;
      },
      onStoreFailed: (error) => this.storeErrors.push(error),
    });
    onTestFinished(() => this.driver.end());
  }

  readonly open: OpenTransport = (_target, handlers) => {
    const transport = new FakeTransport(handlers);
    if (this.#options.withoutPause) Object.assign(transport, { pause: undefined });
    this.transports.push(transport);
    return Promise.resolve(transport);
  };

  /** A connection whose CONNECT is on its way. */
  async begin(): Promise<FakeTransport> {
    const request: ConnectRequest = {
      version: '5.0',
      clientId: 'me',
      cleanStart: true,
      keepAliveSeconds: 0,
      username: undefined,
      password: undefined,
      will: undefined,
      properties: { receiveMaximum: 1_000 },
      serverKey: 'mqtt://h:1883',
      pipeline: false,
      ...this.#options.request,
    };
    this.driver.connect(request, this.open, target);
    await this.clock.settle();
    return this.transports.at(-1) as FakeTransport;
  }

  /** A connection that the server has accepted. */
  async connect(): Promise<FakeTransport> {
    const transport = await this.begin();
    const version = this.#options.request?.version ?? '5.0';
    const accepted = version === '5.0' ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0];
    transport.handlers.onData(Uint8Array.from(accepted));
    await this.clock.settle();
    transport.writes.length = 0;
    this.events.length = 0;
    return transport;
  }

  publish(qos: 0 | 1 | 2 = 0, payload = 'x'): number {
    const ticket = this.driver.publish(outgoing(qos, payload));
    this.driver.request();
    return ticket;
  }
}

function outgoing(qos: 0 | 1 | 2, payload: string): OutgoingMessage {
  return {
    topic: 't',
    payload: new TextEncoder().encode(payload),
    qos,
    retain: false,
    properties: {},
  };
}

function incoming(packetIdentifier: number, qos: 0 | 1 | 2 = 1): Packet {
  return {
    type: 3,
    topic: 't',
    payload: new Uint8Array(1),
    qos,
    retain: false,
    dup: false,
    packetIdentifier: qos === 0 ? undefined : packetIdentifier,
    properties: {},
  };
}

/** A store whose commits end when the test says so. */
function slowStore() {
  const commits: { operations: readonly SessionOperation[]; end(error?: Error): void }[] = [];
  const store: SessionStore = {
    durable: false,
    load: () => [],
    commit: (operations) =>
      new Promise((resolve, reject) => {
        commits.push({
          operations,
          end: (error) => (error === undefined ? resolve() : reject(error)),
        });
      }),
    clear() {},
    close() {},
  };
  return { store, commits };
}

const { publish, puback, pingreq, disconnect } = PacketType;

describe('writing', () => {
  it('puts all requests of one turn into one write', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    for (let index = 0; index < 50; index++) stage.publish(index % 2 === 0 ? 0 : 1);
    expect(transport.writes).toHaveLength(0);
    await stage.clock.settle();
    expect(transport.writes).toHaveLength(1);
    expect(transport.writes[0]).toHaveLength(50);
  });

  it('puts requests of microtasks that follow each other into one write, too', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    for (let index = 0; index < 50; index++) {
      stage.publish();
      await Promise.resolve();
    }
    await stage.clock.settle();
    expect(transport.writes).toHaveLength(1);
  });

  it('does not wait for the end of the turn past 64 KiB', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    const payload = 'x'.repeat(1_000);
    for (let index = 0; index < 100; index++) stage.publish(0, payload);
    expect(transport.writes).toHaveLength(1);
    await stage.clock.settle();
    expect(transport.writes).toHaveLength(2);
    expect(transport.writes.flat()).toHaveLength(100);
  });

  it('acknowledges all messages of a chunk in one write, in the turn of the chunk', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    stage.onEvent = (event) => {
      if (event.type === 'message') stage.driver.acknowledge(event.delivery, 0);
    };
    transport.receive(...Array.from({ length: 100 }, (_, index) => incoming(index + 1)));
    expect(transport.types).toEqual([Array(100).fill(puback)]);
  });

  it('tells when the bytes of a QoS 0 message were handed to the transport', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    const heard: unknown[] = [];
    expect(stage.driver.publish(outgoing(0, 'x'))).toBe(withNextBatch);
    stage.driver.afterFlush((error) => heard.push(error));
    stage.driver.request();
    expect(heard).toEqual([]);
    await stage.clock.settle();
    expect(heard).toEqual([undefined]);
    expect(transport.writes).toHaveLength(1);
  });

  it('tells that they were lost with the connection', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    const heard: (MqttError | undefined)[] = [];
    stage.driver.publish(outgoing(0, 'x'));
    stage.driver.afterFlush((error) => heard.push(error));
    transport.handlers.onClosed(new Error('reset'));
    await stage.clock.settle();
    expect(heard).toMatchObject([{ code: 'connectionLost' }]);
    expect(transport.writes).toHaveLength(0);
  });

  it('holds PUBLISH back while the transport takes no more, and nothing else', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    transport.writable = false;
    stage.publish();
    await stage.clock.settle();
    transport.writable = true;
    stage.publish(1);
    transport.receive(incoming(7));
    const message = stage.events.find(({ type }) => type === 'message');
    if (message?.type === 'message') stage.driver.acknowledge(message.delivery, 0);
    await stage.clock.settle();
    expect(transport.types).toEqual([[publish], [puback]]);
    transport.handlers.onDrain();
    expect(transport.types).toEqual([[publish], [puback], [publish]]);
  });

  it('lets a handler publish without an end: what it publishes leaves in between', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    const payload = 'x'.repeat(10_000);
    let writesInside = 0;
    stage.onEvent = (event) => {
      if (event.type !== 'message') return;
      for (let index = 0; index < 20; index++) stage.publish(0, payload);
      writesInside = transport.writes.length;
    };
    transport.receive(incoming(1, 0));
    expect(writesInside).toBeGreaterThan(1);
    await stage.clock.settle();
    expect(transport.writes.flat()).toHaveLength(20);
  });

  it('delivers events in order, also those that an event leads to', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    const order: string[] = [];
    let depth = 0;
    stage.onEvent = (event) => {
      depth += 1;
      expect(depth).toBe(1);
      if (event.type === 'message') {
        order.push(`message ${event.packet.packetIdentifier}`);
        // Nothing is delivered from within: the loop below this call does it.
        stage.driver.flush();
        stage.driver.acknowledge(event.delivery, 0);
      }
      depth -= 1;
    };
    transport.receive(incoming(1), incoming(2));
    expect(order).toEqual(['message 1', 'message 2']);
  });
});

describe('commits', () => {
  it('come before the write, with no more than one under way, and what comes meanwhile joins the next', async () => {
    const { store, commits } = slowStore();
    const stage = new Stage({ store });
    const connecting = stage.connect();
    await stage.clock.settle();
    for (const commit of commits) commit.end();
    const transport = await connecting;
    for (const commit of commits) commit.end();
    await stage.clock.settle();
    const before = commits.length;
    stage.publish(1, 'a');
    await stage.clock.settle();
    expect(commits).toHaveLength(before + 1);
    stage.publish(1, 'b');
    stage.publish(1, 'c');
    await stage.clock.settle();
    expect(commits).toHaveLength(before + 1);
    expect(transport.writes).toHaveLength(0);
    commits[before]?.end();
    await stage.clock.settle();
    expect(transport.types).toEqual([[publish]]);
    expect(commits).toHaveLength(before + 2);
    commits[before + 1]?.end();
    await stage.clock.settle();
    expect(transport.types).toEqual([[publish], [publish, publish]]);
  });

  it('are not waited for where the store makes no promise', async () => {
    const commits: string[][] = [];
    const store: SessionStore = {
      durable: false,
      load: () => [],
      commit: (operations) => {
        commits.push(operations.map(({ type }) => type));
      },
      clear() {},
      close() {},
    };
    const stage = new Stage({ store });
    const transport = await stage.connect();
    commits.length = 0;
    stage.publish(1);
    stage.driver.flush();
    expect(commits).toEqual([['out', 'outIdentifier']]);
    expect(transport.types).toEqual([[publish]]);
  });

  it('hold back neither a ping nor the close of a breach', async () => {
    const { store, commits } = slowStore();
    const stage = new Stage({ store, request: { keepAliveSeconds: 10 } });
    const connecting = stage.connect();
    await stage.clock.settle();
    for (const commit of commits) commit.end();
    const transport = await connecting;
    for (const commit of commits) commit.end();
    await stage.clock.settle();
    transport.writes.length = 0;
    stage.publish(1);
    await stage.clock.settle();
    await stage.clock.advance(10_000);
    expect(transport.types).toEqual([[pingreq]]);
    transport.handlers.onData(Uint8Array.of(0x20, 0x03, 0, 0, 0));
    expect(transport.types).toEqual([[pingreq], [disconnect]]);
    expect(transport.closed).toBe(true);
    commits.at(-1)?.end();
    await stage.clock.settle();
    // What was stored is not written to a connection that is being closed.
    expect(transport.writes).toHaveLength(2);
    expect(stage.events.map(({ type }) => type)).toContain('disconnected');
  });

  it('that end when another connection stands are not written to that', async () => {
    const { store, commits } = slowStore();
    const stage = new Stage({ store });
    const connecting = stage.connect();
    await stage.clock.settle();
    for (const commit of commits) commit.end();
    const first = await connecting;
    for (const commit of commits) commit.end();
    await stage.clock.settle();
    stage.publish(1);
    await stage.clock.settle();
    first.handlers.onClosed();
    const second = await stage.begin();
    for (const commit of commits) commit.end();
    await stage.clock.settle();
    for (const commit of commits) commit.end();
    await stage.clock.settle();
    expect(second.types).toEqual([[PacketType.connect]]);
  });

  it('that fail stop everything: nothing is sent, and who waits for the flush is told', async () => {
    for (const manner of ['at once', 'later'] as const) {
      let broken = false;
      const cause = new Error('ENOSPC');
      const store: SessionStore = {
        durable: false,
        load: () => [],
        commit: () => {
          if (!broken) return undefined;
          if (manner === 'later') return Promise.reject(cause);
          throw cause;
        },
        clear() {},
        close() {},
      };
      const stage = new Stage({ store });
      const transport = await stage.connect();
      broken = true;
      const heard: (MqttError | undefined)[] = [];
      stage.publish(1);
      stage.driver.publish(outgoing(0, 'x'));
      stage.driver.afterFlush((error) => heard.push(error));
      await stage.clock.settle();
      expect(stage.storeErrors).toMatchObject([{ code: 'storeFailed', cause }]);
      expect(heard).toEqual(stage.storeErrors);
      expect(transport.writes).toHaveLength(0);
    }
  });

  it('are told, for `stored`', async () => {
    const { store, commits } = slowStore();
    const stage = new Stage({ store });
    const batch = stage.driver.batchToCome;
    stage.publish(1);
    let stored = false;
    void stage.driver.whenDelivered(batch).then(() => {
      stored = true;
    });
    await stage.clock.settle();
    expect(stored).toBe(false);
    commits[0]?.end();
    await stage.clock.settle();
    expect(stored).toBe(true);
    expect(stage.driver.isDelivered(batch)).toBe(true);
    expect(stage.driver.isDelivered(batch + 1)).toBe(false);
    await stage.driver.whenDelivered(batch);
  });

  it('are not waited for when there is nothing to commit', async () => {
    const stage = new Stage();
    stage.publish(1);
    await stage.driver.whenDelivered(stage.driver.batchToCome);
  });
});

describe('the timer', () => {
  it('is one, and it ends with the driver', async () => {
    const stage = new Stage({ request: { keepAliveSeconds: 10 } });
    const transport = await stage.connect();
    for (let index = 0; index < 20; index++) {
      stage.publish();
      await stage.clock.advance(100);
      transport.receive({ type: 13 });
    }
    expect(stage.clock.scheduled).toBe(1);
    stage.driver.end();
    expect(stage.clock.scheduled).toBe(0);
  });

  it('that comes late, after a sleep, declares nobody dead before the socket was read', async () => {
    const stage = new Stage({ request: { keepAliveSeconds: 10 } });
    const transport = await stage.connect();
    await stage.clock.advance(10_000);
    expect(transport.types).toEqual([[pingreq]]);
    // When the machine wakes the answer lies in the socket.
    await stage.clock.sleep(60_000);
    expect(transport.types.flat()).toEqual([pingreq, pingreq]);
    transport.receive({ type: 13 });
    await stage.clock.advance(9_000);
    expect(stage.events.filter(({ type }) => type === 'disconnected')).toEqual([]);
    expect(transport.closed).toBe(false);
  });
});

describe('connections', () => {
  it('have one transport at a time, and events of an old one are nobody’s', async () => {
    const stage = new Stage();
    const first = await stage.connect();
    first.handlers.onData(Uint8Array.of(0x00, 0x00));
    expect(first.closed).toBe(true);
    expect(first.destroyed).toBe(false);
    const second = await stage.connect();
    expect(first.destroyed).toBe(true);
    first.handlers.onClosed(new Error('late'));
    first.handlers.onData(Uint8Array.of(0x00, 0x00));
    await stage.clock.settle();
    expect(stage.events).toEqual([]);
    stage.publish();
    await stage.clock.settle();
    expect(second.types).toEqual([[publish]]);
  });

  it('tell how they ended', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    const error = new Error('ECONNRESET');
    transport.handlers.onClosed(error);
    expect(stage.driver.lastEnd).toEqual({ error, wasOpened: true, endedBy: 'server' });
    const broken = await stage.connect();
    const reset = new MqttError('connectionLost', 'x', {
      cause: Object.assign(new Error('read'), { code: 'ECONNRESET' }),
    });
    broken.handlers.onClosed(reset);
    expect(stage.driver.lastEnd).toMatchObject({ error: reset, endedBy: 'network' });
    await stage.connect();
    const reason = new MqttError('connectTimeout', 'x');
    stage.driver.abort(reason);
    expect(stage.driver.lastEnd).toMatchObject({ error: reason, endedBy: 'ourselves' });
    await stage.driver.whenClosed();
  });

  it('do not outlive the driver, and nothing is told afterwards', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    stage.onEvent = () => stage.driver.end();
    transport.receive(incoming(1), incoming(2), incoming(3));
    expect(stage.events).toHaveLength(1);
    expect(transport.destroyed).toBe(true);
    expect(stage.clock.scheduled).toBe(0);
    stage.driver.acknowledge(1, 0);
    await stage.clock.settle();
    await stage.driver.whenClosed();
  });
});

describe('reading', () => {
  it('pauses while handlers lag, unless an answer is awaited', async () => {
    const stage = new Stage();
    const transport = await stage.connect();
    expect(stage.driver.mayPause).toBe(true);
    stage.driver.setConsumersLag(true);
    await stage.clock.settle();
    expect(transport.paused).toBe(true);
    // A handler publishes and waits: its PUBACK has to be read.
    stage.publish(1);
    await stage.clock.settle();
    expect(transport.paused).toBe(false);
    expect(stage.driver.mayPause).toBe(false);
    const sent = transport.writes.flat().find(({ type }) => type === publish);
    transport.receive({
      type: puback,
      packetIdentifier: sent?.type === publish ? (sent.packetIdentifier ?? 0) : 0,
      reasonCode: 0,
      properties: {},
    });
    expect(transport.paused).toBe(true);
    stage.driver.setConsumersLag(false);
    await stage.clock.settle();
    expect(transport.paused).toBe(false);
  });

  const full: StageOptions = {
    request: { version: '3.1.1', properties: {} },
    engine: { inbox: { maximumMessages: 2, maximumBytes: 1_000 } },
  };

  it('pauses while the inbox is full', async () => {
    const stage = new Stage(full);
    const transport = await stage.connect();
    transport.handlers.onData(publishes311(1, 2));
    expect(transport.paused).toBe(true);
    for (const event of stage.events) {
      if (event.type === 'message') stage.driver.acknowledge(event.delivery, 0);
    }
    await stage.clock.settle();
    expect(transport.paused).toBe(false);
  });

  it('ends the connection where it cannot pause', async () => {
    const stage = new Stage({ ...full, withoutPause: true });
    const transport = await stage.connect();
    transport.handlers.onData(publishes311(1, 2));
    expect(transport.destroyed).toBe(true);
    expect(stage.driver.lastEnd.error?.message).toContain('the inbox is full');
  });
});

function publishes311(...identifiers: number[]): Uint8Array {
  const encoder = new PacketEncoder('3.1.1');
  for (const identifier of identifiers) encoder.encode(incoming(identifier));
  return encoder.take()[0] as Uint8Array;
}
