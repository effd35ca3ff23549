import { MqttUsageError } from './errors.ts';
import { checkAmount, checkBoolean, checkCount, checkOptions } from './option-check.ts';
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
  const given = checkOptions('reconnect', value === true ? {} : value, names);
  const minDelayMs = checkAmount('reconnect.minDelayMs', given.or('minDelayMs', 100), 0);
  const maxDelayMs = checkAmount(
    'reconnect.maxDelayMs',
    given.or('maxDelayMs', Math.max(30_000, minDelayMs)),
    0,
  );
  if (minDelayMs > maxDelayMs) {
    throw new MqttUsageError(
      `reconnect.minDelayMs must be at most reconnect.maxDelayMs (${maxDelayMs}); got ${minDelayMs}`,
    );
  }
  return {
    minDelayMs,
    maxDelayMs,
    factor: checkAmount('reconnect.factor', given.or('factor', 2), 1),
    maxAttempts: checkCount(
      'reconnect.maxAttempts',
      given.or('maxAttempts', Number.POSITIVE_INFINITY),
      1,
    ),
    initial: checkBoolean('reconnect.initial', given.or('initial', false)),
  };
}
