/**
 * A run against a server: the timeline in real or accelerated time, connections that are opened at most `connectRate`
 * in a second, the limits at which it ends, and what it has done.
 */
import { type MqttClient, MqttUsageError } from '@mqtt-kit/core';
import { durationMs } from './duration.ts';
import {
  type Connect,
  checkedLimits,
  type FleetRunOptions,
  type FleetSummary,
  startOf,
} from './fleet.ts';
import { type ConnectionRun, FleetConnection } from './fleet-connection.ts';
import type { FleetPlan } from './fleet-plan.ts';
import { MessageCounts } from './message-counts.ts';
import type { SimulatedDevice } from './simulated-device.ts';
import { template } from './template.ts';
import { Timeline } from './timeline.ts';

/** A longest time in which nothing else gets a turn. */
const sliceMs = 10;

/**
 * Connections that may be asked for and unanswered. A machine or a server that cannot keep up with the rate would have
 * thousands of attempts under way, each of them slower for it and some too late.
 */
const mostUnanswered = 100;

/** How soon it is seen that some of them were answered. */
const answersLookedForMs = 10;

/**
 * Where so many readings come in one turn there are many in each millisecond, and the next turn waits a little: what is
 * due meanwhile leaves in one write for each connection, and not in one of its own.
 */
const manyReadings = 16;
const pauseMs = 10;

/** Without a pace messages are made as long as so few of them wait for their fate. */
const mostPending = 5000;

