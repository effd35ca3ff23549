import { basename } from 'node:path';
import type { ProgramName } from './option-table.ts';

/** mosquitto's programs. */
export type MosquittoName = 'mosquitto_pub' | 'mosquitto_sub' | 'mosquitto_rr';

/** The same, as its table of options has it. */
export type Letter = 'P' | 'S' | 'R';

const counterparts: Readonly<Record<ProgramName, MosquittoName>> = {
  'mqtt-pub': 'mosquitto_pub',
  'mqtt-sub': 'mosquitto_sub',
  'mqtt-request': 'mosquitto_rr',
};

/** What a program is to be. */
export interface CalledAs {
  readonly program: ProgramName;
  readonly mosquitto: MosquittoName | undefined;
}

/**
 * Called under the name of mosquitto's program, or with MQTT_COMPAT=mosquitto, ours is like it in every way. mqtt-sub
 * is the one that publishes requests, too: by `--request`, or by the name `mqtt-request` or `mosquitto_rr`.
 */
export function calledAs(
  program: ProgramName,
  path: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CalledAs {
  const name = basename(path).replace(/\.(?:c?js|exe|cmd)$/, '');
  const requests =
    program === 'mqtt-sub' &&
    (name === 'mosquitto_rr' || name === 'mqtt-request' || argv.includes('--request'));
  const actual = requests ? 'mqtt-request' : program;
  const isMosquitto = name.startsWith('mosquitto_') || env['MQTT_COMPAT'] === 'mosquitto';
  return { program: actual, mosquitto: isMosquitto ? counterparts[actual] : undefined };
}
