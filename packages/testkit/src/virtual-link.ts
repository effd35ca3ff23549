/**
 * A network without sockets: an `OpenTransport` for the client and `ServerStream`s for the server, joined on a clock.
 *
 * It behaves as TCP does where a client can tell: bytes arrive in order or not at all, in chunks of any size; an
 * orderly end comes after the last byte; a reset comes at once and loses what was on its way; a silent peer gives no
 * sign. It is stricter where TCP leaves things to chance: `destroy` loses everything that has not arrived.
 */
import type {
  Cancel,
  Clock,
  OpenTransport,
  Transport,
  TransportHandlers,
  TransportTarget,
} from '@mqtt-kit/core';
import { MqttError } from '@mqtt-kit/core';
import { type Chunking, chunksOf } from './chunking.ts';
import { Prng } from './prng.ts';
import type {
  ServerStream,
  ServerStreamEnd,
  ServerStreamHandlers,
  ServerStreamListener,
} from './server-stream.ts';
import { VirtualPipe } from './virtual-pipe.ts';

/** What becomes of one attempt to connect. `hang`: no answer for ever, as from a host behind a firewall. */
export interface ConnectPlan {
  readonly outcome: 'accept' | 'refuse' | 'hang';
  /** Time before that outcome. Default 0. */
  readonly delayMs?: number;
  /** In place of `connectionRefused`. */
  readonly error?: Error;
}

export type Direction = 'toClient' | 'toServer';

/** How a connection is cut: a reset loses what is on its way, an orderly end comes after it. */
export type CutManner = 'reset' | 'orderly';

export interface VirtualLinkOptions {
  readonly clock: Clock;
  /** Of random chunks. Default 1. */
  readonly seed?: number;
  /** Default `whole`. */
  readonly chunking?: Chunking;
  /** From writing to arrival, in each direction; a function is asked for each write. Default 0. */
  readonly delayMs?: number | ((direction: Direction) => number);
  /** What becomes of attempts to connect; a function is asked for each, numbered from 1. Default accept. */
  readonly connect?: ConnectPlan | ((attempt: number, target: TransportTarget) => ConnectPlan);
  /** Bytes on their way from which on `write` returns false. Default 65,536. */
  readonly highWaterBytes?: number;
}

export class VirtualLink {
  readonly clock: Clock;
  /** Every connection that was accepted, in order. */
  readonly connections: VirtualConnection[] = [];
  /** Can be changed at any time; holds for what is written from then on. */
  chunking: Chunking;
  delayMs: number | ((direction: Direction) => number);
  connect: ConnectPlan | ((attempt: number, target: TransportTarget) => ConnectPlan);
  readonly highWaterBytes: number;
  /** Attempts to connect so far. */
  attempts = 0;
  readonly prng: Prng;
  #listener: ServerStreamListener | undefined;
  #opening = 0;

  constructor(options: VirtualLinkOptions) {
    this.clock = options.clock;
    this.prng = new Prng(options.seed ?? 1);
    this.chunking = options.chunking ?? 'whole';
    this.delayMs = options.delayMs ?? 0;
    this.connect = options.connect ?? { outcome: 'accept' };
    this.highWaterBytes = options.highWaterBytes ?? 65_536;
  }

  /** Says who takes connections. Without a listener they are refused. */
  listen(listener: ServerStreamListener | undefined): void {
    this.#listener = listener;
  }

  /** The client's way in: an `OpenTransport` that can be handed around alone. */
  readonly open: OpenTransport = (target, handlers, signal) => this.#open(target, handlers, signal);

  /** Ends of connections that are not closed; an attempt under way counts as one. 0 when nothing leaks. */
  get openEnds(): number {
    let ends = this.#opening;
    for (const connection of this.connections) ends += connection.openEnds;
    return ends;
  }

  /** The newest connection. Throws when there is none. */
  get current(): VirtualConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('no connection was made over this link');
    return connection;
  }

  async #open(
    target: TransportTarget,
    handlers: TransportHandlers,
    signal: AbortSignal,
  ): Promise<Transport> {
    signal.throwIfAborted();
    const attempt = ++this.attempts;
    const plan = typeof this.connect === 'function' ? this.connect(attempt, target) : this.connect;
    this.#opening++;
    try {
      await this.#wait(plan, signal);
    } finally {
      this.#opening--;
    }
    signal.throwIfAborted();
    if (plan.outcome === 'refuse' || this.#listener === undefined) {
      throw plan.error ?? refused(target, this.#listener === undefined);
    }
    const connection = new VirtualConnection(this, handlers, this.#listener);
    this.connections.push(connection);
    return connection.clientEnd;
  }

  #wait(plan: ConnectPlan, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let cancel: Cancel = () => {};
      const onAbort = () => {
        cancel();
        reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (plan.outcome === 'hang') return;
      cancel = this.clock.schedule(this.clock.now().monotonicMs + (plan.delayMs ?? 0), () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
    });
  }
}

/** One connection over the link, with the faults that a test can put into it. */
export class VirtualConnection {
  readonly clientEnd: Transport;
  readonly serverEnd: ServerStream;
  readonly #link: VirtualLink;
  readonly #clientHandlers: TransportHandlers;
  readonly #serverHandlers: ServerStreamHandlers;
  readonly #toServer: VirtualPipe;
  readonly #toClient: VirtualPipe;
  #clientOpen = true;
  #serverOpen = true;
  #clientEnded = false;
  #serverEnded = false;
  #drainOwed = false;

