import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createPlainServer, type Server, type Socket } from 'node:net';
import { createServer, type TlsOptions as ServerOptions, type TLSSocket } from 'node:tls';
import type { MqttError, TlsOptions } from '@mqtt-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Certificate, certificates } from '../../../test/setup/certificates.ts';
import { portOf } from '../../../test/setup/ports.ts';
import { requires } from '../../../test/setup/requires.ts';
import { HandlerRecord, rejection, targetOf } from './handler-record.test-support.ts';
import { openSocket } from './open-socket.ts';

const never = new AbortController().signal;
const cleanups: (() => void)[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A TLS server that keeps what it sees of its clients. */
interface Seen {
  readonly port: number;
  readonly server: Server;
  /** Application bytes of all clients. */
  bytes: number;
  connections: number;
  /** Resolves when the last TCP connection is gone. */
  idle(): Promise<void>;
  /** Resolves with the next client whose handshake is done. */
  client(): Promise<TLSSocket>;
}

async function listen(options: ServerOptions): Promise<Seen> {
  return watch(createServer(options, (socket) => socket.on('error', () => {})));
}

async function watch(server: Server): Promise<Seen> {
  const open = new Set<Socket>();
  const seen: Seen = {
    server,
    port: 0,
    bytes: 0,
    connections: 0,
    idle: async () => {
      for (const socket of open) await once(socket, 'close');
    },
    client: async () => (await once(server, 'secureConnection'))[0] as TLSSocket,
  };
  server.on('connection', (socket: Socket) => {
    seen.connections++;
    open.add(socket.on('error', () => {}));
    socket.on('close', () => open.delete(socket));
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  return Object.assign(seen, { port: portOf(server) });
}

function files({ cert, key }: Certificate): { cert: string; key: string } {
  return { cert: cert.text, key: key.text };
}

function open(
  seen: { port: number },
  tls: TlsOptions,
  hostname = '127.0.0.1',
  record: HandlerRecord = new HandlerRecord(),
  signal: AbortSignal = never,
): ReturnType<typeof openSocket> {
  return openSocket(targetOf('mqtts', seen.port, { hostname, tls }), record, signal);
}

describe.runIf(requires('openssl'))('TLS', () => {
  const pki = certificates();
  const trusting = { ca: pki.authority.text };

  it('carries bytes both ways once the server has proved who it is', async () => {
    const seen = await listen(files(pki.server));
    const client = seen.client();
    const record = new HandlerRecord();
    const transport = await open(seen, trusting, '127.0.0.1', record);
    const peer = await client;
    transport.write([Buffer.from('pi'), Buffer.from('ng')]);
    expect(String((await once(peer, 'data'))[0])).toBe('ping');
    peer.write('pong');
    await record.received(4);
    expect(record.bytes.toString()).toBe('pong');
    transport.close();
    expect(await record.closed()).toBeUndefined();
  });

  it('trusts several authorities, given as bytes too', async () => {
    const seen = await listen(files(pki.server));
    const bytes = new TextEncoder().encode(pki.authority.text);
    (await open(seen, { ca: [pki.otherAuthority.text, bytes] })).destroy();
  });

  it('sends the name for SNI, and never an address', async () => {
    const names: unknown[] = [];
    const seen = await listen({
      ...files(pki.server),
      SNICallback: (name, callback) => {
        names.push(name);
        callback(null);
      },
    });
    (await open(seen, trusting, 'localhost')).destroy();
    (await open(seen, { ...trusting, servername: 'localhost' }, '127.0.0.1')).destroy();
    expect(names).toEqual(['localhost', 'localhost']);
    (await open(seen, trusting, '127.0.0.1')).destroy();
    expect(names.length).toBe(2);
  });

  it('offers the ALPN protocols it is given', async () => {
    const seen = await listen({ ...files(pki.server), ALPNProtocols: ['mqtt'] });
    const client = seen.client();
    const transport = await open(seen, { ...trusting, alpnProtocols: ['other', 'mqtt'] });
    expect((await client).alpnProtocol).toBe('mqtt');
    transport.destroy();
    expect(await rejection(open(seen, { ...trusting, alpnProtocols: ['h2'] }))).toMatchObject({
      code: 'tlsFailed',
      message: expect.stringContaining('none of the ALPN protocols'),
      hint: 'Check tls.alpnProtocols.',
    });
  });

  it('speaks TLS 1.2, and 1.3 only when told so', async () => {
    const seen = await listen({ ...files(pki.server), maxVersion: 'TLSv1.2' });
    const client = seen.client();
    const transport = await open(seen, trusting);
    expect((await client).getProtocol()).toBe('TLSv1.2');
    transport.destroy();
    expect(await rejection(open(seen, { ...trusting, minVersion: 'TLSv1.3' }))).toMatchObject({
      code: 'tlsFailed',
      message: expect.stringContaining('no TLS version in common'),
    });
  });

  it('refuses TLS 1.1', async () => {
    const seen = await listen({
      ...files(pki.server),
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    expect(await rejection(open(seen, trusting))).toMatchObject({
      code: 'tlsFailed',
      message: expect.stringContaining('no TLS version in common'),
    });
  });

  it('shows a client certificate, with an encrypted key too', async () => {
    const seen = await listen({ ...files(pki.server), ca: pki.authority.text, requestCert: true });
    const client = seen.client();
    const key = createPrivateKey(pki.client.key.text).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    }) as string;
    const own = { ...trusting, cert: pki.client.cert.text, key, passphrase: 'secret' };
    const transport = await open(seen, own);
    expect((await client).getPeerCertificate().subject.CN).toBe('test-client');
    transport.destroy();
  });

  describe('that cannot be trusted', () => {
    it.each([
      {
        what: 'an authority that nobody knows',
        server: pki.server,
        tls: {},
        message: /comes from an unknown authority \("mqtt-kit test authority"\)$/,
        hint: /tls\.ca/,
      },
      {
        what: 'another authority than the one given',
        server: pki.server,
        tls: { ca: pki.otherAuthority.text },
        message: /comes from an unknown authority \("mqtt-kit test authority"\)$/,
        hint: /tls\.ca/,
      },
      {
        what: 'a certificate that has expired',
        server: pki.expired,
        tls: trusting,
        message: /certificate has expired \(valid from 2020-01-01 to 2020-01-02\)$/,
        hint: /clock/,
      },
      {
        what: 'a certificate for another name',
        server: pki.wrongName,
        tls: trusting,
        message: /certificate is not for 127\.0\.0\.1, but for other\.test$/,
        hint: /tls\.servername/,
      },
    ])('is refused for $what, with nothing sent', async ({ server, tls, message, hint }) => {
      const seen = await listen(files(server));
      const error = (await rejection(open(seen, tls))) as MqttError;
      expect(error).toMatchObject({
        code: 'tlsFailed',
        hint: expect.stringMatching(hint),
        cause: expect.any(Error),
      });
      expect(error.message).toMatch(message);
      expect(error.message).toContain(`TLS with 127.0.0.1:${seen.port} failed`);
      await seen.idle();
      expect(seen).toMatchObject({ bytes: 0, connections: 1 });
    });

    it('is refused whatever the environment says', async () => {
      vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
      const seen = await listen(files(pki.server));
      expect(await rejection(open(seen, {}))).toMatchObject({ code: 'tlsFailed' });
    });

    it('is taken when verification is turned off', async () => {
      const seen = await listen(files(pki.wrongName));
      (await open(seen, { rejectUnauthorized: false })).destroy();
    });
  });

  describe('with a server that wants a client certificate', () => {
    const picky = {
      ...files(pki.server),
      ca: pki.authority.text,
      requestCert: true,
      rejectUnauthorized: true,
    };

    it('tells so under TLS 1.3, where the refusal comes after the handshake', async () => {
      const seen = await listen(picky);
      const record = new HandlerRecord();
      const transport = await open(seen, trusting, '127.0.0.1', record);
      transport.write([Buffer.from('CONNECT')]);
      expect(await record.closed()).toMatchObject({
        code: 'tlsFailed',
        message: expect.stringContaining('the server requires a client certificate'),
        hint: expect.stringContaining('tls.cert and tls.key'),
      });
      expect(record.calls).toEqual(['closed']);
    });

    it('tells so under TLS 1.2', async () => {
      const seen = await listen({ ...picky, maxVersion: 'TLSv1.2' });
      expect(await rejection(open(seen, trusting))).toMatchObject({
        code: 'tlsFailed',
        hint: expect.stringContaining('tls.cert and tls.key'),
      });
    });

    it('suspects ours when the server closes without a word', async () => {
      const seen = await listen({ ...picky, ca: pki.otherAuthority.text });
      const record = new HandlerRecord();
      const own = { cert: pki.client.cert.text, key: pki.client.key.text };
      const transport = await open(seen, { ...trusting, ...own }, '127.0.0.1', record);
      transport.write([Buffer.from('CONNECT')]);
      expect(await record.closed()).toMatchObject({
        code: 'connectionLost',
        hint: 'It may refuse our client certificate, tls.cert.',
      });
    });
  });

  describe('on a port that does not speak it', () => {
    async function plain(answer: (socket: Socket) => void): Promise<{ port: number }> {
      return watch(createPlainServer((socket) => answer(socket.on('error', () => {}))));
    }

    it.each([
      ['an MQTT server', Buffer.from([0x20, 3, 0, 0x84, 0])],
      ['a web server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['a mail server', Buffer.from('220 mail.test ready\r\n')],
    ])('recognises the answer of %s', async (_what, bytes) => {
      const server = await plain((socket) => socket.end(bytes));
      expect(await rejection(open(server, trusting))).toMatchObject({
        code: 'tlsFailed',
        message: expect.stringContaining('not TLS'),
        hint: expect.stringContaining('mqtt://'),
      });
    });

    it.each([
      ['ends', (socket: Socket) => socket.end()],
      ['resets', (socket: Socket) => socket.once('data', () => socket.resetAndDestroy())],
    ])('says so when the server %s the connection', async (_how, answer) => {
      expect(await rejection(open(await plain(answer), trusting))).toMatchObject({
        code: 'tlsFailed',
        message: expect.stringContaining('closed the connection during the handshake'),
        hint: expect.stringContaining('mqtt://'),
      });
    });

    it('gives up when it is aborted in the handshake, and frees the socket', async () => {
      const server = createPlainServer();
      const seen = await watch(server);
      const controller = new AbortController();
      const accepted = once(server, 'connection') as Promise<[Socket]>;
      const opening = open(seen, trusting, '127.0.0.1', new HandlerRecord(), controller.signal);
      const [peer] = await accepted;
      await once(peer, 'data');
      controller.abort();
      expect(await rejection(opening)).toBe(controller.signal.reason);
      await seen.idle();
    });
  });

  it('hints at a client certificate when the server closes after the handshake', async () => {
    const seen = await listen(files(pki.server));
    seen.server.on('secureConnection', (socket: TLSSocket) => socket.end());
    const record = new HandlerRecord();
    await open(seen, trusting, '127.0.0.1', record);
    expect(await record.closed()).toMatchObject({
      code: 'connectionLost',
      hint: expect.stringContaining('client certificate'),
    });
  });

  it('checks certificates before it touches the network', async () => {
    const seen = await listen(files(pki.server));
    expect(await rejection(open(seen, { ca: 'not PEM' }))).toMatchObject({
      code: 'invalidArgument',
    });
    expect(seen.connections).toBe(0);
  });
});
