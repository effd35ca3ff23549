import { asError, MqttError } from './errors.ts';
import { SmallSet } from './small-set.ts';

const noEntries: readonly never[] = [];

type Listener = (...values: never[]) => unknown;

interface Entry<Events> {
  readonly event: keyof Events;
  readonly listener: Listener;
}

/**
 * Listeners by event. One that throws stops neither the others nor the client: what it threw goes to the `error`
 * listeners, and what one of those threw to the other ones.
 */
export class Listeners<Events extends { [K in keyof Events]: Listener }> {
  /** Replaced, never changed, so that a listener may add and remove while they are called. */
  #entries: readonly Entry<Events>[] = noEntries;
  /** Each lets go of a signal. */
  readonly #releases = new SmallSet<() => void>();
  readonly #errorEvent: keyof Events;
  readonly #onUnheard: (error: MqttError) => void;

  /**
   * `errorEvent` gets what listeners throw; its listeners take a `MqttError`. `onUnheard` gets it when there is none
   * of them that could.
   */
  constructor(errorEvent: keyof Events, onUnheard: (error: MqttError) => void = nothing) {
    this.#errorEvent = errorEvent;
    this.#onUnheard = onUnheard;
  }

  /** Returns a function that removes the listener; `signal` does so too. */
  on<K extends keyof Events>(event: K, listener: Events[K], signal?: AbortSignal): () => void {
    if (signal?.aborted) return () => {};
    // The same function may listen twice: each has its own removal.
    const own: Listener = (...values) => listener(...values);
    this.#entries = [...this.#entries, { event, listener: own }];
    const remove = (): void => {
      const others = this.#entries.filter((entry) => entry.listener !== own);
      this.#entries = others.length > 0 ? others : noEntries;
      release();
    };
    const release = (): void => {
      signal?.removeEventListener('abort', remove);
      this.#releases.delete(release);
    };
    if (signal !== undefined) {
      signal.addEventListener('abort', remove, { once: true });
      this.#releases.add(release);
    }
    return remove;
  }

  /** Lets go of all signals: nothing more is to be told. */
  releaseSignals(): void {
    for (const release of this.#releases) release();
  }

  has(event: keyof Events): boolean {
    return this.#of(event).length > 0;
  }

  emit<K extends keyof Events>(event: K, ...values: Parameters<Events[K]>): void {
    for (const listener of this.#of(event)) this.#call(listener, values as never, event, []);
  }

  #of(event: keyof Events): readonly Listener[] {
    return this.#entries.filter((entry) => entry.event === event).map(({ listener }) => listener);
  }

  #onError(error: MqttError, except: readonly Listener[]): void {
    const others = this.#of(this.#errorEvent).filter((listener) => !except.includes(listener));
    if (others.length === 0) this.#onUnheard(error);
    for (const listener of others) this.#call(listener, [error] as never, this.#errorEvent, except);
  }

  #call(
    listener: Listener,
    values: never[],
    event: keyof Events,
    failed: readonly Listener[],
  ): void {
    const onFailed = (thrown: unknown): void => {
      const cause = asError(thrown);
      const message = `a listener for the event "${String(event)}" threw: ${cause.message}`;
      this.#onError(new MqttError('handlerFailed', message, { cause }), [...failed, listener]);
    };
    try {
      const result: unknown = listener(...values);
      if (result instanceof Promise) result.catch(onFailed);
    } catch (thrown) {
      onFailed(thrown);
    }
  }
}

function nothing(): void {}
