import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { MqttUsageError, type TlsOptions } from '@mqtt-kit/core';

/**
 * Checks certificates and keys before they are used: OpenSSL passes over a `ca` it cannot read, and what it says of
 * the rest names no option. Throws `invalidArgument`.
 */
export function checkCredentials(options: TlsOptions): void {
  const { ca, cert, key, passphrase } = options;
  if (ca !== undefined) checkAuthorities(ca);
  if (cert !== undefined && key === undefined) throw invalid('tls.cert', 'needs tls.key with it');
  if (key !== undefined && cert === undefined) throw invalid('tls.key', 'needs tls.cert with it');
  if (cert === undefined || key === undefined) return;
  const [own] = readCertificates('tls.cert', cert);
  const privateKey = readPrivateKey(key, passphrase);
  if (!own!.checkPrivateKey(privateKey)) {
    throw invalid('tls.key', `does not fit tls.cert (${oneLine(own!.subject)})`);
  }
}

function checkAuthorities(ca: NonNullable<TlsOptions['ca']>): void {
  if (!Array.isArray(ca)) {
    readCertificates('tls.ca', ca as string | Uint8Array);
    return;
  }
  if (ca.length === 0) throw invalid('tls.ca', 'is an empty list: leave it out to trust the usual');
  ca.forEach((one, i) => {
    readCertificates(`tls.ca[${i}]`, one);
  });
}

function readCertificates(option: string, value: string | Uint8Array): X509Certificate[] {
  const text = pemText(option, value);
  const blocks =
    text.match(/-----BEGIN ((?:X509 )?CERTIFICATE)-----[\s\S]*?-----END \1-----/g) ?? [];
  if (blocks.length === 0) throw invalid(option, `holds no certificate${foundInstead(text)}`);
  return blocks.map((block, i) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const which = blocks.length === 1 ? 'its certificate' : `its certificate ${i + 1}`;
      throw invalid(option, `${which} cannot be read: ${opensslReason(error)}`, error);
    }
  });
}

function readPrivateKey(value: string | Uint8Array, passphrase: string | undefined): KeyObject {
  const text = pemText('tls.key', value);
  if (!/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/.test(text)) {
    throw invalid('tls.key', `holds no private key${foundInstead(text)}`);
  }
  const encrypted = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text);
  if (encrypted && passphrase === undefined) {
    throw invalid('tls.key', 'is encrypted: give tls.passphrase too');
  }
  try {
    return createPrivateKey({ key: text, ...(passphrase !== undefined && { passphrase }) });
  } catch (error) {
    if (encrypted) throw invalid('tls.passphrase', 'does not open tls.key', error);
    throw invalid('tls.key', `cannot be read: ${opensslReason(error)}`, error);
  }
}

function pemText(option: string, value: unknown): string {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
    throw invalid(option, `must be PEM text or its bytes, not ${describe(value)}`);
  }
  const text = typeof value === 'string' ? value : Buffer.from(value).toString('latin1');
  if (text.trim() === '') throw invalid(option, 'is empty');
  if (text.includes('-----BEGIN ')) return text;
  // An ASN.1 sequence of more than 127 bytes: what certificates and keys look like without PEM around them.
  if (text.startsWith('\x30\x82') || text.startsWith('\x30\x81')) {
    throw invalid(option, 'is DER, not PEM: convert it with openssl x509 -inform der');
  }
  if (typeof value === 'string' && /^[^\n]{1,260}$/.test(value.trim())) {
    throw invalid(option, `is not PEM: it takes the text of a file, not the name of one`);
  }
  throw invalid(option, 'is not PEM: it has no line "-----BEGIN ..."');
}

function foundInstead(text: string): string {
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  return label === undefined ? '' : `, but "${label}"`;
}

function invalid(option: string, problem: string, cause?: unknown): MqttUsageError {
  return new MqttUsageError(`${option} ${problem}`, { cause });
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

/** The part of OpenSSL's message that people can read: `error:0480006C:PEM routines::bad base64 decode`. */
function opensslReason(error: unknown): string {
  const { reason, message } = error as { reason?: string; message: string };
  return reason ?? message.split(':').at(-1)!.trim();
}

function oneLine(subject: string): string {
  return subject.replaceAll('\n', ', ');
}
