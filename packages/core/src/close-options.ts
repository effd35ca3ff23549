import type { DisconnectRequest } from '@mqtt-kit/engine';
import type { Properties } from '@mqtt-kit/packet';
import type { ConnectSettings } from './connect-settings.ts';
import { MqttUsageError } from './errors.ts';
import { checkOptions, checkString, type GivenOptions } from './option-check.ts';
import type { CloseOptions } from './options.ts';
import { checkUserProperties } from './outgoing-message.ts';
import { checkExpiry } from './session-options.ts';

export interface CloseSettings extends DisconnectRequest {
  readonly timeoutMs: number;
}

const closeNames = [
  'timeoutMs',
  'reasonCode',
  'reasonString',
  'sessionExpirySeconds',
  'userProperties',
] as const satisfies readonly (keyof CloseOptions)[];

/** What a client may say in DISCONNECT. (3.14.2.1) */
const reasonCodes = [
  0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
] as const;

/** `propertiesProblem` says why properties of 5.0 cannot be sent, or is `undefined` where they can. */
export function closeSettings(
  options: CloseOptions | undefined,
  connect: Pick<ConnectSettings, 'sessionExpirySeconds'>,
  propertiesProblem: string | undefined,
): CloseSettings {
  const given = checkOptions('options of close', options, closeNames);
  const reasonCode = given.oneOf('reasonCode', 0, reasonCodes);
  const only50 = ['reasonString', 'sessionExpirySeconds', 'userProperties'].find((name) =>
    given.has(name),
  );
  if (propertiesProblem !== undefined) {
    const name = reasonCode > 0x04 ? 'reasonCode' : only50;
    if (name !== undefined) throw new MqttUsageError(`${name} ${propertiesProblem}`);
  }
  return {
    timeoutMs: given.amount('timeoutMs', 5_000, 0),
    reasonCode,
    properties: closeProperties(given, connect.sessionExpirySeconds),
  };
}

function closeProperties(given: GivenOptions, sessionExpirySeconds: number): Properties {
  const sessionExpiryInterval = given.optional('sessionExpirySeconds', checkExpiry);
  const reasonString = given.optional('reasonString', checkString);
  const userProperties = given.optional('userProperties', checkUserProperties);
  if (sessionExpirySeconds === 0 && (sessionExpiryInterval ?? 0) > 0) {
    // [MQTT-3.14.2-2] and 3.14.2.2.2: a session that was to end with the connection cannot be kept.
    throw new MqttUsageError(
      `sessionExpirySeconds of close must be 0, as it was 0 when connecting; got ${sessionExpiryInterval}`,
    );
  }
  return {
    ...(sessionExpiryInterval !== undefined && { sessionExpiryInterval }),
    ...(reasonString !== undefined && { reasonString }),
    ...(userProperties !== undefined && { userProperties }),
  };
}
