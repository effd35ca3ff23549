import { MqttError, type TransportTarget } from '@mqtt-kit/core';
import { isSecure, otherScheme, targetName } from './target-name.ts';

/** What the system's error codes mean, in words. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EADDRNOTAVAIL: 'no local address fits',
  EAI_AGAIN: 'the name service did not answer',
  ECONNABORTED: 'connection aborted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTDOWN: 'host is down',
  EHOSTUNREACH: 'host unreachable',
  EMFILE: 'too many open files',
  ENETDOWN: 'network is down',
  ENETUNREACH: 'network unreachable',
  ENODATA: 'the host has no address',
  ENOENT: 'no such socket file',
  ENOTFOUND: 'host not found',
  ENOTSOCK: 'the file is no socket',
  EPIPE: 'connection closed by the server',
  ETIMEDOUT: 'no answer',
};

/** Ports that servers give to MQTT over TLS by custom: IANA's 8883 and what public test servers add. */
const tlsPorts: ReadonlySet<number> = new Set([8883, 8884, 8886]);

interface SystemError extends Error {
  readonly code?: string;
  readonly address?: string;
}

/** Explains why no connection came about: `hostNotFound` or `connectionRefused`, with the next thing to check. */
export function connectError(target: TransportTarget, error: SystemError): MqttError {
  const code = firstCode(error);
  const notFound = code === 'ENOTFOUND' || code === 'ENODATA' || code?.startsWith('EAI_') === true;
  return new MqttError(
    notFound ? 'hostNotFound' : 'connectionRefused',
    `cannot connect to ${targetName(target)}: ${reasonOf(error)}`,
    { cause: error, hint: connectHint(target, code) },
  );
}

/** Explains why an open connection ended. */
export function lostError(target: TransportTarget, error: SystemError): MqttError {
  if (error instanceof MqttError) return error;
  return new MqttError(
    'connectionLost',
    `the connection to ${targetName(target)} was lost: ${reasonOf(error)}`,
    { cause: error },
  );
}

function connectHint(target: TransportTarget, code: string | undefined): string {
  if (target.scheme === 'mqtt+unix') return unixHint(code);
  switch (code) {
    case 'ENOTFOUND':
    case 'ENODATA':
      return 'Check the spelling of the host name.';
    case 'EAI_AGAIN':
      return 'Check the network and its name server (DNS).';
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return `Is a server listening there? Check host and port.${portHint(target)}`;
    case 'EMFILE':
      return 'Raise the limit of open files (ulimit -n), or close connections.';
    default:
      return 'Check the network, and firewalls on the way.';
  }
}

function unixHint(code: string | undefined): string {
  if (code === 'EACCES' || code === 'EPERM') return 'Check who may read and write the socket file.';
  if (code === 'ECONNREFUSED') return 'The file is there, but no server listens on it any more.';
  return 'Is the server running? Check the path of the socket file.';
}

function portHint(target: TransportTarget): string {
  if (isSecure(target)) {
    return target.port === 1883 ? ' Port 1883 is usually plain: mqtt://.' : '';
  }
  return tlsPorts.has(target.port)
    ? ` Port ${target.port} is usually TLS: ${otherScheme(target)}.`
    : '';
}

/**
 * One line for however many addresses were tried: `connection refused (::1, 127.0.0.1)`, or
 * `::1: network unreachable; 10.0.0.1: no answer`.
 */
function reasonOf(error: SystemError): string {
  if (!(error instanceof AggregateError) || error.errors.length === 0) return reasonText(error);
  const errors = error.errors as readonly SystemError[];
  const texts = errors.map(reasonText);
  if (texts.every((text) => text === texts[0])) {
    return `${texts[0]} (${errors.map((one) => one.address ?? '?').join(', ')})`;
  }
  return errors.map((one, i) => `${one.address ?? '?'}: ${texts[i]}`).join('; ');
}

function reasonText(error: SystemError): string {
  return reasons[error.code ?? ''] ?? (error.message || error.code || 'unknown reason');
}

function firstCode(error: SystemError): string | undefined {
  if (error instanceof AggregateError) return (error.errors[0] as SystemError | undefined)?.code;
  return error.code;
}
