/**
 * Stands between one client and its broker, cuts each connection at a random byte, and writes down all packets.
 *
 * Half of the cuts are resets, a third are orderly ends, the rest a silence of 300 ms and then a reset. Some fall into
 * the first bytes, where the session is being resumed.
 */
import { connect, createServer, type Socket } from 'node:net';
import { PacketType } from '@mqtt-kit/packet';
import type { Prng } from '@mqtt-kit/testkit';
import { portOf } from '../setup/ports.ts';
import { WireTrace } from './wire-trace.ts';

export interface FaultProxyOptions {
  /** Of the broker, on the loopback interface; asked at each connection. */
  readonly port: () => number;
  readonly version: '3.1.1' | '5.0';
  /** Bytes that a connection passes on before it is cut, at most; `undefined` for no cuts. */
  readonly cutWithinBytes: number | undefined;
  /** The packet behind CONNACK that shows the client at work again; without it CONNACK does. */
  readonly recoveredBy: 'connack' | 'acknowledgement';
  readonly prng: Prng;
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  readonly trace: WireTrace;
  readonly cuts: number;
  /** From each cut to the client being at work again, in milliseconds. */
  readonly recoveriesMs: readonly number[];
  /** No further cuts. */
  calm(): void;
  /** What is measured now is not a recovery from a cut: the client or the broker was ended. */
  forgetCut(): void;
}

/** Starts on a free port of the loopback interface. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const { prng } = options;
  const trace = new WireTrace(options.version);
  const sockets = new Set<Socket>();
  const recoveriesMs: number[] = [];
  let connections = 0;
  let cuts = 0;
  let calm = false;
  let cutAtMs: number | undefined;

  const recovered = (fromEvent: number): void => {
    if (cutAtMs === undefined) return;
    for (let index = fromEvent; index < trace.events.length; index++) {
      const event = trace.events[index];
      if (event?.connection !== connections || !event.fromServer) continue;
      const isAcknowledgement = event.type >= PacketType.puback && event.type <= PacketType.pubcomp;
      if (options.recoveredBy === 'connack' || isAcknowledgement) {
        recoveriesMs.push(performance.now() - cutAtMs);
        cutAtMs = undefined;
        return;
      }
    }
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const number = ++connections;
    const upstream = connect({ port: options.port(), host: '127.0.0.1', noDelay: true });
    const pair = [client, upstream];
    let silent = false;
    let left = { toServer: Number.POSITIVE_INFINITY, toClient: Number.POSITIVE_INFINITY };
    if (options.cutWithinBytes !== undefined) {
      const within = prng.chance(0.15) ? 60 : options.cutWithinBytes;
      const budget = prng.integer(0, within);
      left = prng.chance(0.5) ? { ...left, toServer: budget } : { ...left, toClient: budget };
    }
    const cut = (): void => {
      silent = true;
      cuts += 1;
      const draw = prng.integer(0, 9);
      const end = (): void => {
        cutAtMs = performance.now();
        for (const socket of pair) {
          if (draw >= 5 && draw < 8) socket.end();
          else socket.resetAndDestroy();
        }
        // Who does not answer an orderly end is not waited for.
        setTimeout(() => {
          for (const socket of pair) socket.destroy();
        }, 1_000).unref();
      };
      if (draw >= 8) setTimeout(end, 300);
      else setImmediate(end);
    };
    const forward = (from: Socket, to: Socket, way: 'toServer' | 'toClient'): void => {
      const tap = trace.tap(number, way === 'toClient');
      from.on('data', (chunk: Buffer) => {
        const seen = trace.events.length;
        tap(chunk);
        if (silent) return;
        const most = calm ? Number.POSITIVE_INFINITY : left[way];
        const part = most < chunk.byteLength ? chunk.subarray(0, most) : chunk;
        if (part.byteLength > 0 && to.writable) to.write(part);
        left[way] -= part.byteLength;
        if (part.byteLength < chunk.byteLength) cut();
        else if (way === 'toClient') recovered(seen);
      });
      from.on('end', () => {
        if (!silent) to.end();
      });
      from.on('error', () => {
        if (!silent) to.resetAndDestroy();
      });
      from.on('close', () => {
        sockets.delete(from);
        if (!silent) to.destroySoon();
      });
      sockets.add(from);
    };
    forward(client, upstream, 'toServer');
    forward(upstream, client, 'toClient');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: portOf(server),
    trace,
    get cuts() {
      return cuts;
    },
    recoveriesMs,
    calm: () => {
      calm = true;
    },
    forgetCut: () => {
      cutAtMs = undefined;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
