import { connect, createServer, type Socket } from 'node:net';
import { portOf } from './ports.ts';

export type ProxyDirection = 'toClient' | 'toServer';

export interface CuttingProxyOptions {
  /** The port of the loopback interface that it stands in front of. */
  readonly port: number;
  /** Holds back every chunk for so long, in each direction. Default 0. Can be changed by `delayMs`. */
  readonly delayMs?: number;
}

/** A TCP proxy in front of a broker that does to connections what networks do to them. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Holds for chunks that come from then on. */
  delayMs: number;
  /** While true, new connections are reset at once. */
  refusing: boolean;
  /** Connections that stand now. */
  readonly openConnections: number;
  /** Connections taken so far. */
  readonly acceptedConnections: number;
  /** Bytes passed on so far, over all connections. */
  readonly passed: Readonly<Record<ProxyDirection, number>>;
  /** Cuts all connections. Default a reset; `end` closes them in order. */
  cut(manner?: 'reset' | 'end'): void;
  /** Cuts the connection that carries the byte after `bytes` more in one direction, before that byte. */
  cutAfter(direction: ProxyDirection, bytes: number, manner?: 'reset' | 'end'): void;
  /** Passes nothing on any more on the connections that stand now, without a sign. New ones work. */
  silence(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  silent: boolean;
}

interface PlannedCut {
  readonly direction: ProxyDirection;
  readonly atByte: number;
  readonly manner: 'reset' | 'end';
}

/** Starts a proxy on a free port. Resolves when it takes connections. */
export async function startCuttingProxy(options: CuttingProxyOptions): Promise<CuttingProxy> {
  const pairs = new Set<Pair>();
  const passed = { toClient: 0, toServer: 0 };
  let accepted = 0;
  let planned: PlannedCut | undefined;

  const cutPair = (pair: Pair, manner: 'reset' | 'end') => {
    pair.silent = true;
    for (const socket of [pair.client, pair.server]) {
      if (manner === 'reset') socket.resetAndDestroy();
      else socket.destroySoon();
    }
  };
  const passOn = (pair: Pair, direction: ProxyDirection, chunk: Buffer) => {
    if (pair.silent) return;
    const to = direction === 'toClient' ? pair.client : pair.server;
    const left = planned?.direction === direction ? planned.atByte - passed[direction] : Infinity;
    const part = chunk.subarray(0, left);
    passed[direction] += part.length;
    if (to.writable) to.write(part);
    if (planned !== undefined && part.length < chunk.length) {
      const { manner } = planned;
      planned = undefined;
      // The part has to leave before a reset throws away what was not sent.
      to.write('', () => cutPair(pair, manner));
      pair.silent = true;
    }
  };
  const forward = (pair: Pair, from: Socket, direction: ProxyDirection) => {
    from.on('data', (chunk: Buffer) => {
      if (proxy.delayMs === 0) passOn(pair, direction, chunk);
      else setTimeout(() => passOn(pair, direction, chunk), proxy.delayMs);
    });
    const to = direction === 'toClient' ? pair.client : pair.server;
    const endOther = () => {
      if (!pair.silent) to.end();
    };
    from.on('end', () => {
      if (proxy.delayMs === 0) endOther();
      else setTimeout(endOther, proxy.delayMs);
    });
    from.on('error', () => {
      if (!pair.silent) to.resetAndDestroy();
    });
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    client.on('error', () => {});
    if (proxy.refusing) {
      client.resetAndDestroy();
      return;
    }
    accepted++;
    const upstream = connect({
      port: options.port,
      host: '127.0.0.1',
      noDelay: true,
      allowHalfOpen: true,
    });
    const pair: Pair = { client, server: upstream, silent: false };
    pairs.add(pair);
    for (const socket of [client, upstream]) {
      socket.once('close', () => {
        if (client.destroyed && upstream.destroyed) pairs.delete(pair);
      });
    }
    forward(pair, client, 'toServer');
    forward(pair, upstream, 'toClient');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const { client, server: upstream } of pairs) {
      client.destroy();
      upstream.destroy();
    }
    await closed;
  };
  const proxy: CuttingProxy = {
    port: portOf(server),
    delayMs: options.delayMs ?? 0,
    refusing: false,
    get openConnections() {
      return pairs.size;
    },
    get acceptedConnections() {
      return accepted;
    },
    passed,
    cut: (manner = 'reset') => {
      for (const pair of pairs) cutPair(pair, manner);
    },
    cutAfter: (direction, bytes, manner = 'reset') => {
      planned = { direction, atByte: passed[direction] + bytes, manner };
    },
    silence: () => {
      for (const pair of pairs) pair.silent = true;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return proxy;
}
