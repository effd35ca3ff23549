/**
 * What devices do, in the order of time: readings by their schedules, absences by their faults. A queue holds the next
 * thing to come of each schedule. It knows no clock: a run in real time waits for what comes next, a run without one
 * takes it at once, and both get the same.
 */
import { firstTurnMs } from './device-output.ts';
import type { FleetPlan } from './fleet-plan.ts';
import { type DeviceListener, SimulatedDevice } from './simulated-device.ts';
import { TaskQueue } from './task-queue.ts';

interface Task {
  /** Among tasks of one time the lowest comes first: the same order in every run. */
  readonly order: number;
  /** Does what is due, and gives when the next is due; times are milliseconds after the start. */
  happen(atMs: number, startMs: number): number | undefined;
}

/** The devices of fleets, and what they do. Each tells its listener. */
export class Timeline {
  readonly devices: readonly SimulatedDevice[];
  /** Milliseconds since 1970 at which everything begins. */
  readonly startMs: number;
  readonly #queue: TaskQueue<Task>;

  constructor(plans: readonly FleetPlan[], startMs: number) {
    this.startMs = startMs;
    this.devices = placedByTime(plans);
    const tasks: { readonly atMs: number; readonly task: Task }[] = [];
    const add = (task: Task, atMs: number | undefined): void => {
      if (atMs !== undefined) tasks.push({ atMs, task });
    };
    let order = 0;
    for (const device of this.devices) {
      const absence = nextAbsence(device, 0);
      // It has its number also where there is none: another fault changes no order.
      const absenceOrder = order++;
      if (absence !== undefined) add(new AbsenceTask(device, absenceOrder), absence.startMs);
      for (const output of device.outputs) {
        output.order = order++;
        add(output, output.nextMs);
      }
    }
    this.#queue = new TaskQueue(tasks);
  }

  /** When the next thing happens, in milliseconds after the start; `Infinity` when nothing comes any more. */
  get nextMs(): number {
    return this.#queue.firstMs;
  }

  /** Lets the next thing happen. */
  step(): void {
    const queue = this.#queue;
    const task = queue.first;
    if (task !== undefined) queue.moveFirst(task.happen(queue.firstMs, this.startMs));
  }

  /** All devices tell one listener. */
  tell(listener: DeviceListener): void {
    for (const device of this.devices) device.listener = listener;
  }
}

/**
 * All devices, in the order of the fleets, made in the order of their turns: of tens of thousands none is in the
 * processor's caches when its turn comes, and what lies side by side in memory is fetched in a third of the time.
 */
function placedByTime(plans: readonly FleetPlan[]): SimulatedDevice[] {
  const places = plans.flatMap((plan) =>
    plan.devices.map((_, index) => ({ plan, index, atMs: firstTurnMs(plan, index) })),
  );
  const byTime = places.map((_, place) => place);
  byTime.sort((a, b) => (places[a]?.atMs ?? 0) - (places[b]?.atMs ?? 0));
  // Filled from the front: the garbage collector, which moves them, goes by this list.
  const made = byTime.map((place) => {
    const { plan, index } = places[place] as (typeof places)[number];
    return new SimulatedDevice(plan, index);
  });
  const devices = new Array<SimulatedDevice>(made.length);
  for (const [at, place] of byTime.entries()) devices[place] = made[at] as SimulatedDevice;
  return devices;
}

/** A device goes, and comes back. */
class AbsenceTask implements Task {
  readonly order: number;
  readonly #device: SimulatedDevice;

  constructor(device: SimulatedDevice, order: number) {
    this.#device = device;
    this.order = order;
  }

  happen(atMs: number, startMs: number): number | undefined {
    const device = this.#device;
    if (device.isPresent) {
      device.isPresent = false;
      device.listener.lost(device, startMs + atMs);
      return nextAbsence(device, atMs)?.endMs ?? atMs;
    }
    device.isPresent = true;
    device.forgetPublished();
    device.listener.back(device, startMs + atMs);
    return nextAbsence(device, atMs + 1)?.startMs;
  }
}

/** The next time that some fault takes a device away; those that overlap are one. */
function nextAbsence(
  device: SimulatedDevice,
  fromMs: number,
): { readonly startMs: number; readonly endMs: number } | undefined {
  const absences = device.messageFaults?.absences ?? [];
  const startMs = Math.min(...absences.map((one) => one.nextStart(fromMs)));
  if (!Number.isFinite(startMs)) return undefined;
  let endMs = startMs;
  for (let grown = true; grown; ) {
    grown = false;
    for (const one of absences) {
      const start = one.nextStart(startMs);
      if (start > endMs || start + one.durationMs <= endMs) continue;
      endMs = start + one.durationMs;
      grown = true;
    }
  }
  return { startMs, endMs };
}
