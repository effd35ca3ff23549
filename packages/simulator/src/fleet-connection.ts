/**
 * A client and the devices that speak through it: one device with a will of its own, or many that share a connection.
 *
 * A device is switched on when its connection is asked for; from then on its readings go to its client, which queues
 * them while it has no connection. A fault that takes the connection away closes the client so that the server
 * publishes the will, and a new client takes its place when the fault is over.
 */
import type { ConnectOptions, Message, MqttClient, MqttError, Status } from '@mqtt-kit/core';
import { obeyCommand } from './commands.ts';
import { discoveryMessages } from './discovery.ts';
import type { PlannedCommand } from './fleet-plan.ts';
import type { MessageCounts } from './message-counts.ts';
import { publishOptions } from './message-options.ts';
import type { DeviceListener, SimulatedDevice, SimulatedMessage } from './simulated-device.ts';

/** What connections have in common: the run that they belong to. */
export interface ConnectionRun {
  readonly counts: MessageCounts;
  /** Readings after so many are not sent. */
  readonly mostReadings: number;
  readonly stopped: AbortSignal;
  /** Milliseconds since 1970 at which the run began, and the time of the run now. */
  readonly startMs: number;
  readonly nowMs: number;
  /** Connections that were asked for and whose first attempt has not come to an end, good or bad. */
  unanswered: number;
  open(options: ConnectOptions): Promise<MqttClient>;
}

/** Reason of a DISCONNECT after which the server publishes the will. */
const disconnectWithWill = 0x04;

/** How long goodbyes and what is under way may take at the end. */
const closeTimeoutMs = 10_000;

export class FleetConnection implements DeviceListener {
  /** Connections that are up: 0 or 1. */
  up = 0;
  /** How often it was lost and restored by itself. */
  reconnects = 0;
  /** How often a fault took it, or a device of it, away. */
  absences = 0;
  /** Commands that its devices got. */
  commands = 0;
  readonly #run: ConnectionRun;
  readonly #devices: readonly SimulatedDevice[];
  readonly #shared: boolean;
  readonly #clientId: string | undefined;
  #client: MqttClient | undefined;
  #isAsked = false;
  /** What became of its first attempt. */
  #answer: 'unasked' | 'awaited' | 'here' = 'unasked';
  /** The end of the client before: its will comes before anything of the next one. */
  #gone: Promise<void> | undefined;
  /** The next client, while it is being made. */
  #opening: Promise<void> | undefined;
  /** Devices whose readings were due before they were switched on: they begin with one. */
  #early: Set<SimulatedDevice> | undefined;

  constructor(
    run: ConnectionRun,
    devices: readonly SimulatedDevice[],
    shared: boolean,
    clientId: string | undefined,
  ) {
    this.#run = run;
    this.#devices = devices;
    this.#shared = shared;
    this.#clientId = clientId;
    for (const device of devices) device.listener = this;
  }

  /** They go to the server as they are. */
  get takesBytes(): boolean {
    return true;
  }

  /** Whether it is still to be opened: one that a fault keeps away is opened when that is over. */
  get isDue(): boolean {
    return !this.#isAsked && !this.#isAway;
  }

  /**
   * Asks for the connection and switches the devices on. Waits for the connection only where it is the `first` of a
   * run, and rejects then like `connect`.
   */
  async open(first: boolean): Promise<void> {
    const { stopped } = this.#run;
    this.#isAsked = true;
    await this.#gone;
    this.#asked();
    const client = await this.#connected(first);
    if ((stopped.aborted && !first) || this.#isAway) {
      this.#isAsked = false;
      this.#answered();
      this.#close(client, { timeoutMs: 0 });
      return;
    }
    this.#client = client;
    this.#follow(client);
    for (const device of this.#devices) {
      this.#introduce(client, device);
      for (const command of device.plan.commands) this.#listen(client, device, command);
      if (this.#early?.has(device) === true) {
        device.forgetPublished();
        this.#report(device);
      }
    }
    this.#early = undefined;
  }

