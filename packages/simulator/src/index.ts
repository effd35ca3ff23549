export { DefinitionError, type DefinitionPath } from './definition-error.ts';
export type { Duration } from './duration.ts';
export { type ExpressionScope, parseExpression } from './expression.ts';
export { parseFields } from './expression-fields.ts';
export type { ExpressionTools } from './expression-parameters.ts';
export { type Fault, type FaultTiming, type FieldFaultTiming, fault } from './fault.ts';
export {
  type Connect,
  type Fleet,
  type FleetLimits,
  type FleetRunOptions,
  type FleetSummary,
  fleet,
  fleetWith,
} from './fleet.ts';
export type {
  CommandRule,
  DiscoveryDefinition,
  FleetDefinition,
  FleetDevice,
  PresenceDefinition,
  PublishRule,
} from './fleet-definition.ts';
export { type FollowOptions, follow, integral } from './follow.ts';
export { type GeoPathOptions, type GeoPosition, geoPath } from './geo-path.ts';
export { messageLine } from './message-line.ts';
export { type PresetName, preset, presetNames } from './presets.ts';
export {
  type MeanRevertingOptions,
  meanReverting,
  noise,
  perDevice,
  pick,
  type StateRule,
  states,
  type WalkOptions,
  walk,
} from './random-signals.ts';
export { RandomStream } from './random-stream.ts';
export { type RecordedRow, type Recording, type RecordingOptions, recording } from './recording.ts';
export {
  type FieldFunction,
  type FieldValue,
  type Moment,
  type Operand,
  type Reading,
  type Sampler,
  Signal,
  type SignalDevice,
} from './signal.ts';
export type { SimulatedMessage } from './simulated-device.ts';
export {
  type BatteryOptions,
  battery,
  type CounterOptions,
  clock,
  constant,
  counter,
  type DayCurveOptions,
  dayCurve,
  drift,
  dutyCycle,
  ramp,
  saw,
  sine,
  square,
  steps,
  type WaveOptions,
} from './waveforms.ts';
