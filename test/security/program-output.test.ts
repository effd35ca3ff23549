import { describe, expect, it } from 'vitest';
import { programs } from '../cli/programs.ts';
import { packet, properties } from '../conformance/support/bytes.ts';
import { RawServer } from '../conformance/support/raw-server.ts';
import { secureServer } from '../conformance/support/secure-server.ts';
import { certificates } from '../setup/certificates.ts';
import { startChild } from '../setup/child-process.ts';
import { requires } from '../setup/requires.ts';
import { expectNoSecret, secret } from './secrets.ts';

describe('the programs', () => {
  it('write no secret, whatever goes wrong, with all they can say', async () => {
    const server = new RawServer('5.0');
    server.connacks.push(...Array(20).fill(packet(0x20, 0, 0x86, properties())));
    await server.listen();
    const { url } = server;
    const all = await programs();
    const withUser = url.replace('//', `//u:${secret('url')}@`);
    const env = { ...process.env, MQTT_PASSWORD: secret('environment') };
    for (const [name, words] of [
      ['mqtt-pub', ['-d', '-t', 't', '-m', 'm', '--url', withUser]],
      ['mqtt-pub', ['-d', '-t', 't', '-m', 'm', '-u', 'u', '--url', url]],
      ['mqtt-pub', ['-d', '-t', 't', '-m', 'm', '-u', 'u', '-P', secret('own'), '--url', url]],
      ['mqtt-pub', ['-d', '-t', 't', '-m', 'm', withUser]],
      ['mqtt-sub', ['-d', '-t', 't', '-u', 'u', '--url', url]],
      ['mqtt-sub', ['-d', '-t', 't', '--no-such-option', withUser]],
      ['mqtt-sub', ['-d', '-t', 't', withUser]],
      ['mqtt-sub', ['-t', withUser, '-t', `${withUser}/#/x`]],
      ['mqtt-sub', ['-t', 't', '--url', `mqqt://u:${secret('scheme')}@localhost`]],
      ['mqtt-sub', ['-t', 't', '-h', `u:${secret('host')}@localhost`]],
    ] as const) {
      const child = startChild(process.execPath, [all[name], ...words], { env });
      const { code } = await child.ended;
      expect(code, words.join(' ')).toBeGreaterThan(0);
      expect(child.stderr).not.toBe('');
      expectNoSecret(child.stderr, child.stdout.toString());
    }
    await server.close();
  }, 60_000);

  it.runIf(requires('openssl'))(
    'warn each time, in one line, that --insecure checks nothing',
    async () => {
      const { server, authority } = certificates();
      await using broker = await secureServer('mqtts', {
        cert: server.cert.text,
        key: server.key.text,
      });
      const { 'mqtt-pub': program } = await programs();
      const words = ['-L', broker.url, '-V', '5', '-t', 't', '-m', 'm', '-q', '1', '--insecure'];
      for (const more of [[], ['--cafile', authority.path]]) {
        const child = startChild(process.execPath, [program, ...words, ...more]);
        const { code } = await child.ended;
        expect({ code, stderr: child.stderr }).toEqual({
          code: 0,
          stderr: expect.stringMatching(/^mqtt-pub: --insecure: .*not checked.*\n$/),
        });
      }
    },
  );
});
