/**
 * A run against a server: the timeline in real or accelerated time, the connections of the devices, and what became of
 * their messages.
 *
 * A device is switched on when its connection is asked for, at most `connectRate` of them in a second; from then on its
 * readings go to its client, which queues them while it has no connection. A fault that takes the connection away
 * closes the client so that the server publishes the will, and a new client takes its place when the fault is over.
 */
import {
  type ConnectOptions,
  type Message,
  type MqttClient,
  type MqttError,
  MqttUsageError,
} from '@mqtt-kit/core';
import { obeyCommand } from './commands.ts';
import { discoveryMessages } from './discovery.ts';
import { durationMs } from './duration.ts';
import {
  type Connect,
  checkedLimits,
  type FleetRunOptions,
  type FleetSummary,
  startOf,
} from './fleet.ts';
import type { FleetPlan, PlannedCommand } from './fleet-plan.ts';
import { MessageCounts } from './message-counts.ts';
import { publishOptions } from './message-options.ts';
import type { SimulatedDevice, SimulatedMessage } from './simulated-device.ts';
import { type Template, template } from './template.ts';
import { Timeline, type TimelineListener } from './timeline.ts';

/** A client, and the devices that speak through it. */
interface Connection {
  client: MqttClient | undefined;
  readonly devices: readonly SimulatedDevice[];
  readonly number: number;
}

/** Reason of a DISCONNECT after which the server publishes the will. */
const disconnectWithWill = 0x04;

/** How long goodbyes and what is under way may take at the end. */
const closeTimeoutMs = 10_000;

/** A longest time in which nothing else gets a turn. */
const sliceMs = 10;

/** Without a pace messages are made as long as so few of them wait for their fate. */
const mostPending = 5000;

export class FleetRun implements TimelineListener {
  readonly #url: string | URL;
  readonly #connect: Connect;
  readonly #options: FleetRunOptions;
  readonly #timeline: Timeline;
  readonly #connections: readonly Connection[];
  readonly #connectionOf = new Map<SimulatedDevice, Connection>();
  /** Devices whose readings were due before they were switched on: they begin with one. */
  readonly #early = new Set<SimulatedDevice>();
  readonly #shared: boolean;
  readonly #clientId: Template | undefined;
  readonly #limitMs: number;
  readonly #count: number;
  readonly #speed: number;
  readonly #connectRate: number;
  readonly #counts: MessageCounts;
  readonly #stopped = new AbortController();
  /** `performance.now()` at the beginning. */
  #beganMs = 0;
  #up = 0;
  #reconnects = 0;
  #absences = 0;
  #commands = 0;
  #wake: (() => void) | undefined;

  constructor(
    plans: readonly FleetPlan[],
    url: string | URL,
    connect: Connect,
    options: FleetRunOptions,
  ) {
    this.#url = url;
    this.#connect = connect;
    this.#options = options;
    const { limitMs, count } = checkedLimits(options);
    this.#limitMs = limitMs;
    this.#count = count;
    this.#speed = positive(options.speed ?? 1, 'speed');
    this.#connectRate = positive(options.connectRate ?? 500, 'connectRate');
    this.#clientId =
      options.clientId === undefined
        ? undefined
        : template(options.clientId, ['id', 'n', 'index', 'name', 'connection']);
    this.#timeline = new Timeline(plans, startOf(options.start) ?? Date.now());
    const { connections = 'perDevice' } = options;
    this.#shared = connections !== 'perDevice';
    this.#connections = this.#connectionsOf(connections);
    this.#counts = new MessageCounts((error) => options.onError?.(error));
  }

