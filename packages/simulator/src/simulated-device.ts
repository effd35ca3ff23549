import { type Payload, type QoS, topicNameProblem } from '@mqtt-kit/core';
import { DefinitionError } from './definition-error.ts';
import { durationMs } from './duration.ts';
import { type Occasions, occasions, skewMs } from './fault.ts';
import { Fields } from './fields.ts';
import type { FleetPlan } from './fleet-plan.ts';
import type { PlannedFault } from './planned-faults.ts';
import type { Output } from './planned-outputs.ts';
import { RandomStream } from './random-stream.ts';
import type { FieldValue, Moment, Signal, SignalDevice } from './signal.ts';
import { plainText, type Template } from './template.ts';

/** A message of a device. */
export interface SimulatedMessage {
  /** Why it is sent. A `will` is published by the server, not by the device. */
  readonly kind: 'reading' | 'online' | 'offline' | 'will' | 'discovery';
  /** Identifier of its device. */
  readonly device: string;
  /** Milliseconds since 1970, in the time of the run. */
  readonly timeMs: number;
  readonly topic: string;
  readonly payload: Payload;
  readonly qos: QoS;
  readonly retain: boolean;
}

interface DeviceFault extends PlannedFault {
  readonly occasions: Occasions;
  readonly stream: RandomStream;
  readonly recoveryMs: number;
  /** The values that it holds, and since when: of `stuck`. */
  heldSinceMs: number;
  readonly held: Map<number, FieldValue>;
}

/** One device: its fields, its faults, its messages. It knows nothing of connections. */
export class SimulatedDevice implements SignalDevice {
  readonly id: string;
  readonly index: number;
  readonly state: Record<string, FieldValue>;
  readonly attributes: Readonly<Record<string, FieldValue>>;
  readonly plan: FleetPlan;
  /** Whether it has its connection: no fault has taken it away. */
  isPresent = true;
  /** The random stream for its phases and jitter. */
  readonly schedule: RandomStream;
  readonly #fields: Fields;
  readonly #valueFaults: readonly DeviceFault[];
  readonly #messageFaults: readonly DeviceFault[];
  readonly #topics: (string | undefined)[];
  /** What was published last, for outputs that publish changes alone. */
  readonly #published: (Payload | undefined)[];
  /** Messages that wait for the next one of their output to overtake them. */
  readonly #heldBack: (SimulatedMessage | undefined)[];
  #heldBackCount = 0;
  /** Number of the last reading. */
  #lastReading = 0;

  constructor(plan: FleetPlan, index: number) {
    const { id, attributes } = plan.devices[index] as FleetPlan['devices'][number];
    this.id = id;
    this.index = index;
    this.attributes = attributes;
    this.plan = plan;
    this.state = plan.hasState ? (structuredClone(plan.state) as SignalDevice['state']) : {};
    const streams = RandomStream.named(plan.seed, id);
    this.schedule = streams.child('schedule');
    this.#fields = new Fields(plan.fields, this, streams.child('signals'));
    const faults = plan.faults.map((planned) => deviceFault(planned, streams.child('faults')));
    const concernsValues = ({ fault }: DeviceFault): boolean =>
      ['stuck', 'spike', 'drift'].includes(fault.fault);
    // Most devices have none, and share one empty list.
    this.#valueFaults = faults.length === 0 ? noFaults : faults.filter(concernsValues);
    this.#messageFaults =
      faults.length === 0 ? noFaults : faults.filter((one) => !concernsValues(one));
    this.#topics = plan.outputs.map(() => undefined);
    this.#published = plan.outputs.map(() => undefined);
    this.#heldBack = plan.outputs.map(() => undefined);
  }

  /** The messages of readings besides those of the schedule: with the number of the last one. */
  readNow(elapsedMs: number, startMs: number): readonly SimulatedMessage[] {
    const reading = this.#lastReading;
    return this.plan.outputs.flatMap((output) =>
      this.read(output, reading, elapsedMs, elapsedMs - 1, startMs),
    );
  }

  /** The faults that take the connection away. */
  get absences(): readonly Occasions[] {
    return this.#messageFaults
      .filter(({ fault }) => fault.fault === 'offline' || fault.fault === 'reconnectStorm')
      .map((one) => one.occasions);
  }

