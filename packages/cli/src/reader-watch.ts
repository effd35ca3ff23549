/**
 * Notices that nobody reads a pipe any more: `mqtt-sub ... | head -1` should end when `head` has its line, not when
 * the next message fails to be written, which may be tomorrow.
 *
 * The kernel reports the closed pipe to whoever polls it, and Node polls a stream for reading alone. The writing end
 * of a pipe counts as not readable, so no stream of Node's public interface polls it; the handle of a TCP socket asks
 * for no such thing, and takes any descriptor. It is given a second descriptor of the pipe, since two handles must
 * not poll the same one. Reading from it fails with EBADF at the moment when the pipe is closed, and never before.
 *
 * Where any of this is missing (it needs Linux' /proc and a binding that Node keeps for old programs), the closed
 * pipe is noticed at the next message.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';

interface TcpHandle {
  open(descriptor: number): number;
}

interface TcpBinding {
  readonly TCP: new (type: number) => TcpHandle;
  readonly constants: { readonly SOCKET: number };
}

/** Calls back once when the reader of the pipe that is standard output is gone. Does not keep the process alive. */
export function watchOutputReader(onGone: () => void): void {
  const handle = pollingHandle(1);
  if (handle === undefined) return;
  const watcher = new Socket({ handle, readable: true, writable: false } as object);
  watcher.on('error', () => {});
  watcher.once('close', onGone);
  watcher.resume();
  watcher.unref();
}

function pollingHandle(descriptor: number): TcpHandle | undefined {
  let second: number | undefined;
  try {
    if (process.platform !== 'linux' || !fstatSync(descriptor).isFIFO()) return undefined;
    const { TCP, constants: types } = tcpBinding();
    const handle = new TCP(types.SOCKET);
    second = openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
    if (handle.open(second) === 0) return handle;
  } catch {
    // Told above: the next message tells.
  }
  if (second !== undefined) closeSync(second);
  return undefined;
}

/** A program's user can do nothing about how it does its work: what Node says to programmers is not shown. */
function tcpBinding(): TcpBinding {
  const settings = process as { noDeprecation?: boolean };
  const before = settings.noDeprecation ?? false;
  settings.noDeprecation = true;
  try {
    const { binding } = process as unknown as { binding(name: string): TcpBinding };
    return binding.call(process, 'tcp_wrap');
  } finally {
    settings.noDeprecation = before;
  }
}