  async run(): Promise<FleetSummary> {
    const { signal } = this.#options;
    const stop = (): void => {
      this.#stopped.abort();
      this.#wake?.();
    };
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#beganMs = performance.now();
    const progress = this.#startProgress();
    try {
      if (!this.#stopped.signal.aborted) {
        await this.#openFirst();
        this.#beganMs = performance.now();
        const ramp = this.#openOthers();
        try {
          await this.#play();
        } finally {
          stop();
          await ramp;
        }
      }
    } catch (error) {
      // Whatever ended it, nothing is left open.
      await this.#end();
      throw error;
    } finally {
      clearInterval(progress);
      signal?.removeEventListener('abort', stop);
    }
    return this.#end();
  }

  messages(device: SimulatedDevice, messages: readonly SimulatedMessage[]): void {
    const client = this.#connectionOf.get(device)?.client;
    if (client === undefined) {
      this.#early.add(device);
      return;
    }
    for (const message of messages) {
      if (message.kind === 'reading' && this.#counts.readings >= this.#count) return;
      this.#send(client, message);
    }
  }

  lost(device: SimulatedDevice, timeMs: number): void {
    const connection = this.#connectionOf.get(device) as Connection;
    const { client } = connection;
    if (client === undefined) return;
    this.#absences += 1;
    const will = device.presence('will', timeMs);
    if (this.#shared) {
      if (will !== undefined) this.#send(client, will);
      return;
    }
    connection.client = undefined;
    if (client.server?.reasons === true) {
      this.#close(client, { timeoutMs: 0, reasonCode: disconnectWithWill });
      return;
    }
    // 3.1.1 has no end of a connection that a client can choose and that publishes the will.
    if (will !== undefined && client.connected) this.#send(client, will);
    this.#close(client, { timeoutMs: 1000 });
  }

  back(device: SimulatedDevice, timeMs: number): void {
    const connection = this.#connectionOf.get(device) as Connection;
    if (this.#shared) {
      const online = device.presence('online', timeMs);
      if (online !== undefined && connection.client !== undefined) {
        this.#send(connection.client, online);
      }
      return;
    }
    if (this.#stopped.signal.aborted) return;
    this.#open(connection, false).catch((error: Error) => this.#counts.report(error));
  }

  get #elapsedMs(): number {
    return (performance.now() - this.#beganMs) * this.#speed;
  }

  /** The time of the run as milliseconds since 1970. */
  get #nowMs(): number {
    const elapsed = Number.isFinite(this.#speed) ? this.#elapsedMs : this.#timeline.nextMs;
    return this.#timeline.startMs + Math.round(Number.isFinite(elapsed) ? elapsed : 0);
  }

  #connectionsOf(given: 'perDevice' | number): Connection[] {
    const { devices } = this.#timeline;
    if (given !== 'perDevice' && !(Number.isInteger(given) && given >= 1)) {
      throw new MqttUsageError(
        `connections must be "perDevice" or a whole number above 0, not ${JSON.stringify(given)}`,
      );
    }
    const size = given === 'perDevice' ? devices.length : Math.min(given, devices.length);
    const groups: SimulatedDevice[][] = Array.from({ length: size }, () => []);
    for (const [index, device] of devices.entries()) groups[index % size]?.push(device);
    const connections = groups.map((group, number) => ({
      client: undefined,
      devices: group,
      number,
    }));
    for (const connection of connections) {
      for (const device of connection.devices) this.#connectionOf.set(device, connection);
    }
    return connections;
  }

  /** Tells early when there is no server, or not for us. */
  async #openFirst(): Promise<void> {
    const first = this.#connections[0];
    if (first !== undefined) await this.#open(first, true);
  }

