import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConnectOptions } from 'mqtt-kit';
import type { Browser, Page as BrowserPage } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { freePorts } from '../setup/ports.ts';
import { requires } from '../setup/requires.ts';
import { bundle } from './bundle.mjs';
import { launchChromium } from './chromium.ts';
import type { Page, Reading } from './page.ts';
import { type PageServer, servePage } from './page-server.ts';

const pictures = fileURLToPath(new URL('../../.scratch/', import.meta.url));

/** What page.ts gives to the test, in the page. */
declare const mqttPage: Page;

describe.runIf(requires('chromium', 'mosquitto'))('a page in Chromium', () => {
  let broker: Mosquitto<'webSocket' | 'tcp'>;
  let deadPort: number;
  let server: PageServer;
  let browser: Browser;
  let page: BrowserPage;
  let complaints: string[];

  beforeAll(async () => {
    broker = await startMosquitto({ listeners: { webSocket: { webSocket: true }, tcp: {} } });
    [deadPort = 0] = await freePorts(1);
    const { code } = await bundle("import './page.ts';");
    server = await servePage(code, [
      broker.url('webSocket'),
      `ws://127.0.0.1:${broker.port('tcp')}`,
      `ws://127.0.0.1:${deadPort}`,
    ]);
    browser = await launchChromium();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    await broker?.stop();
  });

  beforeEach(async () => {
    complaints = [];
    page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(server.url);
  });
  afterEach(() => page?.close());

  function roundTrip(url: string, options: ConnectOptions = {}): Promise<Reading> {
    return page.evaluate(([u, o]) => mqttPage.roundTrip(u, o), [url, options] as const);
  }

  function failure(url: string, options: ConnectOptions = {}): ReturnType<Page['failure']> {
    return page.evaluate(([u, o]) => mqttPage.failure(u, o), [url, options] as const);
  }

  it.each(['5.0', '3.1.1'] as const)(
    'imports connect, subscribes and publishes at QoS 1 with MQTT %s',
    async (version) => {
      expect(await roundTrip(broker.url('webSocket'), { version })).toEqual({
        room: 'attic',
        text: '19.5 °C',
        reasonCode: 0,
        version,
      });
      expect(await page.locator('#readings li').allTextContents()).toEqual(['attic: 19.5 °C']);
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `browser-${version}.png`) });
      expect(complaints).toEqual([]);
    },
  );

  it('is told to use WebSockets when it asks for a socket', async () => {
    for (const scheme of ['mqtt', 'mqtts']) {
      expect(await failure(`${scheme}://127.0.0.1:${broker.port('tcp')}`)).toMatchObject({
        code: 'invalidArgument',
        hint: expect.stringMatching(/ws:\/\/ or wss:\/\//),
      });
    }
    expect(complaints).toEqual([]);
  });

  it('is told what to check when nobody answers, or something else does', async () => {
    for (const port of [deadPort, broker.port('tcp')]) {
      const url = `ws://127.0.0.1:${port}/mqtt`;
      expect(await failure(`${url}?token=secret`)).toEqual({
        code: 'webSocketFailed',
        message: `cannot open ${url}: the platform does not say why`,
        hint: expect.stringContaining('Check host, port and path'),
      });
    }
  });

  it('is told at once when its content security policy forbids the server', async () => {
    expect(await failure('ws://127.0.0.1:1883/mqtt')).toMatchObject({ code: 'webSocketFailed' });
    expect(complaints.join()).toMatch(/Content Security Policy/);
  });
});
