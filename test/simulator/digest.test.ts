import { describe, expect, it } from 'vitest';
import { bundle } from '../browser/bundle.mjs';
import { launchChromium } from '../browser/chromium.ts';
import { servePage } from '../browser/page-server.ts';
import { requires } from '../setup/requires.ts';
import { expectedDigest, presetsDigest } from './digest.mjs';

/** The same seed gives the same bytes everywhere: in a page here, in other runtimes in test/runtimes. */

describe('the data of a seed', () => {
  it('is the same under this test', async () => {
    expect(await presetsDigest()).toBe(expectedDigest);
  });

  it.runIf(requires('chromium'))('is the same in a page', async () => {
    const { code } = await bundle("import '../simulator/digest.mjs';");
    const server = await servePage(code, []);
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      expect(await page.evaluate('presetsDigest()')).toBe(expectedDigest);
    } finally {
      await browser.close();
      server.close();
    }
  });
});

describe('what a page gets', () => {
  it('is nothing of the simulator unless it imports it, and nothing that is meant for Node if it does', async () => {
    const inputs = async (program: string): Promise<string[]> =>
      Object.keys((await bundle(program)).metafile.inputs);
    const plain = await inputs("export * from 'mqtt-kit';");
    expect(plain.filter((path) => path.includes('packages/simulator'))).toEqual([]);
    const simulating = await inputs("export * from 'mqtt-kit/simulator';");
    expect(simulating).toContain('packages/mqtt-kit/src/simulator.browser.ts');
    expect(simulating.filter((path) => /node_modules|transport-tcp/.test(path))).toEqual([]);
  });
});
