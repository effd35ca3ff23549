/**
 * Connection URLs: `mqtt://user:password@host:port`, `mqtts://`, `ws://host/path`, `wss://`, `mqtt+unix:///path`.
 *
 * The authority is taken apart here, since the platform's `URL` treats schemes it does not know in its own way and
 * says no more than "Invalid URL"; the host itself is checked and normalised by `URL`. Nothing of a user name,
 * a password or a query ever gets into a message: the query of a WebSocket URL is where tokens are put.
 */
import { MqttUsageError } from './errors.ts';
import { given, nearestName } from './option-check.ts';

/** A connection URL, taken apart. */
export interface ConnectionUrl {
  /** `mqtt`, `mqtts`, `ws`, `wss` or `mqtt+unix`. */
  readonly scheme: string;
  readonly secure: boolean;
  /** Without brackets; `''` for a Unix socket. */
  readonly hostname: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  /** Path and query of a WebSocket URL, or the file of a Unix socket; otherwise `''`. */
  readonly path: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** For people, and to tell servers apart: without credentials and query. */
  readonly server: string;
}

interface Scheme {
  readonly defaultPort: number;
  readonly secure: boolean;
  readonly hasPath: boolean;
}

const schemes: Readonly<Record<string, Scheme>> = {
  mqtt: { defaultPort: 1883, secure: false, hasPath: false },
  mqtts: { defaultPort: 8883, secure: true, hasPath: false },
  ws: { defaultPort: 80, secure: false, hasPath: true },
  wss: { defaultPort: 443, secure: true, hasPath: true },
  'mqtt+unix': { defaultPort: 0, secure: false, hasPath: true },
};

/** What other programs call them. */
const otherNames: Readonly<Record<string, string>> = {
  tcp: 'mqtt',
  ssl: 'mqtts',
  tls: 'mqtts',
  'mqtt+ssl': 'mqtts',
  'mqtt+tls': 'mqtts',
  http: 'ws',
  https: 'wss',
  unix: 'mqtt+unix',
};

const validSchemes = 'mqtt://, mqtts://, ws://, wss:// or mqtt+unix://';

/** Takes a connection URL apart. Throws `invalidArgument` that names the part at fault. */
export function parseConnectionUrl(url: unknown, name = 'url'): ConnectionUrl {
  if (url === undefined || url === null || url === '') {
    throw new MqttUsageError(`${name} is required, for example mqtt://localhost`);
  }
  const text = url instanceof URL ? url.href : url;
  if (typeof text !== 'string') {
    throw new MqttUsageError(`${name} must be a string or a URL; got ${given(text)}`);
  }
  if (text === lastText) return lastUrl!;
  const parsed = parsedUrl(text, name);
  // Thousands of clients of one process mostly have one URL. What is a secret is not kept for longer than its client.
  if (!/[@?]/.test(text)) {
    lastText = text;
    lastUrl = parsed;
  }
  return parsed;
}

let lastText: string | undefined;
let lastUrl: ConnectionUrl | undefined;

function parsedUrl(text: string, name: string): ConnectionUrl {
  const parts = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?#]*)([\s\S]*)$/.exec(text.trim());
  if (parts === null) throw withoutScheme(name, text);
  const scheme = parts[1]!.toLowerCase();
  const kind = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
  if (kind === undefined) throw unknownScheme(name, scheme);
  const authority = parts[2]!;
  const rest = parts[3]!;
  if (rest.includes('@') && !authority.includes('@')) throw ambiguousCredentials(name);

  const at = authority.lastIndexOf('@');
  const credentials = parseCredentials(name, at < 0 ? undefined : authority.slice(0, at));
  const host = authority.slice(at + 1);
  if (scheme === 'mqtt+unix') return unixSocket(name, host, rest, credentials);

  const { hostname, portText } = splitHost(name, host);
  const normalHostname = checkHostname(name, hostname);
  const port = parsePort(name, portText, kind.defaultPort);
  const path = kind.hasPath ? parsePath(name, rest) : checkNoPath(name, scheme, rest);
  const shownHost = normalHostname.includes(':') ? `[${normalHostname}]` : normalHostname;
  const shownPath = path === '/' ? '' : path.replace(/\?.*$/s, '');
  return {
    scheme,
    secure: kind.secure,
    hostname: normalHostname,
    port,
    path,
    ...credentials,
    server: `${scheme}://${shownHost}:${port}${shownPath}`,
  };
}

interface UrlCredentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** The password begins at the first colon and may hold more of them. */
function parseCredentials(name: string, text: string | undefined): UrlCredentials {
  if (text === undefined) return { username: undefined, password: undefined };
  const colon = text.indexOf(':');
  const username = decodePart(name, colon < 0 ? text : text.slice(0, colon));
  return {
    username: username === '' ? undefined : username,
    password: colon < 0 ? undefined : decodePart(name, text.slice(colon + 1)),
  };
}

function decodePart(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MqttUsageError(
      `${name} has a "%" in its user name or password that begins no percent-encoded character; write it as %25`,
    );
  }
}

