import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { portOf } from '../setup/ports.ts';
import { requires } from '../setup/requires.ts';
import { bundle } from './bundle.mjs';
import { launchChromium } from './chromium.ts';
import type { ClientPage } from './client-page.ts';
import { type PageServer, servePage } from './page-server.ts';

/** What client-page.ts gives to the test, in the page. */
declare const clientPage: ClientPage;

describe.runIf(requires('chromium', 'openssl'))('a WebSocket of Chromium', () => {
  let code: string;
  let browser: Browser;
  const cleanups: (() => unknown)[] = [];

  beforeAll(async () => {
    ({ code } = await bundle("import './client-page.ts';"));
    browser = await launchChromium();
  }, 60_000);
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  /** A server of WebSockets that answers each as told, and its URL. */
  async function serveWebSockets(
    selected: string | false,
    onSocket: (socket: WebSocket) => void,
  ): Promise<string> {
    const server = createServer();
    const sockets = new WebSocketServer({ server, handleProtocols: () => selected });
    sockets.on('connection', onSocket);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => {
      for (const socket of sockets.clients) socket.terminate();
      server.close();
    });
    return `ws://127.0.0.1:${portOf(server)}/mqtt`;
  }

  async function openPage(connectTo: readonly string[], secure = false): Promise<Page> {
    const server: PageServer = await servePage(code, connectTo, { secure });
    cleanups.push(() => server.close());
    const context = await browser.newContext({ ignoreHTTPSErrors: secure });
    cleanups.push(() => context.close());
    const page = await context.newPage();
    await page.goto(server.url);
    return page;
  }

  async function failure(url: string, secure = false): ReturnType<ClientPage['failure']> {
    const page = await openPage([new URL(url).origin], secure);
    return page.evaluate((u) => clientPage.failure(u), url);
  }

  it('[MQTT-6.0.0-1] closes when the server sends text', async () => {
    const closed: Promise<unknown>[] = [];
    const url = await serveWebSockets('mqtt', (socket) => {
      closed.push(once(socket, 'close'));
      socket.send('hello');
    });
    expect(await failure(url)).toMatchObject({
      code: 'protocolError',
      message: expect.stringContaining('sent text, not binary'),
    });
    await Promise.all(closed);
    expect(closed).toHaveLength(1);
  });

  it.each([false, 'other'] as const)(
    'does not open when the server selects the subprotocol %s',
    async (selected) => {
      const url = await serveWebSockets(selected, () => {});
      expect(await failure(url)).toMatchObject({
        code: 'webSocketFailed',
        hint: expect.stringMatching(/speaks MQTT over WebSocket/),
      });
    },
  );

  it('says of a path that the server does not know to look at the path', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanups.push(() => server.close());
    expect(await failure(`ws://127.0.0.1:${portOf(server)}/nowhere`)).toMatchObject({
      code: 'webSocketFailed',
      hint: expect.stringMatching(/path \(\/mqtt is usual\)/),
    });
  });

  it('says of the port of plain MQTT what it is', async () => {
    const { hint } = await failure('ws://127.0.0.1:1883/mqtt');
    expect(hint).toMatch(/Port 1883 is usually MQTT without WebSocket/);
  });

  it('says on a page from https:// that ws:// cannot be', async () => {
    // A name that is nobody's: the browser refuses before it looks for it.
    expect(await failure('ws://broker.test:9001/mqtt', true)).toMatchObject({
      code: 'webSocketFailed',
      hint: 'A page from https:// may open wss:// alone.',
    });
  });

  it('says without a network that there is none', async () => {
    const page = await openPage(['ws://127.0.0.1:9001']);
    await page.context().setOffline(true);
    const told = await page.evaluate((u) => clientPage.failure(u), 'ws://127.0.0.1:9001/mqtt');
    expect(told).toMatchObject({
      code: 'webSocketFailed',
      message: expect.stringMatching(/there is no network$/),
    });
  });

  it('says of mqtt:// what a page has in its place', async () => {
    expect(await failure('mqtt://127.0.0.1:1883')).toMatchObject({
      code: 'invalidArgument',
      hint: expect.stringMatching(/use ws:\/\/ or wss:\/\//),
    });
  });
});
