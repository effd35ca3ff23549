import { asError, MqttError } from './errors.ts';
import { SmallSet } from './small-set.ts';

const noEntries: readonly never[] = [];

type Listener = (...values: never[]) => unknown;

/** The same function may listen twice: each has its own removal. */
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
    const entry: Entry<Events> = { event, listener };
    // `concat` leaves no room for more, which is kept for as long as the client is.
    this.#entries = this.#entries.concat(entry);
    const remove = (): void => this.#remove(entry);
    return signal === undefined ? remove : this.#until(signal, remove);
  }

  /** A removal that lets go of the signal, too, which may remove by itself. */
  #until(signal: AbortSignal, remove: () => void): () => void {
    const end = (): void => {
      remove();
      release();
    };
    const release = (): void => {
      signal.removeEventListener('abort', end);
      this.#releases.delete(release);
    };
    signal.addEventListener('abort', end, { once: true });
    this.#releases.add(release);
    return end;
  }

  #remove(removed: Entry<Events>): void {
    const others = this.#entries.filter((entry) => entry !== removed);
    this.#entries = others.length > 0 ? others : noEntries;
  }

  /** Lets go of all signals: nothing more is to be told. */
  releaseSignals(): void {
    for (const release of this.#releases) release();
  }

  has(event: keyof Events): boolean {
    return this.#of(event).length > 0;
  }

  emit<K extends keyof Events>(event: K, ...values: Parameters<Events[K]>): void {
    for (const entry of this.#of(event)) this.#call(entry, values as never, []);
  }

  #of(event: keyof Events): readonly Entry<Events>[] {
    return this.#entries.filter((entry) => entry.event === event);
  }

  #onError(error: MqttError, except: readonly Entry<Events>[]): void {
    const others = this.#of(this.#errorEvent).filter((entry) => !except.includes(entry));
    if (others.length === 0) this.#onUnheard(error);
    for (const entry of others) this.#call(entry, [error] as never, except);
  }

  #call(entry: Entry<Events>, values: never[], failed: readonly Entry<Events>[]): void {
    const { event, listener } = entry;
    const onFailed = (thrown: unknown): void => {
      const cause = asError(thrown);
      const message = `a listener for the event "${String(event)}" threw: ${cause.message}`;
      this.#onError(new MqttError('handlerFailed', message, { cause }), [...failed, entry]);
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
