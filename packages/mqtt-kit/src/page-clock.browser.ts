/**
 * The clock of pages. Browsers let timers of a hidden page fire once a second, and after some minutes once a minute:
 * too late for a keep-alive of a minute. The latter befalls only timers that were set from within timers, several deep,
 * as those of a protocol are. So a timer is set from a message of the page to itself, which starts that count anew.
 */
import { type Cancel, type Clock, systemClock } from '@mqtt-kit/core';

/** Shorter waits do not matter: they are not set by each other. */
const shortWaitMs = 1_000;

let port: MessagePort | undefined;
const waiting: (() => void)[] = [];

/** Calls back in a task of its own that is no timer. */
function inMessage(callback: () => void): void {
  if (port === undefined) {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
    port = channel.port2;
  }
  waiting.push(callback);
  port.postMessage(0);
}

export const pageClock: Clock = {
  ...systemClock,

  schedule(atMonotonicMs: number, callback: () => void): Cancel {
    // Only pages have timers that wait for somebody to look.
    if (!globalThis.document || atMonotonicMs - performance.now() < shortWaitMs) {
      return systemClock.schedule(atMonotonicMs, callback);
    }
    let cancel: Cancel | undefined;
    let cancelled = false;
    inMessage(() => {
      if (!cancelled) cancel = systemClock.schedule(atMonotonicMs, callback);
    });
    return () => {
      cancelled = true;
      cancel?.();
    };
  },
};
