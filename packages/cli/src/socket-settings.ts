/** What the command line says of the socket that the client itself has no option for. */

import type { ParsedArguments } from './parsed-arguments.ts';
import { UsageError } from './usage-error.ts';

/** The way to the server through a SOCKS5 proxy. */
export interface SocksProxy {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string;
}

export interface PreSharedKey {
  readonly identity: string;
  readonly key: Uint8Array;
}

/** `undefined` everywhere: the client's own sockets do. */
export interface SocketSettings {
  readonly localAddress: string | undefined;
  readonly proxy: SocksProxy | undefined;
  readonly preSharedKey: PreSharedKey | undefined;
  readonly ciphers: string | undefined;
  /** TLS 1.2 and no other. */
  readonly onlyTls12: boolean;
  readonly keyLogFile: string | undefined;
  /** Whether a server whose certificate is for another name is told so, as mosquitto's programs do. */
  readonly alerts: boolean;
}

/** Throws `UsageError`. */
export function socketSettings(args: ParsedArguments, scheme: string): SocketSettings | undefined {
  const proxyUrl = args.text('proxy');
  const settings: SocketSettings = {
    localAddress: args.text('bind-address'),
    proxy: proxyUrl === undefined ? undefined : parseProxy(proxyUrl),
    preSharedKey: preSharedKey(args),
    ciphers: args.text('ciphers'),
    onlyTls12: args.text('tls-version') === 'TLSv1.2',
    keyLogFile: args.text('tls-keylog'),
    alerts: args.mosquitto !== undefined && (scheme === 'mqtts' || scheme === 'wss'),
  };
  const needed = Object.values(settings).some((value) => value !== undefined && value !== false);
  if (!needed) return undefined;
  if (scheme === 'mqtt+unix') {
    throw new UsageError('a Unix socket has no local address, proxy or TLS');
  }
  return settings;
}

function preSharedKey(args: ParsedArguments): PreSharedKey | undefined {
  const hex = args.text('psk');
  const identity = args.text('psk-identity');
  if (hex === undefined) {
    if (identity === undefined || args.mosquitto !== undefined) return undefined;
    throw new UsageError('--psk-identity needs --psk');
  }
  if (identity === undefined) throw new UsageError('--psk needs --psk-identity');
  if (args.given('cafile') || args.given('capath')) {
    throw new UsageError('--psk takes the place of certificates: leave --cafile and --capath out');
  }
  if (!/^(?:[0-9a-f]{2}){1,512}$/i.test(hex)) {
    throw new UsageError('--psk expects a key in hexadecimal, two digits for each byte');
  }
  return { identity, key: Uint8Array.from(Buffer.from(hex, 'hex')) };
}

const proxyForm = 'socks5h://[USER[:PASSWORD]@]HOST[:PORT]';

/** Shows nothing of what was given: a password may be in it. */
function parseProxy(text: string): SocksProxy {
  const parts = /^socks5h:\/\/(?:([^@]*)@)?(\[[^\]]+\]|[^:/[\]]+)(?::([0-9]{1,5}))?\/?$/.exec(text);
  const port = Number(parts?.[3] ?? 1080);
  if (parts === null || port < 1 || port > 65_535) {
    throw new UsageError(`--proxy expects ${proxyForm}`);
  }
  const [username, ...rest] = parts[1]?.split(':') ?? [];
  return {
    host: parts[2]!.replace(/^\[|\]$/g, ''),
    port,
    username: username === undefined ? undefined : decoded(username),
    password: decoded(rest.join(':')),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError('--proxy has a % in its user name or password that is no escape');
  }
}
