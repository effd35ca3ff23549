import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Child, startChild } from '../setup/child-process.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { until } from '../setup/until.ts';
import { root } from '../tidy/tree.ts';
import { watchedServer } from './watched-server.ts';

/** mqtt-sim as a program: it must have been built. */

const folder = temporaryFolder('mqtt-sim');
const program = join(root, 'apps/mqtt-sim/dist/mqtt-sim.js');

function start(...words: readonly string[]): Child {
  return startChild(process.execPath, [program, ...words], { cwd: folder });
}

async function run(
  ...words: readonly string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(...words);
  const { code } = await child.ended;
  return { code, stdout: `${child.stdout}`, stderr: child.stderr };
}

function write(name: string, text: string): string {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
  return name;
}

const freezerYaml = `
# A freezer that fails every third hour.
name: freezer
seed: 7
devices: [cellar, garage]
every: 10m
state: { door: closed }
signals:
  temperature: meanReverting(-18, 0.4, 20m).plus(noise(0.05)).round(1)
  compressor: { states: { on: { for: 10m, to: off }, off: { for: 15m, to: { on: 1 } } } }
  door: door
publish:
  freezer/{id}: [temperature, compressor, door]
presence: true
faults:
  - { fault: drift, every: 3h, for: 40m, perHour: 12, recovery: 30m, fields: [temperature] }
`;

describe('mqtt-sim run --describe', () => {
  it('prints the same bytes for the same seed, and others for another', async () => {
    const words = ['run', '--preset', 'house', '--describe', '--for', '10m', '--seed'];
    const [one, again, other] = [
      await run(...words, '5'),
      await run(...words, '5'),
      await run(...words, '6'),
    ];
    expect(one.code).toBe(0);
    expect(one.stdout.split('\n').length).toBeGreaterThan(500);
    expect(again.stdout).toBe(one.stdout);
    expect(other.stdout).not.toBe(one.stdout);
    expect(JSON.parse(one.stdout.split('\n')[0] ?? '')).toEqual({
      time: '2026-01-01T00:00:00.000Z',
      device: 'kitchen',
      topic: 'house/kitchen/status',
      payload: 'online',
      qos: 1,
      retain: true,
      kind: 'online',
    });
  });

  it.each(['house', 'weather', 'factory', 'energy', 'vehicles'])(
    'shows twenty readings of the preset %s',
    async (name) => {
      const { code, stdout, stderr } = await run('run', '--preset', name, '--describe');
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines.filter(({ kind }) => kind === undefined)).toHaveLength(20);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
  );

  it('reads YAML, JSON, modules and TypeScript, which say the same', async () => {
    const definition = {
      seed: 7,
      count: 2,
      every: '1m',
      signals: {
        t: 'walk(20, 0.2, 15..30).round(2)',
        p: {
          geoPath: [
            [0, 0],
            [1, 1],
          ],
          speedKmh: 50,
        },
      },
    };
    write('a.json', JSON.stringify(definition));
    write(
      'a.yaml',
      'seed: 7\ncount: 2\nevery: 1m\nsignals:\n  t: walk(20, 0.2, 15..30).round(2)\n  p: { geoPath: [[0, 0], [1, 1]], speedKmh: 50 }\n',
    );
    const source = (
      type: string,
    ): string => `import { fleet, geoPath, walk } from 'mqtt-kit/simulator';
      const every${type} = '1m';
      const signals = { t: walk({ from: 20, step: 0.2, min: 15, max: 30 }).round(2), p: geoPath([[0, 0], [1, 1]], { speedKmh: 50 }) };
    `;
    write('a.mjs', `${source('')} export default { seed: 7, count: 2, every, signals };`);
    write(
      'a.ts',
      `import type { FleetDefinition } from 'mqtt-kit/simulator';\n${source(': string')} export default { seed: 7, count: 2, every, signals } satisfies FleetDefinition;`,
    );
    write('b.mjs', `${source('')} export default fleet({ seed: 7, count: 2, every, signals });`);
    write(
      'c.mjs',
      `${source('')} export default async () => [{ seed: 7, count: 2, every, signals }];`,
    );
    const files = ['a.json', 'a.yaml', 'a.mjs', 'a.ts', 'b.mjs', 'c.mjs'];
    const outputs = await Promise.all(
      files.map((file) => run('run', file, '--describe', '--for', '1h')),
    );
    expect(outputs[0]?.stdout.split('\n').length).toBe(121);
    for (const output of outputs) {
      expect(output).toEqual({
        code: 0,
        stdout: outputs[0]?.stdout,
        stderr: expect.not.stringContaining('mqtt-sim'),
      });
    }
  });

  it('changes devices, rate, seed and QoS of a file', async () => {
    const file = write(
      'change.yaml',
      'count: 1\nevery: 1m\nsignals: { a: 1 }\npublish:\n  x/{id}: { payload: a, qos: 0 }\n',
    );
    const { stdout } = await run(
      'run',
      file,
      '--devices',
      '3',
      '--rate',
      '2',
      '-q',
      '1',
      '--describe',
      '--for',
      '2s',
    );
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(12);
    expect(new Set(lines.map(({ device }) => device)).size).toBe(3);
    expect(lines.every(({ qos }) => qos === 1)).toBe(true);
  });

  it('replays a recording beside the file, with its gaps', async () => {
    write(
      'log/data.csv',
      'timestamp,celsius\n2026-01-01T00:00:00Z,4\n2026-01-01T00:00:42Z,5\n2026-01-01T01:00:00Z,6\n',
    );
    const file = write(
      'log/replay.yaml',
      'recording: data.csv\nsignals: { t: column("celsius") }\npublish: { cellar: t }\n',
    );
    const { stdout } = await run('run', file, '--describe');
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ time, payload }) => `${time} ${payload}`)).toEqual([
      '2026-01-01T00:00:00.000Z 4',
      '2026-01-01T00:00:42.000Z 5',
      '2026-01-01T01:00:00.000Z 6',
    ]);
  });

  it('ends quietly when nobody reads on', async () => {
    const child = startChild(
      '/bin/sh',
      [
        '-c',
        `"${process.execPath}" "${program}" run --preset house --describe --for 10d | head -1`,
      ],
      { cwd: folder },
    );
    expect(await child.ended).toMatchObject({ code: 0 });
    expect(child.stderr).toBe('');
  });
});

