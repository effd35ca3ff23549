import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge } from './harness/goals.mjs';
import { type Cell, measureCell, ratios } from './harness/measure.mjs';
import { quantile } from './harness/statistics.mjs';

const program = fileURLToPath(new URL('bench.mjs', import.meta.url));
const bench = (...words: string[]) =>
  spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', timeout: 240_000 });

// What is measured is the built client: `pnpm test` builds before.
describe('the benchmark', { timeout: 300_000 }, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('measures cells in rounds, compares contents, judges goals and writes all of it down', () => {
    const json = join(folder, 'bench.json');
    const words = ['--quick', '--rounds', '1', '--only', 'publish-1,receive-0', '--json', json];
    const { status, stdout, stderr } = bench(...words);
    expect(stderr).toContain('[2/2] receive-0, round 1');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\| publish QoS 1 \| mqtt-kit \| [\d.,]+ \|/m);
    expect(stdout).toMatch(/^\| {2}\| MQTT\.js \| .*× \|$/m);
    expect(stdout).toMatch(/^\| {2}\| \(mqtt-kit again\) \|/m);
    expect(stdout).toContain('### Goals');
    const { rows } = JSON.parse(readFileSync(json, 'utf8')) as {
      rows: { name: string; measured: { name: string; samples: { cpuUs: number }[] }[] }[];
    };
    expect(rows.map(({ name }) => name)).toEqual(['publish QoS 1', 'receive QoS 0']);
    for (const { measured } of rows) {
      for (const { samples } of measured) expect(samples[0]?.cpuUs).toBeGreaterThan(0);
    }
  });

  it('names the cells there are when it is asked for another', () => {
    const { status, stderr } = bench('--only', 'publish-7');
    expect(status).toBe(1);
    expect(stderr).toMatch(/No cell is called publish-7; there are publish-0, /);
  });
});

describe('a measurement', () => {
  const cellOf = (order: string[], take: Record<string, number>): Cell => ({
    name: 'publish-0',
    group: '64 bytes, server that batches its answers',
    contestants: Object.entries(take).map(([name, cpuUs]) => ({
      name,
      measure: () => {
        order.push(name);
        return Promise.resolve({ 'publish QoS 0': { cpuUs } });
      },
    })),
  });

  it('runs contestants in turned order and the first one twice, and takes ratios inside a round', async () => {
    const order: string[] = [];
    const cell = cellOf(order, { ours: 2, theirs: 7 });
    const [row] = await measureCell(cell, 3, () => {});
    const rounds = [order.slice(0, 3), order.slice(3, 6), order.slice(6)];
    expect(rounds).toEqual([
      ['ours', 'theirs', 'ours'],
      ['theirs', 'ours', 'ours'],
      ['ours', 'ours', 'theirs'],
    ]);
    expect(row && ratios(row, 'theirs', 'cpuUs')).toEqual([3.5, 3.5, 3.5]);
    expect(row && ratios(row, 'again', 'cpuUs')).toEqual([1, 1, 1]);
  });

  it('judges a goal by the lower quartile, and leaves one open that was not measured', async () => {
    const [row] = await measureCell(cellOf([], { 'mqtt-kit': 1, 'MQTT.js': 12.5 }), 2, () => {});
    const judged = judge(row ? [row] : []);
    expect(judged.filter(({ value }) => value !== undefined)).toMatchObject([
      { title: 'publish QoS 0, server that batches its answers: MQTT.js', bound: 12, value: 12.5 },
    ]);
  });

  it('tells which contestant failed', async () => {
    const cell = { ...cellOf([], {}), contestants: [{ name: 'ours', measure: broken }] };
    await expect(measureCell(cell, 1, () => {})).rejects.toThrow('publish-0, ours: no');
  });
});

function broken(): Promise<never> {
  return Promise.reject(new Error('no'));
}

describe('the lower quartile', () => {
  it('lies between neighbours in proportion', () => {
    expect(quantile([4, 1, 3, 2, 5], 0.25)).toBe(2);
    expect(quantile([4, 1], 0.25)).toBe(1.75);
  });
});
