import type { Transport, TransportHandlers, TransportTarget } from '@mqtt-kit/core';
import { describe, expect, it } from 'vitest';
import { concatenate } from './scripted-connection.ts';
import type { ServerStream, ServerStreamEnd } from './server-stream.ts';
import { VirtualClock } from './virtual-clock.ts';
import { VirtualLink, type VirtualLinkOptions } from './virtual-link.ts';

const target: TransportTarget = {
  scheme: 'mqtt',
  hostname: 'virtual',
  port: 1883,
  path: '',
  tls: undefined,
  webSocket: undefined,
  maximumPacketSize: 1_000,
};
const never = new AbortController().signal;

/** A link with a client and a server that write down what they see. */
function setUp(options: Omit<VirtualLinkOptions, 'clock'> = {}) {
  const clock = new VirtualClock({ monotonicMs: 0 });
  const link = new VirtualLink({ clock, ...options });
  const seen = {
    server: undefined as unknown as ServerStream,
    toServer: [] as Uint8Array[],
    toClient: [] as Uint8Array[],
    clientClosed: [] as (Error | undefined)[],
    serverClosed: [] as ServerStreamEnd[],
    drained: 0,
  };
  link.listen((stream) => {
    seen.server = stream;
    return {
      onData: (chunk) => seen.toServer.push(chunk),
      onClosed: (end) => seen.serverClosed.push(end),
    };
  });
  const handlers: TransportHandlers = {
    onData: (chunk) => seen.toClient.push(chunk),
    onDrain: () => seen.drained++,
    onClosed: (error) => seen.clientClosed.push(error),
  };
  const open = (signal: AbortSignal = never): Promise<Transport> =>
    link.open(target, handlers, signal);
  return { clock, link, seen, open };
}

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('VirtualLink, connecting', () => {
  it('refuses, and names the host and port', async () => {
    const { link, open } = setUp({ connect: { outcome: 'refuse' } });
    await expect(open()).rejects.toMatchObject({
      code: 'connectionRefused',
      message: expect.stringContaining('virtual:1883'),
    });
    expect(link.openEnds).toBe(0);
  });

  it('refuses while nobody listens', async () => {
    const { link, open } = setUp();
    link.listen(undefined);
    await expect(open()).rejects.toMatchObject({ code: 'connectionRefused' });
  });

  it('accepts late', async () => {
    const { clock, link, open } = setUp({ connect: { outcome: 'accept', delayMs: 500 } });
    let opened = false;
    void open().then(() => {
      opened = true;
    });
    await clock.advance(499);
    expect(opened).toBe(false);
    expect(link.openEnds).toBe(1);
    await clock.advance(1);
    expect(opened).toBe(true);
    expect(link.openEnds).toBe(2);
  });

  it('plans each attempt', async () => {
    const { link, open } = setUp({
      connect: (attempt) => ({ outcome: attempt < 3 ? 'refuse' : 'accept' }),
    });
    await expect(open()).rejects.toThrow();
    await expect(open()).rejects.toThrow();
    await open();
    expect(link.attempts).toBe(3);
    expect(link.connections.length).toBe(1);
  });

  it.each(['hang', 'accept'] as const)(
    'ends an attempt that is aborted (%s), and nothing is left',
    async (outcome) => {
      const { clock, link, open } = setUp({ connect: { outcome, delayMs: 100 } });
      const abort = new AbortController();
      const attempt = open(abort.signal);
      attempt.catch(() => {});
      await clock.advance(50);
      abort.abort(new Error('changed my mind'));
      await expect(attempt).rejects.toThrow('changed my mind');
      expect(link.openEnds).toBe(0);
      expect(clock.scheduled).toBe(0);
      await clock.advance(100);
      expect(link.connections).toEqual([]);
    },
  );
});

describe('VirtualLink, carrying bytes', () => {
  it('carries bytes both ways, in order, each chunk in a turn of its own', async () => {
    const { clock, seen, open } = setUp();
    const client = await open();
    client.write([bytes(1, 2), bytes(3)]);
    client.write([bytes(4)]);
    seen.server.write(bytes(5, 6));
    await clock.settle();
    expect(seen.toServer).toEqual([bytes(1, 2), bytes(3), bytes(4)]);
    expect(seen.toClient).toEqual([bytes(5, 6)]);
  });

  it('cuts what is written into chunks in both directions', async () => {
    const { clock, seen, open } = setUp({ chunking: 'bytes' });
    const client = await open();
    client.write([bytes(1, 2, 3)]);
    seen.server.write(bytes(4, 5));
    await clock.settle();
    expect(seen.toServer).toEqual([bytes(1), bytes(2), bytes(3)]);
    expect(seen.toClient).toEqual([bytes(4), bytes(5)]);
  });

  it('takes its time, and never lets a later write overtake an earlier one', async () => {
    const delays = [300, 10];
    const { clock, seen, open } = setUp({ delayMs: () => delays.shift() ?? 0 });
    const client = await open();
    client.write([bytes(1)]);
    client.write([bytes(2)]);
    await clock.advance(299);
    expect(seen.toServer).toEqual([]);
    await clock.advance(1);
    expect(seen.toServer).toEqual([bytes(1), bytes(2)]);
  });

  it('hands chunks over by reference, so that memory written again too early is noticed', async () => {
    const { clock, seen, open } = setUp();
    const client = await open();
    const slab = bytes(1, 2);
    client.write([slab]);
    slab[0] = 99;
    await clock.settle();
    expect(seen.toServer).toEqual([bytes(99, 2)]);
  });

  it('says when too much is on its way, and once when it has drained', async () => {
    const { clock, link, seen, open } = setUp({ highWaterBytes: 3, delayMs: 10 });
    const client = await open();
    expect(client.write([bytes(1, 2, 3)])).toBe(true);
    expect(client.write([bytes(4)])).toBe(false);
    expect(client.write([bytes(5)])).toBe(false);
    expect(link.current.bytesWaiting).toBe(5);
    await clock.advance(10);
    expect(seen.drained).toBe(1);
    expect(client.write([bytes(6)])).toBe(true);
    await clock.advance(10);
    expect(seen.drained).toBe(1);
  });

  it('holds bytes back while the reader is paused', async () => {
    const { clock, seen, open } = setUp({ highWaterBytes: 1 });
    const client = await open();
    client.pause?.();
    seen.server.write(bytes(1));
    seen.server.pause();
    expect(client.write([bytes(2, 3)])).toBe(false);
    await clock.advance(1_000);
    expect([seen.toClient, seen.toServer, seen.drained]).toEqual([[], [], 0]);
    client.resume?.();
    seen.server.resume();
    await clock.settle();
    expect([seen.toClient, seen.toServer, seen.drained]).toEqual([[bytes(1)], [bytes(2, 3)], 1]);
  });
});