  /**
   * The messages of a reading, to be sent in this order; `previousMs` is when the one before was. Times are milliseconds
   * after the start of the run.
   */
  read(
    output: Output,
    reading: number,
    elapsedMs: number,
    previousMs: number,
    startMs: number,
  ): readonly SimulatedMessage[] {
    const epochMs = startMs + elapsedMs;
    this.#lastReading = reading;
    let clockMs = epochMs;
    let dropped = false;
    let doubled = false;
    let late = false;
    for (const one of this.#messageFaults) {
      if (one.occasions.startOf(elapsedMs, previousMs) === undefined) continue;
      const { fault } = one;
      if (fault.fault === 'clockSkew') clockMs += skewMs(fault.by);
      else if (fault.fault === 'dropout') dropped = true;
      else if (fault.fault === 'duplicate') doubled = true;
      else if (fault.fault === 'outOfOrder') late = true;
    }
    if (dropped) return nothing;
    const moment = { elapsedMs, epochMs, clockMs, reading };
    this.#fields.goTo(moment);
    const payload = this.#payload(output, moment, previousMs);
    if (output.changesOnly) {
      if (this.#published[output.index] === payload) return nothing;
      this.#published[output.index] = payload;
    }
    const message: SimulatedMessage = {
      kind: 'reading',
      device: this.id,
      timeMs: epochMs,
      topic: this.#topic(output),
      payload,
      qos: output.qos,
      retain: output.retain,
    };
    if (!late && !doubled && this.#heldBackCount === 0) return [message];
    const heldBack = this.#heldBack[output.index];
    if (late && heldBack === undefined) {
      this.#heldBack[output.index] = message;
      this.#heldBackCount += 1;
      return nothing;
    }
    const messages = doubled ? [message, message] : [message];
    if (heldBack !== undefined) {
      this.#heldBack[output.index] = undefined;
      this.#heldBackCount -= 1;
      messages.push({ ...heldBack, timeMs: epochMs });
    }
    return messages;
  }

  /** What is still held back, at the end of a run. */
  takeHeldBack(): readonly SimulatedMessage[] {
    const messages = this.#heldBack.filter((message) => message !== undefined);
    this.#heldBack.fill(undefined);
    this.#heldBackCount = 0;
    return messages;
  }

  /** The message that says that the device is there, or not. `undefined` without presence. */
  presence(kind: 'online' | 'offline' | 'will', timeMs: number): SimulatedMessage | undefined {
    const { presence } = this.plan;
    if (presence === undefined) return undefined;
    const { qos, retain } = presence;
    const topic = this.fill(presence.topic);
    const payload = kind === 'online' ? presence.online : presence.offline;
    return { kind, device: this.id, timeMs, topic, payload, qos, retain };
  }

  /** A text with what the device is, without its fields. */
  fill(text: Template): string {
    return text.fill((name) => this.#own(name));
  }

  /** Forgets what was published: a new connection tells everything anew. */
  forgetPublished(): void {
    this.#published.fill(undefined);
  }

  #own(name: string): FieldValue | undefined {
    switch (name) {
      case 'id':
        return this.id;
      case 'n':
        return this.index + 1;
      case 'index':
        return this.index;
      case 'name':
        return this.plan.name;
      default:
        return this.attributes[name];
    }
  }

  #topic(output: Output): string {
    const known = this.#topics[output.index];
    if (known !== undefined) return known;
    const topic = output.topic.fill((name) =>
      name in this.#fields.reading ? this.#fields.reading[name] : this.#own(name),
    );
    const problem = topicNameProblem(topic);
    if (problem !== undefined) {
      throw new DefinitionError(`the topic "${topic}" of ${this.id} ${problem}`, [
        'publish',
        output.topicText,
      ]);
    }
    if (output.fixedTopic) this.#topics[output.index] = topic;
    return topic;
  }

  #payload(output: Output, moment: Moment, previousMs: number): Payload {
    const { names } = this.plan.fields;
    const value = (field: number): FieldValue => this.#observed(field, moment, previousMs);
    switch (output.form) {
      case 'function':
        return this.#functionPayload(output);
      case 'plain':
        return plainText(value(output.fields[0] as number));
      case 'template':
        return (output.text as Template).fill((name) => {
          const field = names.indexOf(name);
          return field < 0 ? this.#own(name) : value(field);
        });
      case 'object':
        return this.#objectPayload(output, moment, previousMs);
    }
  }

