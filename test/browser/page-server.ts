import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { certificates } from '../setup/certificates.ts';
import { portOf } from '../setup/ports.ts';

const html = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>mqtt-kit</title></head>
  <body><h1>Readings</h1><ul id="readings"></ul><script type="module" src="/page.js"></script></body>
</html>`;

export interface PageServer {
  readonly url: string;
  close(): void;
}

export interface PageServerOptions {
  /** From `https://`, with a certificate that nobody trusts. */
  readonly secure?: boolean;
  /** Further scripts by their path: of workers. */
  readonly scripts?: Readonly<Record<string, string>>;
}

/**
 * Serves one page with its script from the loopback interface, under a strict policy: everything from the page's own
 * origin, nothing made from text, WebSockets to `connectTo` alone.
 */
export async function servePage(
  script: string,
  connectTo: readonly string[],
  { secure = false, scripts = {} }: PageServerOptions = {},
): Promise<PageServer> {
  const policy = `default-src 'self'; connect-src 'self' ${connectTo.join(' ')}`;
  const files = new Map([
    ['/', html],
    ['/page.js', script],
    ['/favicon.ico', ''],
    ...Object.entries(scripts),
  ]);
  const answer: RequestListener = (request, response) => {
    const path = request.url ?? '';
    const file = files.get(path);
    response.writeHead(file === undefined ? 404 : 200, {
      'Content-Type': `text/${path.endsWith('.js') ? 'javascript' : 'html'}; charset=utf-8`,
      'Content-Security-Policy': policy,
    });
    response.end(file);
  };
  const server = secure ? createSecureServer(serverIdentity(), answer) : createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${secure ? 'https' : 'http'}://127.0.0.1:${portOf(server)}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function serverIdentity(): { readonly key: string; readonly cert: string } {
  const { key, cert } = certificates().server;
  return { key: key.text, cert: cert.text };
}
