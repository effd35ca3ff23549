import { isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import {
  type MqttError,
  MqttUsageError,
  type TlsOptions,
  type TransportTarget,
} from '@mqtt-kit/core';
import type { ConnectedSocket, SocketOptions } from './connect-socket.ts';
import { lostError } from './network-error.ts';
import { checkCredentials } from './pem.ts';
import { isTlsError, tlsError } from './tls-error.ts';
import { whenReady } from './when-ready.ts';

/** Parsing certificates takes a millisecond or more: once for each options object, not at each reconnection. */
const contexts = new WeakMap<TlsOptions, SecureContext>();
const noOptions: TlsOptions = {};

/** Checks certificates and keys and parses them. Throws `invalidArgument` that names the option which is wrong. */
export function secureContext(
  options: TlsOptions = noOptions,
  further?: ConnectionOptions,
): SecureContext {
  if (further !== undefined) return createContext(options, further);
  const known = contexts.get(options);
  if (known) return known;
  const context = createContext(options);
  contexts.set(options, context);
  return context;
}

/**
 * Does the TLS handshake on a connected socket. It resolves when the server's certificate is verified: nothing of ours
 * but the handshake has left by then.
 */
export async function secureSocket(
  plain: Socket,
  target: TransportTarget,
  context: SecureContext,
  options: SocketOptions,
  signal: AbortSignal,
): Promise<ConnectedSocket> {
  const name = serverName(target);
  const protocols = target.tls?.alpnProtocols ?? options.alpnProtocols;
  const socket = connect({
    socket: plain,
    secureContext: context,
    // Only the word `false` turns verification off; the environment variable that Node knows for it does not.
    rejectUnauthorized: target.tls?.rejectUnauthorized !== false,
    // The name to verify.
    host: name,
    // SNI must not hold an address (RFC 6066, 3).
    ...(isIP(name) === 0 && { servername: name }),
    ...(protocols && { ALPNProtocols: [...protocols] }),
    ...options.secure,
  });
  options.onSecure?.(socket);
  const certificate = keepCertificate(socket);
  const explain = (error: Error): MqttError =>
    tlsError(target, error, { name, certificate: certificate() });
  await whenReady(socket, 'secureConnect', signal, explain);
  return {
    socket,
    // Under TLS 1.3 a server judges the client's certificate after the client's side of the handshake is done.
    explain: (_target, error) => (isTlsError(error) ? explain(error) : lostError(target, error)),
  };
}

/**
 * The server's certificate is gone when the error that it caused is reported, so it is fetched before Node judges it,
 * which it does in a listener of the same event. Where a runtime has no such event, errors say less.
 */
function keepCertificate(socket: TLSSocket): () => PeerCertificate | undefined {
  let certificate: PeerCertificate | undefined;
  socket.prependOnceListener('secure', () => {
    certificate = socket.getPeerCertificate(true);
  });
  return () => certificate;
}

/** The name that the certificate must be for: without the zone of an IPv6 address or the dot that ends a full name. */
function serverName(target: TransportTarget): string {
  const name = target.tls?.servername || target.hostname;
  return name.replace(/%.*$|\.$/, '');
}

function createContext(options: TlsOptions, further?: ConnectionOptions): SecureContext {
  checkCredentials(options);
  try {
    return createSecureContext({
      minVersion: options.minVersion ?? 'TLSv1.2',
      ...(options.ca !== undefined && { ca: pem(options.ca) }),
      ...(options.cert !== undefined && { cert: pem(options.cert) }),
      ...(options.key !== undefined && { key: pem(options.key) }),
      ...(options.passphrase !== undefined && { passphrase: options.passphrase }),
      ...further,
    });
  } catch (error) {
    throw new MqttUsageError(`tls: ${(error as Error).message}`, { cause: error });
  }
}

/** Node takes text, or its own kind of bytes. */
function pem(value: string | Uint8Array | readonly (string | Uint8Array)[]): (string | Buffer)[] {
  const values = typeof value === 'string' || value instanceof Uint8Array ? [value] : value;
  return values.map((one) => (typeof one === 'string' ? one : Buffer.from(one)));
}