  constructor(link: VirtualLink, handlers: TransportHandlers, listener: ServerStreamListener) {
    this.#link = link;
    this.#clientHandlers = handlers;
    this.#toServer = new VirtualPipe(
      link.clock,
      {
        onData: (chunk) => this.#serverHandlers.onData(chunk),
        onEnd: () => {
          this.#closeServer('ended');
          this.#endTowardsClient();
        },
      },
      () => this.#drained(),
    );
    this.#toClient = new VirtualPipe(
      link.clock,
      {
        onData: (chunk) => this.#clientHandlers.onData(chunk),
        onEnd: () => {
          this.#closeClient(undefined);
          this.#endTowardsServer();
        },
      },
      () => {},
    );
    this.clientEnd = this.#makeClientEnd();
    this.serverEnd = this.#makeServerEnd(`connection ${link.connections.length + 1}`);
    this.#serverHandlers = listener(this.serverEnd);
  }

  /** 2 while it stands, 0 when both ends are closed. */
  get openEnds(): number {
    return Number(this.#clientOpen) + Number(this.#serverOpen);
  }

  /** Bytes that have arrived at the server. */
  get bytesToServer(): number {
    return this.#toServer.deliveredBytes;
  }

  /** Bytes that have arrived at the client. */
  get bytesToClient(): number {
    return this.#toClient.deliveredBytes;
  }

  /** Bytes that the client wrote and the server has not got. */
  get bytesWaiting(): number {
    return this.#toServer.waitingBytes;
  }

  /** Cuts the connection for both ends. Default a reset. */
  cut(manner: CutManner = 'reset'): void {
    if (manner === 'orderly') {
      this.#endTowardsClient();
      this.#endTowardsServer();
      return;
    }
    this.#toClient.destroy();
    this.#toServer.destroy();
    this.#closeClient(resetError());
    this.#closeServer('reset');
  }

  /** Cuts when `bytes` more have arrived in one direction: at any place inside a packet. */
  cutAfter(direction: Direction, bytes: number, manner: CutManner = 'reset'): void {
    const pipe = direction === 'toClient' ? this.#toClient : this.#toServer;
    pipe.cutAfter(bytes, () => {
      // What comes after the cut is lost in an orderly end too: the cut stands at this byte.
      pipe.destroy();
      if (manner === 'reset') return this.cut('reset');
      this.#toClient.destroy();
      this.#toServer.destroy();
      this.#closeClient(undefined);
      this.#closeServer('ended');
    });
  }

  /** Half-open: nothing arrives any more, in one direction or both, and nobody is told. */
  silence(direction: Direction | 'both' = 'both'): void {
    if (direction !== 'toServer') this.#toClient.silence();
    if (direction !== 'toClient') this.#toServer.silence();
  }

  /** Ends a silence: what was written meanwhile arrives now. */
  speak(): void {
    this.#toClient.speak();
    this.#toServer.speak();
  }

  #makeClientEnd(): Transport {
    const write = (chunks: readonly Uint8Array[]): boolean => {
      if (!this.#clientOpen || this.#clientEnded) return true;
      this.#send(this.#toServer, chunks, 'toServer');
      this.#drainOwed ||= this.#toServer.waitingBytes > this.#link.highWaterBytes;
      return !this.#drainOwed;
    };
    return {
      write,
      pause: () => this.#toClient.pause(),
      resume: () => this.#toClient.resume(),
      close: () => this.#endTowardsServer(),
      destroy: () => {
        this.#toClient.destroy();
        this.#toServer.destroy();
        this.#closeClient(undefined);
        this.#closeServer('reset');
      },
    };
  }

  #makeServerEnd(name: string): ServerStream {
    return {
      name,
      write: (chunk) => {
        if (this.#serverOpen && !this.#serverEnded) this.#send(this.#toClient, [chunk], 'toClient');
      },
      pause: () => this.#toServer.pause(),
      resume: () => this.#toServer.resume(),
      end: () => this.#endTowardsClient(),
      reset: () => this.cut('reset'),
    };
  }

  #send(pipe: VirtualPipe, chunks: readonly Uint8Array[], direction: Direction): void {
    const { chunking, prng } = this.#link;
    const delayMs = this.#delayMs(direction);
    for (const chunk of chunks) pipe.write(chunksOf(chunk, chunking, prng), delayMs);
  }

  #delayMs(direction: Direction): number {
    const { delayMs } = this.#link;
    return typeof delayMs === 'function' ? delayMs(direction) : delayMs;
  }

  #endTowardsServer(): void {
    if (this.#clientEnded) return;
    this.#clientEnded = true;
    this.#toServer.end(this.#delayMs('toServer'));
  }

  #endTowardsClient(): void {
    if (this.#serverEnded) return;
    this.#serverEnded = true;
    this.#toClient.end(this.#delayMs('toClient'));
  }

  #drained(): void {
    if (!this.#drainOwed || !this.#clientOpen) return;
    this.#drainOwed = false;
    this.#clientHandlers.onDrain();
  }

  /** Handlers are called in a turn of their own, never inside a call of the one who closed. */
  #closeClient(error: Error | undefined): void {
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.#later(() => this.#clientHandlers.onClosed(error));
  }

  #closeServer(end: ServerStreamEnd): void {
    if (!this.#serverOpen) return;
    this.#serverOpen = false;
    this.#later(() => this.#serverHandlers.onClosed(end));
  }

  #later(callback: () => void): void {
    this.#link.clock.schedule(this.#link.clock.now().monotonicMs, callback);
  }
}

function refused(target: TransportTarget, nobodyListens: boolean): MqttError {
  const why = nobodyListens ? 'nobody listens on the virtual link' : 'the virtual link refuses';
  return new MqttError(
    'connectionRefused',
    `${target.hostname}:${target.port} refused the connection: ${why}`,
  );
}

function resetError(): Error {
  return Object.assign(new Error('the connection was reset (ECONNRESET)'), { code: 'ECONNRESET' });
}
