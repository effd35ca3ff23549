/** User name and password, from options, a URL or a function of the application. They are never shown. */
import { MqttUsageError } from './errors.ts';
import { checkBytes, checkOptions, checkString } from './option-check.ts';
import type { Credentials } from './options.ts';

/** A name and a password as CONNECT carries them. */
export interface WireCredentials {
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
}

/** User name and password as they go on the wire. `nameNeeded`: 3.1.1 has no password without a user name. */
export function checkCredentials(
  credentials: { readonly username?: unknown; readonly password?: unknown },
  nameNeeded: boolean,
): WireCredentials {
  const { username, password } = credentials;
  if (password !== undefined && username === undefined && nameNeeded) {
    // [MQTT3-3.1.2-22]
    throw new MqttUsageError('a password without a user name needs MQTT 5.0');
  }
  return {
    username: username === undefined ? undefined : checkString('username', username),
    password: password === undefined ? undefined : checkPassword(password),
  };
}

/** Never shows what was given. */
function checkPassword(password: unknown): Uint8Array {
  if (typeof password === 'string') {
    return checkBytes('password', new TextEncoder().encode(password), 65_535);
  }
  if (password instanceof Uint8Array) return checkBytes('password', password, 65_535);
  throw new MqttUsageError(`password must be a string or a Uint8Array; got a ${typeof password}`);
}

/** What a credentials function gave. */
export function checkCredentialsOf(value: unknown, nameNeeded: boolean): WireCredentials {
  const given = checkOptions('the result of credentials()', value, [
    'username',
    'password',
  ] as const satisfies readonly (keyof Credentials)[]);
  return checkCredentials(
    { username: given.get('username'), password: given.get('password') },
    nameNeeded,
  );
}
