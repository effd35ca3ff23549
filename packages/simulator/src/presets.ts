/** Fleets to begin with: believable in a dashboard, and short enough to read as examples. */
import { MqttUsageError } from '@mqtt-kit/core';
import { fault } from './fault.ts';
import type { FleetDefinition } from './fleet-definition.ts';
import { follow, integral } from './follow.ts';
import { geoPath } from './geo-path.ts';
import { meanReverting, noise, perDevice, states, walk } from './random-signals.ts';
import type { Signal } from './signal.ts';
import { battery, clock, counter, dayCurve, sine } from './waveforms.ts';

/** What can be changed of a preset. */
export interface PresetOptions {
  readonly seed?: number | string;
  /** Devices of the kind that the preset is about; the house has its rooms, whatever is asked for. */
  readonly count?: number;
  /** Time between readings. */
  readonly every?: number | string;
}

/** The presets by name: `house`, `weather`, `factory`, `energy`, `vehicles`. */
export type PresetName = 'house' | 'weather' | 'factory' | 'energy' | 'vehicles';

const presets: Readonly<Record<PresetName, (options: PresetOptions) => FleetDefinition[]>> = {
  house,
  weather,
  factory,
  energy,
  vehicles,
};

/** Names of the presets. */
export const presetNames: readonly PresetName[] = Object.keys(presets) as PresetName[];

/**
 * The definitions of a preset, for `fleet`: `fleet(preset('house', { seed: 7 }))`. Throws `invalidArgument` for a name
 * that is none.
 */
export function preset(name: PresetName, options: PresetOptions = {}): FleetDefinition[] {
  if (presetNames.includes(name)) return presets[name](options);
  throw new MqttUsageError(`there is no preset "${name}"; there are ${presetNames.join(', ')}`);
}

const hourMs = 3_600_000;

/** Warmer by day, drawn to the mean of its room, with a heating that follows `house/ROOM/target/set`. */
function house({ seed = 1, every = '5s' }: PresetOptions): FleetDefinition[] {
  const rooms: FleetDefinition = {
    name: 'house',
    seed,
    devices: [
      { id: 'kitchen', target: 21.5, damp: 0 },
      { id: 'bedroom', target: 18.5, damp: 4 },
      { id: 'bathroom', target: 23, damp: 14 },
      { id: 'livingroom', target: 21, damp: 0 },
    ],
    every,
    jitter: 0.1,
    // Null: the target of the room, until a command sets another.
    state: { target: null },
    signals: {
      target: (_fields, device) => Number(device.state['target'] ?? device.attributes['target']),
      temperature: follow(
        (_fields, device) => Number(device.state['target'] ?? device.attributes['target']),
        { time: '10m' },
      )
        .plus(dayCurve({ mean: 0, amplitude: 0.8 }))
        .plus(meanReverting({ mean: 0, deviation: 0.4, relaxation: '20m' }))
        .plus(noise(0.03))
        .round(1),
      humidity: meanReverting({ mean: 0, deviation: 2, relaxation: '30m' })
        .plus(
          (fields, device) =>
            85 + Number(device.attributes['damp']) - 1.8 * Number(fields.temperature),
        )
        .clamp(15, 95)
        .round(0),
    },
    publish: {
      'house/{id}/temperature': 'temperature',
      'house/{id}/humidity': 'humidity',
      'house/{id}/target': { payload: 'target', retain: true, qos: 1, changesOnly: true },
    },
    presence: { topic: 'house/{id}/status' },
    commands: { 'house/{id}/target/set': 'target' },
  };
  const door: FleetDefinition = {
    name: 'door',
    seed,
    devices: ['door'],
    every: '1s',
    stagger: false,
    signals: {
      state: states({ closed: { for: '4m', to: 'open' }, open: { for: '20s', to: 'closed' } }),
      battery: battery({ life: '400d', from: 87, replaceAt: 5 }).round(0),
    },
    publish: {
      'house/{id}': { payload: 'state', qos: 1, retain: true, changesOnly: true },
      'house/{id}/battery': { payload: 'battery', every: '1h' },
    },
    presence: { topic: 'house/{id}/status' },
  };
  return [rooms, door];
}

