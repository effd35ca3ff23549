/** A client on a virtual link, with a broker behind it that answers by itself unless it is told not to. */
import { type Packet, PacketType, type PacketTypeName, type Properties } from '@mqtt-kit/packet';
import {
  connack,
  type PacketOf,
  publish,
  ScriptedBroker,
  type ScriptedConnection,
  VirtualClock,
  VirtualLink,
  type VirtualLinkOptions,
  // biome-ignore lint/style/noRestrictedImports: only tests import this file, and tests stand on the testkit
} from '@mqtt-kit/testkit';
// biome-ignore lint/style/noRestrictedImports: as above
import { onTestFinished } from 'vitest';
import type { Environment, MqttClient } from './client.ts';
import { connectWith } from './connect.ts';
import type { MqttError } from './errors.ts';
import { memoryStore } from './memory-session-store.ts';
import type { ConnectOptions } from './options.ts';
import type { Status } from './status.ts';

export interface ClientStageOptions {
  readonly link?: Partial<VirtualLinkOptions>;
  readonly sessionPresent?: (connection: number) => boolean;
  readonly refuse?: (connection: number) => number;
  readonly connack?: Properties;
}

export class ClientStage {
  readonly clock: VirtualClock = new VirtualClock();
  readonly link: VirtualLink;
  readonly broker: ScriptedBroker;
  environment: Environment;
  /** Not answered by themselves. */
  readonly held: Set<PacketTypeName> = new Set();
  readonly statuses: Status[] = [];
  readonly errors: MqttError[] = [];
  readonly #options: ClientStageOptions;

  constructor(options: ClientStageOptions = {}) {
    this.#options = options;
    this.link = new VirtualLink({ clock: this.clock, ...options.link });
    this.broker = new ScriptedBroker({
      link: this.link,
      automatic: { onPacket: (packet, connection) => this.#answer(packet, connection) },
    });
    const { open } = this.link;
    this.environment = {
      transports: { mqtt: open, mqtts: open, ws: open, wss: open },
      missingTransports: {},
      clock: this.clock,
      defaultStore: memoryStore,
    };
  }

  async connect(options: ConnectOptions = {}, url = 'mqtt://h'): Promise<MqttClient> {
    const client = await connectWith(this.environment, url, {
      version: '5.0',
      keepAliveSeconds: 0,
      ...options,
    });
    client.on('status', (status) => this.statuses.push(status));
    client.on('error', (error) => this.errors.push(error));
    onTestFinished(async () => {
      await client.close({ timeoutMs: 0 });
    });
    return client;
  }

  get server(): ScriptedConnection {
    return this.broker.current;
  }

  /** Packets of one type that came over a connection; the newest by default. */
  sent<N extends PacketTypeName>(
    type: N,
    connection: ScriptedConnection = this.server,
  ): PacketOf<N>[] {
    return connection.received.filter(
      (packet) => packet.type === PacketType[type],
    ) as PacketOf<N>[];
  }

  /** The server sends messages in one chunk. */
  async receive(...messages: (string | Parameters<typeof publish>)[]): Promise<void> {
    this.server.send(
      ...messages.map((message) =>
        typeof message === 'string' ? publish(message, 'x') : publish(...message),
      ),
    );
    await this.clock.settle();
  }

  /** The connection breaks, and the client connects again. */
  async reconnect(): Promise<void> {
    const before = this.broker.connections.length;
    this.link.current.cut();
    await this.clock.advanceUntil(() => this.broker.connections.length > before);
    await this.clock.settle();
  }

  #answer(packet: Packet, connection: ScriptedConnection): unknown {
    for (const name of this.held) if (packet.type === PacketType[name]) return true;
    if (packet.type !== PacketType.connect) return false;
    const { number } = connection;
    connection.send(
      connack({
        sessionPresent: this.#options.sessionPresent?.(number) ?? false,
        reasonCode: this.#options.refuse?.(number) ?? 0,
        properties: this.#options.connack ?? {},
      }),
    );
    return true;
  }
}

/** What became of a promise, without waiting for it. */
export class Watched<T> {
  state: 'pending' | 'resolved' | 'rejected' = 'pending';
  value: T | undefined;
  error: (Error & Partial<MqttError>) | undefined;

  constructor(promise: PromiseLike<T>) {
    promise.then(
      (value) => {
        this.state = 'resolved';
        this.value = value;
      },
      (error) => {
        this.state = 'rejected';
        this.error = error;
      },
    );
  }

  /** The code of its error. */
  get code(): string | undefined {
    return this.error?.code;
  }
}

export function watch<T>(promise: PromiseLike<T>): Watched<T> {
  return new Watched(promise);
}