describe('a mistake', () => {
  it.each([
    [
      'bad.mjs',
      'export default { signals: { a: "5 +" } };',
      /^mqtt-sim: bad\.mjs: signals\.a: expected a number/,
    ],
    [
      'bad2.mjs',
      'const x = 5;\nx.y.z();\n',
      /^mqtt-sim: bad2\.mjs cannot be loaded: .*\(line 2:5\)/,
    ],
    ['bad3.mjs', 'export const x = 5;', /^mqtt-sim: bad3\.mjs has no definition\nExport one:/],
    [
      'bad4.mjs',
      "import 'no-such-package';\nexport default {};",
      /^mqtt-sim: bad4\.mjs cannot be loaded: .*no-such-package/,
    ],
    ['bad.txt', 'x', /^mqtt-sim: bad\.txt: a definition is a file that ends with \.mjs/],
    [
      'bad5.mjs',
      'export default {\n  signals: {{ a: 1 } };\n',
      /^mqtt-sim: bad5\.mjs cannot be loaded: Unexpected token.* \(line 2:\d+\)/,
    ],
    ['bad6.ts', 'const x: number = ;\n', /^mqtt-sim: bad6\.ts cannot be loaded: .*\(line 1:19\)/],
    [
      'bad7.mjs',
      'export default { signals: {\n  a: () => { throw new RangeError("no idea"); },\n} };',
      /^mqtt-sim: bad7\.mjs: no idea \(line 2:20\)/,
    ],
    [
      'bad8.mjs',
      'export default () => {\n  throw new Error("no luck");\n};',
      /^mqtt-sim: bad8\.mjs: no luck \(line 2:9\)/,
    ],
    [
      'bad9.mjs',
      'export default { signals: { a: () => undefined } };',
      /^mqtt-sim: bad9\.mjs: signals\.a: the function gave undefined in place of a value/,
    ],
    [
      'bad10.yaml',
      'signals:\n  a: b\n  b: a\n',
      /^mqtt-sim: bad10\.yaml:2:6: signals\.a: a and b need each other/,
    ],
  ])('in %s is told with its place', async (name, text, expected) => {
    const { code, stdout, stderr } = await run('run', write(name, text), '--describe');
    expect(stderr).toMatch(expected);
    expect(stderr.trim().split('\n').length).toBeLessThan(4);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
  });

  it('of the network has the code of its kind', async () => {
    const { code, stderr } = await run('run', '--preset', 'house', '-h', '127.0.0.1', '-p', '1');
    expect(code).toBe(69);
    expect(stderr).toContain('127.0.0.1');
    expect(stderr.trim().split('\n').length).toBeLessThan(4);
  });
});

