import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Transport } from '@mqtt-kit/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { portOf } from '../../../test/setup/ports.ts';
import { connectSocket } from './connect-socket.ts';
import { HandlerRecord, targetOf } from './handler-record.test-support.ts';
import { openSocket } from './open-socket.ts';
import { SocketTransport } from './socket-transport.ts';

const never = new AbortController().signal;
const servers: Server[] = [];
const peers: Socket[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const peer of peers.splice(0)) peer.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** Both ends of a connection; the server's end is paused. */
async function connected(): Promise<{ transport: Transport; record: HandlerRecord; peer: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const record = new HandlerRecord();
  const transport = await openSocket(targetOf('mqtt', portOf(server)), record, never);
  const [peer] = await accepted;
  peer.on('error', () => {});
  peers.push(peer);
  return { transport, record, peer };
}

async function readAll(peer: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of peer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const connack = Buffer.from([0x20, 2, 0, 0]);

describe('a socket transport', () => {
  it('sends the chunks of all writes in order', async () => {
    const { transport, peer } = await connected();
    expect(transport.write([Buffer.from('a'), Buffer.from('bc'), Buffer.from('def')])).toBe(true);
    expect(transport.write([Buffer.from('gh')])).toBe(true);
    transport.close();
    expect((await readAll(peer)).toString()).toBe('abcdefgh');
  });

  it('hands on received bytes as plain Uint8Arrays that stay as they are', async () => {
    const { transport, record, peer } = await connected();
    peer.write(connack);
    await record.received(4);
    const [first] = record.chunks;
    expect(first?.constructor).toBe(Uint8Array);
    peer.write(Buffer.alloc(70_000, 0xaa));
    await record.received(70_004);
    expect([...(first ?? [])]).toEqual([...connack]);
    transport.destroy();
  });

  it('reads nothing more once it is paused from within a read', async () => {
    const [one, other] = [await connected(), await connected()];
    const read = one.record.onData.bind(one.record);
    one.record.onData = (chunk) => {
      read(chunk);
      one.transport.pause?.();
    };
    one.peer.write(connack);
    await one.record.received(4);
    one.peer.write(connack);
    // This comes after what came for the paused one.
    other.peer.write(connack);
    await other.record.received(4);
    expect(one.record.chunks).toHaveLength(1);
    one.transport.resume?.();
    await one.record.received(8);
    one.transport.destroy();
    other.transport.destroy();
  });

  it('calls no handler before the one who opened it has the transport', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end(connack));
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const record = new HandlerRecord();
    const transport = await openSocket(targetOf('mqtt', portOf(server)), record, never);
    expect(record.calls).toEqual([]);
    expect(await record.closed()).toBeUndefined();
    expect(record.calls).toEqual(['data', 'closed']);
    transport.destroy();
  });

  it('says when to stop writing, and once when to go on', async () => {
    const { transport, record, peer } = await connected();
    const chunk = new Uint8Array(1 << 20);
    let written = 0;
    while (transport.write([chunk])) written++;
    // Somebody else's later write that looks small does not undo the promise of a call.
    expect(transport.write([new Uint8Array(2)])).toBe(false);
    expect(record.calls).toEqual([]);
    peer.resume();
    await record.drained();
    expect(transport.write([new Uint8Array(1)])).toBe(true);
    expect(record.calls).toEqual(['drain']);
    expect(written).toBeLessThan(64);
    transport.destroy();
  });

  it('takes a batch of 60 kB without asking to wait when the system takes it at once', async () => {
    const { transport, record } = await connected();
    expect(transport.write([new Uint8Array(60_000)])).toBe(true);
    transport.destroy();
    await record.closed();
    expect(record.calls).toEqual(['closed']);
  });

  it('holds received bytes back while it is paused', async () => {
    const { transport, record, peer } = await connected();
    peer.write(connack);
    await record.received(4);
    transport.pause?.();
    // More than the buffers on the way take: it all arrives when reading goes on, and not before.
    const sent = new Promise((resolve) => peer.write(Buffer.alloc(16 << 20), resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(record.bytes.length).toBe(4);
    expect(peer.writableLength).toBeGreaterThan(0);
    transport.resume?.();
    await sent;
    await record.received(4 + (16 << 20));
    transport.destroy();
  });

  it('can be paused before anything came', async () => {
    const { transport, record, peer } = await connected();
    transport.pause?.();
    const other = await connected();
    peer.write(connack);
    other.peer.write(connack);
    await other.record.received(4);
    expect(record.calls).toEqual([]);
    other.transport.destroy();
    transport.resume?.();
    await record.received(4);
    transport.destroy();
  });
});

/** A socket in our hands: what is written stays until we take it. */
class StillSocket extends Duplex {
  readonly taken: (() => void)[] = [];

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    this.taken.push(done);
  }

  override _read(): void {}

  /** Lets the oldest write leave. */
  async release(): Promise<void> {
    this.taken.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function onStillSocket(): { transport: Transport; record: HandlerRecord; socket: StillSocket } {
  const socket = new StillSocket({ highWaterMark: 16_384 });
  const record = new HandlerRecord();
  const explain = (): never => {
    throw new Error('no error is expected');
  };
  const connectedSocket = { socket: socket as unknown as Socket, explain };
  const transport = new SocketTransport(connectedSocket, targetOf('mqtt', 1), record);
  return { transport, record, socket };
}

describe('a socket transport with a slow socket', () => {
  it('asks to wait from 64 KiB on, whatever the socket thinks', async () => {
    const { transport, record, socket } = onStillSocket();
    expect(transport.write([new Uint8Array(20_000)])).toBe(true);
    await socket.release();
    expect(record.calls).toEqual([]);
    expect(transport.write([new Uint8Array(65_535)])).toBe(true);
    expect(transport.write([new Uint8Array(1)])).toBe(false);
    await socket.release();
    await socket.release();
    expect(record.calls).toEqual(['drain']);
    transport.destroy();
  });

  it('asks every write to wait until it has said when to go on', async () => {
    const { transport, record, socket } = onStillSocket();
    expect(transport.write([new Uint8Array(40_000)])).toBe(true);
    expect(transport.write([new Uint8Array(40_000)])).toBe(false);
    await socket.release();
    // Less than the mark waits now, but whoever got the answer above waits for `onDrain`.
    expect(transport.write([new Uint8Array(1)])).toBe(false);
    expect(record.calls).toEqual([]);
    await socket.release();
    await socket.release();
    expect(record.calls).toEqual(['drain']);
    expect(transport.write([new Uint8Array(1)])).toBe(true);
    transport.destroy();
  });

  it('waits with what came before, until the one who opened it has had its turn', async () => {
    const { transport, record, socket } = onStillSocket();
    socket.push(connack);
    await new Promise((resolve) => process.nextTick(resolve));
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    expect(record.calls).toEqual([]);
    await record.received(4);
    transport.destroy();
  });
});

describe('the end of a socket transport', () => {
  it('is told once, without an error, when we destroy it', async () => {
    const { transport, record } = await connected();
    transport.destroy();
    transport.destroy();
    transport.close();
    expect(await record.closed()).toBeUndefined();
    expect(transport.write([connack])).toBe(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(record.calls).toEqual(['closed']);
  });

  it('is told without an error when the server ends it after it has sent something', async () => {
    const { record, peer } = await connected();
    peer.end(connack);
    expect(await record.closed()).toBeUndefined();
    expect(record.calls).toEqual(['data', 'closed']);
  });

  it('suggests TLS when the server resets it before it has sent anything', async () => {
    const { record, peer } = await connected();
    peer.resetAndDestroy();
    expect(await record.closed()).toMatchObject({
      code: 'connectionLost',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ closed the connection before it sent/),
      hint: expect.stringContaining('mqtts://'),
      cause: expect.objectContaining({ code: 'ECONNRESET' }),
    });
    expect(record.calls).toEqual(['closed']);
  });

  it('is told with the reason when the server resets the connection', async () => {
    const { record, peer } = await connected();
    peer.write(connack);
    await record.received(4);
    peer.resetAndDestroy();
    expect(await record.closed()).toMatchObject({
      code: 'connectionLost',
      message: expect.stringMatching(
        /^the connection to 127\.0\.0\.1:\d+ was lost: connection reset$/,
      ),
    });
    expect(record.closings.length).toBe(1);
  });

  it('comes after everything written has left', async () => {
    const { transport, record, peer } = await connected();
    const big = Buffer.alloc(8 << 20, 7);
    transport.write([big, connack]);
    transport.close();
    const all = await readAll(peer);
    expect(all.length).toBe(big.length + connack.length);
    expect(all.subarray(-4)).toEqual(connack);
    peer.end();
    expect(await record.closed()).toBeUndefined();
  });

  it('hands on what the server still says after close', async () => {
    const { transport, record, peer } = await connected();
    transport.close();
    peer.end(connack);
    expect(await record.closed()).toBeUndefined();
    expect(record.calls).toEqual(['data', 'closed']);
  });

  it('drops what comes after destroy', async () => {
    const { transport, record, peer } = await connected();
    peer.write(connack);
    await record.received(4);
    peer.write(connack);
    transport.destroy();
    expect(await record.closed()).toBeUndefined();
    expect(record.calls).toEqual(['data', 'closed']);
  });

  it('is seen although reading was paused', async () => {
    const { transport, record, peer } = await connected();
    transport.pause?.();
    // No time limit helps here.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    peer.end(connack);
    transport.close();
    expect(await record.closed()).toBeUndefined();
  });

  it('is no error when the server resets the connection that we are closing', async () => {
    const { transport, record, peer } = await connected();
    transport.close();
    peer.resetAndDestroy();
    expect(await record.closed()).toBeUndefined();
  });

  it('comes two seconds after close when the server never closes its side', async () => {
    const { transport, record, peer } = await connected();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    transport.close();
    await readAll(peer);
    vi.advanceTimersByTime(1_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(record.calls).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(await record.closed()).toBeUndefined();
  });

  it('comes although the server reads nothing', async () => {
    const { transport, record } = await connected();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    while (transport.write([new Uint8Array(1 << 20)]));
    transport.close();
    vi.advanceTimersByTime(4_000);
    expect(await record.closed()).toBeUndefined();
  });

  it('throws no error into the process however late it comes', async () => {
    const { transport, record, peer } = await connected();
    while (transport.write([new Uint8Array(1 << 20)]));
    peer.resetAndDestroy();
    await record.closed();
    transport.write([connack]);
    transport.pause?.();
    transport.resume?.();
    transport.close();
    transport.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(record.closings.length).toBe(1);
  });

  it('leaves one listener on the socket, against uncaught errors', async () => {
    const server = createServer();
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const target = targetOf('mqtt', portOf(server));
    const connectedSocket = await connectSocket(target, never);
    const { socket } = connectedSocket;
    const record = new HandlerRecord();
    const before = socket.eventNames().map((name) => [name, socket.listenerCount(name)]);
    const transport = new SocketTransport(connectedSocket, target, record);
    await new Promise((resolve) => setImmediate(resolve));
    transport.destroy();
    await record.closed();
    expect(socket.eventNames().map((name) => [name, socket.listenerCount(name)])).toEqual(before);
    expect(socket.listenerCount('error')).toBe(1);
  });
});
