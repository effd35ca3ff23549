import type { TransportHandlers, TransportTarget } from '@mqtt-kit/core';

/** Handlers that keep what they are told, and promises for it. */
export class HandlerRecord implements TransportHandlers {
  /** Of the handlers called, in order. */
  readonly calls: string[] = [];
  readonly chunks: Uint8Array[] = [];
  /** The arguments of `onClosed`. */
  readonly closings: (Error | undefined)[] = [];
  readonly #waiting = new Set<{ holds(): boolean; resolve(): void }>();

  onData(chunk: Uint8Array): void {
    this.calls.push('data');
    this.chunks.push(chunk);
    this.#look();
  }

  onDrain(): void {
    this.calls.push('drain');
    this.#look();
  }

  onClosed(error?: Error): void {
    this.calls.push('closed');
    this.closings.push(error);
    this.#look();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** Resolves when so many bytes have come. */
  received(count: number): Promise<void> {
    return this.#until(() => this.chunks.reduce((sum, one) => sum + one.length, 0) >= count);
  }

  drained(): Promise<void> {
    return this.#until(() => this.calls.includes('drain'));
  }

  /** Resolves with what `onClosed` was told first. */
  async closed(): Promise<Error | undefined> {
    await this.#until(() => this.closings.length > 0);
    return this.closings[0];
  }

  #until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ holds, resolve }));
  }

  #look(): void {
    for (const one of this.#waiting) {
      if (!one.holds()) continue;
      this.#waiting.delete(one);
      one.resolve();
    }
  }
}

/** A target on the loopback interface. */
export function targetOf(
  scheme: string,
  port: number,
  rest: Partial<TransportTarget> = {},
): TransportTarget {
  return {
    scheme,
    hostname: '127.0.0.1',
    port,
    path: '/',
    tls: undefined,
    webSocket: undefined,
    maximumPacketSize: 16 * 1024 * 1024,
    ...rest,
  };
}

/** The error that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the promise did not reject');
}
