import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificates } from '../setup/certificates.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { programs, run } from './programs.ts';

/** Options of the socket and of TLS, each shown by what the broker or the key log tells of it, also with WebSocket. */

/** Of TLS 1.2, for keys of both kinds. */
const ciphers = (bits: 128 | 256) => {
  const rest = bits === 128 ? 'AES128-GCM-SHA256' : 'AES256-GCM-SHA384';
  return `ECDHE-RSA-${rest}:ECDHE-ECDSA-${rest}`;
};

const present = requires('mosquitto', 'openssl');
const here = present ? certificates().authority.path : '';
beforeAll(programs, 60_000);

describe.runIf(present)('options of the socket', () => {
  let broker: Mosquitto<'plain' | 'web' | 'tls' | 'webTls' | 'psk'>;
  beforeAll(async () => {
    const folder = temporaryFolder('psk');
    const keys = join(folder, 'keys');
    writeFileSync(keys, 'me:c0ffee00\n');
    broker = await startMosquitto({
      listeners: {
        plain: {},
        web: { webSocket: true },
        tls: { certificate: 'server', settings: [`ciphers ${ciphers(128)}`] },
        webTls: {
          certificate: 'server',
          webSocket: true,
          settings: [`ciphers ${ciphers(128)}`],
        },
        psk: { settings: ['use_identity_as_username true', 'psk_hint x', `psk_file ${keys}`] },
      },
    });
  }, 60_000);
  afterAll(() => broker?.[Symbol.asyncDispose]());

  const at = (listener: Parameters<typeof broker.port>[0], host = '127.0.0.1') => [
    ...['-h', host, '-p', `${broker.port(listener)}`, '-t', 'a', '-m', 'x', '-q', '1'],
  ];
  const web = (listener: 'web' | 'webTls') => [...at(listener), '--ws'];

  it('-A binds to an address, with TCP and with WebSocket', async () => {
    for (const [id, words] of [
      ['bound-tcp', at('plain')],
      ['bound-web', web('web')],
    ] as const) {
      const { code, stderr } = await run('mqtt-pub', [...words, '-A', '127.0.0.3', '-i', id]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      await broker.logged(new RegExp(`connected from (?:::ffff:)?127\\.0\\.0\\.3[^\n]* as ${id} `));
    }
  });

  it('--tls-version, --ciphers and --tls-keylog shape TLS, with TCP and with WebSocket', async () => {
    for (const words of [at('tls'), web('webTls')]) {
      const log = join(temporaryFolder('keys'), 'log');
      const all = [...words, '--cafile', here, '--tls-version', 'tlsv1.2', '--tls-keylog', log];
      expect(await run('mqtt-pub', all)).toMatchObject({ code: 0, stderr: '' });
      // TLS 1.3 has other labels.
      expect(readFileSync(log, 'utf8')).toMatch(/^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/m);
      const version = ['--cafile', here, '--tls-version', 'tlsv1.2'];
      const codes = [];
      for (const bits of [128, 256] as const) {
        const { code } = await run('mqtt-pub', [...words, ...version, '--ciphers', ciphers(bits)]);
        codes.push(code);
      }
      expect(codes).toEqual([0, 76]);
    }
  });

  it('--capath and --tls-use-os-certs trust what is there, and nothing else', async () => {
    const folder = temporaryFolder('authorities');
    writeFileSync(join(folder, 'ours.pem'), readFileSync(here));
    for (const words of [at('tls'), web('webTls')]) {
      expect((await run('mqtt-pub', [...words, '--capath', folder])).code).toBe(0);
      const system = [...words, '--tls-use-os-certs'];
      expect((await run('mqtt-pub', system)).code).toBe(76);
      expect((await run('mqtt-pub', system, { env: { SSL_CERT_FILE: here } })).code).toBe(0);
    }
    expect(
      (await run('mqtt-pub', [...at('tls'), '--capath', dirname('/nonexistent/x')])).code,
    ).toBe(64);
  });

  it('--insecure takes any certificate, which is refused otherwise', async () => {
    const other = certificates().otherAuthority.path;
    for (const words of [at('tls'), web('webTls')]) {
      expect((await run('mqtt-pub', [...words, '--cafile', other])).code).toBe(76);
      const insecure = await run('mqtt-pub', [...words, '--cafile', other, '--insecure']);
      expect(insecure.code).toBe(0);
      expect(insecure.stderr).toContain('--insecure');
    }
  });

  it('--psk proves both sides to each other by a key', async () => {
    const words = [...at('psk'), '--psk-identity', 'me', '--psk'];
    expect(await run('mqtt-pub', [...words, 'c0ffee00'])).toMatchObject({ code: 0, stderr: '' });
    expect((await run('mqtt-pub', [...words, 'c0ffee01'])).code).toBe(76);
  });

  it('engines of OpenSSL are refused in so many words', async () => {
    for (const option of [
      ['--keyform', 'engine'],
      ['--tls-engine', 'pkcs11'],
    ]) {
      const { code, stderr } = await run('mqtt-pub', [...at('tls'), ...option]);
      expect({ code, stderr }).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('not supported'),
      });
    }
  });
});
