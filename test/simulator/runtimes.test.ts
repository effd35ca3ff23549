import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundle } from '../browser/bundle.mjs';
import { launchChromium } from '../browser/chromium.ts';
import { servePage } from '../browser/page-server.ts';
import { runChild } from '../setup/child-process.ts';
import { requires } from '../setup/requires.ts';
import { root } from '../tidy/tree.ts';
import { presetsDigest } from './digest.mjs';

/** The same seed gives the same bytes in every runtime that is here. The packages must have been built. */

const expected = '6b519310c4a3255957ccfb6ff20297fc79f3e07bf614647ab3277d7d8e34fee8';

/** Other versions of Node that npx has brought to this machine before, and runtimes on the path. */
function runtimes(): [name: string, words: readonly string[]][] {
  const cache = join(homedir(), '.npm', '_npx');
  const folders = existsSync(cache) ? readdirSync(cache) : [];
  const candidates: (readonly string[])[] = [[process.execPath]];
  for (const folder of folders) {
    const modules = join(cache, folder, 'node_modules');
    candidates.push([join(modules, 'node', 'bin', 'node')], [join(modules, '.bin', 'bun')]);
  }
  const found = new Map<string, readonly string[]>();
  for (const words of [...candidates, ['bun'], ['deno', 'run', '--allow-all']]) {
    const [program = ''] = words;
    if (program.startsWith('/') && !existsSync(program)) continue;
    const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    if (status === 0) found.set(`${program.split('/').at(-1)} ${stdout.split('\n')[0]}`, words);
  }
  return [...found];
}

describe('the data of a seed', () => {
  it.each(runtimes())('is the same in %s', async (_name, [program = '', ...words]) => {
    const child = await runChild(program, [...words, 'test/simulator/digest.mjs'], { cwd: root });
    expect(`${child.stdout}`.trim()).toBe(expected);
  });

  it('is the same under this test', async () => {
    expect(await presetsDigest()).toBe(expected);
  });

  it.runIf(requires('chromium'))('is the same in a page', async () => {
    const { code } = await bundle("import '../simulator/digest.mjs';");
    const server = await servePage(code, []);
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      expect(await page.evaluate('presetsDigest()')).toBe(expected);
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
