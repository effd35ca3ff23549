import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  createServer as createPlainServer,
  type Server as PlainServer,
  type Socket,
} from 'node:net';
import type { MqttError, Transport, TransportTarget } from '@mqtt-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { certificates } from '../../../test/setup/certificates.ts';
import { portOf } from '../../../test/setup/ports.ts';
import { requires } from '../../../test/setup/requires.ts';
import {
  HandlerRecord,
  rejection,
  targetOf,
} from '../../transport-tcp/src/handler-record.test-support.ts';
import { openWebSocket as openOnPlatform } from './index.browser.ts';
import { openWebSocket as openInNode } from './index.ts';

const never = new AbortController().signal;
const cleanups: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const entries = [
  { entry: 'Node', open: openInNode },
  // The platform's WebSocket is a browser's. `ws` has the same interface; test/browser uses a real one.
  { entry: 'the browser', open: openOnPlatform },
] as const;

async function listen<S extends PlainServer>(server: S): Promise<S> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server;
}

interface Listener {
  readonly server: Server;
  readonly target: TransportTarget;
  /** The server's end of the next connection. */
  peer(): Promise<WebSocket>;
}

async function listenWebSocket(
  options: { selected?: string | false; path?: string } = {},
): Promise<Listener> {
  const server = await listen(createHttpServer());
  const { selected = 'mqtt' } = options;
  const webSockets = new WebSocketServer({ server, handleProtocols: () => selected });
  webSockets.on('connection', (socket) => socket.on('error', () => {}));
  return {
    server,
    target: targetOf('ws', portOf(server), { path: options.path ?? '/mqtt' }),
    peer: async () => (await once(webSockets, 'connection'))[0] as WebSocket,
  };
}

type Open = typeof openInNode;

async function connected(
  open: Open,
  rest: Partial<TransportTarget> = {},
): Promise<{
  transport: Transport;
  record: HandlerRecord;
  peer: WebSocket;
  target: TransportTarget;
}> {
  vi.stubGlobal('WebSocket', WebSocket);
  const { target, peer } = await listenWebSocket();
  const accepted = peer();
  const record = new HandlerRecord();
  const transport = await open({ ...target, ...rest }, record, never);
  return { transport, record, peer: await accepted, target };
}

function frames(peer: WebSocket, count: number): Promise<{ data: Buffer; binary: boolean }[]> {
  const found: { data: Buffer; binary: boolean }[] = [];
  return new Promise((resolve) => {
    peer.on('message', (data: Buffer, binary: boolean) => {
      found.push({ data, binary });
      if (found.length === count) resolve(found);
    });
  });
}

const connack = Buffer.from([0x20, 2, 0, 0]);

