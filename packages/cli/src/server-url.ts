/**
 * The URL of `-L`. With `mqtt://` and `mqtts://` what follows the host is the topic, taken as it stands, as mosquitto
 * takes it: `#`, `?` and `%` have no other meaning there. With `ws://` and `wss://` it is the path of the WebSocket,
 * as everywhere else, and with `mqtt+unix://` the file of the socket; the topic is then given by `-t`.
 */
import { UsageError } from './usage-error.ts';

export interface ServerUrl {
  /** `mqtt`, `mqtts`, `ws`, `wss` or `mqtt+unix`. */
  readonly scheme: string;
  /** Host with brackets around an IPv6 address; `''` for a Unix socket. */
  readonly host: string;
  readonly port: string | undefined;
  /** Path and query of a WebSocket, or the file of a Unix socket; otherwise `''`. */
  readonly path: string;
  readonly topic: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

const withTopic = new Set(['mqtt', 'mqtts']);
const withPath = new Set(['ws', 'wss', 'mqtt+unix']);

const form = 'mqtt://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC]';

/** Throws `UsageError`, which never shows what may be a password. */
export function parseServerUrl(text: string): ServerUrl {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is.exec(text);
  if (parts === null) throw new UsageError(`-L expects a URL: ${form}`);
  const scheme = parts[1]!.toLowerCase();
  const authority = parts[2]!;
  const rest = parts[3]!;
  if (!withTopic.has(scheme) && !withPath.has(scheme)) {
    throw new UsageError(
      `-L expects a URL that begins with mqtt://, mqtts://, ws:// or wss://, not ${scheme}://`,
      schemeHint(scheme),
    );
  }
  const at = authority.lastIndexOf('@');
  const { host, port } = splitHost(authority.slice(at + 1), scheme);
  const credentials = splitCredentials(at < 0 ? undefined : authority.slice(0, at));
  if (withPath.has(scheme)) {
    return { scheme, host, port, path: rest, topic: undefined, ...credentials };
  }
  if (rest !== '' && !rest.startsWith('/')) {
    throw new UsageError(`-L expects a topic after a slash: ${form}`);
  }
  const topic = rest.length > 1 ? rest.slice(1) : undefined;
  return { scheme, host, port, path: '', topic, ...credentials };
}

function splitHost(
  text: string,
  scheme: string,
): { readonly host: string; readonly port: string | undefined } {
  if (scheme === 'mqtt+unix') return { host: text, port: undefined };
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::([0-9]*))?$/.exec(text);
  if (parts === null) {
    throw new UsageError(
      `-L has something that is not HOST[:PORT]: ${form}`,
      'An IPv6 address stands in brackets; / ? # @ : and % in a password are written as %2F %3F %23 %40 %3A %25',
    );
  }
  const host = parts[1]!;
  if (host === '') throw new UsageError(`-L has no host: ${form}`);
  const port = parts[2] === '' ? undefined : parts[2];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) {
    throw new UsageError(`-L expects a port from 1 to 65535, not '${port}'`);
  }
  return { host, port };
}

function splitCredentials(text: string | undefined): {
  readonly username: string | undefined;
  readonly password: string | undefined;
} {
  if (text === undefined) return { username: undefined, password: undefined };
  const colon = text.indexOf(':');
  return {
    username: decode(colon < 0 ? text : text.slice(0, colon)),
    password: colon < 0 ? undefined : decode(text.slice(colon + 1)),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(
      '-L has a % in its user name or password that is no escape',
      'Write it as %25',
    );
  }
}

function schemeHint(scheme: string): string | undefined {
  const meant: Readonly<Record<string, string>> = {
    tcp: 'mqtt',
    ssl: 'mqtts',
    tls: 'mqtts',
    http: 'ws',
    https: 'wss',
  };
  return Object.hasOwn(meant, scheme) ? `Did you mean ${meant[scheme]}://?` : undefined;
}
