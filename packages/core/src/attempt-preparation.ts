/** What an attempt to connect needs from the application: asked anew each time, checked, and put into wire form. */
import type { Will } from '@mqtt-kit/engine';
import type { ConnectSettings } from './connect-settings.ts';
import type { ConnectionUrl } from './connection-url.ts';
import {
  checkCredentials,
  checkCredentialsOf,
  type WireCredentials,
} from './credential-options.ts';
import { asError, MqttError, MqttUsageError } from './errors.ts';
import type { ConnectAttempt } from './options.ts';
import { checkWill } from './will.ts';

/** What one attempt sends. */
export interface Preparation extends WireCredentials {
  readonly will: Will | undefined;
  readonly authenticationData: Uint8Array | undefined;
}

/** What the version demands of it. */
export interface PreparationRules {
  readonly rules: { readonly passwordNeedsUsername: boolean };
  /** Why properties of 5.0 cannot be sent; `undefined` where they can. */
  readonly problemOf50: string | undefined;
}

/** Rejects with an `MqttError` that names the function of the application which failed. */
export async function prepareAttempt(
  settings: ConnectSettings,
  url: ConnectionUrl,
  attempt: ConnectAttempt,
  { rules, problemOf50 }: PreparationRules,
): Promise<Preparation> {
  const { authentication, willFor } = settings;
  const credentials = await credentialsFor(settings, url, attempt, rules.passwordNeedsUsername);
  const will =
    willFor === undefined
      ? settings.will
      : await asked('will', async () => {
          const options = await willFor(attempt);
          return options === undefined ? undefined : checkWill(options, problemOf50);
        });
  const authenticationData = await asked('authentication.start', () =>
    authentication?.start?.(attempt),
  );
  return { ...credentials, will, authenticationData };
}

async function credentialsFor(
  { username, password, credentials }: ConnectSettings,
  url: ConnectionUrl,
  attempt: ConnectAttempt,
  nameNeeded: boolean,
): Promise<WireCredentials> {
  if (credentials !== undefined) {
    return asked('credentials', async () =>
      checkCredentialsOf(await credentials(attempt), nameNeeded),
    );
  }
  // What stands in the URL of this server, unless options say otherwise.
  return checkCredentials(
    { username: username ?? url.username, password: password ?? url.password },
    nameNeeded,
  );
}

/** Calls a function of the application; whatever it throws becomes an error that names it. */
async function asked<T>(name: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    const cause = asError(thrown);
    const message = `${name} for this attempt failed: ${cause.message}`;
    if (name === 'will' || cause instanceof MqttUsageError) {
      throw new MqttUsageError(message, { cause });
    }
    throw new MqttError('notAuthorized', message, { cause });
  }
}
