import type { Properties } from '@mqtt-kit/packet';

/** The stable names of everything that can go wrong. */
export type MqttErrorCode =
  | 'invalidArgument'
  | 'connectionRefused'
  | 'hostNotFound'
  | 'connectTimeout'
  | 'tlsFailed'
  | 'webSocketFailed'
  | 'notAuthorized'
  | 'serverRefused'
  | 'connectionLost'
  | 'sessionTakenOver'
  | 'sessionLost'
  | 'malformedPacket'
  | 'protocolError'
  | 'publishRefused'
  | 'subscribeRefused'
  | 'serverLimit'
  | 'queueFull'
  | 'expired'
  | 'aborted'
  | 'timeout'
  | 'outcomeUnknown'
  | 'clientClosed'
  | 'clientIdInUse'
  | 'storeFailed'
  | 'storeCorrupt'
  | 'storeLocked';

export interface MqttErrorDetails {
  /** The server's reason code (5.0 numbering in both versions), where it gave one. */
  readonly reasonCode?: number | undefined;
  /** The server's Reason String, where it gave one. For people, not for parsing. */
  readonly reasonString?: string | undefined;
  /** Properties of the packet that refused. */
  readonly properties?: Properties | undefined;
  readonly cause?: unknown;
  /** What a person can do about it, as a sentence. */
  readonly hint?: string | undefined;
}

/** Every error of mqtt-kit. `code` is stable; `message` says what happened; `hint` what to do. */
export class MqttError extends Error {
  override readonly name: string = 'MqttError';
  readonly code: MqttErrorCode;
  readonly reasonCode: number | undefined;
  readonly reasonString: string | undefined;
  readonly hint: string | undefined;

  constructor(code: MqttErrorCode, message: string, details: MqttErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reasonCode = details.reasonCode;
    this.reasonString = details.reasonString;
    this.hint = details.hint;
  }
}
