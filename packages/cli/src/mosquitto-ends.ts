/** How mosquitto's programs end: what they say, and with which exit code. Loaded when ours are called by their names. */
import { reasonCodeName } from '@mqtt-kit/packet';
import type { MqttError } from 'mqtt-kit';
import type { MosquittoName } from './parse-arguments.ts';
import { systemReason } from './system-reason.ts';

/** What is written to standard error, without `--quiet`, and the exit code. */
export interface MosquittoEnd {
  readonly text: string;
  readonly code: number;
}

const lost = 7;
const protocol = 2;

/** The end of a program whose client gave up. `version50`: of the connection that was tried. */
export function endByError(
  error: MqttError,
  name: MosquittoName,
  version50: boolean,
): MosquittoEnd {
  switch (error.code) {
    case 'hostNotFound':
      return { text: 'Unable to connect (Lookup error.).\n', code: 1 };
    case 'connectionRefused':
    case 'connectTimeout':
    case 'timeout':
      return { text: `Error: ${connectReason(error)}\n`, code: 1 };
    case 'tlsFailed':
      return { text: 'Error: Protocol error\n', code: 14 };
    case 'malformedPacket':
    case 'protocolError':
      // A return code of CONNACK that 3.1.1 does not know.
      if (!version50 && /CONNACK/.test(error.message)) {
        const code = Number(/return code is ([0-9]+)/.exec(error.message)?.[1] ?? 0);
        if (code > 0) return unknownCode(code, name);
      }
      return { text: `Error: ${networkProtocol}\n`, code: protocol };
    case 'invalidArgument':
      return { text: `Error: ${error.message}\n`, code: 1 };
    case 'serverRefused':
    case 'notAuthorized':
      return refused(error.reasonCode ?? 0x80, name, version50);
    default:
      if (error.reasonCode !== undefined && name === 'mosquitto_pub') {
        return { text: 'Error: The client is not currently connected.\n', code: 4 };
      }
      return { text: 'Error: The connection was lost.\n', code: lost };
  }
}

const networkProtocol = 'A network protocol error occurred when communicating with the broker.';

/** 3.1.1's return codes, by the reason codes that stand for them. */
const returnCodes: Readonly<Record<number, readonly [code: number, text: string]>> = {
  [0x84]: [1, 'unacceptable protocol version'],
  [0x85]: [2, 'identifier rejected'],
  [0x88]: [3, 'broker unavailable'],
  [0x86]: [4, 'bad user name or password'],
  [0x87]: [5, 'not authorised'],
};

function refused(reasonCode: number, name: MosquittoName, version50: boolean): MosquittoEnd {
  if (version50) {
    const more = reasonCode === 0x84 ? advice[name] : '';
    const second = name === 'mosquitto_pub' ? `Error: ${networkProtocol}\n` : '';
    return {
      text: `Connection error: ${reasonCodeName(reasonCode)}${more}\n${second}`,
      code: reasonCode,
    };
  }
  const [code, text] = returnCodes[reasonCode] ?? [6, 'unknown reason'];
  if (name === 'mosquitto_rr') return unknownCode(code, name);
  const second = code === 6 ? networkProtocol : 'The connection was refused.';
  return {
    text: `Connection error: Connection Refused: ${text}.\n${name === 'mosquitto_pub' ? `Error: ${second}\n` : ''}`,
    code,
  };
}

/** Of a server that does not speak 5.0. */
const advice: Readonly<Record<MosquittoName, string>> = {
  mosquitto_pub: '. Try connecting to an MQTT v5 broker, or use MQTT v3.x mode.',
  mosquitto_sub: '. Try connecting to an MQTT v5 broker, or use MQTT v3.x mode.',
  mosquitto_rr: '. mosquitto_rr only supports connecting to an MQTT v5 broker',
};

/** mosquitto_rr takes every return code for a reason code of 5.0. */
const reasonsOfReturnCodes: Readonly<Record<number, string>> = {
  1: 'Granted QoS 1',
  2: 'Granted QoS 2',
  4: 'Disconnect with Will Message',
};

function unknownCode(code: number, name: MosquittoName): MosquittoEnd {
  if (name === 'mosquitto_rr') {
    const reason = code < 0x80 ? reasonsOfReturnCodes[code] : reasonCodeName(code);
    return { text: `Connection error: ${reason ?? 'Unknown reason'}\n`, code };
  }
  const second = name === 'mosquitto_pub' ? `Error: ${networkProtocol}\n` : '';
  return { text: `Connection error: Connection Refused: unknown reason.\n${second}`, code };
}

function connectReason(error: MqttError): string {
  const cause = error.cause as { code?: string; errors?: { code?: string }[] } | undefined;
  return systemReason(cause?.errors?.[0]?.code ?? cause?.code);
}

/** A publish that the server refused: only 5.0 tells, and the program still ends with 0. */
export function refusedPublish(number: number, error: MqttError): string {
  const { reasonCode = 0x80, reasonString } = error;
  const why = reasonString === undefined ? '' : `${reasonString}\n`;
  return `Warning: Publish ${number} failed: ${reasonCodeName(reasonCode)}.\n${why}`;
}
