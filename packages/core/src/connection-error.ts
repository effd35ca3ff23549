/** What the end of a connection, or a refusal, means to people: code, message, hint, and whether another attempt makes sense. */
import type { DisconnectReason } from '@mqtt-kit/engine';
import { type Properties, ReasonCode, reasonCodeName } from '@mqtt-kit/packet';
import { asError, MqttBreachError, MqttError, type MqttErrorCode } from './errors.ts';

/** What is known of the connection that ended. */
export interface ConnectionFacts {
  /** Without credentials. */
  readonly server: string;
  readonly clientId: string;
  readonly version: string;
  /** What the transport said, or why we closed it. */
  readonly transportError: Error | undefined;
  readonly wasOpened: boolean;
  /** Connections in a row that the server closed soon after CONNACK, this one included. */
  readonly takeOvers: number;
  /** Why a redirect is not followed; `undefined` where it is. */
  readonly redirectProblem?: string | undefined;
}

export interface ConnectionFailure {
  readonly error: MqttError;
  /** Another attempt with the same options would end the same way. */
  readonly fatal: boolean;
}

/** Reason codes of CONNACK that the same CONNECT would get again. */
const fatalRefusals: ReadonlySet<number> = new Set([
  ReasonCode.malformedPacket,
  ReasonCode.protocolError,
  ReasonCode.unsupportedProtocolVersion,
  ReasonCode.clientIdentifierNotValid,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
  ReasonCode.banned,
  ReasonCode.badAuthenticationMethod,
  ReasonCode.topicNameInvalid,
  ReasonCode.packetTooLarge,
  ReasonCode.payloadFormatInvalid,
  ReasonCode.retainNotSupported,
  ReasonCode.qosNotSupported,
  ReasonCode.useAnotherServer,
  ReasonCode.serverMoved,
]);

/** Reason codes of DISCONNECT after which coming back is wrong: a fight over the session, or another refusal. */
const fatalDisconnects: ReadonlySet<number> = new Set([
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
  ReasonCode.banned,
  ReasonCode.badAuthenticationMethod,
  ReasonCode.sessionTakenOver,
  ReasonCode.useAnotherServer,
  ReasonCode.serverMoved,
]);

const authorizationCodes: ReadonlySet<number> = new Set([
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
  ReasonCode.banned,
  ReasonCode.badAuthenticationMethod,
]);

/** Why a connection or an attempt is over. */
export function connectionFailure(
  reason: DisconnectReason,
  facts: ConnectionFacts,
): ConnectionFailure {
  const { server } = facts;
  switch (reason.kind) {
    case 'requested':
      return transient('connectionLost', `this client disconnected from ${server}`);
    case 'transportClosed':
      return transportClosed(reason, facts);
    case 'refused': {
      const { reasonCode, properties } = reason.connack;
      const fatal = fatalRefusals.has(reasonCode);
      const code = authorizationCodes.has(reasonCode) ? 'notAuthorized' : 'serverRefused';
      const told = `${server} refused the connection`;
      return { error: spoken(code, told, reasonCode, properties, facts), fatal };
    }
    case 'serverDisconnected': {
      const { reasonCode, properties } = reason.packet;
      const fatal = fatalDisconnects.has(reasonCode);
      const told = `${server} closed the connection`;
      return {
        error: spoken(disconnectCode(reasonCode), told, reasonCode, properties, facts),
        fatal,
      };
    }
    case 'breach':
      return { error: breach(reason, facts), fatal: false };
    case 'keepAliveTimeout':
      return transient(
        'connectionLost',
        `the connection to ${server} is dead: nothing came for ${Math.round(reason.silentMs / 100) / 10} s`,
      );
    case 'foreignSession':
      return {
        error: new MqttError(
          'sessionLost',
          `${server} keeps a session for client identifier ${JSON.stringify(facts.clientId)} that this client knows nothing of`,
          {
            hint: "Set foreignSession to 'reset' to throw that session away, or to 'adopt' to receive what it holds.",
          },
        ),
        fatal: true,
      };
  }
}

function transient(code: MqttErrorCode, message: string, hint?: string): ConnectionFailure {
  return { error: new MqttError(code, message, { hint }), fatal: false };
}

function transportClosed(
  reason: Extract<DisconnectReason, { kind: 'transportClosed' }>,
  facts: ConnectionFacts,
): ConnectionFailure {
  const { server, transportError } = facts;
  if (transportError instanceof MqttError) {
    // Arguments do not get better by repetition; everything else about a network may.
    return { error: transportError, fatal: transportError.code === 'invalidArgument' };
  }
  const why = transportError === undefined ? '' : `: ${asError(transportError).message}`;
  const details = { cause: transportError };
  if (!facts.wasOpened) {
    const message = `no connection to ${server} was made${why}`;
    return { error: new MqttError('connectionRefused', message, details), fatal: false };
  }
  if (reason.connackReceived) {
    const message = `the connection to ${server} was lost${why || ': the server closed it without a reason'}`;
    const hint = facts.takeOvers < 3 ? undefined : sameClientIdHint(facts);
    return { error: new MqttError('connectionLost', message, { ...details, hint }), fatal: false };
  }
  const what = reason.bytesReceived === 0 ? 'before it sent a byte' : 'before its CONNACK';
  return {
    error: new MqttError('connectionLost', `${server} closed the connection ${what}${why}`, {
      ...details,
      hint: `Check that it is an MQTT server that speaks MQTT ${facts.version} on this port, and whether it expects TLS there.`,
    }),
    fatal: false,
  };
}

