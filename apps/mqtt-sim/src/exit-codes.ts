import { MqttError, type MqttErrorCode } from 'mqtt-kit';
import { UsageError } from './usage-error.ts';

/** What the program ends with: the codes of mqtt-pub and mqtt-sub. */
export const ExitCode = {
  done: 0,
  outputFailed: 1,
  usage: 64,
  internal: 70,
  notPublished: 73,
} as const;

const codes: Partial<Record<MqttErrorCode, number>> = {
  invalidArgument: ExitCode.usage,
  hostNotFound: 68,
  connectionRefused: 69,
  connectTimeout: 69,
  serverRefused: 69,
  connectionLost: 75,
  sessionTakenOver: 75,
  tlsFailed: 76,
  webSocketFailed: 76,
  malformedPacket: 76,
  protocolError: 76,
  notAuthorized: 77,
};

/** The exit code for what ended a run. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return ExitCode.usage;
  if (error instanceof MqttError) return codes[error.code] ?? ExitCode.notPublished;
  return ExitCode.internal;
}
