import { connect, type MqttClient } from 'mqtt-kit';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../setup/aedes.ts';
import { type CuttingProxy, startCuttingProxy } from '../setup/cutting-proxy.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { until } from '../setup/until.ts';
import { bundle } from './bundle.mjs';
import { launchChromium } from './chromium.ts';
import type { ClientPage } from './client-page.ts';
import { type PageServer, servePage } from './page-server.ts';

/** What client-page.ts gives to the test, in the page. */
declare const clientPage: ClientPage;
type Dashboard = Awaited<ReturnType<ClientPage['dashboard']>>;

/** Keeps the page for when there is no network. */
const cache = `
  const files = ['/', '/page.js'];
  oninstall = (event) => event.waitUntil(caches.open('page').then((page) => page.addAll(files)));
  onfetch = (event) => event.respondWith(caches.match(event.request).then((kept) => kept ?? fetch(event.request)));
`;
const patienceMs = 25_000;

describe.runIf(requires('chromium', 'mosquitto'))('a client in Chromium', () => {
  let mosquitto: Mosquitto<'webSocket' | 'tcp'>;
  let aedes: EmbeddedAedes;
  let proxy: CuttingProxy;
  let server: PageServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  /** By way of the proxy. */
  let url: string;

  beforeAll(async () => {
    mosquitto = await startMosquitto({ listeners: { webSocket: { webSocket: true }, tcp: {} } });
    aedes = await startAedes('5.0');
    proxy = await startCuttingProxy({ port: mosquitto.port('webSocket') });
    url = `ws://127.0.0.1:${proxy.port}/mqtt`;
    const { code } = await bundle("import './client-page.ts';");
    const worker = await bundle("import './worker.ts';");
    server = await servePage(
      code,
      [mosquitto.url('webSocket'), aedes.url('webSocket'), `ws://127.0.0.1:${proxy.port}`],
      { scripts: { '/worker.js': worker.code, '/cache.js': cache } },
    );
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    server?.close();
    await proxy?.close();
    await aedes?.stop();
    await mosquitto?.stop();
  });

  beforeEach(async () => {
    proxy.refusing = false;
    complaints = [];
    context = await browser.newContext();
    page = await openPage();
  });
  afterEach(() => context?.close());

  async function openPage(): Promise<Page> {
    const opened = await context.newPage();
    opened.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    opened.on('pageerror', (error) => complaints.push(String(error)));
    await opened.goto(server.url);
    return opened;
  }

  /** Opens a client that keeps its queue, as the page's `board`. */
  function openDashboard(on: Page, clientId: string): Promise<void> {
    return on.evaluate(
      async ([u, id]) => {
        const board = await clientPage.dashboard(u, id, {}, { sessionExpirySeconds: 600 });
        Object.assign(globalThis, { board });
      },
      [url, clientId] as const,
    );
  }

  function send(on: Page, texts: readonly string[], qos: 1 | 2): Promise<void> {
    return on.evaluate(
      async ([all, q]) => {
        const { board } = globalThis as unknown as { board: Dashboard };
        await Promise.all(all.map((text) => board.send(text, q)));
      },
      [texts, qos] as const,
    );
  }

  function waitForState(on: Page, state: string): Promise<unknown> {
    return on.waitForFunction(
      (wanted) =>
        (globalThis as unknown as { board: Dashboard }).board.client.status.state === wanted,
      state,
      { timeout: patienceMs },
    );
  }

  /** Everything published to the queue's topic, in order, as another client sees it. */
  async function watchQueue(): Promise<{ readonly texts: string[]; readonly client: MqttClient }> {
    const client = await connect(mosquitto.url('tcp'));
    const texts: string[] = [];
    await client.subscribe('browser/queue', { qos: 2 }, (message) => {
      texts.push(message.text());
    });
    return { texts, client };
  }

  /** Waits for so many, and for one more message behind them, so that a second copy had time to come. */
  async function settled(texts: readonly string[], client: MqttClient): Promise<void> {
    await until(() => texts.length > 0 && texts.at(-1) !== undefined, 'a message', patienceMs);
    await client.publish('browser/queue', 'end', { qos: 2 });
    await until(() => texts.at(-1) === 'end', 'the last message', patienceMs);
  }

  describe.each(['mosquitto', 'the embedded broker'] as const)('with %s', (name) => {
    it.each([0, 1, 2] as const)(
      'does a round trip at QoS %i in both versions, with nothing in the console',
      async (qos) => {
        const to = name === 'mosquitto' ? mosquitto.url('webSocket') : aedes.url('webSocket');
        for (const version of ['5.0', '3.1.1'] as const) {
          const told = await page.evaluate(
            ([u, q, v]) => clientPage.roundTrip(u, q, { version: v }),
            [to, qos, version] as const,
          );
          const reasonCode = qos === 0 ? undefined : 0;
          expect(told).toBe(`19.5 °C at QoS ${qos}, reason code ${reasonCode}, left 0`);
        }
        expect(complaints).toEqual([]);
      },
    );
  });

  it.each(['dedicated', 'shared', 'service'] as const)('works in a %s worker', async (kind) => {
    const told = await page.evaluate(
      async ([which, u]) => {
        const channel = new MessageChannel();
        let port = channel.port1;
        const worker = { type: 'module' } as const;
        if (which === 'dedicated') {
          new Worker('/worker.js', worker).postMessage('', [channel.port2]);
        } else if (which === 'shared') {
          port = new SharedWorker('/worker.js', worker).port;
        } else {
          await navigator.serviceWorker.register('/worker.js', worker);
          const { active } = await navigator.serviceWorker.ready;
          active?.postMessage('', [channel.port2]);
        }
        return new Promise<string>((resolve) => {
          port.onmessage = ({ data }) => resolve(data);
          port.postMessage([u, 1]);
        });
      },
      [kind, mosquitto.url('webSocket')] as const,
    );
    expect(told).toBe('19.5 °C at QoS 1, reason code 0, left 0');
    expect(complaints).toEqual([]);
  });

  it.each([1, 2] as const)(
    'delivers exactly once what was published at QoS %i with the network off before a reload',
    async (qos) => {
      const { texts, client } = await watchQueue();
      await openDashboard(page, `reload-${qos}`);
      await waitForState(page, 'connected');
      // The page itself comes out of a cache, as an installed one does.
      await page.evaluate(async () => {
        await navigator.serviceWorker.register('/cache.js');
        await navigator.serviceWorker.ready;
      });
      proxy.refusing = true;
      await context.setOffline(true);
      proxy.cut();
      await waitForState(page, 'reconnecting');
      await send(page, ['one', 'two'], qos);
      await page.reload();
      await openDashboard(page, `reload-${qos}`);
      await send(page, ['three'], qos);
      expect(texts).toEqual([]);
      proxy.refusing = false;
      await context.setOffline(false);
      await waitForState(page, 'connected');
      await until(() => texts.length >= 3, 'three messages', patienceMs);
      await settled(texts, client);
      expect(texts).toEqual(['one', 'two', 'three', 'end']);
      await client.close();
    },
  );

  it('delivers exactly once at QoS 2 what was on its way when the tab was killed', async () => {
    const { texts, client } = await watchQueue();
    await openDashboard(page, 'killed');
    await waitForState(page, 'connected');
    // The server gets them, its answers are lost.
    const passed = proxy.passed.toServer;
    proxy.cutAfter('toClient', 0);
    await send(page, ['one', 'two'], 2);
    await until(() => proxy.passed.toServer > passed, 'something on its way', patienceMs);
    proxy.refusing = true;
    const crashed = page.waitForEvent('crash');
    page.goto('chrome://crash').catch(() => {});
    await crashed;
    page = await openPage();
    await openDashboard(page, 'killed');
    await send(page, ['three'], 2);
    proxy.refusing = false;
    await until(() => texts.length >= 3, 'three messages', patienceMs);
    await settled(texts, client);
    expect(texts).toEqual(['one', 'two', 'three', 'end']);
    await client.close();
  });

  it('has one client for two tabs: the second waits, then goes on with the session', async () => {
    const { texts, client } = await watchQueue();
    await openDashboard(page, 'tabs');
    await waitForState(page, 'connected');
    proxy.refusing = true;
    proxy.cut();
    await send(page, ['from the first tab'], 1);
    const second = await openPage();
    await second.evaluate((u) => {
      const told: string[] = [];
      const opening = clientPage.dashboard(u, 'tabs', {
        onStatus: ({ state }) => told.push(state),
      });
      Object.assign(globalThis, { told, board: undefined });
      void opening.then((board) => Object.assign(globalThis, { board }));
    }, url);
    await second.waitForFunction(
      () => (globalThis as unknown as { told: string[] }).told[0] === 'waiting',
    );
    expect(
      await second.evaluate(() => (globalThis as unknown as { board: unknown }).board),
    ).toBeUndefined();
    await page.close();
    await second.waitForFunction(() => (globalThis as unknown as { board: unknown }).board, null, {
      timeout: patienceMs,
    });
    proxy.refusing = false;
    await waitForState(second, 'connected');
    await until(() => texts.length > 0, 'the message', patienceMs);
    await settled(texts, client);
    expect(texts).toEqual(['from the first tab', 'end']);
    const taken = mosquitto.log.match(/client tabs already connected/gi) ?? [];
    expect(taken).toEqual([]);
    await client.close();
  });

  describe('whose page', () => {
    /** A client that waits for minutes between attempts, as it does after a while without a server. */
    function openSlowDashboard(clientId: string): Promise<void> {
      return page.evaluate(
        async ([u, id]) => {
          const slow = { reconnect: { minDelayMs: 1e9, maxDelayMs: 1e9 } };
          const board = await clientPage.dashboard(u, id, {}, slow);
          Object.assign(globalThis, { board });
        },
        [url, clientId] as const,
      );
    }

    it('is online again connects at once', async () => {
      await openSlowDashboard('online');
      await waitForState(page, 'connected');
      await context.setOffline(true);
      proxy.cut();
      await waitForState(page, 'reconnecting');
      await context.setOffline(false);
      await waitForState(page, 'connected');
    });

    it('is seen again connects at once', async () => {
      await openSlowDashboard('visible');
      await waitForState(page, 'connected');
      proxy.cut();
      await waitForState(page, 'reconnecting');
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await waitForState(page, 'connected');
    });

    it('is seen again finds out in seconds that nobody is there any more', async () => {
      await openSlowDashboard('half-open');
      await waitForState(page, 'connected');
      proxy.silence();
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await waitForState(page, 'reconnecting');
      const [status] = await page.evaluate(() =>
        (globalThis as unknown as { board: Dashboard }).board.statuses.slice(-1),
      );
      expect(status).toMatch(/^reconnecting: .*nothing came/);
    });

    it('is put aside gives its connection up, and has it again when it comes back', async () => {
      await openSlowDashboard('aside');
      await waitForState(page, 'connected');
      const open = proxy.openConnections;
      const turn = (event: string): Promise<unknown> =>
        page.evaluate(
          (name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true })),
          event,
        );
      await turn('pagehide');
      await until(() => proxy.openConnections < open, 'the connection is given up', patienceMs);
      await waitForState(page, 'reconnecting');
      await turn('pageshow');
      await waitForState(page, 'connected');
      const statuses = await page.evaluate(
        () => (globalThis as unknown as { board: Dashboard }).board.statuses,
      );
      expect(statuses).toContain('reconnecting: the client was put aside');
    });
  });

  it('leaves its will to the server when its tab is killed', async () => {
    const client = await connect(mosquitto.url('tcp'));
    const willed = new Promise<string>((resolve) => {
      void client.subscribe('browser/will', (message) => resolve(message.text()));
    });
    await page.evaluate(async (u) => {
      const will = { topic: 'browser/will', payload: 'gone' };
      Object.assign(globalThis, { kept: await clientPage.connect(u, { will }) });
    }, url);
    const crashed = page.waitForEvent('crash');
    page.goto('chrome://crash').catch(() => {});
    await crashed;
    expect(await willed).toBe('gone');
    await client.close();
  });
});
