/** TLS as the command line wants it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsOptions } from 'mqtt-kit';
import type { Note } from './diagnostics.ts';
import { fileProblem, readPemFile } from './input-files.ts';
import type { ParsedArguments } from './parsed-arguments.ts';
import { quoted, UsageError } from './usage-error.ts';

/** Said each time. */
export const insecureNote: Note = {
  text: "--insecure: the server's certificate is not checked, anybody on the way can read and change everything",
};

const certificate = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;
const privateKey = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/;

/** Throws `UsageError`. */
export function tlsSettings(args: ParsedArguments, scheme: string): TlsOptions | undefined {
  refuseEngines(args);
  if (scheme !== 'mqtts' && scheme !== 'wss') return undefined;
  const cert = args.text('cert');
  const key = args.text('key');
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError(
      '--cert and --key go together: the client certificate and its private key',
    );
  }
  const authorities = certificateAuthorities(args);
  const insecure = args.flag('insecure');
  const alpn = args.text('tls-alpn');
  return {
    // Read all the same, since a file that is wrong is told; but nobody asks them.
    ...(authorities.length === 0 || insecure
      ? {}
      : { ca: authorities.length === 1 ? authorities[0]! : authorities }),
    ...(cert === undefined ? {} : { cert: readPemFile('--cert', cert, certificate) }),
    ...(key === undefined ? {} : { key: readPemFile('--key', key, privateKey) }),
    ...(insecure ? { rejectUnauthorized: false } : {}),
    ...(alpn === undefined ? {} : { alpnProtocols: [alpn] }),
    ...(args.text('tls-version') === 'TLSv1.3' ? { minVersion: 'TLSv1.3' as const } : {}),
  };
}

/** What Node has no support for must not be passed over. */
function refuseEngines(args: ParsedArguments): void {
  if (args.flag('srv')) {
    throw new UsageError('-S (DNS SRV) is not supported', 'Give the server by -h HOST -p PORT');
  }
  const engine = (['tls-engine', 'tls-engine-kpass-sha1'] as const).find((n) => args.given(n));
  if (engine === undefined && args.text('keyform') !== 'engine') {
    if (args.given('keyform') && !args.given('key')) throw new UsageError('--keyform needs --key');
    return;
  }
  throw new UsageError(
    `--${engine ?? 'keyform engine'} is not supported: OpenSSL 3 has no engines`,
    '--key takes a private key in a PEM file.',
  );
}

function certificateAuthorities(args: ParsedArguments): readonly string[] {
  const file = args.text('cafile');
  const folder = args.text('capath');
  return [
    ...(file === undefined ? [] : [readPemFile('--cafile', file, certificate)]),
    ...(folder === undefined ? [] : readFolder(folder)),
    // Given in place of the usual ones, which are therefore added to them.
    ...(args.flag('tls-use-os-certs') ? systemAuthorities() : []),
  ];
}

/** Every certificate of the folder, whatever its name: OpenSSL's names by hash are only an index. */
function readFolder(folder: string): readonly string[] {
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    throw fileProblem('--capath', folder, error);
  }
  const found = names.flatMap((name) => {
    if (!/\.(?:pem|crt|cer|0|1)$/i.test(name)) return [];
    return [readPemFile('--capath', join(folder, name), certificate)];
  });
  if (found.length > 0) return found;
  throw new UsageError(`--capath: there is no certificate (.pem, .crt) in ${quoted(folder)}`);
}

/** Where systems keep all their authorities in one file. */
const systemFiles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Those of the system; none when it has no such file: then the usual ones are trusted, which come with Node. */
function systemAuthorities(): readonly string[] {
  const file = process.env['SSL_CERT_FILE'] ?? systemFiles.find((name) => existsSync(name));
  return file === undefined ? [] : [readPemFile('--tls-use-os-certs', file, certificate)];
}
