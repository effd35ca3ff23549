/**
 * Sockets that the client does not make by itself: from a local address, through a SOCKS5 proxy (RFC 1928, RFC 1929),
 * with a pre-shared key. Loaded when the command line asks for one.
 */
import { appendFileSync } from 'node:fs';
import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, type TLSSocket } from 'node:tls';
import { type SocketOptions, socketOpener } from '@mqtt-kit/transport-tcp';
import { webSocketOpener } from '@mqtt-kit/transport-websocket';
import type { OpenTransport, TransportTarget } from 'mqtt-kit';
import type { PreSharedKey, SocketSettings, SocksProxy } from './socket-settings.ts';

/** `undefined`: sockets of the usual kind. */
export function customSocketOpener(settings: SocketSettings | undefined): OpenTransport {
  const options = settings && socketOptions(settings);
  const plain = socketOpener(options);
  const web = webSocketOpener(options);
  return (target, ...rest) => (target.scheme.startsWith('ws') ? web : plain)(target, ...rest);
}

function socketOptions(settings: SocketSettings): SocketOptions {
  const { keyLogFile } = settings;
  const alert = new CertificateAlert();
  return {
    open: (target) => {
      if (settings.proxy !== undefined) {
        return throughProxy(target, settings.proxy, settings.localAddress);
      }
      alert.plain = connect(direct(target, settings.localAddress));
      return alert.plain;
    },
    secure: { ...(settings.alerts ? alert.options : {}), ...secureOptions(settings) },
    onSecure: (socket) => {
      alert.secure = socket;
      if (keyLogFile === undefined) return;
      socket.on('keylog', (line: Uint8Array) => appendFileSync(keyLogFile, line, { mode: 0o600 }));
    },
  };
}

/** The alert bad_certificate, as it stands on the wire before anything is encrypted. (RFC 8446, 6) */
const badCertificate = Uint8Array.of(0x15, 0x03, 0x03, 0, 2, 2, 42);

/**
 * Tells a server whose certificate is for another name. Node looks at the name in the moment when the handshake of
 * TLS 1.3 is done and nothing of it has left; it then just goes, and its TLS takes no alerts of ours. A server still
 * takes a plain one there.
 */
class CertificateAlert {
  plain: Socket | undefined;
  secure: TLSSocket | undefined;
  readonly options: ConnectionOptions = {
    checkServerIdentity: (host, certificate) => {
      const error = checkServerIdentity(host, certificate);
      if (error !== undefined && this.secure?.getProtocol() === 'TLSv1.3') {
        this.plain?.write(badCertificate);
      }
      return error;
    },
  };
}

function direct(
  { hostname, port }: Pick<TransportTarget, 'hostname' | 'port'>,
  localAddress: string | undefined,
): TcpNetConnectOpts {
  return {
    host: hostname,
    port,
    autoSelectFamily: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  };
}

function secureOptions(settings: SocketSettings): ConnectionOptions {
  const { preSharedKey, ciphers, onlyTls12 } = settings;
  return {
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(onlyTls12 ? { maxVersion: 'TLSv1.2' } : {}),
    ...(preSharedKey === undefined ? {} : pskOptions(preSharedKey, ciphers)),
  };
}

/** Both sides know the key: there is no certificate, and nothing to check it against. */
function pskOptions(
  { identity, key }: PreSharedKey,
  ciphers: string | undefined,
): ConnectionOptions {
  return {
    // Only by asking for them are these ciphers offered, and TLS 1.3 has others.
    ciphers: ciphers ?? 'PSK',
    maxVersion: 'TLSv1.2',
    pskCallback: () => ({ psk: key, identity }),
    checkServerIdentity: () => undefined,
  };
}

const repliesOfProxy: Readonly<Record<number, string>> = {
  1: 'it failed',
  2: 'its rules forbid the connection',
  3: 'the network is unreachable from there',
  4: 'the host is unreachable from there',
  5: 'the server refused the connection',
  6: 'the connection expired',
  7: 'it does not know the command',
  8: 'it does not know this kind of address',
};

/** Asks the proxy for a connection; the host's name is resolved there. */
async function throughProxy(
  target: TransportTarget,
  proxy: SocksProxy,
  localAddress: string | undefined,
): Promise<Socket> {
  const socket = connect(direct({ hostname: proxy.host, port: proxy.port }, localAddress));
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    const replies = new Replies(socket);
    await greet(socket, replies, proxy);
    socket.write(connectRequest(target));
    const [, reply = 1, , kind = 1] = await replies.take(4);
    if (reply !== 0) throw new Error(repliesOfProxy[reply] ?? `it answered ${reply}`);
    const addressBytes = kind === 3 ? (await replies.take(1))[0]! : kind === 4 ? 16 : 4;
    await replies.take(addressBytes + 2);
    replies.release();
    return socket;
  } catch (error) {
    socket.destroy();
    const { message } = error as Error;
    throw Object.assign(new Error(`the proxy ${proxy.host}:${proxy.port}: ${message}`), {
      code: (error as NodeJS.ErrnoException).code,
    });
  }
}

async function greet(socket: Socket, replies: Replies, proxy: SocksProxy): Promise<void> {
  const method = proxy.username === undefined ? 0 : 2;
  socket.write(Uint8Array.of(5, 1, method));
  const [version, chosen] = await replies.take(2);
  if (version !== 5) throw new Error('it does not speak SOCKS5');
  if (chosen !== method) throw new Error('it wants another kind of authentication');
  if (method === 0) return;
  const name = Buffer.from(proxy.username ?? '');
  const password = Buffer.from(proxy.password);
  socket.write(
    Buffer.concat([Buffer.of(1, name.length), name, Buffer.of(password.length), password]),
  );
  const [, status] = await replies.take(2);
  if (status !== 0) throw new Error('it refused the user name or the password');
}

function connectRequest({ hostname, port }: TransportTarget): Uint8Array {
  const kind = isIP(hostname);
  const address =
    kind === 4
      ? Buffer.from([1, ...hostname.split('.').map(Number)])
      : Buffer.concat([Buffer.of(3, Buffer.byteLength(hostname)), Buffer.from(hostname)]);
  return Buffer.concat([Buffer.of(5, 1, 0), address, Buffer.of(port >> 8, port & 0xff)]);
}

/** Takes the bytes of the proxy's answers, and not one more: what follows belongs to the server. */
class Replies {
  readonly #socket: Socket;
  #wake: (() => void) | undefined;
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('readable', this.#onReadable).on('error', this.#onError).on('end', this.#onEnd);
  }

  async take(count: number): Promise<Uint8Array> {
    for (;;) {
      const bytes = this.#socket.read(count) as Buffer | null;
      if (bytes !== null) return bytes;
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  release(): void {
    const socket = this.#socket;
    socket.off('readable', this.#onReadable).off('error', this.#onError).off('end', this.#onEnd);
  }

  readonly #onReadable = (): void => this.#wake?.();
  readonly #onError = (error: Error): void => {
    this.#error ??= error;
    this.#wake?.();
  };
  readonly #onEnd = (): void => this.#onError(new Error('it closed the connection'));
}
