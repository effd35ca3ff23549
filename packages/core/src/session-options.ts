/** Options that decide how long a session lives, and where it is kept. */
import type { ConnectSettings } from './connect-settings.ts';
import { MqttUsageError } from './errors.ts';
import { checkInteger, checkString, expectation, type GivenOptions } from './option-check.ts';
import type { SessionStore } from './session-store.ts';

const longestExpirySeconds = 0xffff_ffff;
const sevenDaysSeconds = 7 * 24 * 60 * 60;

type Session = Pick<
  ConnectSettings,
  'clientId' | 'cleanStart' | 'sessionExpirySeconds' | 'sessionKept'
>;

export function checkSession(given: GivenOptions, store: SessionStore | undefined): Session {
  const durable = store?.durable ?? false;
  const cleanStart = given.boolean('cleanStart', !durable);
  if (durable && cleanStart) {
    throw new MqttUsageError('cleanStart must be false with a durable store; got true');
  }
  const clientId = given.optional('clientId', checkString);
  if (!cleanStart && (clientId === undefined || clientId === '')) {
    // [MQTT3-3.1.3-7]
    throw new MqttUsageError(
      `${durable ? 'a durable store' : 'cleanStart: false'} needs a clientId: the session is found again by it`,
    );
  }
  const expiry = given.or('sessionExpirySeconds', cleanStart ? 0 : sevenDaysSeconds);
  const sessionExpirySeconds = checkExpiry('sessionExpirySeconds', expiry);
  const sessionKept = !cleanStart || sessionExpirySeconds > 0;
  return { clientId, cleanStart, sessionExpirySeconds, sessionKept };
}

/** `Infinity` is the largest value, which means never. */
export function checkExpiry(name: string, value: unknown): number {
  if (value === Number.POSITIVE_INFINITY) return longestExpirySeconds;
  return checkInteger(name, value, 0, longestExpirySeconds);
}

export function checkStore(value: unknown): SessionStore | undefined {
  if (value === undefined) return undefined;
  const store = value as Partial<SessionStore> | null;
  const functions = ['load', 'commit', 'clear', 'close'] as const;
  if (
    typeof store === 'object' &&
    store !== null &&
    functions.every((name) => typeof store[name] === 'function') &&
    typeof store.durable === 'boolean'
  ) {
    return value as SessionStore;
  }
  throw expectation('store', 'a session store, as made by memoryStore()', value);
}
