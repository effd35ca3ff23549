import type { Payload, QoS } from '@mqtt-kit/core';
import { DeviceOutput } from './device-output.ts';
import { type FieldSource, Fields } from './fields.ts';
import type { FleetPlan } from './fleet-plan.ts';
import { MessageFaults } from './message-faults.ts';
import type { PlannedFault } from './planned-faults.ts';
import { RandomStream } from './random-stream.ts';
import type { FieldValue, Moment, Reading, SignalDevice } from './signal.ts';
import type { Template } from './template.ts';
import { ObservedFields, spreads, ValueFaults } from './value-faults.ts';

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

/** Who is told what a device does. */
export interface DeviceListener {
  /** Whether payloads may be bytes where that is the cheaper way. */
  readonly takesBytes?: boolean;
  /** It sends a message. */
  message(device: SimulatedDevice, message: SimulatedMessage): void;
  /** It loses its connection without a word. */
  lost(device: SimulatedDevice, timeMs: number): void;
  /** It comes back. */
  back(device: SimulatedDevice, timeMs: number): void;
}

/** One device: its fields, its faults, its messages. It knows nothing of connections. */
export class SimulatedDevice implements SignalDevice {
  readonly id: string;
  readonly index: number;
  readonly attributes: Readonly<Record<string, FieldValue>>;
  readonly plan: FleetPlan;
  /** Told what the device does. */
  listener: DeviceListener = nobody;
  /** What it sends, in the order of the definition. */
  readonly outputs: readonly DeviceOutput[];
  /** Whether it has its connection: no fault has taken it away. */
  isPresent = true;
  /** The random stream for its phases and jitter. */
  readonly schedule: RandomStream;
  /** Its fields by name, as it sends them, at the moment of the last reading. */
  readonly reading: Reading;
  readonly messageFaults: MessageFaults | undefined;
  #state: Record<string, FieldValue> | undefined;
  readonly #fields: Fields;
  /** Where a fault changes what is sent. */
  readonly #observed: ObservedFields | undefined;

  constructor(plan: FleetPlan, index: number) {
    const { id, attributes } = plan.devices[index] as FleetPlan['devices'][number];
    this.id = id;
    this.index = index;
    this.attributes = attributes;
    this.plan = plan;
    if (plan.hasState) this.#state = structuredClone(plan.state) as SignalDevice['state'];
    const streams = RandomStream.named(plan.seed, id);
    this.schedule = streams.child('schedule');
    this.#fields = new Fields(plan.fields, this, streams.child('signals'));
    const faultsOf = (which: (fault: PlannedFault) => boolean): readonly PlannedFault[] =>
      plan.faults.length === 0 ? none : plan.faults.filter(which);
    const valueFaults = (planned: readonly PlannedFault[]): ValueFaults | undefined =>
      planned.length === 0
        ? undefined
        : new ValueFaults(planned, plan.fields, this.#fields, streams.child('faults'));
    const ofMessages = faultsOf((one) => !concernsValues(one));
    this.messageFaults =
      ofMessages.length === 0 ? undefined : new MessageFaults(ofMessages, streams.child('faults'));
    const ofThings = valueFaults(faultsOf((one) => concernsValues(one) && spreads(one)));
    if (ofThings !== undefined) {
      this.#fields.change = (field, value, moment) =>
        ofThings.changed(field, value, moment, moment.elapsedMs);
    }
    const ofSensors = valueFaults(faultsOf((one) => concernsValues(one) && !spreads(one)));
    this.#observed =
      ofSensors === undefined ? undefined : new ObservedFields(this.#fields, ofSensors);
    this.reading =
      this.#observed === undefined ? this.#fields.reading : new plan.fields.view(this.#observed);
    this.outputs = plan.outputs.map((output) => new DeviceOutput(this, output));
  }

  get state(): Record<string, FieldValue> {
    this.#state ??= {};
    return this.#state;
  }

  /** Goes to the moment of a reading; the one before was at `previousMs`. Gives the fields as they are sent. */
  goTo(moment: Moment, previousMs: number): FieldSource {
    if (this.#observed === undefined) {
      this.#fields.goTo(moment);
      return this.#fields;
    }
    this.#observed.goTo(moment, previousMs);
    return this.#observed;
  }

  /** Readings of everything besides those of the schedule. Times are milliseconds after the start of the run. */
  readNow(elapsedMs: number, startMs: number): void {
    for (const output of this.outputs) output.readNow(elapsedMs, startMs);
  }

  /** Sends what is still held back, at the end of a run. */
  releaseHeldBack(): void {
    for (const output of this.outputs) {
      const message = output.takeHeldBack();
      if (message !== undefined) this.listener.message(this, message);
    }
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
    return text.fill((name) => this.ownValue(name));
  }

  /** Forgets what was published: a new connection tells everything anew. */
  forgetPublished(): void {
    for (const output of this.outputs) output.forgetPublished();
  }

  /** What the device is by a name that templates may use. */
  ownValue(name: string): FieldValue | undefined {
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
}

const none: readonly PlannedFault[] = [];

const nobody: DeviceListener = { message() {}, lost() {}, back() {} };

function concernsValues({ fault }: PlannedFault): boolean {
  return fault.fault === 'stuck' || fault.fault === 'spike' || fault.fault === 'drift';
}