function unixSocket(
  name: string,
  host: string,
  rest: string,
  credentials: UrlCredentials,
): ConnectionUrl {
  if (host !== '' || rest.length < 2) {
    throw new MqttUsageError(
      `${name} must name the file of a Unix socket after three slashes, as in mqtt+unix:///run/mosquitto.sock`,
    );
  }
  const path = decodePath(name, rest);
  return {
    scheme: 'mqtt+unix',
    secure: false,
    hostname: '',
    port: 0,
    path,
    ...credentials,
    server: `mqtt+unix://${path}`,
  };
}

function decodePath(name: string, rest: string): string {
  try {
    const path = decodeURIComponent(rest);
    if (!path.includes('\0')) return path;
  } catch {
    // Told below.
  }
  throw new MqttUsageError(`${name} has a path that is no file name; write "%" as %25`);
}

function splitHost(
  name: string,
  host: string,
): { readonly hostname: string; readonly portText: string | undefined } {
  if (host.startsWith('[')) {
    const end = host.indexOf(']');
    if (end < 0) {
      throw new MqttUsageError(
        `${name} has an IPv6 address without its closing bracket: ${given(host)}; write it as [::1]`,
      );
    }
    const after = host.slice(end + 1);
    if (after !== '' && !after.startsWith(':')) {
      throw new MqttUsageError(`${name} has ${given(after)} between its host and its port`);
    }
    return {
      hostname: host.slice(0, end + 1),
      portText: after === '' ? undefined : after.slice(1),
    };
  }
  const colon = host.indexOf(':');
  if (colon !== host.lastIndexOf(':')) {
    throw new MqttUsageError(
      `${name} has a host with several colons; an IPv6 address stands in brackets, as in mqtt://[::1]:1883`,
    );
  }
  return colon < 0
    ? { hostname: host, portText: undefined }
    : { hostname: host.slice(0, colon), portText: host.slice(colon + 1) };
}

/** The host in its normal form: lower case, international names encoded, IPv6 without brackets. */
function checkHostname(name: string, hostname: string): string {
  if (hostname === '') {
    throw new MqttUsageError(`${name} has no host; write it as mqtt://localhost`);
  }
  // A zone ("%eth0", in a URL "%25eth0") says which link a link-local address is on; URL does not know it.
  const zone = /^\[([^%\]]+)%(?:25)?([\w.~-]+)\]$/.exec(hostname);
  const address = zone === null ? hostname : `[${zone[1]}]`;
  const normal = normalHost(address);
  if (normal === undefined) {
    throw new MqttUsageError(`${name} has a host that cannot be: ${given(hostname)}`);
  }
  const bare = normal.startsWith('[') ? normal.slice(1, -1) : normal;
  return zone === null ? bare : `${bare}%${zone[2]}`;
}

function normalHost(host: string): string | undefined {
  try {
    const { hostname, pathname } = new URL(`http://${host}/`);
    return pathname === '/' ? hostname : undefined;
  } catch {
    return undefined;
  }
}

function parsePort(name: string, text: string | undefined, defaultPort: number): number {
  if (text === undefined || text === '') return defaultPort;
  const port = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  // What stands there may be a password whose host is missing.
  const got = /^[-+.\d]+$/.test(text) ? given(text) : 'something that is no number';
  throw new MqttUsageError(`${name} must have a port from 1 to 65,535; got ${got}`, {
    hint: 'Characters such as / ? # and @ in a user name or password are written percent-encoded.',
  });
}

function parsePath(name: string, rest: string): string {
  if (rest.includes('#')) {
    throw new MqttUsageError(`${name} must not have a fragment; write "#" in a path as %23`);
  }
  const url = new URL(`http://host${rest}`);
  return url.pathname + url.search;
}

/** A path on `mqtt://` would be ignored without a word: whoever wrote it meant something else. */
function checkNoPath(name: string, scheme: string, rest: string): string {
  if (rest === '' || rest === '/') return '';
  throw new MqttUsageError(
    `${name} must not have a path, query or fragment with ${scheme}://; only ws:// and wss:// have one`,
    { hint: 'Options such as clientId are given in the options object.' },
  );
}

function withoutScheme(name: string, text: string): MqttUsageError {
  const example = /^[\w.-]+(:\d+)?$/.test(text) ? `mqtt://${text}` : 'mqtt://localhost:1883';
  return new MqttUsageError(
    `${name} must begin with ${validSchemes}, as in ${example}; got ${given(withoutSecrets(text))}`,
  );
}

function unknownScheme(name: string, scheme: string): MqttUsageError {
  const meant = otherNames[scheme] ?? nearestName(scheme, Object.keys(schemes));
  const hint = meant === undefined ? undefined : `Did you mean ${meant}://?`;
  const message = `${name} must begin with ${validSchemes}; got ${given(`${scheme}://`)}`;
  return new MqttUsageError(hint === undefined ? message : `${message}. ${hint}`, { hint });
}

function ambiguousCredentials(name: string): MqttUsageError {
  return new MqttUsageError(
    `${name} has an "@" after its host: characters such as / ? # and @ in a user name or password are written percent-encoded`,
  );
}

function withoutSecrets(text: string): string {
  return text.replace(/^(.*:\/\/)?.*@/s, '$1***@').replace(/\?.*$/s, '');
}
