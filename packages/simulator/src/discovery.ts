import type { Output } from './planned-outputs.ts';
import type { SimulatedDevice, SimulatedMessage } from './simulated-device.ts';

/** What Home Assistant knows as a class of devices, and the unit it expects. */
const units: Readonly<Record<string, string>> = {
  temperature: '°C',
  humidity: '%',
  pressure: 'hPa',
  battery: '%',
  power: 'W',
  energy: 'kWh',
  voltage: 'V',
  current: 'A',
  illuminance: 'lx',
  carbon_dioxide: 'ppm',
  wind_speed: 'm/s',
};

/** The retained messages by which Home Assistant gets to know the fields of a device. Empty without discovery. */
export function discoveryMessages(device: SimulatedDevice, timeMs: number): SimulatedMessage[] {
  const prefix = device.plan.discoveryPrefix;
  if (prefix === undefined) return [];
  return device.plan.outputs.flatMap((output) =>
    output.fixedTopic && (output.form === 'object' || output.form === 'plain')
      ? output.fields.map((field) => discoveryMessage(device, output, field, prefix, timeMs))
      : [],
  );
}

function discoveryMessage(
  device: SimulatedDevice,
  output: Output,
  field: number,
  prefix: string,
  timeMs: number,
): SimulatedMessage {
  const { plan } = device;
  const name = plan.fields.names[field] as string;
  const node = identifier(`${plan.name}_${device.id}`);
  const known = Object.hasOwn(units, name) ? units[name] : undefined;
  const unit = plan.units[name] ?? known;
  const availability =
    plan.presence === undefined
      ? {}
      : {
          availability_topic: device.fill(plan.presence.topic),
          payload_available: plan.presence.online,
          payload_not_available: plan.presence.offline,
        };
  const config = {
    name,
    unique_id: `${node}_${name}`,
    state_topic: device.fill(output.topic),
    ...(output.form === 'object' ? { value_template: `{{ value_json.${name} }}` } : {}),
    ...(known === undefined ? {} : { device_class: name }),
    ...(unit === undefined ? {} : { unit_of_measurement: unit }),
    ...availability,
    device: { identifiers: [node], name: device.id, model: plan.name, manufacturer: 'mqtt-kit' },
  };
  return {
    kind: 'discovery',
    device: device.id,
    timeMs,
    topic: `${prefix}/sensor/${node}/${identifier(name)}/config`,
    payload: JSON.stringify(config),
    qos: 1,
    retain: true,
  };
}

/** Home Assistant takes letters, digits, `_` and `-`. */
function identifier(text: string): string {
  return text.replace(/[^\w-]/g, '_');
}