describe('VirtualLink, closing', () => {
  it('closes in order after the last byte when the client closes', async () => {
    const { clock, link, seen, open } = setUp({ delayMs: 5 });
    const client = await open();
    client.write([bytes(1)]);
    client.close();
    client.write([bytes(2)]);
    await clock.advance(5);
    expect(seen.toServer).toEqual([bytes(1)]);
    expect(seen.serverClosed).toEqual(['ended']);
    await clock.advance(5);
    expect(seen.clientClosed).toEqual([undefined]);
    expect(link.openEnds).toBe(0);
  });

  it('closes in order after the last byte when the server closes', async () => {
    const { clock, link, seen, open } = setUp();
    await open();
    seen.server.write(bytes(1));
    seen.server.end();
    await clock.settle();
    expect(seen.toClient).toEqual([bytes(1)]);
    expect(seen.clientClosed).toEqual([undefined]);
    expect(seen.serverClosed).toEqual(['ended']);
    expect(link.openEnds).toBe(0);
  });

  it('loses what is on its way when the client destroys, and calls nothing from within', async () => {
    const { clock, seen, open } = setUp();
    const client = await open();
    client.write([bytes(1)]);
    seen.server.write(bytes(2));
    client.destroy();
    expect(seen.clientClosed).toEqual([]);
    await clock.settle();
    expect([seen.toServer, seen.toClient]).toEqual([[], []]);
    expect([seen.clientClosed, seen.serverClosed]).toEqual([[undefined], ['reset']]);
  });

  it('tells the client of a reset by an error, and the server too', async () => {
    const { clock, seen, open } = setUp();
    await open();
    seen.server.write(bytes(1));
    seen.server.reset();
    await clock.settle();
    expect(seen.toClient).toEqual([]);
    expect(seen.clientClosed).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(seen.serverClosed).toEqual(['reset']);
  });

  it('tells each end once, whatever happens after', async () => {
    const { clock, link, seen, open } = setUp();
    const client = await open();
    link.current.cut();
    client.close();
    client.destroy();
    seen.server.reset();
    link.current.cut('orderly');
    await clock.settle();
    expect(seen.clientClosed.length).toBe(1);
    expect(seen.serverClosed.length).toBe(1);
    expect(link.openEnds).toBe(0);
  });

  it.each(['reset', 'orderly'] as const)(
    'cuts at any byte of either direction (%s)',
    async (manner) => {
      const { clock, link, seen, open } = setUp();
      const client = await open();
      client.write([bytes(1, 2)]);
      await clock.settle();
      link.current.cutAfter('toServer', 2, manner);
      client.write([bytes(3, 4, 5, 6)]);
      await clock.settle();
      expect(concatenate(seen.toServer)).toEqual(bytes(1, 2, 3, 4));
      expect(seen.serverClosed).toEqual([manner === 'reset' ? 'reset' : 'ended']);
      expect(seen.clientClosed.length).toBe(1);
      expect(seen.clientClosed[0] instanceof Error).toBe(manner === 'reset');
      expect(link.openEnds).toBe(0);
      expect(clock.scheduled).toBe(0);
    },
  );

  it('gives no sign when it is half-open, and carries on when it speaks again', async () => {
    const { clock, link, seen, open } = setUp();
    const client = await open();
    link.current.silence('toClient');
    client.write([bytes(1)]);
    seen.server.write(bytes(2));
    seen.server.end();
    await clock.advance(86_400_000);
    expect(seen.toServer).toEqual([bytes(1)]);
    expect([seen.toClient, seen.clientClosed]).toEqual([[], []]);
    link.current.speak();
    await clock.settle();
    expect(seen.toClient).toEqual([bytes(2)]);
    expect(seen.clientClosed).toEqual([undefined]);
  });

  it('does not complete a close while silent', async () => {
    const { clock, link, seen, open } = setUp();
    const client = await open();
    link.current.silence();
    client.close();
    await clock.advance(60_000);
    expect(link.openEnds).toBe(2);
    client.destroy();
    await clock.settle();
    expect(seen.clientClosed).toEqual([undefined]);
    expect(link.openEnds).toBe(0);
  });
});