describe('mqtt-sim', () => {
  it('shows help, its version and the presets', async () => {
    const help = await run('--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Usage: mqtt-sim run FILE | --preset NAME [options]');
    expect((await run('--version')).stdout).toBe('0.1.0\n');
    expect((await run('presets')).stdout).toBe('house\nweather\nfactory\nenergy\nvehicles\n');
  });
});

describe('mqtt-sim run, on a server', () => {
  const watched = watchedServer();
  const all = watched.payloads;
  const url = (): string => watched.server.url('plain');

  it('publishes, obeys commands, says goodbye on SIGINT and sums up', async () => {
    const house = start('run', '--preset', 'house', '--url', url(), '--rate', '10');
    await until(() => all('house/kitchen/temperature').length > 3, 'readings');
    expect(all('house/kitchen/target')).toEqual(['21.5']);
    await watched.publish('house/kitchen/target/set', '23');
    await until(() => all('house/kitchen/target').at(-1) === '23', 'the new target');
    expect(await house.stop('SIGINT')).toEqual({ code: 0, signal: null });
    await until(() => all('house/kitchen/status').at(-1) === 'offline', 'goodbye');
    expect(house.stderr).toMatch(
      /^5 devices, \d+ readings, \d+ messages in \d+\.\d s\n\d+ acknowledged, p50/,
    );
    expect(house.stderr).toMatch(/\n1 commands\n$/);
    expect(`${house.stdout}`).toBe('');
  });

  it('is reported offline by the wills of its devices when it is killed', async () => {
    const file = write('freezer.yaml', freezerYaml);
    const freezer = start('run', file, '--url', url(), '--rate', '5');
    const status = (id: string): string[] => all(`freezer/${id}/status`);
    await until(() => all('freezer/cellar').length > 1 && status('garage').length > 0, 'readings');
    expect(status('cellar')).toEqual(['online']);
    await freezer.stop('SIGKILL');
    await until(() => status('cellar').length === 2 && status('garage').length === 2, 'the wills');
    expect([status('cellar'), status('garage')]).toEqual([
      ['online', 'offline'],
      ['online', 'offline'],
    ]);
  });

  it('has a small sister in mqtt-pub --simulate', async () => {
    const words = [
      '-t',
      'small/{id}',
      '-p',
      `${watched.server.port('plain')}`,
      '-q',
      '1',
      '--devices',
      '2',
      '--rate',
      '50/s',
    ];
    const fields = 'temp=walk(20,0.2,15..30) hum=sine(50,10,24h)+noise(1)';
    const pub = join(root, 'apps/mqtt-pub/dist/mqtt-pub.js');
    const child = startChild(process.execPath, [
      pub,
      ...words,
      '--seed',
      '7',
      '--repeat',
      '6',
      '--simulate',
      fields,
    ]);
    expect(await child.ended).toMatchObject({ code: 0 });
    await until(
      () => all('small/device-1').length === 3 && all('small/device-2').length === 3,
      'six readings',
    );
    expect(JSON.parse(all('small/device-1')[0] ?? '')).toEqual({
      temp: expect.closeTo(20, 0),
      hum: expect.any(Number),
    });
  });

  it('sums up in JSON', async () => {
    const words = [
      'run',
      '--preset',
      'weather',
      '--devices',
      '10',
      '--rate',
      '10',
      '--count',
      '50',
      '--json',
      '--quiet',
    ];
    const { code, stdout, stderr } = await run(...words, '--url', url());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      devices: 10,
      readings: 50,
      acknowledged: 70,
      failed: 0,
      firstError: null,
    });
  });
});
