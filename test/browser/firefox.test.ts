import { fileURLToPath } from 'node:url';
import { sessionStoreContract } from '@mqtt-kit/testkit';
import { connect } from 'mqtt-kit';
import type { Browser, BrowserContext, Page } from 'puppeteer-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedAedes, startAedes } from '../setup/aedes.ts';
import { type CuttingProxy, startCuttingProxy } from '../setup/cutting-proxy.ts';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { freePorts } from '../setup/ports.ts';
import { requires } from '../setup/requires.ts';
import { until } from '../setup/until.ts';
import { bundle } from './bundle.mjs';
import type { ClientPage } from './client-page.ts';
import { launchFirefox } from './firefox.ts';
import { type PageServer, servePage } from './page-server.ts';
import type { StorePage } from './store-page.ts';

/** What client-page.ts and store-page.ts give to the test, in the page. */
declare const clientPage: ClientPage;
declare const storePage: StorePage;
declare const board: Awaited<ReturnType<ClientPage['dashboard']>>;

const patienceMs = 25_000;

/** What Chromium is asked in more detail, asked of a second engine: sockets, workers, databases, locks, the policy. */
describe.runIf(requires('firefox-esr', 'mosquitto'))('a client in Firefox', () => {
  let mosquitto: Mosquitto<'webSocket' | 'tcp'>;
  let aedes: EmbeddedAedes;
  let proxy: CuttingProxy;
  let deadPort: number;
  let server: PageServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    mosquitto = await startMosquitto({ listeners: { webSocket: { webSocket: true }, tcp: {} } });
    aedes = await startAedes('5.0');
    proxy = await startCuttingProxy({ port: mosquitto.port('webSocket') });
    [deadPort = 0] = await freePorts(1);
    const { code } = await bundle("import './client-page.ts'; import './store-page.ts';", {
      'node:assert/strict': fileURLToPath(new URL('./assert.ts', import.meta.url)),
    });
    const worker = await bundle("import './worker.ts';");
    const servers = [mosquitto.url('webSocket'), aedes.url('webSocket')];
    const further = [proxy.port, deadPort].map((port) => `ws://127.0.0.1:${port}`);
    server = await servePage(code, [...servers, ...further], {
      scripts: { '/worker.js': worker.code },
    });
    browser = await launchFirefox();
  }, 90_000);
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
    // A context of its own has databases and locks of its own.
    context = await browser.createBrowserContext();
    page = await openPage();
  });
  afterEach(() => context?.close());

  async function openPage(): Promise<Page> {
    const opened = await context.newPage();
    opened.on('console', (message) => {
      if (['error', 'warn'].includes(message.type())) complaints.push(message.text());
    });
    opened.on('pageerror', (error) => {
      // Firefox's own remark on a server that ends TCP upon DISCONNECT without closing the WebSocket, as aedes does.
      if (!/interrupted while the page was loading/.test(String(error))) {
        complaints.push(String(error));
      }
    });
    await opened.goto(server.url);
    return opened;
  }

  function openDashboard(on: Page, clientId: string): Promise<void> {
    return on.evaluate(
      async (u, id) => {
        const made = await clientPage.dashboard(u, id, {}, { sessionExpirySeconds: 600 });
        Object.assign(globalThis, { board: made });
      },
      `ws://127.0.0.1:${proxy.port}/mqtt`,
      clientId,
    );
  }

  function waitForState(on: Page, state: string): Promise<unknown> {
    const options = { timeout: patienceMs };
    return on.waitForFunction((wanted) => board.client.status.state === wanted, options, state);
  }

  it.each(['mosquitto', 'the embedded broker'] as const)(
    'does round trips at every QoS in both versions with %s, with nothing in the console',
    async (name) => {
      const to = name === 'mosquitto' ? mosquitto.url('webSocket') : aedes.url('webSocket');
      for (const version of ['5.0', '3.1.1'] as const) {
        for (const qos of [0, 1, 2] as const) {
          const told = await page.evaluate(
            (u, q, v) => clientPage.roundTrip(u, q, { version: v }),
            to,
            qos,
            version,
          );
          const reasonCode = qos === 0 ? undefined : 0;
          expect(told).toBe(`19.5 °C at QoS ${qos}, reason code ${reasonCode}, left 0`);
        }
      }
      expect(complaints).toEqual([]);
    },
  );

  it.each(['dedicated', 'shared', 'service'] as const)('works in a %s worker', async (kind) => {
    const told = await page.evaluate(
      async (which, u) => {
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
      kind,
      mosquitto.url('webSocket'),
    );
    expect(told).toBe('19.5 °C at QoS 1, reason code 0, left 0');
    expect(complaints).toEqual([]);
  });

  it.each([1, 2] as const)(
    'delivers exactly once what was published at QoS %i without a server before a reload',
    async (qos) => {
      const watcher = await connect(mosquitto.url('tcp'));
      const texts: string[] = [];
      await watcher.subscribe('browser/queue', { qos: 2 }, (message) => {
        texts.push(message.text());
      });
      const clientId = `firefox-${qos}`;
      await openDashboard(page, clientId);
      await waitForState(page, 'connected');
      proxy.refusing = true;
      proxy.cut();
      await waitForState(page, 'reconnecting');
      await page.evaluate(async (q) => {
        await Promise.all([board.send('one', q), board.send('two', q)]);
      }, qos);
      await page.reload();
      await openDashboard(page, clientId);
      await page.evaluate((q) => board.send('three', q), qos);
      expect(texts).toEqual([]);
      proxy.refusing = false;
      await waitForState(page, 'connected');
      await until(() => texts.length >= 3, 'three messages', patienceMs);
      // Behind a second copy, if there were one.
      await watcher.publish('browser/queue', 'end', { qos: 2 });
      await until(() => texts.at(-1) === 'end', 'the last message', patienceMs);
      expect(texts).toEqual(['one', 'two', 'three', 'end']);
      await watcher.close();
    },
  );

  it('has one client for two tabs: the second waits until the first is closed', async () => {
    await openDashboard(page, 'firefox-tabs');
    await waitForState(page, 'connected');
    const second = await openPage();
    await second.evaluate((u) => {
      const told: string[] = [];
      const onStatus = ({ state }: { state: string }): unknown => told.push(state);
      Object.assign(globalThis, { told });
      clientPage
        .dashboard(u, 'firefox-tabs', { onStatus })
        .then((made) => Object.assign(globalThis, { board: made }));
    }, `ws://127.0.0.1:${proxy.port}/mqtt`);
    await second.waitForFunction(
      () => (globalThis as unknown as { told: string[] }).told[0] === 'waiting',
    );
    expect(await second.evaluate(() => 'board' in globalThis)).toBe(false);
    await page.close();
    await second.waitForFunction(() => 'board' in globalThis, { timeout: patienceMs });
    await waitForState(second, 'connected');
  });

  it('says that nobody listens', async () => {
    const failure = await page.evaluate(
      (u) => clientPage.failure(u),
      `ws://127.0.0.1:${deadPort}/mqtt`,
    );
    expect(failure).toMatchObject({
      code: 'webSocketFailed',
      message: expect.stringContaining(`127.0.0.1:${deadPort}`),
    });
  });

  it('keeps sessions in IndexedDB by the contract of stores', async () => {
    for (const { name } of sessionStoreContract) {
      const failed = await page.evaluate(
        (n) =>
          storePage.runCase(n, 'power').then(
            () => undefined,
            (error) => String(error),
          ),
        name,
      );
      expect([name, failed]).toEqual([name, undefined]);
    }
  }, 60_000);
});