function sameClientIdHint({ clientId, takeOvers }: ConnectionFacts): string {
  return `The last ${takeOvers} connections closed within a second: is another client using the client identifier ${JSON.stringify(clientId)}?`;
}

function disconnectCode(reasonCode: number): MqttErrorCode {
  if (reasonCode === ReasonCode.sessionTakenOver) return 'sessionTakenOver';
  if (authorizationCodes.has(reasonCode)) return 'notAuthorized';
  const redirect =
    reasonCode === ReasonCode.useAnotherServer || reasonCode === ReasonCode.serverMoved;
  return redirect ? 'serverRefused' : 'connectionLost';
}

/** An error in the server's words. */
function spoken(
  code: MqttErrorCode,
  told: string,
  reasonCode: number,
  properties: Properties,
  facts: ConnectionFacts,
): MqttError {
  const { reasonString } = properties;
  return new MqttError(code, `${told}: ${describeReason(reasonCode, reasonString)}`, {
    reasonCode,
    reasonString,
    properties,
    hint: hintFor(reasonCode, properties, facts),
  });
}

/** `Not authorized (0x87), "the server's own words"`. */
export function describeReason(reasonCode: number, reasonString: string | undefined): string {
  const hex = `0x${reasonCode.toString(16).toUpperCase().padStart(2, '0')}`;
  const words = reasonString === undefined ? '' : `, ${JSON.stringify(reasonString)}`;
  return `${reasonCodeName(reasonCode)} (${hex})${words}`;
}

function hintFor(
  reasonCode: number,
  properties: Properties,
  facts: ConnectionFacts,
): string | undefined {
  switch (reasonCode) {
    case ReasonCode.badUserNameOrPassword:
      return 'Check the user name and the password.';
    case ReasonCode.notAuthorized:
    case ReasonCode.banned:
      return 'Check the user name and the password, and what the server allows this client.';
    case ReasonCode.badAuthenticationMethod:
      return 'Check the authentication method and what the server supports.';
    case ReasonCode.clientIdentifierNotValid:
      return `Choose another client identifier; the one sent is ${JSON.stringify(facts.clientId)}.`;
    case ReasonCode.unsupportedProtocolVersion:
      return facts.version === '5.0'
        ? "The server does not speak MQTT 5.0: set version to '3.1.1', and leave out options that need 5.0."
        : `The server does not speak MQTT ${facts.version}.`;
    case ReasonCode.sessionTakenOver:
      return `Another client connected with the client identifier ${JSON.stringify(facts.clientId)}: each client needs its own.`;
    case ReasonCode.useAnotherServer:
    case ReasonCode.serverMoved:
      if (properties.serverReference === undefined) {
        return 'The server does not say which other server to use.';
      }
      return facts.redirectProblem === undefined
        ? undefined
        : `Connect to ${properties.serverReference} instead; ${facts.redirectProblem}.`;
    case ReasonCode.serverUnavailable:
    case ReasonCode.serverBusy:
    case ReasonCode.serverShuttingDown:
      return 'Try again later.';
    default:
      return undefined;
  }
}

function breach(
  reason: Extract<DisconnectReason, { kind: 'breach' }>,
  { server }: ConnectionFacts,
): MqttError {
  const code =
    reason.reasonCode === ReasonCode.malformedPacket ? 'malformedPacket' : 'protocolError';
  const answer = reason.connackReceived ? undefined : foreignAnswer(reason.firstBytes);
  const message =
    answer === undefined
      ? `${server} broke the protocol: ${reason.message}`
      : `${answer.who} answered at ${server}, which is not MQTT: ${reason.message}`;
  return new MqttBreachError(code, message, { reasonCode: reason.reasonCode, hint: answer?.hint });
}

/** What answered in place of an MQTT server, by its first bytes. */
function foreignAnswer(
  firstBytes: Uint8Array,
): { readonly who: string; readonly hint: string } | undefined {
  const [first, second] = firstBytes;
  if ((first === 0x15 || first === 0x16) && second === 0x03) {
    return { who: 'a TLS server', hint: 'The port expects mqtts:// (or wss://).' };
  }
  const text = String.fromCharCode(...firstBytes);
  if (/^HTTP\/|^<(!DOCTYPE|html)/i.test(text)) {
    return {
      who: 'an HTTP server',
      hint: 'For MQTT over WebSocket use ws:// or wss:// with the right path, for plain MQTT another port.',
    };
  }
  if (/^[\x20-\x7e\r\n]{4,}$/.test(text)) {
    return {
      who: 'something else than an MQTT server',
      hint: `It began with ${JSON.stringify(text)}; check host and port.`,
    };
  }
  return undefined;
}
