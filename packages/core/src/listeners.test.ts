import { describe, expect, it, vi } from 'vitest';
import type { MqttError } from './errors.ts';
import { Listeners } from './listeners.ts';

interface Events {
  status: (state: string) => void;
  error: (error: MqttError) => void;
}

function setUp() {
  return new Listeners<Events>('error');
}

describe('Listeners', () => {
  it('calls every listener in order, until it is removed', () => {
    const listeners = setUp();
    const calls: string[] = [];
    const remove = listeners.on('status', (state) => calls.push(`a ${state}`));
    listeners.on('status', (state) => calls.push(`b ${state}`));
    listeners.emit('status', '1');
    remove();
    remove();
    listeners.emit('status', '2');
    expect(calls).toEqual(['a 1', 'b 1', 'b 2']);
  });

  it('gives the same function that listens twice two removals', () => {
    const listeners = setUp();
    const listener = vi.fn();
    const remove = listeners.on('status', listener);
    listeners.on('status', listener);
    remove();
    listeners.emit('status', 'x');
    expect(listener).toHaveBeenCalledOnce();
  });

  it('removes by a signal, and lets go of the signal', () => {
    const listeners = setUp();
    const abort = new AbortController();
    const removed = vi.spyOn(abort.signal, 'removeEventListener');
    const listener = vi.fn();
    listeners.on('status', listener, abort.signal)();
    expect(removed).toHaveBeenCalledOnce();
    listeners.on('status', listener, abort.signal);
    abort.abort();
    listeners.emit('status', 'x');
    listeners.on('status', listener, abort.signal);
    listeners.emit('status', 'y');
    expect(listener).not.toHaveBeenCalled();
    const other = new AbortController();
    const released = vi.spyOn(other.signal, 'removeEventListener');
    listeners.on('status', listener, other.signal);
    listeners.releaseSignals();
    expect(released).toHaveBeenCalledOnce();
  });

  it('lets listeners add and remove while they are called', () => {
    const listeners = setUp();
    const late = vi.fn();
    const remove = listeners.on('status', () => {
      remove();
      listeners.on('status', late);
    });
    const second = vi.fn();
    listeners.on('status', second);
    listeners.emit('status', 'x');
    expect(second).toHaveBeenCalledOnce();
    expect(late).not.toHaveBeenCalled();
  });

  it('hands what a listener throws to the error listeners, and calls the others', () => {
    const listeners = setUp();
    const errors: MqttError[] = [];
    const second = vi.fn();
    listeners.on('error', (error) => errors.push(error));
    listeners.on('status', () => {
      throw new TypeError('oops');
    });
    listeners.on('status', second);
    listeners.emit('status', 'x');
    expect(second).toHaveBeenCalledOnce();
    expect(errors).toMatchObject([
      {
        code: 'handlerFailed',
        message: 'a listener for the event "status" threw: oops',
        cause: { name: 'TypeError' },
      },
    ]);
  });

  it('hands what an error listener throws to the other error listeners, and ends there', () => {
    const listeners = setUp();
    const heard: string[] = [];
    listeners.on('error', () => {
      throw new Error('first');
    });
    listeners.on('error', (error) => {
      heard.push(error.message);
      throw new Error('second');
    });
    listeners.emit('error', { message: 'original' } as MqttError);
    expect(heard).toEqual(['a listener for the event "error" threw: first', 'original']);
  });
});