export class FleetRun implements ConnectionRun {
  readonly counts: MessageCounts;
  readonly mostReadings: number;
  readonly stopped: AbortSignal;
  readonly startMs: number;
  unanswered = 0;
  readonly #url: string | URL;
  readonly #connect: Connect;
  readonly #options: FleetRunOptions;
  readonly #timeline: Timeline;
  readonly #connections: readonly FleetConnection[];
  readonly #limitMs: number;
  readonly #speed: number;
  readonly #connectRate: number;
  readonly #stop = new AbortController();
  /** `performance.now()` at the beginning. */
  #beganMs = 0;
  /** Ends the waits that are under way. */
  readonly #wakes = new Set<() => void>();

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
    this.mostReadings = count;
    this.#speed = positive(options.speed ?? 1, 'speed');
    this.#connectRate = positive(options.connectRate ?? 500, 'connectRate');
    this.counts = new MessageCounts((error) => options.onError?.(error));
    this.stopped = this.#stop.signal;
    this.#timeline = new Timeline(plans, startOf(options.start) ?? Date.now());
    this.startMs = this.#timeline.startMs;
    this.#connections = connectionsOf(this, this.#timeline.devices, options);
  }

  /** The time of the run as milliseconds since 1970. */
  get nowMs(): number {
    const elapsed = Number.isFinite(this.#speed) ? this.#elapsedMs : this.#timeline.nextMs;
    return this.startMs + Math.round(Number.isFinite(elapsed) ? elapsed : 0);
  }

  get #elapsedMs(): number {
    return (performance.now() - this.#beganMs) * this.#speed;
  }

  open(own: Parameters<ConnectionRun['open']>[0]): Promise<MqttClient> {
    const { reconnect, ...ofDevices } = own;
    return this.#connect(this.#url, {
      // Nobody reads what aliases would save, and each has its price in memory.
      topicAliases: false,
      ...(reconnect === undefined ? {} : { reconnect }),
      ...this.#options.connection,
      ...ofDevices,
    });
  }

  async run(): Promise<FleetSummary> {
    const { signal } = this.#options;
    const stop = (): void => {
      this.#stop.abort();
      for (const wake of this.#wakes) wake();
    };
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#beganMs = performance.now();
    const progress = this.#startProgress();
    try {
      if (!this.stopped.aborted) {
        // Tells early when there is no server, or not for us.
        await this.#connections[0]?.open(true);
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

  async #openOthers(): Promise<void> {
    const beganMs = performance.now();
    for (const [number, connection] of this.#connections.entries()) {
      const waitMs = beganMs + (number / this.#connectRate) * 1000 - performance.now();
      if (waitMs > 1) await this.#wait(waitMs);
      while (this.unanswered >= mostUnanswered && !this.stopped.aborted) {
        await this.#wait(answersLookedForMs);
      }
      if (this.stopped.aborted) return;
      if (!connection.isDue) continue;
      try {
        await connection.open(false);
      } catch (error) {
        this.counts.report(error as Error);
      }
    }
  }

  /** Lets happen what is due, until a limit is reached or somebody stops it. */
  async #play(): Promise<void> {
    const timeline = this.#timeline;
    while (!this.stopped.aborted && this.counts.readings < this.mostReadings) {
      const { nextMs } = timeline;
      const dueMs = Math.min(nextMs, this.#limitMs);
      if (dueMs === Number.POSITIVE_INFINITY) break;
      if (Number.isFinite(this.#speed)) {
        const waitMs = (dueMs - this.#elapsedMs) / this.#speed;
        if (waitMs > 0) await this.#wait(waitMs);
        if (nextMs > this.#elapsedMs && nextMs < this.#limitMs) continue;
      }
      if (nextMs >= this.#limitMs) break;
      const steps = this.#slice();
      if (this.counts.pending >= mostPending && this.#speed === Number.POSITIVE_INFINITY) {
        await this.counts.room(mostPending);
      }
      await this.#wait(steps >= manyReadings && this.#isUpToDate ? pauseMs : 0);
    }
  }

  /** Whether nothing is due by now: a run in real time that is not behind. */
  get #isUpToDate(): boolean {
    return Number.isFinite(this.#speed) && this.#timeline.nextMs > this.#elapsedMs;
  }

  /** Lets happen what is due by now, as far as it fits into one turn. Gives how many things that were. */
  #slice(): number {
    const timeline = this.#timeline;
    const untilMs = performance.now() + sliceMs;
    const paced = Number.isFinite(this.#speed);
    const dueMs = paced ? Math.min(this.#elapsedMs, this.#limitMs) : this.#limitMs;
    let steps = 0;
    while (timeline.nextMs <= dueMs && timeline.nextMs < this.#limitMs) {
      timeline.step();
      steps += 1;
      if (this.counts.readings >= this.mostReadings || this.stopped.aborted) break;
      if (!paced && this.counts.pending >= mostPending) break;
      // A look at the clock costs as much as a message.
      if (steps % 64 === 0 && performance.now() >= untilMs) break;
    }
    return steps;
  }

  /** Ends early when the run is stopped. */
  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wakes.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
      if (ms > 0) this.#wakes.add(done);
    });
  }

  async #end(): Promise<FleetSummary> {
    const { connected } = this.#summary();
    const timeMs = this.nowMs;
    const ends = await Promise.allSettled(
      this.#connections.map((connection) => connection.end(timeMs)),
    );
    for (const end of ends) if (end.status === 'rejected') this.counts.report(end.reason as Error);
    await this.counts.room(1);
    return { ...this.#summary(), connected };
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
    const { latencies } = this.counts;
    const total = (of: (connection: FleetConnection) => number): number =>
      this.#connections.reduce((sum, connection) => sum + of(connection), 0);
    return {
      devices: this.#timeline.devices.length,
      connected: total(({ up }) => up),
      sent: this.counts.sent,
      readings: this.counts.readings,
      acknowledged: this.counts.acknowledged,
      failed: this.counts.failed,
      reconnects: total(({ reconnects }) => reconnects),
      absences: total(({ absences }) => absences),
      commands: total(({ commands }) => commands),
      latencyMs: {
        p50: latencies.quantileMs(0.5),
        p99: latencies.quantileMs(0.99),
        longest: latencies.longestMs,
      },
      durationMs: performance.now() - this.#beganMs,
      firstError: this.counts.firstError,
    };
  }
}

/** Connections for devices: one each, or a number that they share in turn. */
function connectionsOf(
  run: ConnectionRun,
  devices: readonly SimulatedDevice[],
  { connections = 'perDevice', clientId }: FleetRunOptions,
): FleetConnection[] {
  const shared = connections !== 'perDevice';
  if (shared && !(Number.isInteger(connections) && connections >= 1)) {
    throw new MqttUsageError(
      `connections must be "perDevice" or a whole number above 0, not ${JSON.stringify(connections)}`,
    );
  }
  const size = shared ? Math.min(connections, devices.length) : devices.length;
  const groups: readonly (readonly SimulatedDevice[])[] = shared
    ? Array.from({ length: size }, (_, group) => devices.filter((_, at) => at % size === group))
    : devices.map((device) => [device]);
  const clientIds = clientId === undefined ? undefined : clientIdsOf(clientId, groups);
  return groups.map(
    (group, number) => new FleetConnection(run, group, shared, clientIds?.[number]),
  );
}

function clientIdsOf(text: string, groups: readonly (readonly SimulatedDevice[])[]): string[] {
  const filled = template(text, ['id', 'n', 'index', 'name', 'connection']);
  const clientIds = groups.map(([device], connection) =>
    filled.fill((name) => (name === 'connection' ? connection : device?.ownValue(name))),
  );
  if (new Set(clientIds).size < clientIds.length) {
    throw new MqttUsageError(
      `clientId must differ from connection to connection: "${text}" has none of {id}, {n} and {connection}, or gives the same for two`,
    );
  }
  return clientIds;
}

function positive(value: number, name: string): number {
  if (value > 0) return value;
  throw new MqttUsageError(`${name} must be above 0, not ${JSON.stringify(value)}`);
}
