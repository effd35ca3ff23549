import { once } from 'node:events';
import { createServer } from 'node:http';
import { portOf } from '../setup/ports.ts';

const html = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>mqtt-kit</title><link rel="icon" href="data:,"></head>
  <body><h1>Readings</h1><ul id="readings"></ul><script type="module" src="/page.js"></script></body>
</html>`;

export interface PageServer {
  readonly url: string;
  close(): void;
}

/**
 * Serves one page with its script from the loopback interface, under a strict policy: scripts from the page's own
 * origin, nothing made from text, WebSockets to `connectTo` alone.
 */
export async function servePage(script: string, connectTo: readonly string[]): Promise<PageServer> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    'img-src data:',
    `connect-src ${connectTo.join(' ')}`,
  ];
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.writeHead(isScript || request.url === '/' ? 200 : 404, {
      'Content-Type': isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8',
      'Content-Security-Policy': policy.join('; '),
    });
    response.end(isScript ? script : html);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${portOf(server)}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
