import type { Message, Payload, QoS } from '@mqtt-kit/core';
import type { Duration } from './duration.ts';
import type { Fault } from './fault.ts';
import type { Recording } from './recording.ts';
import type { FieldFunction, FieldValue, Moment, Reading, Signal, SignalDevice } from './signal.ts';

/** A device as commands see it. */
export interface FleetDevice extends SignalDevice {
  /** Publishes a reading now, besides those of the schedule. */
  report(): void;
}

/** What a device sends under a topic. */
export interface PublishRule {
  /**
   * A field sent as plain text, several as a JSON object, `'*'` all of them, a text with fields in braces, or a function
   * of the fields. Default `'*'`.
   */
  readonly payload?:
    | string
    | readonly string[]
    | ((fields: Reading, device: SignalDevice, moment: Moment) => Payload);
  /** Default: the fleet's. */
  readonly qos?: QoS;
  readonly retain?: boolean;
  readonly every?: Duration | Recording;
  /** Publishes only what is not what was published last. Default false. */
  readonly changesOnly?: boolean;
}

/** What a device does when it gets a message: a function, the name of the state it sets, or several of a JSON object. */
export type CommandRule =
  | string
  | readonly string[]
  | ((device: FleetDevice, message: Message) => void | Promise<void>);

/** How a device says whether it is there. */
export interface PresenceDefinition {
  /** Default `'{name}/{id}/status'`. */
  readonly topic?: string;
  /** Default `'online'` and `'offline'`. */
  readonly online?: string;
  readonly offline?: string;
  /** Default 1. */
  readonly qos?: QoS;
  /** Default true. */
  readonly retain?: boolean;
}

/** How devices introduce themselves to Home Assistant. */
export interface DiscoveryDefinition {
  /** Default `'homeassistant'`. */
  readonly prefix?: string;
}

/** Devices of one kind. Texts in braces are filled for each: `{id}`, `{n}` (from 1), `{index}`, `{name}`, attributes. */
export interface FleetDefinition {
  /** Default `'fleet'`. */
  readonly name?: string;
  /** The same seed gives the same data. Default 1. */
  readonly seed?: number | string;
  /** Number of devices. Default 1, or as many as `devices` lists. */
  readonly count?: number;
  /** Default `'{name}-{n}'`. */
  readonly id?: string | ((index: number) => string);
  /** Devices by their identifiers, each with attributes of its own, in place of `count` and `id`. */
  readonly devices?: readonly (
    | string
    | { readonly id: string; readonly [attribute: string]: FieldValue }
  )[];
  /** Time between two readings, or the recording whose times they take. Default: `recording`, else `'10s'`. */
  readonly every?: Duration | Recording;
  /** Part of `every` by which a reading may come earlier or later: 0 to 1. Default 0. */
  readonly jitter?: number;
  /** Whether each device has its readings at another part of `every`. Default true. */
  readonly stagger?: boolean;
  /** What `column` in expressions refers to. */
  readonly recording?: Recording;
  /** What commands change, by name; each device has its own. */
  readonly state?: Readonly<Record<string, FieldValue>>;
  /** Fields by name: a signal, an expression such as `'walk(20, 0.2)'`, a number, or a function of the other fields. */
  readonly signals: Readonly<
    Record<string, Signal<FieldValue> | FieldFunction<FieldValue> | string | number | boolean>
  >;
  /** What is sent, by topic. Default: all fields as a JSON object under `'{name}/{id}'`. */
  readonly publish?: Readonly<
    Record<
      string,
      | string
      | readonly string[]
      | PublishRule
      | ((fields: Reading, device: SignalDevice, moment: Moment) => Payload)
    >
  >;
  /** Default 0. */
  readonly qos?: QoS;
  /** Default false. */
  readonly retain?: boolean;
  /** A message when a device comes, a last will for when it goes without a word, and one when it goes. Default false. */
  readonly presence?: boolean | PresenceDefinition;
  /** What a device subscribes to (QoS 1), by topic, and what it does then. */
  readonly commands?: Readonly<Record<string, CommandRule>>;
  readonly faults?: readonly Fault[];
  /** Default: none. */
  readonly discovery?: 'homeassistant' | DiscoveryDefinition;
  /** Units of fields, for discovery: `{ temperature: '°C' }`. */
  readonly units?: Readonly<Record<string, string>>;
}
