import { getEventListeners, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type LookupFunction, type Server, Socket } from 'node:net';
import { join } from 'node:path';
import { MqttError } from '@mqtt-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { freePorts, portOf } from '../../../test/setup/ports.ts';
import { temporaryFolder } from '../../../test/setup/temporary-folder.ts';
import { connectSocket } from './connect-socket.ts';
import { HandlerRecord, rejection, targetOf } from './handler-record.test-support.ts';
import { openSocket } from './open-socket.ts';

const never = new AbortController().signal;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A host with an address of each family. */
const bothFamilies: LookupFunction = (_host, _options, callback) =>
  callback(null, [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ]);

async function listen(where: { host: string; port: number } | string): Promise<Server> {
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => {}));
  });
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  if (typeof where === 'string') server.listen(where);
  else server.listen(where.port, where.host);
  await once(server, 'listening');
  return server;
}

async function echo(server: Server, target: ReturnType<typeof targetOf>): Promise<string> {
  server.on('connection', (socket) => socket.pipe(socket));
  const record = new HandlerRecord();
  const transport = await openSocket(target, record, never);
  transport.write([Buffer.from('hel'), Buffer.from('lo')]);
  await record.received(5);
  transport.destroy();
  return record.bytes.toString();
}

describe('openSocket', () => {
  it('connects over TCP', async () => {
    const server = await listen({ host: '127.0.0.1', port: 0 });
    expect(await echo(server, targetOf('mqtt', portOf(server)))).toBe('hello');
  });

  it('connects to an IPv6 address that is given without brackets', async () => {
    const server = await listen({ host: '::1', port: 0 });
    const target = targetOf('mqtt', portOf(server), { hostname: '::1' });
    expect(await echo(server, target)).toBe('hello');
  });

  it.each(['127.0.0.1', '::1'])('finds a server that listens on %s, one of two', async (host) => {
    const server = await listen({ host, port: 0 });
    const target = targetOf('mqtt', portOf(server), { hostname: 'two.test' });
    const { socket } = await connectSocket(target, never, { lookup: bothFamilies });
    expect(socket.remoteAddress).toBe(host);
    socket.destroy();
  });

  it('connects to a Unix socket', async () => {
    const path = join(temporaryFolder('socket'), 'mqtt.sock');
    const server = await listen(path);
    expect(await echo(server, targetOf('mqtt+unix', 0, { hostname: '', path }))).toBe('hello');
  });

  it('turns off the delay that gathers small writes', async () => {
    const server = await listen({ host: '127.0.0.1', port: 0 });
    const setNoDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
    cleanups.push(() => setNoDelay.mockRestore());
    const { socket } = await connectSocket(targetOf('mqtt', portOf(server)), never);
    expect(setNoDelay.mock.contexts).toContain(socket);
    expect(setNoDelay).toHaveBeenLastCalledWith(true);
    socket.destroy();
  });
});

describe('openSocket, refused,', () => {
  it('names host and port, and what to check', async () => {
    const [port = 0] = await freePorts(1);
    const error = await rejection(openSocket(targetOf('mqtt', port), new HandlerRecord(), never));
    expect(error).toBeInstanceOf(MqttError);
    expect(error).toMatchObject({
      code: 'connectionRefused',
      message: `cannot connect to 127.0.0.1:${port}: connection refused`,
      hint: expect.stringContaining('Is a server listening there?'),
      cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
    });
  });

  it('names in one line all the addresses it tried', async () => {
    const [port = 0] = await freePorts(1);
    const target = targetOf('mqtt', port, { hostname: 'two.test' });
    expect(await rejection(connectSocket(target, never, { lookup: bothFamilies }))).toMatchObject({
      code: 'connectionRefused',
      message: `cannot connect to two.test:${port}: connection refused (::1, 127.0.0.1)`,
      cause: expect.any(AggregateError),
    });
  });

  it('tells a host that does not exist from one that does not answer', async () => {
    const target = targetOf('mqtt', 1883, { hostname: 'no-such-host.invalid' });
    const error = await rejection(openSocket(target, new HandlerRecord(), never));
    expect(error).toMatchObject({
      code: 'hostNotFound',
      message: expect.stringMatching(/^cannot connect to no-such-host\.invalid:1883: /),
    });
  });

  it('names the socket file that is missing', async () => {
    const path = join(temporaryFolder('socket'), 'none.sock');
    const target = targetOf('mqtt+unix', 0, { hostname: '', path });
    expect(await rejection(openSocket(target, new HandlerRecord(), never))).toMatchObject({
      code: 'connectionRefused',
      message: `cannot connect to ${path}: no such socket file`,
      hint: expect.stringContaining('Check the path'),
    });
  });

  it('says that a file is no socket nobody listens on', async () => {
    const path = join(temporaryFolder('socket'), 'plain.txt');
    writeFileSync(path, 'text');
    const target = targetOf('mqtt+unix', 0, { hostname: '', path });
    expect(await rejection(openSocket(target, new HandlerRecord(), never))).toMatchObject({
      code: 'connectionRefused',
      message: `cannot connect to ${path}: connection refused`,
      hint: expect.stringContaining('no server listens'),
    });
  });
});

describe('openSocket, aborted,', () => {
  it('rejects with the reason of a signal that was aborted before', async () => {
    const reason = new Error('too late');
    const opening = openSocket(targetOf('mqtt', 1), new HandlerRecord(), AbortSignal.abort(reason));
    expect(await rejection(opening)).toBe(reason);
  });

  it('gives up while it looks up the name', async () => {
    const target = targetOf('mqtt', 1883, { hostname: 'slow.test' });
    const controller = new AbortController();
    const asked = new Promise<void>((resolve) => {
      const opening = connectSocket(target, controller.signal, { lookup: () => resolve() });
      opening.catch((error) => rejections.push(error));
    });
    const rejections: unknown[] = [];
    await asked;
    const reason = new Error('enough');
    controller.abort(reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(rejections).toEqual([reason]);
  });

  it('gives up while it connects, and the server sees the end', async () => {
    const server = await listen({ host: '127.0.0.1', port: 0 });
    const controller = new AbortController();
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const opening = openSocket(
      targetOf('mqtt', portOf(server)),
      new HandlerRecord(),
      controller.signal,
    );
    // The server's side may be there before ours is told.
    controller.abort();
    expect(await rejection(opening)).toBe(controller.signal.reason);
    server.close();
    const [end] = await Promise.race([once(server, 'close').then(() => ['none']), accepted]);
    if (typeof end !== 'string') await once(end.resume(), 'close');
  });

  it('leaves no listener on the signal, whatever the outcome', async () => {
    const server = await listen({ host: '127.0.0.1', port: 0 });
    const [free = 0] = await freePorts(1);
    const { signal } = new AbortController();
    const transport = await openSocket(
      targetOf('mqtt', portOf(server)),
      new HandlerRecord(),
      signal,
    );
    transport.destroy();
    await rejection(openSocket(targetOf('mqtt', free), new HandlerRecord(), signal));
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });
});
