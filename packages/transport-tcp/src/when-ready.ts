import type { Socket } from 'node:net';

/**
 * Waits until the socket is connected, or its TLS handshake done. A failure destroys the socket and rejects with what
 * `explain` makes of it; an abort destroys it and rejects with the signal's reason. No listener is left but one that
 * keeps later errors from being uncaught.
 */
export function whenReady(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
  explain: (error: Error) => Error,
): Promise<void> {
  // A socket without an `error` listener would end the process, even long after it was given up.
  socket.on('error', ignoreError);
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      socket.off(event, onReady);
      socket.off('error', onError);
      socket.off('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    const onReady = (): void => {
      settle();
      resolve();
    };
    const onError = (error: Error): void => {
      settle();
      socket.destroy();
      reject(explain(error));
    };
    const onClose = (): void => onError(new Error('the connection was closed'));
    const onAbort = (): void => {
      settle();
      socket.destroy();
      reject(signal.reason);
    };
    socket.on(event, onReady);
    socket.on('error', onError);
    socket.on('close', onClose);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

/** Listens to errors of a socket that nobody has, or has yet. */
export function ignoreError(): void {}
