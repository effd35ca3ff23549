/**
 * What devices do, in the order of time: readings by their schedules, absences by their faults. A heap holds the next
 * thing to come of each schedule. It knows no clock: a run in real time waits for what comes next, a run without one
 * takes it at once, and both get the same.
 */
import type { FleetPlan } from './fleet-plan.ts';
import type { Output } from './planned-outputs.ts';
import { SimulatedDevice, type SimulatedMessage } from './simulated-device.ts';
import { TaskQueue } from './task-queue.ts';

/** Who is told what happens. */
export interface TimelineListener {
  /** A device sends messages. */
  messages(device: SimulatedDevice, messages: readonly SimulatedMessage[]): void;
  /** A device loses its connection without a word. */
  lost(device: SimulatedDevice, timeMs: number): void;
  /** It comes back. */
  back(device: SimulatedDevice, timeMs: number): void;
}

interface Task {
  /** Among tasks of one time the lowest comes first: the same order in every run. */
  readonly order: number;
  readonly device: SimulatedDevice;
  /** What is read; `undefined`: it goes or comes back. */
  readonly output: Output | undefined;
  /** Of a reading, from 0. */
  reading: number;
  previousMs: number;
  /** Milliseconds by which the device is behind the first one. */
  readonly phaseMs: number;
}

/** The devices of fleets, and what they do. */
export class Timeline {
  readonly devices: readonly SimulatedDevice[];
  /** Milliseconds since 1970 at which everything begins. */
  readonly startMs: number;
  readonly #queue: TaskQueue<Task>;

  constructor(plans: readonly FleetPlan[], startMs: number) {
    this.startMs = startMs;
    this.devices = plans.flatMap((plan) =>
      plan.devices.map((_, index) => new SimulatedDevice(plan, index)),
    );
    const tasks: { atMs: number; task: Task }[] = [];
    const add = (task: Task, atMs: number | undefined): void => {
      if (atMs !== undefined) tasks.push({ atMs, task });
    };
    let order = 0;
    for (const device of this.devices) {
      add({ ...newTask, order: order++, device }, nextAbsence(device, 0)?.startMs);
      for (const output of device.plan.outputs) {
        const phaseMs = phaseOf(device, output);
        const task: Task = { ...newTask, order: order++, device, output, phaseMs };
        add(task, readingMs(task, output));
      }
    }
    this.#queue = new TaskQueue(tasks);
  }

  /** When the next thing happens, in milliseconds after the start; `Infinity` when nothing comes any more. */
  get nextMs(): number {
    return this.#queue.firstMs;
  }

  /** Lets the next thing happen. */
  step(listener: TimelineListener): void {
    const queue = this.#queue;
    const task = queue.first;
    if (task === undefined) return;
    const atMs = queue.firstMs;
    const nextMs =
      task.output === undefined
        ? this.#changePresence(task, atMs, listener)
        : this.#read(task, task.output, atMs, listener);
    queue.moveFirst(nextMs);
  }

  #read(task: Task, output: Output, atMs: number, listener: TimelineListener): number | undefined {
    const { device } = task;
    if (device.isPresent) {
      const messages = device.read(output, task.reading, atMs, task.previousMs, this.startMs);
      if (messages.length > 0) listener.messages(device, messages);
    }
    task.previousMs = atMs;
    task.reading += 1;
    return readingMs(task, output);
  }

  #changePresence({ device }: Task, atMs: number, listener: TimelineListener): number | undefined {
    if (device.isPresent) {
      device.isPresent = false;
      listener.lost(device, this.startMs + atMs);
      return nextAbsence(device, atMs)?.endMs ?? atMs;
    }
    device.isPresent = true;
    device.forgetPublished();
    listener.back(device, this.startMs + atMs);
    return nextAbsence(device, atMs + 1)?.startMs;
  }
}

const newTask = { output: undefined, reading: 0, previousMs: -1, phaseMs: 0 } as const;

/** Outputs of one device have one phase: what it reads at a time it sends at a time. */
function phaseOf({ plan, schedule }: SimulatedDevice, output: Output): number {
  if (!plan.stagger || output.times !== undefined) return 0;
  return Math.floor(schedule.uniform(-1) * output.everyMs);
}

/** When a reading is due; `undefined` after the last of a recording. */
function readingMs(task: Task, output: Output): number | undefined {
  if (output.times !== undefined) return output.times.timeOf(task.reading);
  const { device, reading, phaseMs } = task;
  const { jitter } = device.plan;
  const plannedMs = phaseMs + reading * output.everyMs;
  if (jitter === 0) return Math.round(plannedMs);
  // Up to half of it to both sides: readings stay in their order.
  const offset = jitter * (device.schedule.uniform(reading, 1 + output.rhythm) - 0.5);
  return Math.max(Math.round(plannedMs + offset * output.everyMs), 0);
}

/** The next time that some fault takes a device away; those that overlap are one. */
function nextAbsence(
  device: SimulatedDevice,
  fromMs: number,
): { readonly startMs: number; readonly endMs: number } | undefined {
  const { absences } = device;
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