function weather({ seed = 1, count = 3, every = '30s' }: PresetOptions): FleetDefinition[] {
  return [
    {
      name: 'weather',
      seed,
      count,
      id: 'station-{n}',
      every,
      jitter: 0.05,
      signals: {
        time: clock('iso'),
        // What the sky does, from 0 (clear) to 1 (overcast); everything else depends on it.
        clouds: walk({ from: 0.4, step: 0.02, every: '1m', min: 0, max: 1 }).round(2),
        temperature: dayCurve({ mean: 14, amplitude: 6 })
          .times(({ clouds }) => 1 - 0.15 * Number(clouds))
          .plus(perDevice(-1.5, 1.5))
          .plus(meanReverting({ mean: 0, deviation: 0.8, relaxation: '2h' }))
          .round(1),
        humidity: meanReverting({ mean: 0, deviation: 3, relaxation: '1h' })
          .plus(({ temperature, clouds }) => 95 - 2.2 * Number(temperature) + 15 * Number(clouds))
          .clamp(10, 100)
          .round(0),
        pressure: walk({ from: 1013, step: 0.08, every: '1m', min: 980, max: 1040 }).round(1),
        wind_speed: meanReverting({ mean: 4, deviation: 2, relaxation: '5m' })
          .plus(noise(0.4))
          .clamp(0, 40)
          .round(1),
        illuminance: dayCurve({ mean: 0, amplitude: 90_000, peak: '12:30' })
          .times(({ clouds }) => 1 - 0.85 * Number(clouds))
          .clamp(0, 120_000)
          .round(0),
      },
      publish: { 'weather/{id}': { payload: '*', qos: 1 } },
      presence: true,
      units: { clouds: '1' },
    },
  ];
}

/** Machines that idle, run and break down; heat and vibration follow. Some sensors stick, one clock is wrong. */
function factory({ seed = 1, count = 8, every = '2s' }: PresetOptions): FleetDefinition[] {
  const load: Readonly<Record<string, number>> = { idle: 0.05, running: 1, fault: 0 };
  return [
    {
      name: 'factory',
      seed,
      count,
      id: 'press-{n:02}',
      every,
      jitter: 0.05,
      signals: {
        time: clock('iso'),
        sequence: counter(),
        state: states({
          idle: { for: '8m', to: 'running' },
          running: { for: '25m', to: { idle: 12, fault: 1 } },
          fault: { for: '6m', to: 'idle' },
        }),
        vibration: noise(0.12)
          .times(({ state }) => 0.2 + (load[state] ?? 0))
          .plus(({ state }) => 0.3 + 2.4 * (load[state] ?? 0))
          .clamp(0, 20)
          .round(2),
        temperature: meanReverting({ mean: 0, deviation: 3, relaxation: '10m' })
          .plus(({ state }) => 35 + 30 * (load[state] ?? 0))
          .round(1),
        pieces: counter({ every: '12s' }),
      },
      publish: {
        'factory/{id}/telemetry': ['time', 'sequence', 'vibration', 'temperature', 'pieces'],
        'factory/{id}/state': { payload: 'state', qos: 1, retain: true, changesOnly: true },
      },
      presence: true,
      faults: [
        fault.stuck({ meanEvery: '2h', for: '4m', fields: ['vibration'] }),
        fault.spike({ chance: 0.001, size: 12, fields: ['vibration'] }),
        fault.dropout({ chance: 0.005 }),
        fault.offline({ meanEvery: '3h', for: '45s' }),
      ],
    },
  ];
}

function energy({ seed = 1, count = 20, every = '10s' }: PresetOptions): FleetDefinition[] {
  const power: Signal<number> = dayCurve({ mean: 350, amplitude: 180, peak: '19:00' })
    .plus(meanReverting({ mean: 0, deviation: 120, relaxation: '15m' }))
    .plus(noise(8))
    .clamp(40, 9000);
  return [
    {
      name: 'energy',
      seed,
      count,
      id: 'meter-{n:04}',
      every,
      jitter: 0.1,
      signals: {
        time: clock('iso'),
        voltage: meanReverting({ mean: 230, deviation: 1.5, relaxation: '5m' }).round(1),
        power: power.times(perDevice(0.5, 2)).round(0),
        current: ({ power, voltage }) => Math.round((power / voltage) * 100) / 100,
        energy: integral(({ power }) => power / 1000, { from: 1000 }).round(3),
      },
      publish: { 'energy/{id}': { payload: '*', qos: 1 } },
      presence: true,
      faults: [fault.reconnectStorm({ every: 6 * hourMs, for: '5s' })],
    },
  ];
}

function vehicles({ seed = 1, count = 10, every = '1s' }: PresetOptions): FleetDefinition[] {
  return [
    {
      name: 'vehicles',
      seed,
      count,
      id: 'van-{n:02}',
      every,
      signals: {
        time: clock('iso'),
        position: geoPath(
          [
            [52.5208, 13.4095],
            [52.5163, 13.3777],
            [52.5145, 13.3501],
            [52.5075, 13.3326],
            [52.4986, 13.3915],
            [52.5031, 13.4437],
          ],
          { speedKmh: 38, scatter: true },
        ),
        battery: battery({ life: '9h', replaceAt: 12 }).round(1),
        motor: sine({ mean: 61, amplitude: 7, period: '17m', phase: 'random' })
          .plus(noise(0.4))
          .round(1),
      },
      publish: {
        'vehicles/{id}/position': 'position',
        'vehicles/{id}/status': { payload: ['time', 'battery', 'motor'], every: '10s' },
      },
      presence: { topic: 'vehicles/{id}/presence' },
      faults: [
        fault.outOfOrder({ chance: 0.01 }),
        fault.duplicate({ chance: 0.005 }),
        fault.offline({ meanEvery: '40m', for: '30s' }),
      ],
    },
  ];
}
