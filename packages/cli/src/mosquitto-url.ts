/** The URL of `-L` as mosquitto's programs read it: cut at the first sign of each kind, and nothing is decoded. */
import { integer } from './mosquitto-values.ts';

export interface MosquittoUrl {
  readonly secure: boolean;
  readonly web: boolean;
  readonly host: string;
  readonly port: number | undefined;
  readonly topic: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Returns what is said of a URL that cannot be. */
export function mosquittoUrl(text: string): MosquittoUrl | Error {
  const parts = /^(mqtt|ws)(s?):\/\/(.*)$/is.exec(text);
  if (parts === null) return new Error('Error: Unsupported URL scheme.\n');
  const [, scheme = '', secure, rest = ''] = parts;
  const slash = rest.indexOf('/');
  if (slash < 0) return new Error('Error: Invalid URL for -L argument specified - topic missing.');
  const [userInfo, address] = cutUser(rest.slice(0, slash));
  const [username, password] = userInfo === undefined ? [] : cut(userInfo, ':');
  const [host, port] = cut(address, ':');
  return {
    secure: secure !== '',
    web: scheme.toLowerCase() === 'ws',
    host,
    port: port === undefined ? undefined : integer(port),
    topic: rest.slice(slash + 1),
    username,
    password,
  };
}

function cutUser(authority: string): readonly [userInfo: string | undefined, address: string] {
  const [before, after] = cut(authority, '@');
  return after === undefined ? [undefined, before] : [before, after];
}

/** What stands before the first of these signs, and what after it. */
function cut(text: string, sign: string): readonly [before: string, after: string | undefined] {
  const at = text.indexOf(sign);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
