import type { Cancel, Clock } from './clock.ts';
import { MqttError } from './errors.ts';

/** What a caller may set to end its wait for a promise. */
export interface Limits {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Whether a caller set any. */
export function hasLimits(limits: Limits | undefined): limits is Limits {
  return limits !== undefined && (limits.signal !== undefined || limits.timeoutMs !== undefined);
}

/** The error of a signal that is aborted already. Nothing is begun then. */
export function abortedBefore(limits: Limits | undefined, what: string): MqttError | undefined {
  return limits?.signal?.aborted ? aborted(what, limits.signal) : undefined;
}

/** Watches the limits of one request until it settles. Everything it holds is let go then. */
export class RequestLimits {
  readonly #signal: AbortSignal | undefined;
  readonly #cancelTimer: Cancel | undefined;
  readonly #onAbort: () => void;

  /** Calls back at most once, with `timeout` or `aborted`. `what` says what was waited for: "the publish to 'a'". */
  constructor(clock: Clock, limits: Limits, what: string, onEnd: (error: MqttError) => void) {
    const { signal, timeoutMs } = limits;
    const end = (error: MqttError): void => {
      this.stop();
      onEnd(error);
    };
    this.#signal = signal;
    this.#onAbort = () => end(aborted(what, signal));
    if (signal !== undefined) listen(signal, this.#onAbort);
    if (timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY) {
      this.#cancelTimer = clock.schedule(clock.now().monotonicMs + timeoutMs, () =>
        end(new MqttError('timeout', `${what} was not done within ${timeoutMs} ms`)),
      );
    }
  }

  stop(): void {
    this.#cancelTimer?.();
    if (this.#signal !== undefined) unlisten(this.#signal, this.#onAbort);
  }
}

function aborted(what: string, signal: AbortSignal | undefined): MqttError {
  return new MqttError('aborted', `${what} was aborted`, { cause: signal?.reason });
}

/** One listener for each signal, whatever number of requests share it: platforms warn of many. */
const listening = new WeakMap<AbortSignal, { callbacks: Set<() => void>; stop: () => void }>();

function listen(signal: AbortSignal, callback: () => void): void {
  const shared = listening.get(signal);
  if (shared !== undefined) {
    shared.callbacks.add(callback);
    return;
  }
  const callbacks = new Set([callback]);
  const onAbort = (): void => {
    listening.delete(signal);
    for (const each of callbacks) each();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  listening.set(signal, {
    callbacks,
    stop: () => signal.removeEventListener('abort', onAbort),
  });
}

function unlisten(signal: AbortSignal, callback: () => void): void {
  const shared = listening.get(signal);
  if (shared === undefined) return;
  shared.callbacks.delete(callback);
  if (shared.callbacks.size > 0) return;
  listening.delete(signal);
  shared.stop();
}
