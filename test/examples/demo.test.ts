import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Child, startChild } from '../setup/child-process.ts';
import { until } from '../setup/until.ts';
import { root } from '../tidy/tree.ts';

/** `pnpm demo`, without pnpm: the programs must have been built. */
function startDemo(...words: readonly string[]): Child {
  return startChild(process.execPath, ['apps/demo/demo.js', ...words], { cwd: root });
}

const readings = (child: Child): string[] =>
  `${child.stdout}`.split('\n').filter((line) => /^house\/\w+\/temperature -?\d+\.\d$/.test(line));

/** Processes whose command line holds a text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((command) => command.includes(text));
}

describe('pnpm demo', () => {
  it('shows the readings of every room and ends by itself', async () => {
    const demo = startDemo('--for', '3');
    expect(await demo.ended).toEqual({ code: 0, signal: null });
    const rooms = new Set(readings(demo).map((line) => line.split('/')[1]));
    expect([...rooms].sort()).toEqual(['bathroom', 'bedroom', 'kitchen']);
    expect(`${demo.stdout}`).toMatch(new RegExp(`${readings(demo).length} readings in 3 s\\.`));
    expect(demo.stderr).toBe('');
  });

  it('fails when no reading was shown', async () => {
    const demo = startDemo('--for', '0.01');
    expect(await demo.ended).toMatchObject({ code: 1 });
    expect(demo.stderr).toContain('No reading was shown in 0.01 s.');
  });

  it.each([
    ['--for', 'soon'],
    ['--for', '-1'],
    ['--four', '5'],
  ])('refuses %s %s', async (...words) => {
    const demo = startDemo(...words);
    expect(await demo.ended).toMatchObject({ code: 1 });
    expect(demo.stderr).toMatch(/^demo: takes --for .*\n$/);
  });

  it('prints command lines that work in a second terminal', async () => {
    const demo = startDemo();
    await until(() => readings(demo).length > 0, 'a first reading');
    const commands = `${demo.stdout}`.match(/^ {4}node .*$/gm) ?? [];
    expect(commands).toHaveLength(2);
    const [publish = '', subscribe = ''] = commands;

    const publisher = startChild('/bin/sh', ['-c', publish], { cwd: root });
    expect(await publisher.ended).toMatchObject({ code: 0 });
    await until(() => `${demo.stdout}`.includes('house/attic/temperature 19.5\n'), 'our reading');

    const subscriber = startChild('/bin/sh', ['-c', `${subscribe} -C 4`], { cwd: root });
    expect(await subscriber.ended).toMatchObject({ code: 0 });
    expect(`${subscriber.stdout}`).toMatch(/^house\/\w+\/status online$/m);
    await demo.stop();
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends everything on %s', async (signal) => {
    const demo = startDemo();
    await until(() => readings(demo).length > 0, 'a first reading');
    const port = /mqtt:\/\/localhost:(\d+)/.exec(`${demo.stdout}`)?.[1] ?? '';
    expect(processesWith(port)).toHaveLength(2);
    expect(await demo.stop(signal)).toEqual({ code: 0, signal: null });
    expect(processesWith(port)).toEqual([]);
    expect(demo.stderr).toBe('');
  });

  it.runIf(process.platform === 'linux')('leaves nothing behind when it is killed', async () => {
    const demo = startDemo();
    await until(() => readings(demo).length > 0, 'a first reading');
    const port = /mqtt:\/\/localhost:(\d+)/.exec(`${demo.stdout}`)?.[1] ?? '';
    await demo.stop('SIGKILL');
    await until(() => processesWith(port).length === 0, 'its programs have ended');
  });
});
