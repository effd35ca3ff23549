import type { MqttError } from 'mqtt-kit';

/** Bounds on messages under way: past them the next one waits, and with it standard input. */
const mostMessages = 1000;
const mostBytes = 8 * 1024 * 1024;

/** Messages that share a promise: those of one flush at QoS 0, a single one otherwise. */
interface Group {
  readonly promise: Promise<unknown>;
  messages: number;
  bytes: number;
}

/** Counts the messages under way, and what became of them. */
export class PublishWindow {
  #last: Group | undefined;
  #messages = 0;
  #bytes = 0;
  #wake: (() => void) | undefined;
  #failures = 0;
  #firstFailure: MqttError | undefined;

  /** Messages under way. */
  get pending(): number {
    return this.#messages;
  }

  get full(): boolean {
    return this.#messages >= mostMessages || this.#bytes >= mostBytes;
  }

  /** Messages that were not published. */
  get failures(): number {
    return this.#failures;
  }

  get firstFailure(): MqttError | undefined {
    return this.#firstFailure;
  }

  add(promise: Promise<unknown>, bytes: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
    const last = this.#last;
    if (last !== undefined && last.promise === promise) {
      last.messages += 1;
      last.bytes += bytes;
      return;
    }
    const group: Group = { promise, messages: 1, bytes };
    this.#last = group;
    promise.then(
      () => this.#settle(group),
      (error: MqttError) => {
        this.#failures += group.messages;
        this.#firstFailure ??= error;
        this.#settle(group);
      },
    );
  }

  /** Resolves when there is room for another message. For one caller at a time. */
  async room(): Promise<void> {
    while (this.full) await this.#change();
  }

  /** Resolves when nothing is under way any more. */
  async empty(): Promise<void> {
    while (this.#messages > 0) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #settle(group: Group): void {
    if (this.#last === group) this.#last = undefined;
    this.#messages -= group.messages;
    this.#bytes -= group.bytes;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
