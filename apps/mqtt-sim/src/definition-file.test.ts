import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fleetOfFile } from './definition-file.ts';
import { UsageError } from './usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'mqtt-sim-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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

async function mistakeIn(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  writeFileSync(file, text);
  try {
    await fleetOfFile(file, {});
  } catch (error) {
    if (error instanceof UsageError)
      return error.message.replaceAll(folder, '').replaceAll(/^\//g, '');
    throw error;
  }
  throw new Error(`${name} has no mistake`);
}

describe('a mistake in a file', () => {
  it.each([
    [
      'bad1.yaml',
      freezerYaml.replace('noise(0.05)', 'nois(0.05)'),
      /^bad1\.yaml:9:50: signals\.temperature: there is no function "nois", did you mean "noise"\?/,
    ],
    [
      'bad2.yaml',
      freezerYaml.replace('every: 10m', 'evry: 10m'),
      /^bad2\.yaml:6:7: evry: a fleet has no "evry", did you mean "every"\?/,
    ],
    [
      'bad3.yaml',
      freezerYaml.replace('fields: [temperature]', 'fields: [temp]'),
      /^bad3\.yaml:16:79: faults\.0\.fields\.0: must be one of temperature, compressor, door; given was "temp"/,
    ],
    [
      'bad4.yaml',
      freezerYaml.replace('to: off', 'to: of'),
      /^bad4\.yaml:10:25: signals\.compressor\.states: states: on leads to "of"/,
    ],
    ['bad5.yaml', 'signals: { a: 1\n', /^bad5\.yaml:2:1: /],
    [
      'bad6.yaml',
      'recording: none.csv\nsignals: { a: 1 }\n',
      /^bad6\.yaml:1:12: recording: none\.csv cannot be read: there is no such file/,
    ],
    [
      'bad7.yaml',
      'fleets:\n  - signals: { a: 1 }\n  - signals: { a: 1 }\n    cuont: 2\n',
      /^bad7\.yaml:4:12: 1\.cuont: a fleet has no "cuont", did you mean "count"\?/,
    ],
    [
      'bad8.yaml',
      'fleets:\n  - signals: { a: b }\n',
      /^bad8\.yaml:2:19: signals\.a: "b" is no field/,
    ],
    ['bad9.yaml', '', /^bad9\.yaml:1:1: a fleet must be an object/],
    [
      'bad10.yaml',
      'speed: 2\nfleets: []\n',
      /^bad10\.yaml:1:8: speed: beside fleets there is seed alone/,
    ],
    [
      'bad.json',
      '{\n  "signals": { "a": "walk(20)" }\n}',
      /^bad\.json:2:22: signals\.a: walk\(from, step, \[bounds\], \[every\]\): step is missing/,
    ],
    ['bad2.json', '{\n  "signals": { a: 1 }\n}', /^bad2\.json:\d:\d+: .*JSON/],
  ])('%s is told with its place', async (name, text, expected) => {
    expect(await mistakeIn(name, text)).toMatch(expected);
  });
});
