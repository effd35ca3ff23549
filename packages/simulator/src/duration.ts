import { MqttUsageError } from '@mqtt-kit/core';

/** Milliseconds, or a text with units: `'500ms'`, `'10s'`, `'5m'`, `'1h30m'`, `'7d'`. */
export type Duration = number | string;

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a duration. Throws `invalidArgument`, naming `what`, unless it is at least 0. */
export function durationMs(given: Duration, what: string): number {
  const ms = typeof given === 'number' ? given : parsed(given);
  if (typeof ms === 'number' && ms >= 0 && !Number.isNaN(ms)) return ms;
  throw new MqttUsageError(
    `${what} must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was ${JSON.stringify(given)}`,
  );
}

/** As `durationMs`, of something that cannot be 0 or for ever. */
export function positiveDurationMs(given: Duration, what: string): number {
  const ms = durationMs(given, what);
  if (ms > 0 && ms < Number.POSITIVE_INFINITY) return ms;
  throw new MqttUsageError(`${what} must be more than 0 and finite; given was ${given}`);
}

function parsed(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (units[unit ?? ''] ?? Number.NaN);
  }
  return total;
}

const timeOfDay = /^([01]?\d|2[0-4]):([0-5]\d)$/;

/** Milliseconds after midnight of `'15:00'`. */
export function timeOfDayMs(given: string, what: string): number {
  const [, hours, minutes] = timeOfDay.exec(given) ?? [];
  if (hours === undefined) {
    throw new MqttUsageError(`${what} must be a time of day such as "15:00"; given was "${given}"`);
  }
  return (Number(hours) * 60 + Number(minutes)) * 60_000;
}
