import type { PeerCertificate } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { targetOf } from './handler-record.test-support.ts';
import { isTlsError, tlsError } from './tls-error.ts';

const target = targetOf('mqtts', 8883, { hostname: 'broker.test' });
const unknown = { name: 'broker.test', certificate: undefined };

function failure(code: string, reason?: string): Error {
  return Object.assign(new Error(`0000:error:${code}\n`), { code, reason });
}

describe('tlsError', () => {
  it.each([
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /requires a client certificate/, /tls\.cert/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /does not know the authority of our/, /trusts/],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', /refuses our .* \(bad certificate\)/, /tls\.cert/],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', /\(certificate expired\)/, /dates/],
    ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', /refuses our .* \(access denied\)/, /tls\.cert/],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', /refused the handshake/, /client certificate/],
    ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', /refused the handshake/, /client certificate/],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', /no TLS version in common/, /TLS 1\.2/],
    ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', /ALPN/, /tls\.alpnProtocols/],
    ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', /does not go by this name/, /servername/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /not TLS/, /mqtt:\/\//],
    ['ECONNRESET', /closed the connection during the handshake/, /mqtt:\/\//],
    ['CERT_NOT_YET_VALID', /not valid yet/, /clock/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /self-signed/, /tls\.ca/],
    ['CERT_REVOKED', /revoked/, /new certificate/],
  ])('explains %s', (code, message, hint) => {
    const error = tlsError(target, failure(code), unknown);
    expect(error).toMatchObject({
      code: 'tlsFailed',
      message: expect.stringMatching(/^TLS with broker\.test:8883 failed: /),
      hint: expect.stringMatching(hint),
      cause: expect.any(Error),
    });
    expect(error.message).toMatch(message);
  });

  it('passes on the reason of what it does not know, in one line', () => {
    expect(tlsError(target, failure('ERR_SSL_NEW', 'new reason'), unknown).message).toMatch(
      /: new reason$/,
    );
    expect(tlsError(target, failure('ERR_NEW'), unknown).message).not.toContain('\n');
    expect(
      tlsError(target, failure('ERR_SSL_TLSV1_ALERT_USER_CANCELLED'), unknown).message,
    ).toMatch(/sent the alert "user cancelled"$/);
  });

  it('quotes and shortens what the server wrote into its certificate', () => {
    const subject = { CN: `\u001b[31m${'x'.repeat(1_000)}` };
    const certificate = { subject, issuer: subject } as unknown as PeerCertificate;
    const { message } = tlsError(target, failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), {
      name: 'broker.test',
      certificate,
    });
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(400);
  });

  it('tells errors of TLS from those of the network', () => {
    expect(isTlsError(failure('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'))).toBe(true);
    expect(isTlsError(failure('ECONNRESET'))).toBe(false);
    expect(isTlsError(new Error('no code'))).toBe(false);
  });
});
