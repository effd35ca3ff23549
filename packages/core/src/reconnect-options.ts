import { MqttUsageError } from './errors.ts';
import { checkGroup } from './option-check.ts';
import type { ReconnectOptions } from './options.ts';
import type { ReconnectSettings } from './reconnect.ts';

/** `undefined`: no reconnection. */
export function checkReconnect(value: unknown): ReconnectSettings | undefined {
  if (value === false) return undefined;
  const names = [
    'minDelayMs',
    'maxDelayMs',
    'factor',
    'maxAttempts',
    'initial',
  ] as const satisfies readonly (keyof ReconnectOptions)[];
  const given = checkGroup('reconnect', value === true ? {} : value, names);
  const minDelayMs = given.amount('minDelayMs', 100, 0);
  const maxDelayMs = given.amount('maxDelayMs', Math.max(30_000, minDelayMs), 0);
  if (minDelayMs > maxDelayMs) {
    throw new MqttUsageError(
      `reconnect.minDelayMs must be at most reconnect.maxDelayMs (${maxDelayMs}); got ${minDelayMs}`,
    );
  }
  return {
    minDelayMs,
    maxDelayMs,
    factor: given.amount('factor', 2, 1),
    maxAttempts: given.count('maxAttempts', Number.POSITIVE_INFINITY, 1),
    initial: given.boolean('initial', false),
  };
}
