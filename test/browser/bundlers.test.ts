import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as buildByEsbuild } from 'esbuild';
import type { Browser } from 'playwright-core';
import { build as buildByVite } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { launchChromium } from './chromium.ts';
import { servePage } from './page-server.ts';

/** Two lines with a named import, bundled by what people have, without a setting that is there for us, and run. */

const root = fileURLToPath(new URL('../..', import.meta.url));
// Inside the tree, so that the package is found by its name, as it was built.
const scratch = join(root, '.scratch');
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'bundlers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Bundle = (entry: string, out: string) => Promise<readonly string[]>;

/** Each resolves with what the bundler warns of. */
const bundlers: Readonly<Record<string, Bundle>> = {
  async esbuild(entry, out) {
    const { warnings } = await buildByEsbuild({
      entryPoints: [entry],
      outdir: out,
      bundle: true,
      minify: true,
      format: 'esm',
      logLevel: 'silent',
    });
    return warnings.map(({ text }) => text);
  },

  async vite(entry, out) {
    const warnings: string[] = [];
    await buildByVite({
      root: folder,
      configFile: false,
      logLevel: 'silent',
      build: {
        outDir: out,
        target: 'es2022',
        rolldownOptions: {
          input: entry,
          onwarn: ({ message }) => {
            warnings.push(message);
          },
        },
      },
    });
    return warnings;
  },

  async webpack(entry, out) {
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack({ mode: 'production', entry, output: { path: out } }, (error, done) => {
        if (error) reject(error);
        else resolve(done);
      });
    });
    const { errors = [], warnings = [] } = stats?.toJson() ?? {};
    // That an asset is large is an opinion, not a finding.
    return [...errors, ...warnings]
      .map(({ message }) => message)
      .filter((message) => !/size limit|code splitting/.test(message));
  },
};

describe.runIf(requires('chromium', 'mosquitto'))('a program of two lines', () => {
  let broker: Mosquitto<'webSocket' | 'tcp'>;
  let browser: Browser;

  beforeAll(async () => {
    if (!existsSync(join(root, 'packages/mqtt-kit/dist/index.browser.js'))) {
      throw new Error('Build first (pnpm build): no dist in packages/mqtt-kit.');
    }
    // With WebSockets alone this mosquitto would end at once.
    broker = await startMosquitto({ listeners: { webSocket: { webSocket: true }, tcp: {} } });
    browser = await launchChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await broker?.stop();
  });

  it.each(Object.entries(bundlers))(
    'is bundled by %s to one file without polyfills, and connects',
    async (name, bundle) => {
      const entry = join(folder, `${name}.js`);
      const out = join(folder, name);
      writeFileSync(
        entry,
        `import { connect } from 'mqtt-kit';
         connect('${broker.url('webSocket')}').then((client) => (document.title = client.status.state));`,
      );
      expect(await bundle(entry, out)).toEqual([]);
      const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) =>
        file.endsWith('.js'),
      );
      expect(files).toHaveLength(1);
      const code = readFileSync(join(out, files[0] ?? ''), 'utf8');
      expect(code).not.toMatch(/\bBuffer\b|\bprocess\.|\brequire\(|\beval\(|\bnew Function\b/);

      const server = await servePage(code, [broker.url('webSocket')]);
      const page = await browser.newPage();
      try {
        await page.goto(server.url);
        await page.waitForFunction(() => document.title === 'connected');
      } finally {
        await page.close();
        server.close();
      }
    },
    120_000,
  );
});
