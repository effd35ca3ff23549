import { type ConnectOptions, type MqttClient, MqttUsageError } from '@mqtt-kit/core';
import { DefinitionError, shown, within } from './definition-error.ts';
import { discoveryMessages } from './discovery.ts';
import { type Duration, durationMs } from './duration.ts';
import type { FleetDefinition } from './fleet-definition.ts';
import { type FleetPlan, fleetPlan } from './fleet-plan.ts';
import { FleetRun } from './fleet-run.ts';
import type { SimulatedDevice, SimulatedMessage } from './simulated-device.ts';
import { Timeline } from './timeline.ts';

/** `connect` of `mqtt-kit`, or something like it. */
export type Connect = (url: string | URL, options?: ConnectOptions) => Promise<MqttClient>;

/** What a run may do at most, and when it begins. */
export interface FleetLimits {
  /** Ends after this time, in the time of the run. Default: never. */
  readonly for?: Duration;
  /** Ends after so many readings. Default: never. */
  readonly count?: number;
  /** When the run begins: milliseconds since 1970, ISO 8601, or a `Date`. */
  readonly start?: number | string | Date;
}

/** How a fleet runs. */
export interface FleetRunOptions extends FleetLimits {
  /** How fast time passes: 60 lets an hour pass in a minute, `Infinity` publishes as fast as it goes. Default 1. */
  readonly speed?: number;
  /**
   * `'perDevice'` (default): each device is a client with a will of its own. A number: so many clients, which the devices
   * share; their wills are not published by the server then, but by the client when a fault takes a device away.
   */
  readonly connections?: 'perDevice' | number;
  /** New connections in a second. Default 500. */
  readonly connectRate?: number;
  /** Options of every connection: credentials, version, TLS. Will and client identifier belong to the devices. */
  readonly connection?: ConnectOptions;
  /** Client identifier, such as `'sim-{id}'`; `{connection}` is the number of a shared one. Default: random. */
  readonly clientId?: string;
  /** Ends the run: devices say goodbye, and the promise resolves. */
  readonly signal?: AbortSignal;
  /** Told every `progressEvery` (default a second) how far it is. */
  readonly onProgress?: (progress: FleetSummary) => void;
  readonly progressEvery?: Duration;
  /** What no promise tells: a command that threw, a message that was refused. */
  readonly onError?: (error: Error) => void;
  /** Opens connections. Bound already in `mqtt-kit/simulator`. */
  readonly connect?: Connect;
}

/** What a run has done. */
export interface FleetSummary {
  readonly devices: number;
  /** Connections that are up; after the end, that were up when it came. */
  readonly connected: number;
  /** Messages handed to clients: readings, presence, discovery. */
  readonly sent: number;
  /** Of these, readings. */
  readonly readings: number;
  /** Messages at QoS 1 and 2 that the server has taken over. */
  readonly acknowledged: number;
  /** Messages that were refused or lost. */
  readonly failed: number;
  /** Connections that were lost and restored by themselves, without those that a fault took away. */
  readonly reconnects: number;
  /** Connections that a fault took away. */
  readonly absences: number;
  /** Commands that devices got. */
  readonly commands: number;
  /** From publishing to the acknowledgement, at QoS 1 and 2. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly longest: number };
  /** Real time that has passed. */
  readonly durationMs: number;
  /** The first thing that went wrong, if any did. */
  readonly firstError: Error | undefined;
}

/** Simulated devices, ready to run as often as wanted. Made by `fleet`. */
export interface Fleet {
  /** Identifiers of all devices. */
  readonly devices: readonly string[];
  /**
   * What would be published, in the order of time and without a server: as fast as it is taken. The same definition and
   * options give the same messages, byte for byte; `start` is 2026-01-01 00:00 UTC unless given. Commands do not occur.
   */
  messages(options?: FleetLimits): Generator<SimulatedMessage, void, undefined>;
  /**
   * Connects and publishes until a limit is reached or `signal` aborts, and then says goodbye; `start` is now unless
   * given. Resolves with what was done, also after messages were lost. Rejects like `connect` when the first connection
   * cannot be made, and with `invalidArgument` for an option that cannot be.
   */
  run(url: string | URL, options?: FleetRunOptions): Promise<FleetSummary>;
}

/**
 * Makes a fleet of a definition, or of several that run together. Throws a `DefinitionError` that names the place of a
 * mistake.
 */
