import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { connect } from 'mqtt-kit';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Child, startChild } from '../setup/child-process.ts';
import { type CuttingProxy, startCuttingProxy } from '../setup/cutting-proxy.ts';
import { requires } from '../setup/requires.ts';
import { until } from '../setup/until.ts';
import { launchChromium } from './chromium.ts';

/** The dashboard as `pnpm dashboard` starts it, used as a person would. */

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = join(root, '.scratch');
const patienceMs = 25_000;

describe.runIf(requires('chromium'))('the dashboard', () => {
  let dashboard: Child;
  let proxy: CuttingProxy;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let brokerUrl: string;
  let complaints: string[];

  beforeAll(async () => {
    dashboard = startChild(process.execPath, ['apps/dashboard/serve.js', '--port', '0'], {
      cwd: root,
    });
    const said = (pattern: RegExp) => pattern.exec(`${dashboard.stdout}`)?.[1] ?? '';
    await until(
      () => !dashboard.running || /Ctrl-C/.test(`${dashboard.stdout}`),
      'the dashboard says where it is',
      120_000,
    );
    expect(dashboard.stderr).toBe('');
    brokerUrl = said(/(mqtt:\/\/localhost:\d+)/);
    proxy = await startCuttingProxy({ port: Number(said(/http:\/\/localhost:(\d+)/)) });
    browser = await launchChromium();
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await proxy?.close();
    expect(await dashboard?.stop('SIGTERM')).toMatchObject({ code: 0 });
  }, 60_000);
  afterEach(() => context?.close());

  async function open(options: Parameters<Browser['newContext']>[0] = {}): Promise<void> {
    complaints = [];
    context = await browser.newContext({ viewport: { width: 1100, height: 760 }, ...options });
    page = await context.newPage();
    page.setDefaultTimeout(patienceMs);
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(`http://127.0.0.1:${proxy.port}/`);
    await page.getByText(/^Connected/).waitFor();
  }

  const room = (name: string) => page.getByRole('article', { name });
  const light = (name: string) => page.getByRole('switch', { name: `Light, ${name}` });
  const isOn = async (name: string) => (await light(name).getAttribute('aria-checked')) === 'true';

  it('shows what the rooms send, and says nothing in the console', async () => {
    await open();
    for (const name of ['bathroom', 'bedroom', 'kitchen']) {
      await room(name)
        .getByText(/^\d+\.\d$/)
        .waitFor();
      await room(name)
        .getByText(/^\d+ % humidity$/)
        .waitFor();
      await room(name).getByText('online').waitFor();
      await room(name)
        .getByRole('img', { name: /^Temperature, \w+: between [\d.]+ and [\d.]+ °C/ })
        .waitFor();
    }
    expect(complaints).toEqual([]);
  });

  it('switches a light, which says so itself, and still does after a reload', async () => {
    await open();
    const before = await isOn('kitchen');
    await light('kitchen').click();
    await room('kitchen')
      .getByText(before ? 'off' : 'on', { exact: true })
      .waitFor();
    await page.getByRole('cell', { name: 'house/kitchen/light/set' }).first().waitFor();
    await page.reload();
    await room('kitchen')
      .getByText(before ? 'off' : 'on', { exact: true })
      .waitFor();
    expect(await isOn('kitchen')).toBe(!before);
  });

  it('keeps what was switched without a server, and says why it waits', async () => {
    await open();
    const lamp = await connect(brokerUrl);
    const heard: string[] = [];
    await lamp.subscribe('house/bedroom/light/set', { qos: 1 }, (message) => {
      heard.push(message.text());
    });
    proxy.refusing = true;
    proxy.cut();
    await page.getByText(/^Not connected: /).waitFor();
    const before = await isOn('bedroom');
    await light('bedroom').click();
    await room('bedroom').getByText('waiting for the server').waitFor();
    await page.getByText(/1 change waits/).waitFor();
    expect(heard).toEqual([]);
    proxy.refusing = false;
    await page.getByText(/^Connected, MQTT [\d.]+$/).waitFor();
    await room('bedroom')
      .getByText(before ? 'off' : 'on', { exact: true })
      .waitFor();
    await until(() => heard.length > 0, 'the lamp hears of it');
    expect(heard).toEqual([before ? 'off' : 'on']);
    await lamp.close();
  });

  it('sees from its last will that a sensor is gone', async () => {
    await open();
    const status = 'house/attic/status';
    const sensor = await connect(brokerUrl, { will: { topic: status, payload: 'offline' } });
    await sensor.publish(status, 'online', { qos: 1 });
    await sensor.publish('house/attic/temperature', '31.5', { qos: 1 });
    await room('attic').getByText('online').waitFor();
    await room('attic').getByText('31.5').waitFor();
    // Without DISCONNECT, as when the sensor loses its power.
    await sensor.close({ reasonCode: 0x04 });
    await room('attic').getByText('offline').waitFor();
  });

  it('follows the topic filter that is written, and says what is wrong with one', async () => {
    await open();
    const box = page.getByRole('combobox', { name: 'Topic filter' });
    await box.fill('house/+/humidity');
    await page.waitForFunction(() => {
      const topics = [...document.querySelectorAll('#messages .topic')];
      return (
        topics.length > 1 && topics.every(({ textContent }) => /\/humidity$/.test(textContent))
      );
    });
    await box.fill('house/#/humidity');
    await page.getByText(/#/).and(page.locator('#filter-help')).waitFor();
    await page.locator('#filter[aria-invalid="true"]').waitFor();
    expect(complaints).toEqual([]);
  });

  it('gives every control a name, and needs no scrolling to the side', async () => {
    await open({ viewport: { width: 390, height: 844 } });
    await room('kitchen').waitFor();
    const { unnamed, overflow } = await page.evaluate(() => ({
      unnamed: [...document.querySelectorAll('button, input, [role="img"], [role="switch"]')]
        .filter(
          (control) =>
            !control.getAttribute('aria-label') &&
            !(control instanceof HTMLInputElement && control.labels?.length),
        )
        .map((control) => control.outerHTML),
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    }));
    expect({ unnamed, overflow }).toEqual({ unnamed: [], overflow: 0 });
  });

  it.each([
    ['desktop-light', { colorScheme: 'light' }],
    ['desktop-dark', { colorScheme: 'dark' }],
    ['phone-light', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
    ['phone-dark', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
  ] as const)(
    'has its picture taken: %s',
    async (name, options) => {
      await open(options);
      for (const [where, on] of [
        ['bathroom', true],
        ['kitchen', false],
      ] as const) {
        await room(where)
          .getByText(/^(on|off)$/)
          .waitFor();
        if ((await isOn(where)) !== on) await light(where).click();
        await room(where)
          .getByText(on ? 'on' : 'off', { exact: true })
          .waitFor();
      }
      // Those of the documents are taken anew by PICTURES=docs, when there is more to see.
      const folder = process.env['PICTURES'];
      if (folder !== undefined) await page.waitForTimeout(60_000);
      mkdirSync(scratch, { recursive: true });
      const path = join(
        folder === undefined ? scratch : join(root, folder),
        `dashboard-${name}.png`,
      );
      await page.screenshot({ path });
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const [red = 0] = background.match(/\d+/g)?.map(Number) ?? [];
      expect(red < 128).toBe(options.colorScheme === 'dark');
    },
    120_000,
  );
});