  async #openOthers(): Promise<void> {
    const beganMs = performance.now();
    for (const connection of this.#connections.slice(1)) {
      const dueMs = beganMs + (connection.number / this.#connectRate) * 1000;
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await this.#wait(waitMs);
      if (this.#stopped.signal.aborted) return;
      const [device] = connection.devices;
      // One that a fault keeps away already is opened when that is over.
      if (!this.#shared && device !== undefined && !device.isPresent) continue;
      try {
        await this.#open(connection, false);
      } catch (error) {
        this.#counts.report(error as Error);
      }
    }
  }

  async #open(connection: Connection, waitForConnection: boolean): Promise<void> {
    const client = await this.#connect(this.#url, {
      ...this.#connectOptions(connection),
      waitForConnection,
      ...(waitForConnection ? { signal: this.#stopped.signal } : {}),
    });
    if (this.#stopped.signal.aborted && !waitForConnection) {
      this.#close(client, { timeoutMs: 0 });
      return;
    }
    connection.client = client;
    let connections = 0;
    let up = false;
    const follow = (state: MqttClient['status']['state']): void => {
      if (up !== (state === 'connected')) this.#up += up ? -1 : 1;
      up = state === 'connected';
      if (!up) return;
      connections += 1;
      if (connections === 1) return;
      // The will was published meanwhile: who is back says so.
      this.#reconnects += 1;
      for (const device of connection.devices) {
        device.forgetPublished();
        if (device.isPresent) this.#announce(client, device, false);
      }
    };
    follow(client.status.state);
    client.on('status', (status) => {
      follow(status.state);
      if (status.state === 'closed' && status.reason !== undefined) {
        this.#counts.report(status.reason);
      }
    });
    client.on('error', (error) => this.#counts.report(error));
    for (const device of connection.devices) {
      this.#announce(client, device, true);
      for (const command of device.plan.commands) this.#listen(client, device, command);
      if (this.#early.delete(device)) {
        device.forgetPublished();
        this.#report(client, device);
      }
    }
  }

  #connectOptions(connection: Connection): ConnectOptions {
    const { connection: given = {} } = this.#options;
    const [device] = connection.devices as readonly [SimulatedDevice];
    const clientId = this.#clientId?.fill((name) => {
      if (name === 'connection') return connection.number;
      return name === 'id'
        ? device.id
        : name === 'name'
          ? device.plan.name
          : device.index + (name === 'n' ? 1 : 0);
    });
    const will = this.#shared ? undefined : device.presence('will', 0);
    return {
      // Nobody reads what aliases would save, and each has its price in memory.
      topicAliases: false,
      reconnect: { initial: connection.number > 0 },
      ...given,
      ...(clientId === undefined ? {} : { clientId }),
      ...(will === undefined
        ? {}
        : {
            will: {
              topic: will.topic,
              payload: will.payload,
              qos: will.qos,
              retain: will.retain,
            },
          }),
    };
  }

  #announce(client: MqttClient, device: SimulatedDevice, first: boolean): void {
    const timeMs = this.#nowMs;
    if (first) for (const message of discoveryMessages(device, timeMs)) this.#send(client, message);
    const online = device.presence('online', timeMs);
    if (online !== undefined) this.#send(client, online);
  }

  #listen(client: MqttClient, device: SimulatedDevice, command: PlannedCommand): void {
    const filter = device.fill(command.topic);
    const handle = async (message: Message): Promise<void> => {
      this.#commands += 1;
      try {
        await obeyCommand(device, command.rule, message, () => this.#report(client, device));
      } catch (error) {
        this.#counts.report(error as Error);
      }
    };
    client.subscribe(filter, { qos: 1 }, handle).catch((error: MqttError) => {
      if (!this.#stopped.signal.aborted && error.code !== 'clientClosed') {
        this.#counts.report(error);
      }
    });
  }

  /** Publishes a reading besides those of the schedule. */
  #report(client: MqttClient, device: SimulatedDevice): void {
    const { startMs } = this.#timeline;
    const elapsedMs = Math.max(this.#nowMs - startMs, 0);
    for (const message of device.readNow(elapsedMs, startMs)) this.#send(client, message);
  }

  #send(client: MqttClient, message: SimulatedMessage): void {
    this.#counts.add(
      client.publish(message.topic, message.payload, publishOptions(message)),
      message.qos,
      message.kind === 'reading',
    );
  }

  /** Lets happen what is due, until a limit is reached or somebody stops it. */
  async #play(): Promise<void> {
    const timeline = this.#timeline;
    const { signal } = this.#stopped;
    while (!signal.aborted && this.#counts.readings < this.#count) {
      const { nextMs } = timeline;
      const dueMs = Math.min(nextMs, this.#limitMs);
      if (dueMs === Number.POSITIVE_INFINITY) break;
      if (Number.isFinite(this.#speed)) {
        const waitMs = (dueMs - this.#elapsedMs) / this.#speed;
        if (waitMs > 0) await this.#wait(waitMs);
        if (nextMs > this.#elapsedMs && nextMs < this.#limitMs) continue;
      }
      if (nextMs >= this.#limitMs) break;
      this.#slice();
      if (this.#counts.pending >= mostPending && this.#speed === Number.POSITIVE_INFINITY) {
        await this.#counts.room(mostPending);
      }
      await this.#wait(0);
    }
  }

  #slice(): void {
    const timeline = this.#timeline;
    const untilMs = performance.now() + sliceMs;
    const paced = Number.isFinite(this.#speed);
    const dueMs = paced ? Math.min(this.#elapsedMs, this.#limitMs) : this.#limitMs;
    for (let steps = 1; timeline.nextMs <= dueMs && timeline.nextMs < this.#limitMs; steps++) {
      timeline.step(this);
      if (this.#counts.readings >= this.#count || this.#stopped.signal.aborted) return;
      if (!paced && this.#counts.pending >= mostPending) return;
      // A look at the clock costs as much as a message.
      if (steps % 64 === 0 && performance.now() >= untilMs) return;
    }
  }

  /** Ends early when the run is stopped. */
  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
      if (ms > 0) this.#wake = done;
    });
  }

  async #end(): Promise<FleetSummary> {
    const connected = this.#up;
    const timeMs = this.#nowMs;
    const ends = this.#connections.map(async (connection) => {
      const { client } = connection;
      if (client === undefined) return;
      for (const device of connection.devices) {
        if (!device.isPresent) continue;
        for (const message of device.takeHeldBack()) this.#send(client, message);
        const offline = device.presence('offline', timeMs);
        if (offline !== undefined) this.#send(client, offline);
      }
      await client.close({ timeoutMs: client.connected ? closeTimeoutMs : 0 });
    });
    for (const { status, reason } of (await Promise.allSettled(ends)) as {
      status: string;
      reason?: Error;
    }[]) {
      if (status === 'rejected' && reason !== undefined) this.#counts.report(reason);
    }
    await this.#counts.room(1);
    return { ...this.#summary(), connected };
  }

  #close(client: MqttClient, options: { timeoutMs: number; reasonCode?: number }): void {
    client.close(options).catch((error: Error) => this.#counts.report(error));
  }

  #startProgress(): ReturnType<typeof setInterval> | undefined {
    const { onProgress, progressEvery = 1000 } = this.#options;
    if (onProgress === undefined) return undefined;
    return setInterval(
      () => onProgress(this.#summary()),
      durationMs(progressEvery, 'progressEvery'),
    );
  }

  #summary(): FleetSummary {
    const { latencies } = this.#counts;
    return {
      devices: this.#timeline.devices.length,
      connected: this.#up,
      sent: this.#counts.sent,
      readings: this.#counts.readings,
      acknowledged: this.#counts.acknowledged,
      failed: this.#counts.failed,
      reconnects: this.#reconnects,
      absences: this.#absences,
      commands: this.#commands,
      latencyMs: {
        p50: latencies.quantileMs(0.5),
        p99: latencies.quantileMs(0.99),
        longest: latencies.longestMs,
      },
      durationMs: performance.now() - this.#beganMs,
      firstError: this.#counts.firstError,
    };
  }
}

function positive(value: number, name: string): number {
  if (value > 0) return value;
  throw new MqttUsageError(`${name} must be above 0, not ${JSON.stringify(value)}`);
}
