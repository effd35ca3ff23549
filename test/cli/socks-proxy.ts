import { connect, createServer, type Socket } from 'node:net';
import { portOf } from '../setup/ports.ts';

/** A SOCKS5 proxy with a password, which leads every connection to one port of this machine. */
export interface SocksProxy extends AsyncDisposable {
  readonly url: string;
  /** What it was asked: greeting in hexadecimal, credentials, host; once for each connection. */
  readonly asked: readonly string[];
}

/** For `me` with the password `p@ss`. */
export async function startSocksProxy(port: number): Promise<SocksProxy> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer(async (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const next = () => new Promise<Buffer>((resolve) => socket.once('data', resolve));
    asked.push((await next()).toString('hex'));
    socket.write(Buffer.of(5, 2));
    asked.push((await next()).toString('latin1'));
    socket.write(Buffer.of(1, 0));
    asked.push((await next()).subarray(5, -2).toString());
    const server = connect(port, '127.0.0.1', () => {
      socket.write(Buffer.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 0));
      socket.pipe(server).pipe(socket);
    });
    server.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `socks5h://me:p%40ss@127.0.0.1:${portOf(proxy)}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
