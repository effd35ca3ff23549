import type { EnvironmentWatcher } from '@mqtt-kit/core';

/**
 * What a page knows of the network and of its own sleep; a worker knows of the network alone.
 *
 * A page that is put aside to come back later (the browser's back and forward buttons) gives its connection up: a
 * browser keeps no page with an open one, and nobody would answer the server meanwhile. A page that is closed for good
 * does nothing: its connection ends with it, without DISCONNECT, so that the server publishes its will.
 */
export function watchPage({ onAwake, onDoubt, onSuspend }: EnvironmentWatcher): () => void {
  const ended = new AbortController();
  const listen = (
    target: EventTarget | undefined,
    event: string,
    listener: (event: PageTransitionEvent) => void,
  ): void =>
    target?.addEventListener?.(event, listener as (event: Event) => void, { signal: ended.signal });
  const { document } = globalThis;
  listen(globalThis, 'online', onAwake);
  listen(globalThis, 'offline', onDoubt);
  listen(globalThis, 'pageshow', (event) => {
    if (event.persisted) onAwake();
  });
  listen(globalThis, 'pagehide', (event) => {
    if (event.persisted) onSuspend();
  });
  listen(document, 'resume', onAwake);
  listen(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') onAwake();
  });
  return () => ended.abort();
}
