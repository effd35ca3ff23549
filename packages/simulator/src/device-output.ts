import { type Payload, topicNameProblem } from '@mqtt-kit/core';
import { DefinitionError } from './definition-error.ts';
import type { FieldSource } from './fields.ts';
import type { FleetPlan } from './fleet-plan.ts';
import { numberBytes, objectBytes } from './payload-bytes.ts';
import type { Output } from './planned-outputs.ts';
import { RandomStream } from './random-stream.ts';
import type { FieldValue, Moment, Reading } from './signal.ts';
import type { SimulatedDevice, SimulatedMessage } from './simulated-device.ts';
import { plainText, type Template } from './template.ts';

/**
 * The moment of the reading that is made now. One object for all readings: kept by tens of thousands of devices, one of
 * each would outlive its second, and the garbage collector would have to look at all of them again and again.
 */
const present = { elapsedMs: 0, epochMs: 0, clockMs: 0, reading: 0 };

/**
 * What one device sends under one topic: when it is read next, what it looks like, and what of it waits. All that a
 * reading needs lies together here, since of many devices each is out of the processor's sight when its turn comes.
 */
export class DeviceOutput {
  readonly device: SimulatedDevice;
  readonly output: Output;
  /** Among all of its run. */
  order = 0;
  /** Number of the next reading of the schedule, from 0. */
  #reading = 0;
  /** When the reading before was. */
  #previousMs = -1;
  /** Milliseconds by which the device is behind the first one. */
  readonly #phaseMs: number;
  #topic: string | undefined;
  /** What was published last, where changes alone are published. */
  #published: Payload | undefined;
  /** A message that waits for the next one to overtake it. */
  #heldBack: SimulatedMessage | undefined;

  constructor(device: SimulatedDevice, output: Output) {
    this.device = device;
    this.output = output;
    this.#phaseMs = phaseOf(device.plan, device.schedule, output);
  }

  /** When the next reading is due, in milliseconds after the start; `undefined` after the last of a recording. */
  get nextMs(): number | undefined {
    const { output, device } = this;
    const reading = this.#reading;
    if (output.times !== undefined) return output.times.timeOf(reading);
    const { jitter } = device.plan;
    const plannedMs = this.#phaseMs + reading * output.everyMs;
    if (jitter === 0) return Math.round(plannedMs);
    // Up to half of it to both sides: readings stay in their order.
    const offset = jitter * (device.schedule.uniform(reading, 1 + output.rhythm) - 0.5);
    return Math.max(Math.round(plannedMs + offset * output.everyMs), 0);
  }

  /** The reading that is due: its messages go to the listener of the device. Gives when the next one is due. */
  happen(atMs: number, startMs: number): number | undefined {
    if (this.device.isPresent) this.#read(this.#reading, atMs, this.#previousMs, startMs);
    this.#previousMs = atMs;
    this.#reading += 1;
    return this.nextMs;
  }

  /** A reading besides those of the schedule: with the number of the last one. */
  readNow(elapsedMs: number, startMs: number): void {
    this.#read(Math.max(this.#reading - 1, 0), elapsedMs, elapsedMs - 1, startMs);
  }

  /** Forgets what was published: a new connection tells everything anew. */
  forgetPublished(): void {
    this.#published = undefined;
  }

  /** What is still held back, at the end of a run. */
  takeHeldBack(): SimulatedMessage | undefined {
    const message = this.#heldBack;
    this.#heldBack = undefined;
    return message;
  }

