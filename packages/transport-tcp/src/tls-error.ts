import type { PeerCertificate } from 'node:tls';
import { MqttError, type TransportTarget } from '@mqtt-kit/core';
import { otherScheme, targetName } from './target-name.ts';

/** What is known of a handshake when it fails. */
export interface Handshake {
  /** The name the certificate had to be for. */
  readonly name: string;
  /** The server's, when it got so far. */
  readonly certificate: PeerCertificate | undefined;
}

interface OpenSslError extends Error {
  readonly code?: string;
  readonly reason?: string;
}

/** What went wrong and the next thing to check. */
type Finding = readonly [what: string, hint: string | undefined];

/** Whether an error of an open connection comes from TLS, not from the network below. */
export function isTlsError(error: OpenSslError): boolean {
  return error.code?.startsWith('ERR_SSL_') === true || error.code?.startsWith('ERR_TLS_') === true;
}

/** Explains why a TLS handshake failed: `tlsFailed`, with the next thing to check. */
export function tlsError(
  target: TransportTarget,
  error: OpenSslError,
  handshake: Handshake,
): MqttError {
  const [what, hint] =
    certificateFinding(error, handshake) ??
    alertFinding(target, error) ??
    transportFinding(target, error);
  return new MqttError('tlsFailed', `TLS with ${targetName(target)} failed: ${what}`, {
    cause: error,
    hint,
  });
}

/** We refused the server's certificate. */
function certificateFinding(error: OpenSslError, handshake: Handshake): Finding | undefined {
  const { certificate, name } = handshake;
  switch (error.code) {
    case 'CERT_HAS_EXPIRED':
      return [
        `the server's certificate has expired${validity(certificate)}`,
        'The server needs a new certificate. Or is the clock of this machine wrong?',
      ];
    case 'CERT_NOT_YET_VALID':
      return [
        `the server's certificate is not valid yet${validity(certificate)}`,
        'Is the clock of this machine right?',
      ];
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return [
        `the server's certificate is not for ${name}${names(certificate)}`,
        'Connect by a name the certificate has, or give it by tls.servername.',
      ];
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return [
        `the server's certificate${owner(certificate?.subject)} is self-signed`,
        'If it is the right one, give it by tls.ca.',
      ];
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return [
        `the server's certificate comes from an unknown authority${owner(topOf(certificate)?.issuer)}`,
        'If you trust that authority, give its certificate by tls.ca.',
      ];
    case 'CERT_REVOKED':
      return ["the server's certificate was revoked", 'The server needs a new certificate.'];
    case 'INVALID_PURPOSE':
      return ["the server's certificate is not meant for servers", undefined];
    default:
      return undefined;
  }
}

const clientCertificateHint = 'Give a client certificate by tls.cert and tls.key.';

/** The server refused us, and said so by a TLS alert. */
function alertFinding(target: TransportTarget, error: OpenSslError): Finding | undefined {
  const alert = /^ERR_SSL_(?:SSLV3|SSL\/TLS|TLSV1|TLSV13)_(?:ALERT_)?(\w+)$/.exec(
    error.code ?? '',
  )?.[1];
  switch (alert) {
    case undefined:
      return undefined;
    case 'CERTIFICATE_REQUIRED':
      return ['the server requires a client certificate', clientCertificateHint];
    case 'UNKNOWN_CA':
      return [
        'the server does not know the authority of our client certificate',
        'Use a certificate from an authority that the server trusts.',
      ];
    case 'BAD_CERTIFICATE':
    case 'UNSUPPORTED_CERTIFICATE':
    case 'CERTIFICATE_REVOKED':
    case 'CERTIFICATE_EXPIRED':
    case 'CERTIFICATE_UNKNOWN':
    case 'ACCESS_DENIED':
      return [
        `the server refuses our client certificate (${words(alert)})`,
        'Check the dates and the issuer of tls.cert.',
      ];
    case 'HANDSHAKE_FAILURE':
    case 'INSUFFICIENT_SECURITY':
      return [
        `the server refused the handshake (${words(alert)})`,
        target.tls?.cert === undefined
          ? `It may require a client certificate, or have no cipher in common. ${clientCertificateHint}`
          : 'It may refuse tls.cert, or have no cipher in common.',
      ];
    case 'PROTOCOL_VERSION':
      return ['no TLS version in common', 'The server must offer TLS 1.2 or newer.'];
    case 'NO_APPLICATION_PROTOCOL':
      return ['the server takes none of the ALPN protocols', 'Check tls.alpnProtocols.'];
    case 'UNRECOGNIZED_NAME':
      return ['the server does not go by this name', 'Check the host name, or tls.servername.'];
    default:
      return [`the server sent the alert "${words(alert)}"`, undefined];
  }
}

/** It was no TLS, or the connection broke. */
function transportFinding(target: TransportTarget, error: OpenSslError): Finding {
  switch (error.code) {
    // What OpenSSL makes of an answer that is no TLS depends on its version and on the bytes.
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'ERR_SSL_DATA_LENGTH_TOO_LONG':
    case 'ERR_SSL_RECORD_LAYER_FAILURE':
    case 'ERR_SSL_UNEXPECTED_MESSAGE':
      return [
        `the server answered something that is not TLS (${error.reason ?? 'wrong version number'})`,
        `A plain server listens there: try ${otherScheme(target)}, or the server's TLS port.`,
      ];
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
      return [
        'no TLS version in common',
        `The server must offer ${target.tls?.minVersion ?? 'TLSv1.2'} or newer.`,
      ];
    case 'ECONNRESET':
    case 'EPIPE':
      return [
        'the server closed the connection during the handshake',
        `Plain servers do so: is it a TLS port? Otherwise try ${otherScheme(target)}.`,
      ];
    default:
      return [error.reason ?? error.message.trim(), undefined];
  }
}

function validity(certificate: PeerCertificate | undefined): string {
  if (!certificate?.valid_from) return '';
  return ` (valid from ${day(certificate.valid_from)} to ${day(certificate.valid_to)})`;
}

/** `2020-01-02`, from OpenSSL's `Jan  2 00:00:00 2020 GMT`. */
function day(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? text : new Date(time).toISOString().slice(0, 10);
}

/** The names a certificate is for: `, but for broker.test, 127.0.0.1`. */
function names(certificate: PeerCertificate | undefined): string {
  const alternatives = certificate?.subjectaltname?.replaceAll(/DNS:|IP Address:/g, '');
  return alternatives ? `, but for ${shortened(alternatives)}` : owner(certificate?.subject);
}

/** Who a certificate belongs to, by the most telling of its names. The text is the server's: quoted and shortened. */
function owner(subject: PeerCertificate['subject'] | undefined): string {
  const name = subject && (subject.CN || subject.O || subject.OU);
  return name ? ` (${shortened(JSON.stringify(String(name)))})` : '';
}

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

/** The certificate of the chain next to the authority that nobody knows. */
function topOf(certificate: PeerCertificate | undefined): PeerCertificate | undefined {
  let top = certificate;
  // A self-signed certificate is its own issuer.
  for (let depth = 0; depth < 10; depth++) {
    const issuer = (top as { issuerCertificate?: PeerCertificate } | undefined)?.issuerCertificate;
    if (!issuer || issuer === top) break;
    top = issuer;
  }
  return top;
}

function words(alert: string): string {
  return alert.toLowerCase().replaceAll('_', ' ');
}
