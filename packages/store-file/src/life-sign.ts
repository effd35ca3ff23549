/**
 * A socket in a folder on which a process listens for as long as it lives. The kernel ends it with the process, however
 * that ends, and shows it to everybody on the machine who sees the folder, whatever container he is in.
 */
import { chmodSync, closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

export interface LifeSign {
  end(): void;
}

/** Listens; `undefined` where that cannot be, on a file system without sockets for example. */
export function listenForLife(folder: string, name: string): LifeSign | undefined {
  // Elsewhere process numbers mean the same to everybody.
  if (process.platform !== 'linux') return undefined;
  const server = createServer((socket) => socket.destroy());
  server.on('error', () => {});
  const directory = openSync(folder, 'r');
  try {
    // `exclusive`: the workers of a cluster would all share one socket of their primary.
    server.listen({ path: shortPath(directory, name), exclusive: true });
    if (!server.listening) return undefined;
    server.unref();
    chmodSync(join(folder, name), 0o600);
  } catch {
    server.close();
    return undefined;
  } finally {
    closeSync(directory);
  }
  return {
    end() {
      server.close();
      rmSync(join(folder, name), { force: true });
    },
  };
}

/** Whether somebody listens. Who cannot be asked counts as living. */
export async function answers(folder: string, name: string): Promise<boolean> {
  const directory = openSync(folder, 'r');
  try {
    if (!existsSync(shortPath(directory, ''))) return true;
    const code = await failureToConnect(shortPath(directory, name));
    return code !== 'ENOENT' && code !== 'ECONNREFUSED';
  } finally {
    closeSync(directory);
  }
}

function failureToConnect(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

/** The path of a socket may have 107 bytes, that of a folder 4,095. */
function shortPath(directory: number, name: string): string {
  return `/proc/self/fd/${directory}/${name}`;
}
