import { ReasonCode } from '@mqtt-kit/packet';
import type { MqttError } from 'mqtt-kit';
import type { ProgramName } from './option-table.ts';

/** What the programs end with. 64 and above follow sysexits where it has a name for the case; 27 is mosquitto_sub's. */
export const ExitCode = {
  done: 0,
  /** What is to be written cannot be: standard output, the file of `--record`, the queue. */
  outputFailed: 1,
  /** The time of `-W` is over. */
  timeLimit: 27,
  /** A mistake in the command line, or in a file it names. */
  usage: 64,
  hostNotFound: 68,
  /** Refused or unreachable, or no answer in time. */
  unreachable: 69,
  /** A mistake in the program. */
  internal: 70,
  publishRefused: 73,
  subscribeRefused: 74,
  /** The connection was lost and could not be restored, or another client took over the session. */
  connectionLost: 75,
  /** TLS failed, or the other side does not speak MQTT as it should. */
  protocolFailed: 76,
  /** Bad credentials, or not authorised to connect. */
  notAuthorized: 77,
} as const;

/** 128 and the signal's number, as shells report it. */
export const signalExitCode: Readonly<Record<string, number>> = {
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
};

/** The exit code of an error that ended a program. */
export function exitCodeOf(error: MqttError, program: ProgramName): number {
  switch (error.code) {
    case 'invalidArgument':
      return ExitCode.usage;
    case 'hostNotFound':
      return ExitCode.hostNotFound;
    case 'connectionRefused':
    case 'connectTimeout':
    case 'timeout':
      return ExitCode.unreachable;
    case 'serverRefused':
      return refusalExitCode(error.reasonCode);
    case 'notAuthorized':
      return ExitCode.notAuthorized;
    case 'tlsFailed':
    case 'webSocketFailed':
    case 'malformedPacket':
    case 'protocolError':
      return ExitCode.protocolFailed;
    case 'publishRefused':
    case 'expired':
    case 'queueFull':
      return ExitCode.publishRefused;
    case 'subscribeRefused':
      return ExitCode.subscribeRefused;
    case 'serverLimit':
      return program === 'mqtt-pub' ? ExitCode.publishRefused : ExitCode.subscribeRefused;
    case 'connectionLost':
    case 'sessionTakenOver':
    case 'sessionLost':
    case 'outcomeUnknown':
    case 'clientClosed':
    case 'clientIdInUse':
      return ExitCode.connectionLost;
    case 'aborted':
    case 'handlerFailed':
      return ExitCode.internal;
    case 'storeFailed':
    case 'storeCorrupt':
    case 'storeLocked':
      return ExitCode.outputFailed;
    default:
      return unknownCode(error.code);
  }
}

/**
 * The exit code when the client gave up. What kept it from coming back counts as the loss; a connection that ended
 * before the server accepted it was refused, whatever broke it.
 */
export function giveUpExitCode(
  error: MqttError,
  program: ProgramName,
  everConnected: boolean,
): number {
  const code = exitCodeOf(error, program);
  const outOfReach =
    code === ExitCode.hostNotFound ||
    code === ExitCode.unreachable ||
    code === ExitCode.connectionLost;
  if (!outOfReach || error.code === 'sessionTakenOver') return code;
  if (everConnected) return ExitCode.connectionLost;
  return error.code === 'connectionLost' ? ExitCode.unreachable : code;
}

/** A CONNACK that refuses: who we are, what we speak, or that the server cannot now. */
function refusalExitCode(reasonCode: number | undefined): number {
  switch (reasonCode) {
    case ReasonCode.badUserNameOrPassword:
    case ReasonCode.notAuthorized:
    case ReasonCode.banned:
    case ReasonCode.badAuthenticationMethod:
      return ExitCode.notAuthorized;
    case ReasonCode.malformedPacket:
    case ReasonCode.protocolError:
    case ReasonCode.unsupportedProtocolVersion:
      return ExitCode.protocolFailed;
    default:
      return ExitCode.unreachable;
  }
}

function unknownCode(_code: never): number {
  return ExitCode.internal;
}
