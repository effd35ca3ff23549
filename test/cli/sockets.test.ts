import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { PacketType } from '@mqtt-kit/packet';
import { listenTcp, ScriptedBroker } from '@mqtt-kit/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificates } from '../setup/certificates.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { programs, run } from './programs.ts';
import { startSocksProxy } from './socks-proxy.ts';

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

  it('--proxy leads WebSocket and TLS through it, too', async () => {
    for (const [listener, words] of [
      ['web', ['--ws']],
      ['tls', ['--cafile', here]],
      ['webTls', ['--ws', '--cafile', here]],
    ] as const) {
      await using proxy = await startSocksProxy(broker.port(listener));
      // The proxy resolves the name, which is that of the certificate.
      const way = ['-h', 'localhost', '-p', '1', '--proxy', proxy.url, ...words];
      const all = [...way, '-t', 'a', '-m', 'x', '-q', '1', '-i', `by-proxy-${listener}`];
      expect(await run('mqtt-pub', all)).toMatchObject({ code: 0, stderr: '' });
      expect(proxy.asked).toEqual(['050102', '\u0001\u0002me\u0004p@ss', 'localhost']);
      await broker.logged(new RegExp(` as by-proxy-${listener} `));
    }
    const web = await startSocksProxy(broker.port('web'));
    const url = ['-L', 'ws://name.invalid:81/mqtt', '--proxy', web.url, '-t', 'a', '-m', 'x'];
    expect(await run('mqtt-pub', [...url, '-q', '1'])).toMatchObject({ code: 0, stderr: '' });
    expect(web.asked.at(-1)).toBe('name.invalid');
    await web[Symbol.asyncDispose]();
  });

  it('--proxy that is not there, or that refuses, is told by its name', async () => {
    const none = ['--proxy', 'socks5h://127.0.0.1:1', '-h', 'name.invalid', '-t', 'a', '-m', 'x'];
    const gone = await run('mqtt-pub', none);
    expect(gone).toMatchObject({ code: 69, stderr: expect.stringContaining('127.0.0.1:1') });
    await using proxy = await startSocksProxy(1);
    const refused = await run('mqtt-pub', ['--proxy', proxy.url, ...none.slice(2)]);
    expect(refused).toMatchObject({ code: 69, stderr: expect.stringContaining('proxy') });
    expect(refused.stderr).not.toContain('p@ss');
  });

  it('--tls-alpn asks for a protocol', async () => {
    const { cert, key } = certificates().server;
    const scripted = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(scripted, {
      tls: { cert: cert.text, key: key.text, ALPNProtocols: ['mqtt'] },
    });
    const words = ['-h', '127.0.0.1', '-p', `${listener.port}`, '-t', 'a', '-m', 'x', '--cafile'];
    expect((await run('mqtt-pub', [...words, here, '--tls-alpn', 'mqtt'])).code).toBe(0);
    // The server has no such protocol, and says so.
    expect((await run('mqtt-pub', [...words, here, '--tls-alpn', 'x-other'])).code).toBe(76);
  });

  it('--cert and --key say who we are', async () => {
    const { server, client } = certificates();
    const scripted = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(scripted, {
      tls: {
        cert: server.cert.text,
        key: server.key.text,
        ca: certificates().authority.text,
        requestCert: true,
      },
    });
    const words = ['-h', '127.0.0.1', '-p', `${listener.port}`, '-t', 'a', '-m', 'x', '--cafile'];
    const pair = ['--cert', client.cert.path, '--key', client.key.path];
    expect((await run('mqtt-pub', [...words, here, ...pair])).code).toBe(0);
    expect((await run('mqtt-pub', [...words, here])).code).toBe(76);
    expect((await run('mqtt-pub', [...words, here, ...pair.slice(0, 2)])).code).toBe(64);
  });

  it('--no-tls speaks plainly where TLS would be', async () => {
    const { stdout } = await run('mqtt-pub', [
      ...['--no-tls', '-h', '127.0.0.1', '-p', '8883', '-t', 'a', '-m', 'x', '--dry-run'],
    ]);
    expect(stdout.toString()).toContain('PUBLISH');
    const tls = await run('mqtt-pub', [...at('tls'), '--cafile', here, '--no-tls']);
    expect(tls.code).toBe(64);
    const url = await run('mqtt-pub', ['-L', 'mqtts://127.0.0.1/a', '-m', 'x', '--no-tls']);
    expect(url.code).toBe(64);
  });

  it('--unix leads to a socket of this machine', async () => {
    const path = join(temporaryFolder('unix'), 'socket');
    const scripted = new ScriptedBroker({ automatic: true });
    await using tcp = await listenTcp(scripted);
    const server = createServer((socket) => {
      const inner = connect(tcp.port, '127.0.0.1');
      socket.pipe(inner).pipe(socket);
      socket.on('error', () => inner.destroy());
      inner.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    for (const way of [
      ['--unix', path],
      ['-p', '0', '-h', path],
    ]) {
      const result = await run('mqtt-pub', [...way, '-t', 'a', '-m', 'x', '-q', '1']);
      if (way[0] === '--unix') expect(result).toMatchObject({ code: 0, stderr: '' });
      // Port 0 means that to mosquitto alone.
      else expect(result.code).toBe(64);
    }
    expect(scripted.current.received.map(({ type }) => type)).toContain(PacketType.publish);
    const none = await run('mqtt-pub', ['--unix', `${path}-none`, '-t', 'a', '-m', 'x']);
    expect(none).toMatchObject({ code: 69, stderr: expect.stringContaining(`${path}-none`) });
    await new Promise((resolve) => server.close(resolve));
  });

  it('engines of OpenSSL are refused in so many words', async () => {
    for (const option of [
      ['--keyform', 'engine'],
      ['--tls-engine', 'pkcs11'],
      ['--tls-engine-kpass-sha1', 'c0ffee'],
    ]) {
      const { code, stderr } = await run('mqtt-pub', [...at('tls'), ...option]);
      expect({ code, stderr }).toMatchObject({
        code: 64,
        stderr: expect.stringContaining('not supported'),
      });
    }
  });
});
