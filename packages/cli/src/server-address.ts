/** Which server the command line names, and by which protocol it is reached. */

import type { ParsedArguments } from './parsed-arguments.ts';
import type { ServerUrl } from './server-url.ts';
import { quoted, UsageError } from './usage-error.ts';

export interface ServerAddress {
  /** For the client, without credentials. */
  readonly url: string;
  readonly scheme: string;
}

/** Throws `UsageError`. `-h` and `-p` take the place of what the URL of `-L` says. */
export function serverAddress(args: ParsedArguments, url: ServerUrl | undefined): ServerAddress {
  const socketFile = unixPath(args);
  if (socketFile !== undefined) {
    return { scheme: 'mqtt+unix', url: `mqtt+unix://${encodeURI(socketFile)}` };
  }
  if (args.mosquitto !== undefined) return mosquittoAddress(args);
  const scheme = connectionScheme(args, url);
  return { scheme, url: connectionUrl(args, url, scheme) };
}

/** What turns TLS on for mosquitto's programs, and moves the port; a client's certificate alone does not. */
const authorities = ['cafile', 'capath', 'psk'] as const;

/** They keep to the ports of MQTT for WebSocket, too, and what -L says is among the options. */
function mosquittoAddress(args: ParsedArguments): ServerAddress {
  const certified = authorities.some((name) => args.given(name));
  const port = args.number('port') ?? (certified ? 8883 : 1883);
  const secure = certified || port === 8883 || args.flag('tls-use-os-certs');
  const suffix = secure && !args.flag('no-tls') ? 's' : '';
  const scheme = `${args.flag('ws') ? 'ws' : 'mqtt'}${suffix}`;
  const path = args.flag('ws') ? '/mqtt' : '';
  return {
    scheme,
    url: `${scheme}://${hostOfOption(args.text('host') ?? 'localhost')}:${port}${path}`,
  };
}

function unixPath(args: ParsedArguments): string | undefined {
  const path = args.text('unix') ?? (args.number('port') === 0 ? args.text('host') : undefined);
  if (path === undefined) return undefined;
  if (path === '') throw new UsageError('--unix expects the path of a socket, not an empty value');
  return path.startsWith('/') ? path : `${process.cwd()}/${path}`;
}

/** Options that are about TLS and nothing else. Some say that it is wanted, the others how it is to be. */
const turnTlsOn = ['cafile', 'capath', 'cert', 'key', 'tls-use-os-certs', 'psk'] as const;
const shapeTls = ['insecure', 'tls-version', 'tls-alpn', 'ciphers', 'tls-keylog'] as const;

/** TLS is on with a scheme that says so, with a certificate option, and on port 8883, as with mosquitto. */
function connectionScheme(args: ParsedArguments, url: ServerUrl | undefined): string {
  const on = turnTlsOn.find((name) => args.given(name));
  const shape = shapeTls.find((name) => args.given(name));
  if (args.flag('no-tls')) return withoutTls(args, url, on);
  if (url !== undefined) return schemeOfUrl(args, url, on ?? shape);
  const web = args.flag('ws') ? 'ws' : 'mqtt';
  const secure = args.flag('ws') ? 'wss' : 'mqtts';
  if (args.number('port') === 8883 || on !== undefined) return secure;
  if (shape !== undefined) {
    // Taken for a plain connection it would send what was meant to be encrypted.
    throw new UsageError(
      `--${shape} needs TLS`,
      'Add -p 8883, --cafile FILE, or -L mqtts://HOST:PORT',
    );
  }
  return web;
}

function withoutTls(
  args: ParsedArguments,
  url: ServerUrl | undefined,
  on: string | undefined,
): string {
  if (on !== undefined) throw new UsageError(`--no-tls and --${on} exclude each other`);
  if (url === undefined) return args.flag('ws') ? 'ws' : 'mqtt';
  if (url.scheme !== 'mqtts' && url.scheme !== 'wss') return url.scheme;
  throw new UsageError(`--no-tls, but ${url.scheme}:// in -L is TLS`);
}

function schemeOfUrl(args: ParsedArguments, url: ServerUrl, option: string | undefined): string {
  const scheme = args.flag('ws') ? url.scheme.replace(/^mqtt(s?)$/, 'ws$1') : url.scheme;
  const secure = scheme === 'mqtts' || scheme === 'wss';
  if (option === undefined || secure) return scheme;
  throw new UsageError(
    `--${option} is about TLS, but ${scheme}:// is a plain connection`,
    scheme === 'mqtt+unix' ? undefined : `Write ${scheme}s:// in -L`,
  );
}

function connectionUrl(args: ParsedArguments, url: ServerUrl | undefined, scheme: string): string {
  if (scheme === 'mqtt+unix') return `mqtt+unix://${url?.host ?? ''}${url?.path ?? ''}`;
  const given = args.text('host');
  const host = given === undefined ? (url?.host ?? 'localhost') : hostOfOption(given);
  const port = args.number('port') ?? url?.port ?? portOfCustom(args, scheme);
  const path = scheme.startsWith('ws') && args.flag('ws') ? '/mqtt' : (url?.path ?? '');
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}${path}`;
}

/** A WebSocket that `--ws` asks for is at the ports of MQTT. */
function portOfCustom(args: ParsedArguments, scheme: string): number | undefined {
  if (!args.flag('ws')) return undefined;
  return scheme === 'wss' ? 8883 : 1883;
}

function hostOfOption(text: string): string {
  if (text === '') throw new UsageError('-h expects a host, not an empty value');
  if (text.includes('://')) {
    throw new UsageError('-h expects a host, not a URL', 'A URL is given by -L');
  }
  if (text.includes('@')) throw new UsageError('-h expects a host alone', 'A user name: -u NAME');
  if (/[/?#\s]/.test(text)) throw new UsageError(`-h expects a host, not ${quoted(text)}`);
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const colons = bare.split(':').length - 1;
  if (colons === 1) {
    const [host, port] = bare.split(':');
    throw new UsageError(`-h expects a host, not ${quoted(text)}`, `Write -h ${host} -p ${port}`);
  }
  return colons === 0 ? bare : `[${bare}]`;
}
