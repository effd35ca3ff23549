/** How mosquitto's programs end: what they say, and with which exit code. Loaded when ours are called by their names. */
import { reasonCodeName } from '@mqtt-kit/packet';
import type { MqttError } from 'mqtt-kit';
import type { MosquittoName } from './mosquitto-name.ts';
import { systemReason } from './system-reason.ts';

/** What is written to standard error, without `--quiet`, and the exit code. */
export interface MosquittoEnd {
  readonly text: string;
  readonly code: number;
}

/** What went wrong, by mosquitto's number for it, which is the exit code, too. */
export const errorTexts: Readonly<Record<number, string>> = {
  2: 'A network protocol error occurred when communicating with the broker',
  4: 'The client is not currently connected',
  5: 'The connection was refused',
  7: 'The connection was lost',
  10: 'This feature is not supported',
  14: 'Protocol error',
  16: 'Proxy error',
  19: 'Keepalive exceeded',
  21: 'Malformed packet',
  22: 'Duplicate property in property list',
  24: 'Requested QoS not supported on server',
  25: 'Packet larger than supported by the server',
};

/** An end with an error. */
export function endWith(code: number): MosquittoEnd {
  return { text: `Error: ${errorTexts[code]}\n`, code };
}

/** The end of a program whose client gave up. */
export function endByError(error: MqttError): MosquittoEnd {
  switch (error.code) {
    case 'hostNotFound':
      return { text: 'Unable to connect (Lookup error).\n', code: 1 };
    case 'connectionRefused':
      return { text: `Error: ${connectReason(error)}\n`, code: 1 };
    case 'connectTimeout':
    case 'timeout':
      return endWith(19);
    case 'tlsFailed':
      return endWith(14);
    case 'malformedPacket':
      return endWith(21);
    case 'protocolError':
      return endWith(2);
    case 'invalidArgument':
      return { text: `Error: ${error.message}\n`, code: 1 };
    case 'serverLimit':
      return limited(error);
    default:
      return endWith(7);
  }
}

/** A message that the server cannot take: they notice it when they are connected, and take their leave. */
function limited(error: MqttError): MosquittoEnd {
  const first = /QoS/.test(error.message)
    ? 'Error: Message QoS not supported on broker, try a lower QoS.\n'
    : '';
  return { text: `${first}${endWith(7).text}`, code: 7 };
}

const connackTexts: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  2: 'identifier rejected',
  3: 'broker unavailable',
  4: 'bad user name or password',
  5: 'not authorised',
};

/** Of a server that does not speak 5.0. */
const advice = '. Try connecting to an MQTT v5 broker, or use MQTT v3.x mode.';

/** The end of a program that the server refused, by the code of CONNACK, which is the exit code. */
export function endByRefusal(code: number, name: MosquittoName, version50: boolean): MosquittoEnd {
  const why =
    version50 || name === 'mosquitto_rr'
      ? reasonText(code)
      : `Connection Refused: ${connackTexts[code] ?? 'unknown reason'}`;
  const more = version50 && code === 0x84 && name !== 'mosquitto_rr' ? advice : '';
  const second = name === 'mosquitto_pub' ? endWith(code <= 5 ? 5 : 2).text : '';
  return { text: `Connection error: ${why}${more}\n${second}`, code };
}

/** Codes below 0x80 that mean nothing in CONNACK have their names all the same. */
const successTexts: Readonly<Record<number, string>> = {
  0: 'Success',
  1: 'Granted QoS 1',
  2: 'Granted QoS 2',
  4: 'Disconnect with Will Message',
  16: 'No matching subscribers',
  17: 'No subscription existed',
  24: 'Continue authentication',
  25: 'Re-authenticate',
};

export function reasonText(code: number): string {
  const text = code < 0x80 ? successTexts[code] : reasonCodeName(code);
  return text === undefined || text.startsWith('Unknown') ? 'Unknown reason' : text;
}

function connectReason(error: MqttError): string {
  const cause = error.cause as { code?: string; errors?: { code?: string }[] } | undefined;
  return systemReason(cause?.errors?.[0]?.code ?? cause?.code);
}

/** A publish that the server refused: only 5.0 tells, and the program still ends with 0. */
export function refusedPublish(number: number, error: MqttError): string {
  const { reasonCode = 0x80, reasonString } = error;
  const why = reasonString === undefined ? '' : `${reasonString}\n`;
  return `Warning: Publish ${number} failed: ${reasonText(reasonCode)}.\n${why}`;
}
