import type { SessionSnapshot } from '@mqtt-kit/engine';
import type { Environment, MqttClient } from './client.ts';
import { ClientLife } from './client-life.ts';
import { closeStore, loadSession } from './client-session.ts';
import type { Clock } from './clock.ts';
import { connectSettings } from './connect-options.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { asUsageError, MqttError, MqttUsageError } from './errors.ts';
import { Client } from './mqtt-client.ts';
import type { ConnectOptions } from './options.ts';
import { abortedBefore } from './request-limits.ts';
import type { SessionIdentity, SessionStore } from './session-store.ts';

/**
 * Connects with what an environment brings. `mqtt-kit` binds it to its runtime as `connect`.
 *
 * Resolves at the first CONNACK, or with `waitForConnection: false` at once. Rejects when the first attempt fails, with
 * `reconnect: { initial: true }` only for reasons that another attempt does not change: `invalidArgument` before any
 * I/O, `connectionRefused`, `hostNotFound`, `connectTimeout`, `tlsFailed`, `webSocketFailed`, `notAuthorized`,
 * `serverRefused`, `connectionLost`, `malformedPacket`, `protocolError`, `sessionLost`, `aborted`, `storeFailed`,
 * `storeCorrupt`, `storeLocked`. Nothing is left open then.
 */
export async function connectWith(
  environment: Environment,
  url: string | URL,
  options?: ConnectOptions,
): Promise<MqttClient> {
  const settings = readSettings(environment, url, options);
  const aborted = abortedBefore(settings, 'connecting');
  if (aborted !== undefined) throw aborted;
  warnOfTrust(environment, settings);
  // A session that is not kept need not be recorded, unless somebody wants its record.
  const store = settings.store ?? (settings.sessionKept ? environment.defaultStore() : undefined);
  const clientId = settings.clientId ?? randomClientId(environment.clock);
  const identity = { clientId, serverKey: settings.urls[0]?.server ?? '' };
  if (store === undefined) {
    return start(new ClientLife({ environment, settings, clientId, store, snapshot: [] }));
  }
  const { durable } = store;
  const snapshot = await loaded(store, identity, settings);
  let life: ClientLife;
  try {
    const abortedMeanwhile = abortedBefore(settings, 'connecting');
    if (abortedMeanwhile !== undefined) throw abortedMeanwhile;
    life = new ClientLife({
      environment,
      // A store that turned out not to be durable has other defaults.
      settings: store.durable === durable ? settings : readSettings(environment, url, options),
      clientId: store.clientId ?? clientId,
      store,
      snapshot,
    });
  } catch (error) {
    await store.close();
    throw error;
  }
  return start(life);
}

async function start(life: ClientLife): Promise<MqttClient> {
  await life.start();
  return new Client(life);
}

function readSettings(
  environment: Environment,
  url: string | URL,
  options: ConnectOptions | undefined,
): ConnectSettings {
  try {
    return connectSettings(environment, url, options);
  } catch (thrown) {
    throw asUsageError(thrown);
  }
}

/** Whoever names an authority believes that it is asked. */
function warnOfTrust({ warn }: Environment, { tls }: ConnectSettings): void {
  if (tls?.ca === undefined || tls.rejectUnauthorized !== false) return;
  warn?.(
    new MqttUsageError(
      'tls.ca is not asked while tls.rejectUnauthorized is false: anybody may pose as the server',
    ),
  );
}

async function loaded(
  store: SessionStore,
  identity: SessionIdentity,
  settings: ConnectSettings,
): Promise<SessionSnapshot> {
  const loading = loadSession(store, identity, settings.signal);
  try {
    return await orAborted(loading, settings.signal);
  } catch (thrown) {
    // Whatever it comes to, nobody waits for it any more.
    if (settings.signal?.aborted) loading.then(() => closeStore(store)).catch(nothing);
    throw thrown instanceof MqttError ? thrown : abortedBefore(settings, 'connecting');
  }
}

/** Rejects at once when the signal aborts, whether or not the promise heeds it. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = nothing;
  const aborted = new Promise<never>((_resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    stop = () => signal.removeEventListener('abort', abort);
  });
  return Promise.race([promise, aborted]).finally(stop);
}

function nothing(): void {}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** 17 digits of 62 make 101 bits; 23 letters and digits are what every server accepts. [MQTT3-3.1.3-5] */
function randomClientId(clock: Clock): string {
  let clientId = 'mqtt';
  for (let index = 0; index < 17; index++) {
    clientId += digits[Math.floor(clock.random() * digits.length)];
  }
  return clientId;
}
