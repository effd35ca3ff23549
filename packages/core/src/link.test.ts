import { VirtualClock } from '@mqtt-kit/testkit';
import { describe, expect, it, vi } from 'vitest';
import { Link } from './link.ts';
import type { OpenTransport, Transport, TransportHandlers, TransportTarget } from './transport.ts';

const target: TransportTarget = {
  scheme: 'mqtt',
  hostname: 'h',
  port: 1883,
  path: '',
  tls: undefined,
  webSocket: undefined,
  maximumPacketSize: 100,
};

function setUp() {
  const clock = new VirtualClock();
  const calls: string[] = [];
  const link = new Link(1, clock, {
    onOpened: () => calls.push('opened'),
    onData: (_, chunk) => calls.push(`data ${chunk}`),
    space: () => undefined,
    onDrain: () => calls.push('drain'),
    onClosed: (closed) => calls.push(`closed ${closed.error?.message ?? ''}`.trim()),
  });
  const transport = {
    write: vi.fn<Transport['write']>(() => true),
    pause: vi.fn(),
    resume: vi.fn(),
    close: vi.fn(),
    destroy: vi.fn(),
  } satisfies Transport;
  let handlers!: TransportHandlers;
  let signal!: AbortSignal;
  let resolve!: (transport: Transport) => void;
  let reject!: (error: unknown) => void;
  const open: OpenTransport = (_target, given, abort) => {
    handlers = given;
    signal = abort;
    return new Promise((yes, no) => {
      resolve = yes;
      reject = no;
    });
  };
  link.open(open, target);
  return {
    clock,
    calls,
    link,
    transport,
    handlers,
    signal,
    reject,
    async opened() {
      resolve(transport);
      await clock.settle();
    },
  };
}

describe('Link', () => {
  it('tells what the transport does', async () => {
    const { calls, link, handlers, transport, opened } = setUp();
    expect(link.isOpen).toBe(false);
    await opened();
    expect(link.isOpen).toBe(true);
    handlers.onData(Uint8Array.of(1));
    handlers.onDrain();
    link.write([Uint8Array.of(2)]);
    expect(transport.write).toHaveBeenCalledWith([Uint8Array.of(2)]);
    handlers.onClosed(new Error('reset'));
    expect(calls).toEqual(['opened', 'data 1', 'drain', 'closed reset']);
    expect(link.isOpen).toBe(false);
    expect(link.wasOpened).toBe(true);
  });

  it('keeps data that comes before anybody heard that it is open', async () => {
    const { calls, handlers, opened } = setUp();
    handlers.onData(Uint8Array.of(1));
    handlers.onData(Uint8Array.of(2));
    expect(calls).toEqual([]);
    await opened();
    expect(calls).toEqual(['opened', 'data 1', 'data 2']);
  });

  it('tells once that it is closed, and nothing afterwards', async () => {
    const { calls, link, handlers, transport, opened } = setUp();
    await opened();
    link.destroy(new Error('enough'));
    handlers.onClosed(new Error('late'));
    handlers.onData(Uint8Array.of(1));
    handlers.onDrain();
    link.destroy();
    link.close();
    expect(link.write([Uint8Array.of(1)])).toBe(true);
    expect(calls).toEqual(['opened', 'closed enough']);
    expect(transport.write).not.toHaveBeenCalled();
    expect(transport.destroy).toHaveBeenCalledOnce();
  });

  it('ends an attempt that is given up, also when it succeeds all the same', async () => {
    const { calls, link, signal, transport, opened } = setUp();
    const reason = new Error('too late');
    link.destroy(reason);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe(reason);
    expect(calls).toEqual(['closed too late']);
    await opened();
    expect(transport.destroy).toHaveBeenCalledOnce();
    expect(calls).toEqual(['closed too late']);
  });

  it('tells why it could not be opened', async () => {
    const { calls, link, reject, clock } = setUp();
    reject(new Error('refused'));
    await clock.settle();
    expect(calls).toEqual(['closed refused']);
    expect(link.wasOpened).toBe(false);
    const thrower = new Link(2, clock, {
      onOpened() {},
      onData() {},
      space: () => undefined,
      onDrain() {},
      onClosed: (closed) => calls.push(`closed ${closed.error?.message}`),
    });
    thrower.open(() => {
      throw new Error('at once');
    }, target);
    await clock.settle();
    expect(calls.at(-1)).toBe('closed at once');
  });

  it('closes after what was written, hears the last words, and destroys what does not close', async () => {
    const { calls, clock, link, handlers, transport, opened } = setUp();
    await opened();
    link.pause();
    link.close();
    link.close();
    expect(transport.close).toHaveBeenCalledOnce();
    // What is paused would not see the end of the stream.
    expect(transport.resume).toHaveBeenCalledOnce();
    handlers.onData(Uint8Array.of(1));
    handlers.onDrain();
    expect(calls).toEqual(['opened', 'data 1']);
    await clock.advance(999);
    expect(transport.destroy).not.toHaveBeenCalled();
    await clock.advance(1);
    expect(transport.destroy).toHaveBeenCalledOnce();
    handlers.onData(Uint8Array.of(2));
    expect(calls).toEqual(['opened', 'data 1', 'closed']);
  });

  it('leaves no timer behind when the other side closes in time', async () => {
    const { clock, link, handlers, opened } = setUp();
    await opened();
    link.close();
    handlers.onClosed();
    expect(clock.scheduled).toBe(0);
  });

  it('takes a write that throws for the end', async () => {
    const { calls, link, transport, opened } = setUp();
    await opened();
    transport.write.mockImplementation(() => {
      throw new Error('broken');
    });
    expect(link.write([Uint8Array.of(1)])).toBe(true);
    expect(calls).toEqual(['opened', 'closed broken']);
  });
});
