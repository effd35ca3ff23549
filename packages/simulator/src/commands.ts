import { type Message, MqttError } from '@mqtt-kit/core';
import type { CommandRule } from './fleet-definition.ts';
import type { FieldValue } from './signal.ts';
import type { SimulatedDevice } from './simulated-device.ts';

/**
 * Does what a command asks for; `report` publishes a reading. Rejects with what the function threw, and with
 * `handlerFailed` for a payload that is not what the rule expects.
 */
export async function obeyCommand(
  device: SimulatedDevice,
  rule: CommandRule,
  message: Message,
  report: () => void,
): Promise<void> {
  if (typeof rule === 'function') {
    const { id, index, state, attributes } = device;
    await rule({ id, index, state, attributes, report }, message);
    return;
  }
  setState(device, rule, message);
  report();
}

/** Sets one state to the payload, or several to the members of a JSON object. */
function setState(
  device: SimulatedDevice,
  rule: string | readonly string[],
  message: Message,
): void {
  const text = message.text();
  const value = jsonOrText(text);
  if (typeof rule === 'string') {
    device.state[rule] = value;
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MqttError(
      'handlerFailed',
      `${device.id} expects a JSON object with ${rule.join(' or ')} under ${message.topic}, not ${JSON.stringify(text.slice(0, 60))}`,
    );
  }
  for (const name of rule) {
    const member = (value as Readonly<Record<string, FieldValue>>)[name];
    if (member !== undefined) device.state[name] = member;
  }
}

function jsonOrText(text: string): FieldValue {
  try {
    return JSON.parse(text) as FieldValue;
  } catch {
    return text;
  }
}
