/** The URL of `--proxy` as mosquitto's programs read it. */
import { integer } from './mosquitto-values.ts';
import type { SocksProxy } from './socket-settings.ts';

/** Returns what is said of a URL that cannot be: for some nothing at all. */
export function mosquittoProxy(text: string): SocksProxy | Error {
  const rest = /^socks5h:\/\/(.*)$/s.exec(text)?.[1];
  if (rest === undefined) return new Error(`Error: Unsupported proxy protocol: ${text}`);
  const at = rest.indexOf('@');
  const [username, password, ...more] = at < 0 ? [] : rest.slice(0, at).split(':');
  if (username === '' && password !== undefined) return new Error('');
  if (more.length > 0) return new Error("Error: Username cannot contain ':'.");
  const [host, port, problem] = address(rest.slice(at + 1));
  if (problem !== undefined) return new Error(problem);
  if (host === undefined) return new Error('Error: Invalid proxy.');
  if (!isDecodable(username) || !isDecodable(password)) return new Error('');
  const number = port === undefined ? 1080 : integer(port);
  if (number < 1 || number > 65_535) return new Error(`Error: Invalid proxy port ${number}`);
  return {
    host,
    port: number,
    username: username === undefined ? undefined : decoded(username),
    password: decoded(password ?? ''),
  };
}

/** The URL as ours is written. */
export function proxyUrl({ host, port, username, password }: SocksProxy): string {
  const user =
    username === undefined
      ? ''
      : `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`;
  return `socks5h://${user}${host.includes(':') ? `[${host}]` : host}:${port}`;
}

type Address = readonly [host: string | undefined, port: string | undefined, problem?: string];

/** Sign by sign, as they do: brackets stand around the colons of an address, wherever they are. */
function address(text: string): Address {
  let host: string | undefined;
  let start = 0;
  let inBrackets = false;
  for (let index = 0; index < text.length; index += 1) {
    const sign = text[index];
    const bracket = sign === '[' || sign === ']';
    if (bracket && host !== undefined) {
      return [undefined, undefined, 'Error: Duplicate IPv6 address.'];
    }
    if (sign === '[') {
      inBrackets = true;
      start = index + 1;
    } else if (sign === ']') {
      inBrackets = false;
      host = text.slice(start, index);
      if (text[index + 1] === ':') index += 1;
      start = index + 1;
    } else if (sign === ':' && !inBrackets) {
      if (host !== undefined) return [undefined, undefined, ''];
      host = text.slice(start, index);
      start = index + 1;
    }
  }
  const rest = start < text.length ? text.slice(start) : undefined;
  return host === undefined ? [rest, undefined] : [host, rest];
}

/** Three signs are written as escapes, and there are no others. */
const escaped = /%(?:25|3[Aa]|40)/g;

function isDecodable(text = ''): boolean {
  return !text.replaceAll(escaped, '').includes('%');
}

function decoded(text: string): string {
  return text.replaceAll(escaped, (sign) => decodeURIComponent(sign));
}
