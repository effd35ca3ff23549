import type { PublishOptions } from '@mqtt-kit/core';
import type { SimulatedMessage } from './simulated-device.ts';

const optionSets: readonly (readonly (PublishOptions | undefined)[])[] = [
  [undefined, { retain: true }],
  [{ qos: 1 }, { qos: 1, retain: true }],
  [{ qos: 2 }, { qos: 2, retain: true }],
];

/** One object for all messages alike, with what is not the default: each option is looked at for each message. */
export function publishOptions({ qos, retain }: SimulatedMessage): PublishOptions | undefined {
  return optionSets[qos]?.[retain ? 1 : 0];
}