  /** What `JSON.stringify` would give; numbers, the most of what there is, cost less this way. */
  #objectPayload(output: Output, moment: Moment, previousMs: number): string {
    const { fields, keys } = output;
    let json = '{';
    for (let at = 0; at < fields.length; at++) {
      const value = this.#observed(fields[at] as number, moment, previousMs);
      json += keys[at] as string;
      json += typeof value === 'number' && Number.isFinite(value) ? value : JSON.stringify(value);
    }
    return `${json}}`;
  }

  #functionPayload({ make, topicText }: Output): Payload {
    const payload = make?.(this.#fields.reading, this) as Payload | undefined;
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

  /** The value of a field as the device sends it: with its faults. */
  #observed(field: number, moment: Moment, previousMs: number): FieldValue {
    let value = this.#fields.value(field);
    if (this.#valueFaults.length === 0) return value;
    for (const one of this.#valueFaults) {
      const startMs = one.occasions.startOf(moment.elapsedMs, previousMs, one.recoveryMs);
      if (startMs === undefined) continue;
      if (one.fields !== undefined ? !one.fields.has(field) : !this.#concerns(one, value)) continue;
      value = this.#faulty(one, field, value, startMs, moment);
    }
    return value;
  }

  #concerns({ fault }: DeviceFault, value: FieldValue): boolean {
    return fault.fault === 'stuck' || typeof value === 'number';
  }

  #faulty(
    one: DeviceFault,
    field: number,
    value: FieldValue,
    startMs: number,
    moment: Moment,
  ): FieldValue {
    const { fault } = one;
    if (fault.fault === 'stuck') {
      if (one.heldSinceMs !== startMs) {
        one.heldSinceMs = startMs;
        one.held.clear();
      }
      if (!one.held.has(field)) one.held.set(field, this.#valueAt(field, startMs, moment));
      return one.held.get(field) as FieldValue;
    }
    if (typeof value !== 'number') return value;
    if (fault.fault === 'spike') {
      const up = one.stream.uniform(moment.elapsedMs, 2) < 0.5;
      return this.#rounded(field, value + (up ? fault.size : -fault.size));
    }
    if (fault.fault === 'drift') {
      const sinceMs = moment.elapsedMs - startMs;
      const lasting = one.occasions.durationMs;
      const away = (fault.perHour * Math.min(sinceMs, lasting)) / 3_600_000;
      const back = sinceMs <= lasting ? 1 : 1 - (sinceMs - lasting) / one.recoveryMs;
      return this.#rounded(field, value + away * back);
    }
    return value;
  }

  /** A field at an earlier moment; the others are at the present one again afterwards. */
  #valueAt(field: number, elapsedMs: number, now: Moment): FieldValue {
    const shift = elapsedMs - now.elapsedMs;
    this.#fields.goTo({
      elapsedMs,
      epochMs: now.epochMs + shift,
      clockMs: now.clockMs + shift,
      reading: now.reading,
    });
    const value = this.#fields.value(field);
    this.#fields.goTo(now);
    return value;
  }

  #rounded(field: number, value: number): number {
    const { digits } = this.plan.fields.signals[field] as Signal<FieldValue>;
    if (digits === undefined) return value;
    const scale = Number(`1e${digits}`);
    return Math.round(value * scale) / scale;
  }
}

const nothing: readonly SimulatedMessage[] = [];
const noFaults: readonly DeviceFault[] = [];

function deviceFault(planned: PlannedFault, streams: RandomStream): DeviceFault {
  const { fault } = planned;
  const stream = streams.child(planned.streamName);
  return {
    ...planned,
    stream,
    occasions: occasions(fault, stream),
    recoveryMs:
      fault.fault === 'drift' && fault.recovery !== undefined
        ? durationMs(fault.recovery, 'recovery')
        : 0,
    heldSinceMs: Number.NaN,
    held: new Map(),
  };
}
