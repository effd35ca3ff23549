/**
 * Secrets stay where they are given: none is in errors with their causes and stacks, in the client and what it hands
 * out, in packets of the trace, or in the files of a session.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { fileStore } from '@mqtt-kit/store-file';
import { type ConnectOptions, connect, type MqttClient } from 'mqtt-kit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { binary, packet, properties, string, utf8 } from '../conformance/support/bytes.ts';
import { RawServer } from '../conformance/support/raw-server.ts';
import { certificates } from '../setup/certificates.ts';
import { portOf } from '../setup/ports.ts';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { expectNoSecret, printed, secret, word } from './secrets.ts';

const servers: RawServer[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const server of servers.splice(0)) await server.close();
});

async function serve(version: '5.0' | '3.1.1' = '5.0', connack?: Uint8Array): Promise<RawServer> {
  const server = new RawServer(version);
  if (connack !== undefined) server.connacks.push(...Array(10).fill(connack));
  await server.listen();
  servers.push(server);
  return server;
}

/** The error of a connect that fails, after it was looked at. */
async function failure(url: unknown, options: unknown = {}): Promise<Error> {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const outcome = await connect(url as string, options as ConnectOptions).then(
    () => new Error('it connected'),
    (error: Error) => error,
  );
  expect(outcome.message).not.toBe('it connected');
  expectNoSecret(outcome, warned.mock.calls);
  return outcome;
}

/** Whether the test finds the word at all. */
it('finds a secret in every form', () => {
  const error = new Error('x', { cause: { deep: [{ password: utf8(secret('a')) }] } });
  expect(() => expectNoSecret(error)).toThrow();
  expect(() => expectNoSecret(new Map([[1, secret('b')]]))).toThrow();
  expect(() => expectNoSecret(Buffer.from(secret('c')).toString('base64'))).toThrow();
  expect(() => expectNoSecret(Buffer.from(secret('d')))).toThrow();
  expect(() => expectNoSecret(JSON.stringify({ password: utf8(word) }))).toThrow();
});

const credentials = { username: 'u', password: secret('password') };

describe('the password', () => {
  it('is in no error of a server that refuses it', async () => {
    for (const [version, connack] of [
      ['5.0', packet(0x20, 0, 0x86, properties(0x1f, string('no')))],
      ['3.1.1', packet(0x20, 0, 0x04)],
    ] as const) {
      const { url } = await serve(version, connack);
      await failure(url, { version, ...credentials });
      await failure(url, { version, username: 'u', password: utf8(secret('bytes')) });
      await failure(url, { version, credentials: async () => credentials });
      await failure(url.replace('//', `//u:${secret('url')}@`), { version });
      await failure(new URL(url.replace('//', `//u:${secret('url')}@`)), { version });
    }
  });

  it('is in no error of a network that fails, or of a server that is none', async () => {
    await failure('mqtt://127.0.0.1:1', credentials);
    await failure(`mqtt://u:${secret('url')}@127.0.0.1:1`);
    await failure(`mqtt://u:${secret('url')}@127.0.0.1:1`, {
      servers: [`mqtt://u:${secret('2')}@127.0.0.1:2`],
    });
    const closing = await serve('5.0', Uint8Array.of(0x30, 0x00));
    await failure(closing.url, { ...credentials, version: '5.0' });
    await failure(`ws://u:${secret('url')}@127.0.0.1:1/x?token=${secret('query')}`, credentials);
  });

  it('is in no error of options and URLs that cannot be', async () => {
    for (const password of [
      4711,
      { secret: word },
      [word],
      Symbol(word),
      `${word}\0`.repeat(10_000),
    ]) {
      await failure('mqtt://127.0.0.1:1', { username: 'u', password });
      await failure('mqtt://127.0.0.1:1', { credentials: () => ({ username: 'u', password }) });
    }
    await failure('mqtt://127.0.0.1:1', { credentials: () => ({ [word.slice(0, 3)]: word }) });
    for (const rest of ['', 'host:port', '[::1', 'host:1:2', ':1883', 'host/path', 'host#x', ' ']) {
      for (const scheme of ['mqtt://', 'mqqt://', 'http://', 'wss://', 'mqtt+unix://', '', '//']) {
        for (const url of [
          `${scheme}u:${secret('url')}@${rest}`,
          `${scheme}u:${secret('%zz')}@${rest}`,
          `${scheme}u:${secret('/#?@')}@${rest}`,
          `${scheme}${secret('name')}@${rest}`,
        ]) {
          // Some of them are URLs with hosts: those need not be looked up.
          const options = { servers: [''] };
          await failure(url, options);
          await failure('mqtt://127.0.0.1:1', { servers: [url, ''] });
        }
      }
    }
  });
});

describe('headers and queries', () => {
  const headers = {
    authorization: `Bearer ${secret('token')}`,
    cookie: `session=${secret('cookie')}`,
  };

  it('are in no error of a web server, nor followed elsewhere', async () => {
    let requests = 0;
    const web = createHttpServer((_, response) => {
      requests += 1;
      const location = `http://127.0.0.1:${portOf(web)}/elsewhere?${secret('back')}`;
      response.writeHead([401, 302, 404][requests % 3] ?? 500, { location }).end('no');
    });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const url = `ws://127.0.0.1:${portOf(web)}/mqtt?token=${secret('query')}`;
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await failure(url, { ...credentials, webSocket: { headers } });
      expect(requests).toBe(attempt);
    }
    await failure(url, { webSocket: { headers: { authorization: [secret('list')] } } });
    await failure(url, { webSocket: { headers: { authorization: `${word}\r\nx: y` } } });
    await failure(url, { webSocket: { header: headers } });
    web.close();
  });
});

