/**
 * TLS servers that must not be trusted, beyond those of the conformance tests: refused with a clear reason at the first
 * attempt, before a byte that a server could decrypt.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { type ConnectOptions, connect, MqttError } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import { accepted } from '../conformance/support/bytes.ts';
import { certificates } from '../setup/certificates.ts';
import { requires } from '../setup/requires.ts';

/** What a server saw of its clients. */
interface Seen extends AsyncDisposable {
  readonly port: number;
  /** TCP connections, with handshakes that failed. */
  readonly sockets: number;
  /** Application bytes, decrypted. */
  readonly bytes: number;
  /** Names that were asked for, and whether the session was one of before. */
  readonly handshakes: readonly { readonly name: string | false; readonly resumed: boolean }[];
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
}

async function listen(options: TlsOptions): Promise<Seen> {
  const open = new Set<Socket>();
  const handshakes: { name: string | false; resumed: boolean }[] = [];
  let sockets = 0;
  let bytes = 0;
  const server = createServer(options, (socket) => {
    const { servername } = socket as TLSSocket & { servername?: string | false };
    handshakes.push({ name: servername ?? false, resumed: socket.isSessionReused() });
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      if (bytes === 0 || chunk[0] === 0x10) socket.write(accepted('5.0'));
      bytes += chunk.length;
    });
  });
  server.on('tlsClientError', () => {});
  server.on('connection', (socket: Socket) => {
    sockets += 1;
    open.add(socket.on('error', () => {}));
    socket.once('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get sockets() {
      return sockets;
    },
    get bytes() {
      return bytes;
    },
    handshakes,
    idle: async () => {
      for (const socket of open) await once(socket, 'close');
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function refused(url: string, tls: ConnectOptions['tls']): Promise<MqttError> {
  // Credentials, so that there is something to lose.
  const options = { tls, username: 'u', password: 'p', connectTimeoutMs: 20_000 } as ConnectOptions;
  const outcome = await connect(url, options).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(MqttError);
  expect(outcome).toMatchObject({ code: 'tlsFailed', hint: expect.stringMatching(/\w/) });
  return outcome as MqttError;
}

describe.runIf(requires('openssl'))('a TLS server that is not to be trusted', () => {
  describe.each(['mqtts', 'wss'] as const)('over %s', (scheme) => {
    it.each([
      ['has a certificate that it signed itself', 'selfSigned', 'localhost', /self-signed/i],
      [
        'has a certificate that is not valid yet',
        'notYetValid',
        'localhost',
        /not valid yet|2120/i,
      ],
      [
        'has a certificate without its address',
        'withoutAddress',
        '127.0.0.1',
        /not for 127\.0\.0\.1/,
      ],
    ] as const)('is refused when it %s', async (_what, name, host, says) => {
      const made = certificates();
      const { cert, key } = made[name];
      await using seen = await listen({ cert: cert.text, key: key.text });
      const error = await refused(`${scheme}://${host}:${seen.port}`, { ca: made.authority.text });
      expect(error.message).toMatch(says);
      expect(error.message).toContain(`${host}:${seen.port}`);
      await seen.idle();
      expect(seen).toMatchObject({ bytes: 0, sockets: 1 });
    });

    it.each(['TLSv1', 'TLSv1.1'] as const)('is refused when it speaks %s', async (version) => {
      const { authority, server } = certificates();
      await using seen = await listen({
        cert: server.cert.text,
        key: server.key.text,
        minVersion: version,
        maxVersion: version,
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      const url = `${scheme}://localhost:${seen.port}`;
      const error = await refused(url, { ca: authority.text });
      expect(error.message).toMatch(/no TLS version in common/);
      await seen.idle();
      expect(seen).toMatchObject({ bytes: 0, sockets: 1, handshakes: [] });
    });
  });

  it('is refused although it was trusted before, with another authority or without verification', async () => {
    const { authority, otherAuthority, server } = certificates();
    await using seen = await listen({ cert: server.cert.text, key: server.key.text });
    const url = `mqtts://localhost:${seen.port}`;
    // Sessions that these connections were given must not vouch for the server afterwards.
    for (const tls of [{ ca: authority.text }, { rejectUnauthorized: false }]) {
      const client = await connect(url, { version: '5.0', tls });
      await client.publish('t', 'x');
      await client.close();
    }
    const before = seen.bytes;
    for (const tls of [{ ca: otherAuthority.text }, undefined]) {
      const error = await refused(url, tls);
      expect(error.message).toMatch(/unknown authority/);
    }
    await seen.idle();
    expect(seen.bytes).toBe(before);
    expect(seen.sockets).toBe(4);
    expect(seen.handshakes.every(({ name, resumed }) => name === 'localhost' && !resumed)).toBe(
      true,
    );
  });
});
