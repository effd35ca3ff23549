/**
 * The return codes of 3.1.1 as reason codes of 5.0 and back, so that nothing above the codec sees which version spoke.
 */
import { ReasonCode } from './reason-code.ts';

/** The reason code of a CONNACK return code (3.2.2.3), or `undefined` for the reserved ones from 6 on. */
export function reasonCodeOfConnackReturnCode(returnCode: number): number | undefined {
  return connackReasonCodes[returnCode];
}

/** The CONNACK return code that says the same, or `undefined`: then there is no CONNACK to send. [MQTT3-3.2.2-6] */
export function connackReturnCodeOfReasonCode(reasonCode: number): number | undefined {
  const returnCode = connackReasonCodes.indexOf(reasonCode);
  return returnCode < 0 ? undefined : returnCode;
}

/** 3.1.1 knows one failure in SUBACK, which stands for each of 5.0's. [MQTT3-3.9.3-2] */
export function subackReturnCodeOfReasonCode(reasonCode: number): number {
  return Math.min(reasonCode, 0x80);
}

/** The codes that SUBACK may hold under 3.1.1; they mean the same under 5.0. */
export const subackReturnCodes: readonly number[] = [0x00, 0x01, 0x02, 0x80];

const connackReasonCodes: readonly number[] = [
  ReasonCode.success,
  ReasonCode.unsupportedProtocolVersion,
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.serverUnavailable,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
];
