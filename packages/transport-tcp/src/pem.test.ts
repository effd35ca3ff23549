import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MqttUsageError, type TlsOptions } from '@mqtt-kit/core';
import { describe, expect, it } from 'vitest';
import { certificates } from '../../../test/setup/certificates.ts';
import { programOf, requires } from '../../../test/setup/requires.ts';
import { temporaryFolder } from '../../../test/setup/temporary-folder.ts';
import { checkCredentials } from './pem.ts';
import { secureContext } from './secure-socket.ts';

describe.runIf(requires('openssl'))('certificates and keys', () => {
  const pki = certificates();
  const cert = pki.client.cert.text;
  const key = pki.client.key.text;
  const encrypted = createPrivateKey(key).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'secret',
  }) as string;
  const brokenCert = cert.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n');

  const wrong: readonly [what: string, options: TlsOptions, message: RegExp][] = [
    ['an empty ca', { ca: '' }, /^tls\.ca is empty$/],
    ['a ca of white space', { ca: new Uint8Array([10, 32]) }, /^tls\.ca is empty$/],
    ['an empty list of ca', { ca: [] }, /^tls\.ca is an empty list/],
    ['the name of a file', { ca: './ca.pem' }, /^tls\.ca is not PEM: .*not the name of one$/],
    ['text that is no PEM', { ca: 'a\nb\n' }, /^tls\.ca is not PEM: it has no line/],
    [
      'DER',
      { ca: new Uint8Array(new X509Certificate(cert).raw) },
      /^tls\.ca is DER, not PEM: .*openssl/,
    ],
    ['a key as ca', { ca: key }, /^tls\.ca holds no certificate, but "EC PRIVATE KEY"$/],
    ['the second ca', { ca: [pki.authority.text, ''] }, /^tls\.ca\[1\] is empty$/],
    [
      'a damaged certificate',
      { ca: `${pki.authority.text}${brokenCert}` },
      /^tls\.ca its certificate 2 cannot be read: ./,
    ],
    ['a number', { ca: 7 as unknown as string }, /^tls\.ca must be PEM text .* not number$/],
    ['a certificate without a key', { cert }, /^tls\.cert needs tls\.key/],
    ['a key without a certificate', { key }, /^tls\.key needs tls\.cert/],
    ['a certificate as key', { cert, key: cert }, /^tls\.key holds no private key, but "CERT/],
    ['a key as certificate', { cert: key, key }, /^tls\.cert holds no certificate/],
    [
      'a key of another certificate',
      { cert, key: pki.server.key.text },
      /^tls\.key does not fit tls\.cert \(CN=test-client\)$/,
    ],
    [
      'an encrypted key without passphrase',
      { cert, key: encrypted },
      /^tls\.key is encrypted: give tls\.passphrase too$/,
    ],
    [
      'a wrong passphrase',
      { cert, key: encrypted, passphrase: 'guess' },
      /^tls\.passphrase does not open tls\.key$/,
    ],
    [
      'a damaged key',
      { cert, key: key.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n') },
      /^tls\.key cannot be read: ./,
    ],
    ['an unknown minimum version', { minVersion: 'TLSv9' as 'TLSv1.2' }, /^tls: .*TLSv9/],
  ];

  it.each(wrong)('are refused for %s', (_what, options, message) => {
    expect(() => secureContext(options)).toThrow(MqttUsageError);
    expect(() => secureContext(options)).toThrow(message);
  });

  it('say nothing of a key or a passphrase in an error', () => {
    for (const [, options] of wrong) {
      try {
        checkCredentials(options);
      } catch (error) {
        const text = `${(error as Error).message} ${(error as MqttUsageError).hint}`;
        expect(text).not.toContain('guess');
        expect(text).not.toContain(key.split('\n')[1]);
      }
    }
  });

  it('are taken as text and as bytes, with other text around them', () => {
    const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
    checkCredentials({ ca: `Subject: somebody\n${pki.authority.text}`, cert: bytes(cert), key });
    checkCredentials({ cert, key: bytes(encrypted), passphrase: 'secret' });
    checkCredentials({ cert: cert.replaceAll('\n', '\r\n'), key: key.replaceAll('\n', '\r\n') });
  });

  it('are taken with the curve before the key, as openssl writes it', () => {
    const folder = temporaryFolder('pem');
    const openssl = (...words: string[]): unknown =>
      execFileSync(programOf('openssl'), words, { cwd: folder, stdio: 'ignore' });
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-out', 'own.key');
    openssl(...'req -x509 -new -key own.key -subj /CN=own -days 2 -out own.crt'.split(' '));
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    expect(read('own.key')).toContain('BEGIN EC PARAMETERS');
    expect(secureContext({ cert: read('own.crt'), key: read('own.key') })).toBeDefined();
  });

  it('are parsed once for an options object', () => {
    const options = { ca: pki.authority.text };
    expect(secureContext(options)).toBe(secureContext(options));
    expect(secureContext({ ...options })).not.toBe(secureContext(options));
    expect(secureContext()).toBe(secureContext());
  });
});