describe.each(entries)('a WebSocket transport of $entry', ({ open }) => {
  it('[MQTT-6.0.0-3] offers the subprotocol mqtt', async () => {
    vi.stubGlobal('WebSocket', WebSocket);
    const { server, target } = await listenWebSocket();
    const upgrade = once(server, 'upgrade');
    (await open(target, new HandlerRecord(), never)).destroy();
    const [request] = await upgrade;
    expect(request.headers['sec-websocket-protocol']).toBe('mqtt');
    expect(request.url).toBe('/mqtt');
  });

  it.each([false, 'other'] as const)(
    '[MQTT-6.0.0-4] refuses a server that selects %s',
    async (selected) => {
      vi.stubGlobal('WebSocket', WebSocket);
      const { target } = await listenWebSocket({ selected });
      const error = await rejection(open(target, new HandlerRecord(), never));
      expect(error).toMatchObject({ code: 'webSocketFailed' });
      // A browser does not tell what it refused.
      if (open === openInNode) {
        const what = selected ? 'the subprotocol "other"' : 'no subprotocol';
        expect((error as MqttError).message).toMatch(
          new RegExp(`^cannot open ws://.*: the server selected ${what}, not "mqtt"$`),
        );
      }
    },
  );

  it('[MQTT-6.0.0-1] sends what one write holds as one binary frame', async () => {
    const { transport, peer } = await connected(open);
    const received = frames(peer, 1);
    expect(transport.write([Buffer.from('ab'), Buffer.from('c'), Buffer.from('def')])).toBe(true);
    expect(await received).toEqual([{ data: Buffer.from('abcdef'), binary: true }]);
    const chunk = new Uint8Array([1, 2, 3]);
    const second = frames(peer, 1);
    transport.write([chunk]);
    expect((await second)[0]?.data).toEqual(Buffer.from([1, 2, 3]));
    expect([...chunk]).toEqual([1, 2, 3]);
    transport.destroy();
  });

  it('[MQTT-6.0.0-2] hands on frames as they come, empty ones left out', async () => {
    const { transport, record, peer } = await connected(open);
    for (const byte of connack) peer.send(Buffer.from([byte]));
    peer.send(Buffer.alloc(0));
    peer.send(Buffer.concat([connack, connack]));
    await record.received(12);
    expect(record.bytes).toEqual(Buffer.concat([connack, connack, connack]));
    expect(record.chunks.map((chunk) => chunk.constructor)).toEqual(
      record.chunks.map(() => Uint8Array),
    );
    expect(record.chunks.length).toBe(5);
    transport.destroy();
  });

  it('puts the pieces of a fragmented message together', async () => {
    const { transport, record, peer } = await connected(open);
    peer.send(connack.subarray(0, 1), { fin: false });
    peer.send(connack.subarray(1, 3), { fin: false });
    peer.send(connack.subarray(3), { fin: true });
    await record.received(4);
    expect(record.bytes).toEqual(connack);
    transport.destroy();
  });

  it('[MQTT-6.0.0-1] closes when the server sends text', async () => {
    const { record, peer } = await connected(open);
    const closed = once(peer, 'close');
    peer.send('hello');
    peer.send(connack);
    expect(await record.closed()).toMatchObject({
      name: 'MqttBreachError',
      code: 'protocolError',
      message: expect.stringContaining('sent text'),
    });
    await closed;
    expect(record.calls).toEqual(['closed']);
  });

  it('says when to stop writing, and when to go on', async () => {
    const { transport, record, peer } = await connected(open);
    peer.pause();
    const chunk = new Uint8Array(1 << 20);
    let written = 0;
    while (transport.write([chunk])) written++;
    expect(written).toBeLessThan(64);
    expect(transport.write([new Uint8Array(2)])).toBe(false);
    expect(record.calls).toEqual([]);
    peer.resume();
    await record.drained();
    expect(transport.write([new Uint8Array(1)])).toBe(true);
    transport.destroy();
  });

  it('tells code and reason of the server that closes', async () => {
    const { record, peer } = await connected(open);
    peer.close(1008, 'go away\u0007');
    expect(await record.closed()).toMatchObject({
      code: 'connectionLost',
      message: expect.stringMatching(/^ws:\/\/.* was closed with code 1008 \("go away\\u0007"\)$/),
    });
    expect(record.calls).toEqual(['closed']);
  });

  it('tells of a server that goes away without a word', async () => {
    const { record, peer } = await connected(open);
    peer.terminate();
    expect(await record.closed()).toMatchObject({ code: 'connectionLost' });
  });

  it('closes after everything written has left, without an error', async () => {
    const { transport, record, peer } = await connected(open);
    const received = frames(peer, 2);
    transport.write([new Uint8Array(4 << 20)]);
    transport.write([connack]);
    const closed = once(peer, 'close');
    transport.close();
    expect((await received)[1]?.data).toEqual(connack);
    await closed;
    expect(await record.closed()).toBeUndefined();
    expect(transport.write([connack])).toBe(false);
    expect(record.calls).toEqual(['closed']);
  });

  it('takes nothing that comes after destroy, and no text after close', async () => {
    const { transport, record, peer } = await connected(open);
    transport.close();
    peer.send('text');
    expect(await record.closed()).toBeUndefined();
    expect(record.calls).toEqual(['closed']);
    const other = await connected(open);
    other.transport.destroy();
    other.peer.send(connack);
    expect(await other.record.closed()).toBeUndefined();
    expect(other.record.calls).toEqual(['closed']);
  });

  it('waits two seconds for a server that does not answer the closing', async () => {
    const { transport, record, peer } = await connected(open);
    peer.pause();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    transport.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(record.calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await record.closed()).toBeUndefined();
  });

  it('ends at once when it is destroyed, and is told once', async () => {
    const { transport, record } = await connected(open);
    transport.destroy();
    transport.destroy();
    transport.close();
    expect(record.calls).toEqual([]);
    expect(await record.closed()).toBeUndefined();
    await new Promise((resolve) => setImmediate(resolve));
    expect(record.calls).toEqual(['closed']);
  });

  it('gives up when it is aborted before and during the handshake', async () => {
    vi.stubGlobal('WebSocket', WebSocket);
    const reason = new Error('enough');
    const early = open(targetOf('ws', 1), new HandlerRecord(), AbortSignal.abort(reason));
    expect(await rejection(early)).toBe(reason);
    // Accepts, and never answers.
    const server = await listen(createPlainServer());
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const controller = new AbortController();
    const record = new HandlerRecord();
    const opening = open(targetOf('ws', portOf(server)), record, controller.signal);
    const rejected = rejection(opening);
    const [peer] = await accepted;
    await once(peer, 'data');
    controller.abort(reason);
    expect(await rejected).toBe(reason);
    await once(peer.resume(), 'close');
    expect(record.calls).toEqual([]);
  });

  it('leaves the query, where tokens are, out of errors', async () => {
    vi.stubGlobal('WebSocket', WebSocket);
    const server = await listen(createHttpServer((_, response) => response.writeHead(404).end()));
    const target = targetOf('ws', portOf(server), { path: '/x?token=secret' });
    const error = (await rejection(open(target, new HandlerRecord(), never))) as MqttError;
    expect(`${error.message} ${error.hint}`).not.toContain('secret');
    expect(error.message).toContain('/x');
  });
});

