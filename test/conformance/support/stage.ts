/**
 * A client on the virtual link, an obliging broker behind it, and a clock that stands still until a test moves it.
 */
import {
  type ConnectOptions,
  connectWith,
  type Environment,
  type Message,
  type MqttClient,
  MqttError,
  memoryStore,
  type OpenTransport,
  type SessionStore,
  type Status,
} from '@mqtt-kit/core';
import { type Packet, PacketType, type PacketTypeName, type Properties } from '@mqtt-kit/packet';
import {
  connack,
  type PacketOf,
  ScriptedBroker,
  type ScriptedConnection,
  VirtualClock,
  VirtualLink,
  type VirtualLinkOptions,
} from '@mqtt-kit/testkit';
import { expect, onTestFinished } from 'vitest';

export interface StageOptions {
  readonly link?: Partial<Omit<VirtualLinkOptions, 'clock'>>;
  readonly seed?: number;
  /** By connection, from 1. Default false. */
  readonly sessionPresent?: (connection: number) => boolean;
  /** Of CONNACK, by connection. */
  readonly connack?: (connection: number) => Properties;
  /** Reason code of CONNACK, by connection. Default 0. */
  readonly refuse?: (connection: number) => number;
}

export class Stage {
  readonly clock: VirtualClock;
  readonly link: VirtualLink;
  readonly broker: ScriptedBroker;
  /** Packets of these types are not answered by themselves. */
  readonly hold = new Set<PacketTypeName>();
  readonly #clients: MqttClient[] = [];
  readonly #options: StageOptions;

  constructor(options: StageOptions = {}) {
    this.#options = options;
    this.clock = new VirtualClock({ seed: options.seed ?? 1 });
    this.link = new VirtualLink({ clock: this.clock, ...options.link });
    this.broker = new ScriptedBroker({
      link: this.link,
      automatic: { onPacket: (packet, connection) => this.#intercept(packet, connection) },
    });
    onTestFinished(async () => {
      await Promise.allSettled(this.#clients.map((client) => client.close({ timeoutMs: 0 })));
      await this.clock.settle();
    });
  }

  environment(
    open: OpenTransport = this.link.open,
    store: () => SessionStore = memoryStore,
  ): Environment {
    return {
      transports: { mqtt: open, mqtts: open, ws: open, wss: open },
      missingTransports: {},
      clock: this.clock,
      defaultStore: store,
    };
  }

  /** A client of 5.0 that knows no keep-alive, unless the options say otherwise. */
  connect(
    options: ConnectOptions = {},
    url = 'mqtt://localhost',
    environment: Environment = this.environment(),
  ): Promise<MqttClient> {
    const connecting = connectWith(environment, url, {
      version: '5.0',
      keepAliveSeconds: 0,
      ...options,
    });
    connecting.then(
      (client) => this.#clients.push(client),
      () => {},
    );
    return connecting;
  }

  /** The server's end of a connection, by its number from 1. */
  server(number = 1): ScriptedConnection {
    const connection = this.broker.connections[number - 1];
    if (connection === undefined) throw new Error(`there is no connection ${number}`);
    return connection;
  }

  /** Packets of one type that came over a connection. */
  sent<N extends PacketTypeName>(type: N, number = 1): PacketOf<N>[] {
    return ofType(this.server(number).received, type);
  }

  /** Packets of one type over all connections. */
  sentAtAll<N extends PacketTypeName>(type: N): PacketOf<N>[] {
    return this.broker.connections.flatMap((connection) => ofType(connection.received, type));
  }

  /** Lets everything happen that needs no time. */
  settle(): Promise<void> {
    return this.clock.settle();
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** The connection breaks; the next one stands when this resolves. */
  async breakConnection(manner: 'reset' | 'orderly' = 'reset'): Promise<void> {
    const before = this.broker.connections.length;
    this.link.current.cut(manner);
    await this.clock.advanceUntil(
      () => this.broker.connections.length > before && this.broker.current.received.length > 0,
      120_000,
    );
    await this.settle();
  }

  #intercept(packet: Packet, connection: ScriptedConnection): boolean {
    const { sessionPresent, connack: props, refuse } = this.#options;
    for (const type of this.hold) if (packet.type === PacketType[type]) return true;
    if (packet.type !== PacketType.connect) return false;
    connection.send(
      connack({
        sessionPresent: sessionPresent?.(connection.number) ?? false,
        reasonCode: refuse?.(connection.number) ?? 0,
        properties: props?.(connection.number) ?? {},
      }),
    );
    if ((refuse?.(connection.number) ?? 0) >= 0x80) connection.end();
    return true;
  }
}

export function ofType<N extends PacketTypeName>(
  packets: readonly Packet[],
  type: N,
): PacketOf<N>[] {
  return packets.filter((packet) => packet.type === PacketType[type]) as PacketOf<N>[];
}

/** What became of a promise, watched from the start so that nothing counts as unhandled. */
export class Watched<T> {
  value: T | undefined;
  error: unknown;
  settled = false;
  readonly done: Promise<void>;

  constructor(promise: PromiseLike<T>) {
    this.done = Promise.resolve(promise).then(
      (value) => {
        this.value = value;
        this.settled = true;
      },
      (error: unknown) => {
        this.error = error;
        this.settled = true;
      },
    );
  }

  get resolved(): boolean {
    return this.settled && this.error === undefined;
  }

  /** The code of the `MqttError` it rejected with. */
  get code(): string | undefined {
    return this.error instanceof MqttError ? this.error.code : undefined;
  }
}

export function watch<T>(promise: PromiseLike<T>): Watched<T> {
  return new Watched(promise);
}

/** The `MqttError` that a promise rejects with. */
export async function rejection(promise: PromiseLike<unknown>): Promise<MqttError> {
  const watched = watch(promise);
  await watched.done;
  expect(watched.error, 'a rejection').toBeInstanceOf(MqttError);
  return watched.error as MqttError;
}

/** Every status of a client from now on. */
export function statuses(client: MqttClient): Status[] {
  const seen: Status[] = [];
  client.on('status', (status) => seen.push(status));
  return seen;
}

export type Reconnecting = Extract<Status, { state: 'reconnecting' }>;

export function reconnecting(seen: readonly Status[]): Reconnecting[] {
  return seen.filter((status) => status.state === 'reconnecting');
}

/** Every `error` event of a client from now on. */
export function errors(client: MqttClient): MqttError[] {
  const seen: MqttError[] = [];
  client.on('error', (error) => seen.push(error));
  return seen;
}

export function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text());
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
