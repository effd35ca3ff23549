/**
 * What devices do, in the order of time: readings by their schedules, absences by their faults. A heap holds the next
 * thing to come of each schedule. It knows no clock: a run in real time waits for what comes next, a run without one
 * takes it at once, and both get the same.
 */
import type { FleetPlan, Output } from './fleet-plan.ts';
import { SimulatedDevice, type SimulatedMessage } from './simulated-device.ts';

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
  atMs: number;
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
  readonly #heap: Task[] = [];
  readonly #absent = new Map<SimulatedDevice, number>();

  constructor(plans: readonly FleetPlan[], startMs: number) {
    this.startMs = startMs;
    this.devices = plans.flatMap((plan) =>
      plan.devices.map((_, index) => new SimulatedDevice(plan, index)),
    );
    let order = 0;
    for (const device of this.devices) {
      this.#addAbsences(device, order++);
      for (const output of device.plan.outputs) this.#addReadings(device, output, order++);
    }
    // Built from the middle down: faster than one by one.
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  /** When the next thing happens, in milliseconds after the start; `Infinity` when nothing comes any more. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Whether a device has its connection. */
  isPresent(device: SimulatedDevice): boolean {
    return !this.#absent.has(device);
  }

  /** Lets the next thing happen. */
  step(listener: TimelineListener): void {
    const task = this.#heap[0];
    if (task === undefined) return;
    if (task.output === undefined) this.#changePresence(task, listener);
    else this.#read(task, task.output, listener);
    this.#sink(0);
  }

  #read(task: Task, output: Output, listener: TimelineListener): void {
    const { device, atMs } = task;
    if (this.isPresent(device)) {
      const messages = device.read(output, task.reading, atMs, task.previousMs, this.startMs);
      if (messages.length > 0) listener.messages(device, messages);
    }
    task.previousMs = atMs;
    task.reading += 1;
    this.#reschedule(task, readingMs(task, output));
  }

  #addReadings(device: SimulatedDevice, output: Output, order: number): void {
    const { plan, schedule } = device;
    // Outputs of one device have one phase: what it reads at a time it sends at a time.
    const phaseMs =
      plan.stagger && output.times === undefined
        ? Math.floor(schedule.uniform(-1) * output.everyMs)
        : 0;
    const task: Task = { atMs: 0, order, device, output, reading: 0, previousMs: -1, phaseMs };
    const atMs = readingMs(task, output);
    if (atMs === undefined) return;
    task.atMs = atMs;
    this.#heap.push(task);
  }

  #addAbsences(device: SimulatedDevice, order: number): void {
    const atMs = nextAbsence(device, 0)?.startMs;
    if (atMs === undefined) return;
    this.#heap.push({
      atMs,
      order,
      device,
      output: undefined,
      reading: 0,
      previousMs: -1,
      phaseMs: 0,
    });
  }

  #changePresence(task: Task, listener: TimelineListener): void {
    const { device, atMs } = task;
    const untilMs = this.#absent.get(device);
    const next = nextAbsence(device, atMs + (untilMs === undefined ? 0 : 1));
    if (untilMs === undefined) {
      const endMs = next?.endMs ?? atMs;
      this.#absent.set(device, endMs);
      listener.lost(device, this.startMs + atMs);
      this.#reschedule(task, endMs);
      return;
    }
    this.#absent.delete(device);
    device.forgetPublished();
    listener.back(device, this.startMs + atMs);
    this.#reschedule(task, next?.startMs);
  }

  #reschedule(task: Task, atMs: number | undefined): void {
    if (atMs !== undefined) {
      task.atMs = atMs;
      return;
    }
    const last = this.#heap.pop();
    if (last !== undefined && last !== task) this.#heap[0] = last;
  }

  /** Lets the task at a place sink below all that come before it. */
  #sink(from: number): void {
    const heap = this.#heap;
    const task = heap[from];
    if (task === undefined) return;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, task)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = task;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
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
