import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { makePlots, plots } from '../../packages/simulator/plots/make.mjs';
import { type Child, startChild } from '../setup/child-process.ts';
import { until } from '../setup/until.ts';
import { codeBlocks } from '../tidy/markdown.ts';
import { read, root } from '../tidy/tree.ts';
import { scratchFolder } from './scratch-folder.ts';
import { watchedServer } from './watched-server.ts';

/** What the README of the simulator promises, done. The packages must have been built. */

const path = 'packages/simulator/README.md';
const examples = codeBlocks(path).filter(({ language }) => language === 'ts');
const folder = scratchFolder('simulator-readme');

const watched = watchedServer();
const all = watched.payloads;

/** Runs an example on our server, with parts of it changed so that it fits a test. */
async function start(
  number: number,
  changes: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const example = examples[number]?.code ?? '';
  expect(example.split('\n').length).toBeLessThan(26);
  let { code } = await transform(example, { loader: 'ts', format: 'esm' });
  for (const [from, to] of Object.entries(changes)) {
    expect(code).toContain(from);
    code = code.replaceAll(from, to);
  }
  code = code.replaceAll('mqtt://localhost', watched.server.url('plain'));
  const file = join(folder, `example-${number}.mjs`);
  writeFileSync(file, code);
  return startChild(process.execPath, [file], { cwd: root });
}

describe('the README of the simulator', () => {
  it('has a freezer that fails every third hour, and whose will is published when it is killed', async () => {
    await using freezer = await start(0, { 'speed: 60': 'speed: 7200' });
    const readings = (): { temperature: number; alarm: boolean }[] =>
      all('freezer/cellar').map((text) => JSON.parse(text));
    const temperatures = (): number[] => readings().map(({ temperature }) => temperature);
    const alarms = (): boolean => readings().some(({ alarm }) => alarm);
    await until(() => temperatures().length > 900 && alarms(), 'some hours with a failure');
    expect(readings().every(({ temperature, alarm }) => alarm === temperature > -12)).toBe(true);
    expect(temperatures().filter((celsius) => celsius < -16).length).toBeGreaterThan(500);
    expect(all('freezer/cellar/status')).toEqual(['online']);
    await freezer.stop('SIGKILL');
    await until(() => all('freezer/cellar/status').at(-1) === 'offline', 'the will');
  });

  it('has a house with heating that answers commands', async () => {
    await using house = await start(1);
    const climate = (): { target: number; temperature: number }[] =>
      all('house/kitchen/climate').map((text) => JSON.parse(text));
    await until(() => climate().length > 0 && all('house/kitchen/status').length > 0, 'a reading');
    await watched.server.logged(/house\/kitchen\/target\/set/);
    await watched.publish('house/kitchen/target/set', '23');
    await until(() => climate().at(-1)?.target === 23, 'an answer');
    expect(climate()[0]?.target).toBe(21);
    expect(watched.seen.filter(({ topic }) => topic.startsWith('homeassistant/')).length).toBe(9);
    await house.stop('SIGKILL');
  });

  it('has a fleet of meters', async () => {
    await using meters = await start(2, { 'count: 5e3': 'count: 50', '"1m"': '"2s"' });
    expect(await meters.ended).toMatchObject({ code: 0 });
    const [, sent, acknowledged] =
      /^(\d+) sent, (\d+) acknowledged, p99 [\d.]+ ms\n$/.exec(`${meters.stdout}`) ?? [];
    expect(Number(sent)).toBeGreaterThan(80);
    expect(acknowledged).toBe(sent);
  });

  it('prints a preset without a server', async () => {
    await using weather = await start(3);
    expect(await weather.ended).toMatchObject({ code: 0 });
    expect(`${weather.stdout}`.split('\n').length).toBeGreaterThan(300);
  });

  it('shows pictures that are what the signals give, byte for byte', async () => {
    for (const [name, svg] of await makePlots()) {
      const file = `packages/simulator/plots/${name}`;
      expect(
        readFileSync(join(root, file), 'utf8') === svg,
        `${file} as it would be made now`,
      ).toBe(true);
    }
  });

  it('shows every picture beside the expression that made it', () => {
    const text = read(path);
    for (const [name, expression] of plots) {
      expect(text).toContain(`(plots/${name}.svg)`);
      const other = ['replay', 'geo-path'].includes(name) || name.startsWith('fault-');
      if (!other) expect(text).toContain(`\`${expression}\``);
    }
  });
});
