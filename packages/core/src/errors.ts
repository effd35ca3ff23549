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
  /** A handler or listener of the application threw: told by the `error` event alone. */
  | 'handlerFailed'
  | 'storeFailed'
  | 'storeCorrupt'
  | 'storeLocked';

/** What an error may say beyond its code and message. */
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

// Marks are global symbols, so that `instanceof` also knows an error that another copy of this package made.
const anyError: unique symbol = Symbol.for('mqtt-kit.MqttError');
const usageError: unique symbol = Symbol.for('mqtt-kit.MqttUsageError');
const breachError: unique symbol = Symbol.for('mqtt-kit.MqttBreachError');

/**
 * Every error of mqtt-kit. `code` is stable; `message` says what happened; `hint` what to do.
 * `instanceof` holds for errors of another copy of the package too.
 */
export class MqttError extends Error {
  override readonly name: string = 'MqttError';
  readonly code: MqttErrorCode;
  /** The server's reason code, where the server spoke: 5.0 numbering in both versions. */
  readonly reasonCode: number | undefined;
  readonly reasonString: string | undefined;
  /** Properties of the packet that refused, without Authentication Data; `undefined` where no packet did. */
  readonly properties: Properties | undefined;
  readonly hint: string | undefined;

  constructor(code: MqttErrorCode, message: string, details: MqttErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reasonCode = details.reasonCode;
    this.reasonString = details.reasonString;
    this.properties = shown(details.properties);
    this.hint = details.hint;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isMarked(this, MqttError, anyError, value);
  }
}

/** A mistake on our side of the API: an argument or option that cannot be (`invalidArgument`). Nothing was sent. */
export class MqttUsageError extends MqttError {
  override readonly name: string = 'MqttUsageError';

  constructor(message: string, details: MqttErrorDetails = {}) {
    super('invalidArgument', message, details);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isMarked(this, MqttUsageError, usageError, value);
  }
}

/** What the server sent broke the protocol (`malformedPacket`, `protocolError`): the connection was closed. */
export class MqttBreachError extends MqttError {
  override readonly name: string = 'MqttBreachError';

  static override [Symbol.hasInstance](value: unknown): boolean {
    return isMarked(this, MqttBreachError, breachError, value);
  }
}

markErrors(MqttError, anyError);
markErrors(MqttUsageError, usageError);
markErrors(MqttBreachError, breachError);

/** Objects of this class are told by that mark. */
export function markErrors(type: { readonly prototype: MqttError }, mark: symbol): void {
  Object.defineProperty(type.prototype, mark, { value: true });
}

/** Only these classes themselves go by the mark: a class that an application derives is told apart as usual. */
export function isMarked(type: unknown, marked: unknown, mark: symbol, value: unknown): boolean {
  if (type === marked) {
    return typeof value === 'object' && value !== null && mark in value;
  }
  return Function.prototype[Symbol.hasInstance].call(type as never, value);
}

/** Errors are printed: what an exchange of secrets was about is left out. */
function shown(properties: Properties | undefined): Properties | undefined {
  if (properties?.authenticationData === undefined) return properties;
  const { authenticationData, ...others } = properties;
  return others;
}

/** Anything thrown, as an `Error`. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(describeThrown(thrown), { cause: thrown });
}

function describeThrown(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'something without a text was thrown';
  }
}

/** What the application's own arguments threw when they were read: a getter, a proxy, a detached buffer. */
export function asUsageError(thrown: unknown): MqttError {
  const cause = asError(thrown);
  if (cause instanceof MqttError) return cause;
  return new MqttUsageError(`an argument cannot be read: ${cause.message}`, { cause });
}