  #read(reading: number, elapsedMs: number, previousMs: number, startMs: number): void {
    const { device, output } = this;
    const epochMs = startMs + elapsedMs;
    const faults = device.messageFaults?.at(elapsedMs, previousMs);
    if (faults?.dropped === true) return;
    const clockMs = epochMs + (faults?.skewMs ?? 0);
    present.elapsedMs = elapsedMs;
    present.epochMs = epochMs;
    present.clockMs = clockMs;
    present.reading = reading;
    const fields = device.goTo(present, previousMs);
    const payload = this.#payload(fields, present);
    if (output.changesOnly) {
      if (this.#published === payload) return;
      this.#published = payload;
    }
    const topic = this.#topic ?? this.#filledTopic();
    const message: SimulatedMessage = {
      kind: 'reading',
      device: device.id,
      timeMs: epochMs,
      topic,
      payload,
      qos: output.qos,
      retain: output.retain,
    };
    const heldBack = this.#heldBack;
    if (faults?.late === true && heldBack === undefined) {
      this.#heldBack = message;
      return;
    }
    const { listener } = device;
    listener.message(device, message);
    if (faults?.doubled === true) listener.message(device, message);
    if (heldBack === undefined) return;
    this.#heldBack = undefined;
    listener.message(device, { ...heldBack, timeMs: epochMs });
  }

  #filledTopic(): string {
    const { device, output } = this;
    const fields = device.reading;
    const topic = output.topic.fill((name) =>
      name in fields ? fields[name] : device.ownValue(name),
    );
    const problem = topicNameProblem(topic);
    if (problem !== undefined) {
      throw new DefinitionError(`the topic "${topic}" of ${device.id} ${problem}`, [
        'publish',
        output.topicText,
      ]);
    }
    if (output.fixedTopic) this.#topic = topic;
    return topic;
  }

  #payload(fields: FieldSource, moment: Moment): Payload {
    const { device, output } = this;
    // What is compared with the one before is text.
    const asBytes = device.listener.takesBytes === true && !output.changesOnly;
    switch (output.form) {
      case 'function':
        return functionPayload(output, device, moment);
      case 'plain': {
        const value = fields.value(output.fields[0] as number);
        return (asBytes ? numberBytes(value) : undefined) ?? plainText(value);
      }
      case 'template': {
        const { names } = device.plan.fields;
        return (output.text as Template).fill((name) => {
          const field = names.indexOf(name);
          return field < 0 ? device.ownValue(name) : fields.value(field);
        });
      }
      case 'object':
        return (
          (asBytes ? objectBytes(output.fields, output.keyBytes, fields) : undefined) ??
          objectPayload(output, fields)
        );
    }
  }
}

/** About when a device has its first turn, in milliseconds after the start: known before it is made. */
export function firstTurnMs(plan: FleetPlan, index: number): number {
  const { id } = plan.devices[index] as FleetPlan['devices'][number];
  return phaseOf(
    plan,
    RandomStream.named(plan.seed, id).child('schedule'),
    plan.outputs[0] as Output,
  );
}

/** Outputs of one device have one phase: what it reads at a time it sends at a time. */
function phaseOf(plan: FleetPlan, schedule: RandomStream, output: Output): number {
  if (!plan.stagger || output.times !== undefined) return 0;
  return Math.floor(schedule.uniform(-1) * output.everyMs);
}

/** What `JSON.stringify` would give; numbers, the most of what there is, cost less this way. */
function objectPayload({ fields, keys }: Output, source: FieldSource): string {
  let json = '{';
  for (let at = 0; at < fields.length; at++) {
    const value: FieldValue = source.value(fields[at] as number);
    json += keys[at] as string;
    json += typeof value === 'number' && Number.isFinite(value) ? value : JSON.stringify(value);
  }
  return `${json}}`;
}

function functionPayload(
  { make, topicText }: Output,
  device: SimulatedDevice,
  moment: Moment,
): Payload {
  const fields: Reading = device.reading;
  // A copy: whoever wrote the function may keep it.
  const payload = make?.(fields, device, { ...moment }) as Payload | undefined;
  if (typeof payload === 'string' || payload instanceof Uint8Array) return payload;
  if (payload === undefined || payload === null) {
    throw new DefinitionError(`the function gave ${payload} in place of a payload`, [
      'publish',
      topicText,
    ]);
  }
  if (payload instanceof ArrayBuffer || ArrayBuffer.isView(payload)) return payload;
  return JSON.stringify(payload);
}