export function fleet(definition: FleetDefinition | readonly FleetDefinition[]): Fleet {
  return fleetWith(undefined, definition);
}

/** As `fleet`, with the function that opens connections. */
export function fleetWith(
  connect: Connect | undefined,
  definition: FleetDefinition | readonly FleetDefinition[],
): Fleet {
  const plans = isList(definition)
    ? definition.map((one, index) => within([index], () => fleetPlan(one)))
    : [fleetPlan(definition)];
  if (plans.length === 0) throw new DefinitionError('there must be at least one fleet');
  checkIdentities(plans);
  return {
    devices: plans.flatMap(({ devices }) => devices.map(({ id }) => id)),
    messages: (options = {}) => plannedMessages(plans, options),
    async run(url, options = {}) {
      const open = options.connect ?? connect;
      if (open === undefined) {
        throw new MqttUsageError(
          'a run needs connect: that of mqtt-kit/simulator has it, or give it as an option',
        );
      }
      return new FleetRun(plans, url, open, options).run();
    },
  };
}

function isList(
  definition: FleetDefinition | readonly FleetDefinition[],
): definition is readonly FleetDefinition[] {
  return Array.isArray(definition);
}

/** Two devices with one name would have the same random numbers. */
function checkIdentities(plans: readonly FleetPlan[]): void {
  const seen = new Map<string, number>();
  for (const [index, { devices, seed }] of plans.entries()) {
    for (const { id } of devices) {
      const key = JSON.stringify([seed, id]);
      const other = seen.get(key);
      if (other !== undefined && other !== index) {
        throw new DefinitionError(
          `the device "${id}" is in fleet ${other}, too: give it another identifier, or the fleet another seed`,
          [index],
        );
      }
      seen.set(key, index);
    }
  }
}

/** Where runs without a server begin unless told otherwise: a fixed moment, so that they repeat. */
const defaultStartMs = 1_767_225_600_000;

function* plannedMessages(
  plans: readonly FleetPlan[],
  options: FleetLimits,
): Generator<SimulatedMessage, void, undefined> {
  const { limitMs, count } = checkedLimits(options);
  const timeline = new Timeline(plans, startOf(options.start) ?? defaultStartMs);
  const { startMs } = timeline;
  let queue: SimulatedMessage[] = [];
  let readings = 0;
  const appear = (device: SimulatedDevice, timeMs: number): void => {
    queue.push(...discoveryMessages(device, timeMs), ...present(device.presence('online', timeMs)));
  };
  timeline.tell({
    message(_device, message) {
      if (readings === count) return;
      readings += 1;
      queue.push(message);
    },
    lost: (device, timeMs) => queue.push(...present(device.presence('will', timeMs))),
    back: (device, timeMs) => queue.push(...present(device.presence('online', timeMs))),
  });
  for (const device of timeline.devices) appear(device, startMs);
  for (;;) {
    yield* queue;
    queue = [];
    if (readings === count || timeline.nextMs >= limitMs) break;
    if (timeline.nextMs === Number.POSITIVE_INFINITY) break;
    timeline.step();
  }
  const endMs = startMs + (Number.isFinite(limitMs) ? limitMs : 0);
  for (const device of timeline.devices) {
    device.releaseHeldBack();
    if (Number.isFinite(limitMs) && device.isPresent) {
      queue.push(...present(device.presence('offline', endMs)));
    }
  }
  yield* queue;
}

function present<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

/** Checks the limits of a run. */
export function checkedLimits(options: FleetLimits): {
  readonly limitMs: number;
  readonly count: number;
} {
  const { count = Number.POSITIVE_INFINITY } = options;
  if (!(count === Number.POSITIVE_INFINITY || (Number.isInteger(count) && count >= 1))) {
    throw new MqttUsageError(`count must be a whole number above 0, not ${shown(count)}`);
  }
  const limitMs =
    options.for === undefined ? Number.POSITIVE_INFINITY : durationMs(options.for, 'for');
  if (limitMs === 0) throw new MqttUsageError('for must be more than 0');
  return { limitMs, count };
}

/** Milliseconds since 1970. */
export function startOf(start: FleetLimits['start']): number | undefined {
  if (start === undefined) return undefined;
  const ms = typeof start === 'number' ? start : new Date(start).getTime();
  if (Number.isFinite(ms)) return Math.round(ms);
  throw new MqttUsageError(
    `start must be a time such as "2026-01-01T00:00:00Z"; given was ${JSON.stringify(start)}`,
  );
}