  async #connected(first: boolean): Promise<MqttClient> {
    try {
      return await this.#run.open({
        reconnect: { initial: !first },
        ...this.#ownOptions(),
        waitForConnection: first,
        ...(first ? { signal: this.#run.stopped } : {}),
      });
    } catch (error) {
      this.#answered();
      throw error;
    }
  }

  message(device: SimulatedDevice, message: SimulatedMessage): void {
    const client = this.#client;
    if (client === undefined) {
      this.#early ??= new Set();
      this.#early.add(device);
      return;
    }
    const { counts, mostReadings } = this.#run;
    if (counts.readings < mostReadings) this.#send(client, message);
  }

  lost(device: SimulatedDevice, timeMs: number): void {
    const client = this.#client;
    if (client === undefined) return;
    this.absences += 1;
    const will = device.presence('will', timeMs);
    if (this.#shared) {
      if (will !== undefined) this.#send(client, will);
      return;
    }
    this.#client = undefined;
    this.#isAsked = false;
    if (client.server?.reasons === true) {
      this.#close(client, { timeoutMs: 0, reasonCode: disconnectWithWill });
      return;
    }
    // 3.1.1 has no end of a connection that a client can choose and that publishes the will.
    if (will !== undefined && client.connected) this.#send(client, will);
    this.#close(client, { timeoutMs: 1000 });
  }

  back(device: SimulatedDevice, timeMs: number): void {
    if (this.#shared) {
      const online = device.presence('online', timeMs);
      if (online !== undefined && this.#client !== undefined) this.#send(this.#client, online);
      return;
    }
    const { stopped, counts } = this.#run;
    if (stopped.aborted || this.#isAsked) return;
    this.#opening = this.open(false).catch((error: Error) => counts.report(error));
  }

  /** Says goodbye for the devices that are there, and closes the connection when that has arrived. */
  async end(timeMs: number): Promise<void> {
    await this.#opening;
    const client = this.#client;
    if (client === undefined) {
      await this.#gone;
      return;
    }
    for (const device of this.#devices) {
      if (!device.isPresent) continue;
      device.releaseHeldBack();
      const offline = device.presence('offline', timeMs);
      if (offline !== undefined) this.#send(client, offline);
    }
    await client.close({ timeoutMs: client.connected ? closeTimeoutMs : 0 });
  }

  /** Whether a fault has taken away its only device. */
  get #isAway(): boolean {
    return !this.#shared && this.#devices[0]?.isPresent === false;
  }

  #ownOptions(): ConnectOptions {
    const [device] = this.#devices;
    const will = this.#shared ? undefined : device?.presence('will', 0);
    return {
      ...(this.#clientId === undefined ? {} : { clientId: this.#clientId }),
      ...(will === undefined
        ? {}
        : {
            will: { topic: will.topic, payload: will.payload, qos: will.qos, retain: will.retain },
          }),
    };
  }

  #follow(client: MqttClient): void {
    let connections = 0;
    let up = false;
    // One function for each client and no more: there are thousands of them.
    const follow = (status: Status): void => {
      const { counts } = this.#run;
      if (status.state === 'closed' && status.reason !== undefined) counts.report(status.reason);
      if (status.state !== 'connecting') this.#answered();
      if (up !== (status.state === 'connected')) this.up += up ? -1 : 1;
      up = status.state === 'connected';
      if (!up) return;
      connections += 1;
      if (connections === 1) return;
      // The will was published meanwhile: who is back says so.
      this.reconnects += 1;
      for (const device of this.#devices) {
        device.forgetPublished();
        if (device.isPresent) this.#sayOnline(client, device);
      }
    };
    follow(client.status);
    client.on('status', follow);
    client.on('error', this.#run.counts.report);
  }

  #asked(): void {
    if (this.#answer !== 'unasked') return;
    this.#answer = 'awaited';
    this.#run.unanswered += 1;
  }

  #answered(): void {
    if (this.#answer !== 'awaited') return;
    this.#answer = 'here';
    this.#run.unanswered -= 1;
  }

  #introduce(client: MqttClient, device: SimulatedDevice): void {
    for (const message of discoveryMessages(device, this.#run.nowMs)) this.#send(client, message);
    this.#sayOnline(client, device);
  }

  #sayOnline(client: MqttClient, device: SimulatedDevice): void {
    const online = device.presence('online', this.#run.nowMs);
    if (online !== undefined) this.#send(client, online);
  }

  #listen(client: MqttClient, device: SimulatedDevice, command: PlannedCommand): void {
    const { counts, stopped } = this.#run;
    const handle = async (message: Message): Promise<void> => {
      this.commands += 1;
      try {
        await obeyCommand(device, command.rule, message, () => this.#report(device));
      } catch (error) {
        counts.report(error as Error);
      }
    };
    client.subscribe(device.fill(command.topic), { qos: 1 }, handle).catch((error: MqttError) => {
      if (!stopped.aborted && error.code !== 'clientClosed') counts.report(error);
    });
  }

  /** Publishes a reading besides those of the schedule. */
  #report(device: SimulatedDevice): void {
    const { nowMs, startMs } = this.#run;
    device.readNow(Math.max(nowMs - startMs, 0), startMs);
  }

  #send(client: MqttClient, message: SimulatedMessage): void {
    this.#run.counts.add(
      client.publish(message.topic, message.payload, publishOptions(message)),
      message.qos,
      message.kind === 'reading',
    );
  }

  #close(client: MqttClient, options: { timeoutMs: number; reasonCode?: number }): void {
    this.#gone = client.close(options).then(
      () => {},
      (error: Error) => this.#run.counts.report(error),
    );
  }
}