describe('a WebSocket transport of Node', () => {
  it('holds received bytes back while it is paused, frames of one read too', async () => {
    const { transport, record, peer } = await connected(openInNode);
    record.onData = (chunk) => {
      HandlerRecord.prototype.onData.call(record, chunk);
      if (record.chunks.length === 1) transport.pause?.();
    };
    // Sent in one piece: the read that brings the first frame brings them all.
    const { _socket: socket } = peer as unknown as { _socket: Socket };
    socket.cork();
    for (let i = 0; i < 5; i++) peer.send(Buffer.from([i]));
    socket.uncork();
    await record.received(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(record.chunks.length).toBe(1);
    transport.resume?.();
    expect(record.chunks.length).toBe(1);
    await record.received(5);
    expect([...record.bytes]).toEqual([0, 1, 2, 3, 4]);
    transport.destroy();
  });

  it('stops reading from the network while it is paused', async () => {
    const { transport, record, peer } = await connected(openInNode);
    transport.pause?.();
    const sent = new Promise((resolve) => peer.send(new Uint8Array(8 << 20), resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(peer.bufferedAmount).toBeGreaterThan(0);
    transport.resume?.();
    await sent;
    await record.received(8 << 20);
    transport.destroy();
  });

  it('offers no compression', async () => {
    const { server, target } = await listenWebSocket();
    const upgrade = once(server, 'upgrade');
    (await openInNode(target, new HandlerRecord(), never)).destroy();
    expect((await upgrade)[0].headers).not.toHaveProperty('sec-websocket-extensions');
  });

  it('sends the headers it is given', async () => {
    const { server, target } = await listenWebSocket();
    const upgrade = once(server, 'upgrade');
    const webSocket = { headers: { Authorization: 'Bearer secret' } };
    (await openInNode({ ...target, webSocket }, new HandlerRecord(), never)).destroy();
    expect((await upgrade)[0].headers.authorization).toBe('Bearer secret');
  });

  it.each([
    [{ headers: { 'X-Bad': 'a\r\nb' } }, /^webSocket: .*X-Bad/],
    [{ protocols: ['not a token'] }, /^webSocket: .*subprotocol/],
  ])('refuses %o, and lets the socket go', async (webSocket, message) => {
    const { server, target } = await listenWebSocket();
    const closed = once(server, 'connection').then(([socket]) => once(socket, 'close'));
    const error = await rejection(openInNode({ ...target, webSocket }, new HandlerRecord(), never));
    expect(error).toMatchObject({ code: 'invalidArgument' });
    expect((error as Error).message).toMatch(message);
    await closed;
  });

  it('takes frames of several packets beyond the largest packet, within bounds', async () => {
    const { transport, record, peer } = await connected(openInNode, { maximumPacketSize: 1_000 });
    peer.send(new Uint8Array(500_000));
    await record.received(500_000);
    peer.send(new Uint8Array(1_000 + (1 << 20) + 1));
    expect(await record.closed()).toMatchObject({
      code: 'protocolError',
      hint: expect.stringContaining('maximumPacketSize'),
    });
    expect(record.chunks.length).toBe(1);
    transport.destroy();
  });

  it('names a breach of the WebSocket protocol', async () => {
    const { record, peer } = await connected(openInNode);
    const { _socket: socket } = peer as unknown as { _socket: Socket };
    // A reserved bit is set.
    socket.write(Buffer.from([0xc2, 0x01, 0x00]));
    expect(await record.closed()).toMatchObject({
      name: 'MqttBreachError',
      code: 'protocolError',
      message: expect.stringContaining('broke the WebSocket protocol'),
    });
  });

  it('closes although reading was paused', async () => {
    const { transport, record, peer } = await connected(openInNode);
    peer.send(connack);
    await record.received(4);
    transport.pause?.();
    // The server's answer to the closing comes behind all this.
    peer.send(new Uint8Array(8 << 20));
    // No time limit helps here.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    transport.close();
    expect(await record.closed()).toBeUndefined();
    expect(record.calls).toEqual(['data', 'data', 'closed']);
  });

  it('hands on what the server still says after close, in order, held back or not', async () => {
    const { transport, record, peer } = await connected(openInNode);
    record.onData = (chunk) => {
      HandlerRecord.prototype.onData.call(record, chunk);
      if (record.chunks.length === 1) transport.pause?.();
    };
    const { _socket: socket } = peer as unknown as { _socket: Socket };
    socket.cork();
    for (let i = 0; i < 3; i++) peer.send(Buffer.from([i]));
    socket.uncork();
    await record.received(1);
    await new Promise((resolve) => setImmediate(resolve));
    transport.close();
    peer.send(Buffer.from([3]));
    expect(await record.closed()).toBeUndefined();
    expect([...record.bytes]).toEqual([0, 1, 2, 3]);
  });

  it('answers pings', async () => {
    const { transport, peer } = await connected(openInNode);
    peer.ping('are you there');
    expect(String((await once(peer, 'pong'))[0])).toBe('are you there');
    transport.destroy();
  });

  it('calls no handler before the one who opened it has the transport', async () => {
    const { server, target } = await listenWebSocket();
    // The answer to the upgrade and the first frames in one piece.
    server.prependListener('upgrade', (_request, socket: Socket) => {
      socket.cork();
      setImmediate(() => socket.uncork());
    });
    const record = new HandlerRecord();
    const opening = openInNode(target, record, never);
    const [, upgraded] = (await once(server, 'upgrade')) as [unknown, Socket];
    upgraded.write(Buffer.from([0x82, 4, ...connack]));
    const transport = await opening;
    expect(record.calls).toEqual([]);
    await record.received(4);
    transport.destroy();
  });

  it('closes although the server reads nothing', async () => {
    const { transport, record, peer } = await connected(openInNode);
    peer.pause();
    while (transport.write([new Uint8Array(1 << 20)]));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    transport.close();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await record.closed()).toBeUndefined();
  });

  it('throws no error into the process however late it comes', async () => {
    const { transport, record, peer } = await connected(openInNode);
    peer.pause();
    while (transport.write([new Uint8Array(1 << 20)]));
    (peer as unknown as { _socket: Socket })._socket.resetAndDestroy();
    await record.closed();
    transport.write([connack]);
    transport.pause?.();
    transport.resume?.();
    transport.close();
    transport.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(record.closings.length).toBe(1);
  });
});

describe('a server that does not open a WebSocket', () => {
  async function answer(
    listener: RequestListener,
    path = '/',
    scheme = 'ws',
  ): Promise<{ message: string; hint: string | undefined; code: string }> {
    const server = await listen(createHttpServer(listener));
    const target = targetOf(scheme, portOf(server), { path });
    const error = (await rejection(openInNode(target, new HandlerRecord(), never))) as MqttError;
    return { message: error.message, hint: error.hint, code: error.code };
  }

  it.each([
    [404, '/x?token=1', /HTTP 404 \(Not Found\) for "\/x"$/, /try the path \/mqtt/],
    [404, '/mqtt', /HTTP 404/, /^Check port and path of the WebSocket listener\.$/],
    [401, '/mqtt', /HTTP 401 \(Unauthorized\)/, /webSocket\.headers/],
    [403, '/mqtt', /HTTP 403 \(Forbidden\)/, /webSocket\.headers/],
    [200, '/', /HTTP 200 \(OK\)/, /WebSocket listener/],
    [502, '/mqtt', /HTTP 502 \(Bad Gateway\)/, /proxy/],
  ])('is named when it answers %i for %s', async (status, path, message, hint) => {
    const error = await answer((_, response) => response.writeHead(status).end(), path);
    expect(error.code).toBe('webSocketFailed');
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  it('is not followed when it points elsewhere', async () => {
    const error = await answer((_, response) =>
      response.writeHead(301, { Location: 'https://other.test/mqtt?token=secret' }).end(),
    );
    expect(error.message).toContain('HTTP 301');
    expect(error.hint).toBe('It points to "https://other.test/mqtt": redirects are not followed.');
  });

  async function raw(scheme: string, say: (socket: Socket) => void): Promise<MqttError> {
    const server = await listen(createPlainServer((socket) => say(socket.on('error', () => {}))));
    const target = targetOf(scheme, portOf(server));
    return (await rejection(openInNode(target, new HandlerRecord(), never))) as MqttError;
  }

  it('is suspected to speak plain MQTT when it closes without an answer', async () => {
    expect(await raw('ws', (socket) => socket.end())).toMatchObject({
      code: 'webSocketFailed',
      message: expect.stringContaining('closed the connection without an answer'),
      hint: expect.stringContaining('mqtt://'),
    });
  });

  it('is suspected to speak plain MQTT when its answer is not HTTP', async () => {
    expect(await raw('ws', (socket) => socket.end(connack))).toMatchObject({
      code: 'webSocketFailed',
      message: expect.stringContaining('not HTTP'),
      hint: expect.stringContaining('mqtt://'),
    });
  });

  it('is known to expect TLS by its alert', async () => {
    const alert = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]);
    expect(await raw('ws', (socket) => socket.end(alert))).toMatchObject({
      code: 'webSocketFailed',
      message: expect.stringContaining('expects TLS'),
      hint: 'Try wss://.',
    });
  });

  it('is named when it accepts wrongly', async () => {
    const bytes =
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      'Sec-WebSocket-Accept: wrong\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n';
    expect(await raw('ws', (socket) => socket.write(bytes))).toMatchObject({
      code: 'webSocketFailed',
      message: expect.stringContaining('Sec-WebSocket-Accept'),
    });
  });

  it('is named like one of TCP when nobody listens', async () => {
    const server = await listen(createPlainServer());
    const port = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    const opening = openInNode(targetOf('ws', port), new HandlerRecord(), never);
    expect(await rejection(opening)).toMatchObject({
      code: 'connectionRefused',
      message: `cannot connect to 127.0.0.1:${port}: connection refused`,
    });
  });
});

describe.runIf(requires('openssl'))('wss in Node', () => {
  const pki = certificates();

  async function listenSecure(): Promise<{ target: TransportTarget; server: Server }> {
    const own = { cert: pki.server.cert.text, key: pki.server.key.text };
    const server = await listen(
      createHttpsServer({
        ...own,
        ca: pki.authority.text,
        requestCert: true,
        rejectUnauthorized: false,
      }),
    );
    new WebSocketServer({ server, handleProtocols: () => 'mqtt' }).on('connection', (peer) =>
      peer.on('message', (data: Buffer) => peer.send(data)),
    );
    return { server, target: targetOf('wss', portOf(server), { path: '/mqtt' }) };
  }

  it('verifies the server, shows our certificate and carries bytes', async () => {
    const { target, server } = await listenSecure();
    const secured = once(server, 'secureConnection');
    const tls = {
      ca: pki.authority.text,
      cert: pki.client.cert.text,
      key: pki.client.key.text,
    };
    const record = new HandlerRecord();
    const transport = await openInNode({ ...target, tls }, record, never);
    transport.write([connack]);
    await record.received(4);
    const [socket] = await secured;
    expect(socket.authorized).toBe(true);
    expect(socket.alpnProtocol).toBe('http/1.1');
    transport.close();
    expect(await record.closed()).toBeUndefined();
  });

  it('names what is wrong with the server as mqtts does, with no request sent', async () => {
    const { target, server } = await listenSecure();
    let requests = 0;
    server.on('upgrade', () => requests++).on('request', () => requests++);
    expect(await rejection(openInNode(target, new HandlerRecord(), never))).toMatchObject({
      code: 'tlsFailed',
      message: expect.stringContaining('unknown authority'),
    });
    const tls = { ca: '' };
    expect(
      await rejection(openInNode({ ...target, tls }, new HandlerRecord(), never)),
    ).toMatchObject({
      code: 'invalidArgument',
      message: 'tls.ca is empty',
    });
    expect(requests).toBe(0);
  });

  it('suggests ws:// when the server speaks no TLS', async () => {
    const { target } = await listenWebSocket();
    const opening = openInNode({ ...target, scheme: 'wss' }, new HandlerRecord(), never);
    expect(await rejection(opening)).toMatchObject({
      code: 'tlsFailed',
      hint: expect.stringContaining('ws://'),
    });
  });
});

describe('a WebSocket transport of the browser', () => {
  it('says what it cannot set', async () => {
    vi.stubGlobal('WebSocket', WebSocket);
    for (const rest of [{ tls: { ca: 'x' } }, { webSocket: { headers: { a: 'b' } } }]) {
      const opening = openOnPlatform(
        { ...targetOf('wss', 1), ...rest },
        new HandlerRecord(),
        never,
      );
      expect(await rejection(opening)).toMatchObject({
        code: 'invalidArgument',
        message: expect.stringMatching(/^(tls|webSocket\.headers) cannot be set here/),
      });
    }
  });

  it('says that there is no WebSocket', async () => {
    vi.stubGlobal('WebSocket', undefined);
    const opening = openOnPlatform(targetOf('ws', 1), new HandlerRecord(), never);
    expect(await rejection(opening)).toMatchObject({
      code: 'webSocketFailed',
      message: expect.stringContaining('no WebSocket'),
    });
  });

  it('explains a refusal of the platform', async () => {
    vi.stubGlobal(
      'WebSocket',
      class {
        constructor() {
          throw new Error('insecure');
        }
      },
    );
    const opening = openOnPlatform(targetOf('ws', 1), new HandlerRecord(), never);
    expect(await rejection(opening)).toMatchObject({
      code: 'webSocketFailed',
      message: expect.stringContaining('insecure'),
      hint: expect.stringContaining('wss://'),
    });
  });

  /** What the transport uses of a WebSocket, with the buffer in our hands. */
  class FakeWebSocket {
    static last: FakeWebSocket;
    readonly OPEN = 1;
    static selected = 'mqtt';
    readonly protocol: string = FakeWebSocket.selected;
    binaryType = 'blob';
    readyState = 1;
    bufferedAmount = 0;
    onopen: (() => void) | null = null;
    onerror: ((event: { message?: string }) => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    readonly send = vi.fn();
    readonly close = vi.fn();

    constructor() {
      FakeWebSocket.last = this;
      queueMicrotask(() => this.onopen?.());
    }
  }

  it('asks the platform for its buffer only while too much waits there', async () => {
    vi.stubGlobal('WebSocket', FakeWebSocket);
    vi.useFakeTimers();
    const record = new HandlerRecord();
    const transport = await openOnPlatform(targetOf('ws', 1), record, never);
    const socket = FakeWebSocket.last;
    expect(socket.binaryType).toBe('arraybuffer');
    expect(transport.write([connack])).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    socket.bufferedAmount = 262_144;
    expect(transport.write([connack])).toBe(false);
    expect(vi.getTimerCount()).toBe(1);
    socket.bufferedAmount = 200_000;
    vi.advanceTimersByTime(10);
    expect(record.calls).toEqual([]);
    // Whoever was told to wait is told when to go on: until then every write says the same.
    expect(transport.write([connack])).toBe(false);
    socket.bufferedAmount = 100_000;
    vi.advanceTimersByTime(10);
    expect(record.calls).toEqual(['drain']);
    expect(vi.getTimerCount()).toBe(0);
    expect(transport.write([connack])).toBe(true);
    socket.bufferedAmount = 262_144;
    transport.write([connack]);
    transport.destroy();
    expect(vi.getTimerCount()).toBe(0);
    expect(socket.close).toHaveBeenCalledOnce();
    expect(await record.closed()).toBeUndefined();
  });

  it.each(['', 'other'])(
    '[MQTT-6.0.0-4] closes when the platform accepts the subprotocol "%s"',
    async (selected) => {
      vi.stubGlobal('WebSocket', FakeWebSocket);
      FakeWebSocket.selected = selected;
      const opening = openOnPlatform(targetOf('ws', 1), new HandlerRecord(), never);
      expect(await rejection(opening)).toMatchObject({
        code: 'webSocketFailed',
        message: expect.stringContaining(selected === '' ? 'no subprotocol' : '"other"'),
      });
      FakeWebSocket.selected = 'mqtt';
      expect(FakeWebSocket.last.close).toHaveBeenCalledOnce();
    },
  );

  it.each([
    [{}, 'the platform does not say why'],
    [{ message: 'out of luck' }, 'out of luck'],
  ])('takes an error without a close as the end of the attempt: %o', async (event, reason) => {
    vi.stubGlobal('WebSocket', FakeWebSocket);
    const rejected = rejection(openOnPlatform(targetOf('ws', 1), new HandlerRecord(), never));
    FakeWebSocket.last.onerror?.(event);
    expect(await rejected).toMatchObject({
      code: 'webSocketFailed',
      message: `cannot open ws://127.0.0.1:1/: ${reason}`,
      hint: expect.stringContaining('/mqtt is usual'),
    });
  });

  it('lets a closing go that the platform does not finish', async () => {
    vi.stubGlobal('WebSocket', FakeWebSocket);
    vi.useFakeTimers();
    const record = new HandlerRecord();
    const transport = await openOnPlatform(targetOf('ws', 1), record, never);
    transport.close();
    vi.advanceTimersByTime(1_999);
    expect(record.calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(record.closings).toEqual([undefined]);
    FakeWebSocket.last.onclose?.({ code: 1006, reason: '' });
    expect(record.calls).toEqual(['closed']);
  });
});

describe('writing IPv6 hosts', () => {
  it('puts brackets around and leaves the zone out', async () => {
    const { webSocketUrl } = await import('./web-socket-url.ts');
    expect(webSocketUrl(targetOf('ws', 80, { hostname: 'fe80::1%eth0', path: '' }))).toBe(
      'ws://[fe80::1]:80/',
    );
    expect(webSocketUrl(targetOf('wss', 443, { hostname: 'a.test', path: '/m?x=1' }))).toBe(
      'wss://a.test:443/m?x=1',
    );
  });
});