describe.runIf(requires('openssl'))('a key and its passphrase', () => {
  it('are in no error of TLS', async () => {
    const { client, authority } = certificates();
    const [, keyLine = ''] = client.key.text.split('\n');
    for (const tls of [
      { cert: client.cert.text, key: client.key.text.replace('BEGIN', 'BEGUN') },
      { cert: authority.text, key: client.key.text },
      { cert: client.cert.text, key: `${word}${keyLine}`, passphrase: secret('passphrase') },
      { cert: client.cert.text, key: client.key.text, passphrase: [secret('passphrase')] },
      { cert: client.cert.text, key: client.key.text },
    ]) {
      const error = await failure('mqtts://127.0.0.1:1', { ...credentials, tls });
      expect(printed(error)).not.toContain(keyLine);
    }
  });
});

describe('a client that connected', () => {
  const authentication = {
    method: 'm',
    start: () => utf8(secret('start')),
    respond: () => utf8(secret('answer')),
  };

  async function connected(url: string): Promise<{ client: MqttClient; told: unknown[] }> {
    const told: unknown[] = [];
    const client = await connect(url.replace('//', `//u:${secret('url')}@`), {
      version: '5.0',
      clientId: 'c',
      ...credentials,
      authentication,
      trace: true,
      waitForConnection: false,
      store: fileStore(directory),
      reconnect: { maxAttempts: 2, minDelayMs: 1 },
    });
    client.on('packet', (...packets) => told.push(packets));
    client.on('status', (status) => told.push(status));
    client.on('error', (error) => told.push(error));
    return { client, told };
  }
  const directory = temporaryFolder('sessions');

  it('shows its secrets nowhere, but shows where it stands', async () => {
    const challenge = properties(0x15, string('m'), 0x16, binary(utf8(secret('challenge'))));
    const server = await serve('5.0', packet(0xf0, 0x18, challenge));
    const { client, told } = await connected(server.url);
    const connection = await server.connection(1);
    await connection.packet('AUTH', ({ type }) => type === 15);
    connection.write(packet(0x20, 0, 0, challenge));
    const subscription = await client.subscribe('a/+');
    const again = client.reauthenticate();
    again.catch(() => {});
    await connection.until(
      'a second AUTH',
      () => connection.packets.filter(({ type }) => type === 15).length === 2,
    );
    connection.write(packet(0xf0, 0, challenge));
    await again;
    const published = client.publish('a/b', 'x', { qos: 1 });
    connection.write(packet(0x30, string('a/b'), properties(), utf8('y')));
    for await (const message of subscription) {
      expectNoSecret(message);
      break;
    }
    expectNoSecret(client, subscription, published, await published, client.server, ...told);
    expect(told.length).toBeGreaterThan(10);
    expect(connection.packets.some(({ body }) => Buffer.from(body).includes(word))).toBe(true);

    expect(inspect(client)).toMatch(/^MqttClient \{\n {2}clientId: 'c',/);
    expect(inspect(client)).toContain(`server: 'mqtt://127.0.0.1:${server.port}'`);
    expect(JSON.parse(JSON.stringify(client))).toEqual({
      clientId: 'c',
      status: {
        state: 'connected',
        sessionPresent: false,
        server: `mqtt://127.0.0.1:${server.port}`,
        version: '5.0',
      },
      queued: { messages: 0, bytes: 0 },
    });
    await client.close();
    expect(inspect(client)).toContain("status: { state: 'closed'");
    expectNoSecret(client, ...told);
    for (const name of readdirSync(directory).filter((file) => file.endsWith('.journal'))) {
      expectNoSecret(readFileSync(join(directory, name)).toString('latin1'));
    }
  });

  it('tells nothing of the authentication data in the error of a server that refuses', async () => {
    const data = properties(0x15, string('m'), 0x16, binary(utf8(secret('challenge'))));
    const server = await serve('5.0', packet(0x20, 0, 0x87, data));
    const { client, told } = await connected(server.url);
    await vi.waitFor(() => expect(client.status.state).toBe('closed'));
    expectNoSecret(client, client.status, ...told);
    await client.close();
  });

  it('tells nothing of it when a handler throws, or the connection breaks', async () => {
    const server = await serve('5.0', packet(0x20, 0, 0, properties(0x15, string('m'))));
    const { client, told } = await connected(server.url);
    await client.subscribe('a', () => {
      throw new Error('of the application');
    });
    const connection = await server.connection(1);
    connection.write(packet(0x30, string('a'), properties(), utf8('y')));
    connection.write(packet(0x90, 0, 0));
    const statusOf = (one: unknown) => (one as { state?: string } | undefined)?.state;
    await vi.waitFor(() => expect(told.map(statusOf)).toContain('reconnecting'));
    await client.close({ timeoutMs: 0 });
    expect(told.some((one) => one instanceof Error)).toBe(true);
    expectNoSecret(client, ...told);
  });
});
