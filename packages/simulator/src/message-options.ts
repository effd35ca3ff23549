import type { PublishOptions } from '@mqtt-kit/core';
import type { SimulatedMessage } from './simulated-device.ts';

const optionSets: readonly (readonly PublishOptions[])[] = ([0, 1, 2] as const).map((qos) => [
  { qos, retain: false },
  { qos, retain: true },
]);

/** One object for all messages alike. */
export function publishOptions({ qos, retain }: SimulatedMessage): PublishOptions {
  return optionSets[qos]?.[retain ? 1 : 0] ?? { qos, retain };
}
