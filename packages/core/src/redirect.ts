/** Where a Server Reference leads (4.11), and whether a client may go there. */
import type { DisconnectReason } from '@mqtt-kit/engine';
import { type ConnackPacket, type DisconnectPacket, ReasonCode } from '@mqtt-kit/packet';
import { type ConnectionUrl, parseConnectionUrl } from './connection-url.ts';
import { asError } from './errors.ts';

/** Redirects in a row, without a connection in between that stood for 10 s, that are followed. */
const mostRedirects = 5;

/** A way to go, or why none of those named is one. */
export type Redirect = { readonly url: ConnectionUrl } | { readonly problem: string };

/**
 * A Server Reference is a list of references with spaces between: a host, or host and port, or (as some servers write)
 * a URL. The rest is as on the connection that it came on. A way out of encryption is none: who sends us there may be
 * anybody once we are there, and the credentials go with us.
 */
export function redirectOf(
  serverReference: string | undefined,
  from: ConnectionUrl,
  transports: Readonly<Record<string, unknown>>,
): Redirect {
  let problem = 'the server does not say where to';
  for (const reference of (serverReference ?? '').split(' ')) {
    if (reference === '') continue;
    const redirect = oneOf(reference, from, transports);
    if ('url' in redirect) return redirect;
    problem = redirect.problem;
  }
  return { problem };
}

/** The packet by which a connection ended that sends us elsewhere. */
export function redirection(
  reason: DisconnectReason,
): ConnackPacket | DisconnectPacket | undefined {
  const packet =
    reason.kind === 'refused'
      ? reason.connack
      : reason.kind === 'serverDisconnected'
        ? reason.packet
        : undefined;
  const sends =
    packet?.reasonCode === ReasonCode.serverMoved ||
    packet?.reasonCode === ReasonCode.useAnotherServer;
  return sends ? packet : undefined;
}

/** Why it is not followed, after so many in a row; `undefined` where it is. */
export function redirectProblem(
  redirect: Redirect,
  redirects: 'report' | 'follow',
  followed: number,
): string | undefined {
  if (redirects === 'report') return "redirects: 'follow' goes there";
  if ('problem' in redirect) return `it is not gone to: ${redirect.problem}`;
  if (followed < mostRedirects) return undefined;
  return `it is not gone to: it is the redirect number ${mostRedirects + 1} in a row`;
}

function oneOf(
  reference: string,
  from: ConnectionUrl,
  transports: Readonly<Record<string, unknown>>,
): Redirect {
  const { scheme, port, path, secure, username, password } = from;
  let url: ConnectionUrl;
  try {
    const isUrl = reference.includes('://');
    const shownPort = isUrl || /:\d+$/.test(reference.replace(/^\[[^\]]*\]/, '')) ? '' : `:${port}`;
    const text = isUrl ? reference : `${scheme}://${reference}${shownPort}${path}`;
    url = parseConnectionUrl(text, 'the server reference');
  } catch (thrown) {
    return { problem: asError(thrown).message };
  }
  if (url.username !== undefined || url.password !== undefined) {
    return { problem: 'the server reference has credentials' };
  }
  if (secure && !url.secure) return { problem: `${url.server} is not encrypted` };
  if (url.scheme === 'mqtt+unix' || scheme === 'mqtt+unix') {
    return { problem: 'Unix sockets lead nowhere else' };
  }
  if (!Object.hasOwn(transports, url.scheme)) {
    return { problem: `${url.scheme}:// is not available here` };
  }
  return { url: { ...url, username, password } };
}
