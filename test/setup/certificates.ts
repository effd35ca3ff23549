import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { programOf } from './requires.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A file for programs, its text for options. */
export interface Pem {
  readonly path: string;
  readonly text: string;
}

export interface Certificate {
  readonly cert: Pem;
  readonly key: Pem;
}

export type CertificateName =
  | 'server'
  | 'wrongName'
  | 'expired'
  | 'notYetValid'
  | 'withoutAddress'
  | 'selfSigned'
  | 'client';

/** The certificates of the tests, all but `otherAuthority` and `selfSigned` signed by, or being, one authority. */
export interface Certificates extends Readonly<Record<CertificateName, Certificate>> {
  readonly authority: Pem;
  /** An authority that signed nothing. */
  readonly otherAuthority: Pem;
}

const localNames = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth';

let made: Certificates | undefined;

/**
 * A certificate authority and what it signed, made once in each process: a server for localhost, 127.0.0.1 and ::1,
 * one for another name, one that expired in 2020, one that begins in 2120, one for localhost without addresses, one
 * that no authority signed, and a client whose common name is `test-client`.
 */
export function certificates(): Certificates {
  made ??= make();
  return made;
}

function make(): Certificates {
  const folder = temporaryFolder('certificates');
  const file = (name: string) => join(folder, name);
  const pem = (name: string): Pem => ({
    path: file(name),
    text: readFileSync(file(name), 'utf8'),
  });
  const openssl = (...words: string[]) =>
    execFileSync(programOf('openssl'), words, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const key = (name: string) =>
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  const authority = (name: string, commonName: string) => {
    key(name);
    openssl(
      ...['req', '-x509', '-new', '-sha256', '-days', '2', '-subj', `/CN=${commonName}`],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
      ...['-key', `${name}.key`, '-out', `${name}.crt`],
    );
    return pem(`${name}.crt`);
  };
  const request = (name: string, commonName: string) => {
    key(name);
    openssl(
      ...['req', '-new', '-subj', `/CN=${commonName}`],
      ...['-key', `${name}.key`, '-out', `${name}.csr`],
    );
  };
  const leaf = (name: string, commonName: string, extensions: string): Certificate => {
    request(name, commonName);
    writeFileSync(file(`${name}.ext`), extensions);
    openssl(
      ...['x509', '-req', '-sha256', '-days', '2', '-extfile', `${name}.ext`],
      ...['-CA', 'authority.crt', '-CAkey', 'authority.key', '-CAcreateserial'],
      ...['-in', `${name}.csr`, '-out', `${name}.crt`],
    );
    return { cert: pem(`${name}.crt`), key: pem(`${name}.key`) };
  };
  const dated = (name: string, start: string, end: string): Certificate => {
    request(name, 'localhost');
    // Only `openssl ca` can date a certificate, and it wants a small database.
    writeFileSync(file('ca.cnf'), expiredConfiguration);
    writeFileSync(file('index.txt'), '');
    openssl(
      ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-extensions', 'e'],
      ...['-startdate', start, '-enddate', end],
      ...['-cert', 'authority.crt', '-keyfile', 'authority.key'],
      ...['-in', `${name}.csr`, '-out', `${name}.crt`],
    );
    return { cert: pem(`${name}.crt`), key: pem(`${name}.key`) };
  };
  const selfSigned = (name: string): Certificate => {
    key(name);
    openssl(
      ...['req', '-x509', '-new', '-sha256', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', localNames.split('\n')[0] ?? ''],
      ...['-key', `${name}.key`, '-out', `${name}.crt`],
    );
    return { cert: pem(`${name}.crt`), key: pem(`${name}.key`) };
  };
  return {
    authority: authority('authority', 'mqtt-kit test authority'),
    otherAuthority: authority('other', 'another authority'),
    server: leaf('server', 'localhost', localNames),
    wrongName: leaf(
      'wrong-name',
      'other.test',
      'subjectAltName=DNS:other.test\nextendedKeyUsage=serverAuth',
    ),
    expired: dated('expired', '20200101000000Z', '20200102000000Z'),
    notYetValid: dated('not-yet-valid', '21200101000000Z', '21200102000000Z'),
    withoutAddress: leaf(
      'without-address',
      '127.0.0.1',
      'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth',
    ),
    selfSigned: selfSigned('self-signed'),
    client: leaf('client', 'test-client', 'extendedKeyUsage=clientAuth'),
  };
}

const expiredConfiguration = `
[ca]
default_ca = d
[d]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = p
[p]
commonName = supplied
[e]
${localNames}
`;
