import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Changes, fleetOfFile } from './definition-file.ts';
import { UsageError } from './usage-error.ts';

/** Files as such; what may be wrong within a definition is in `data-file.test.ts`. */

const folder = mkdtempSync(join(tmpdir(), 'mqtt-sim-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function mistakeIn(name: string, text: string, changes: Changes = {}): Promise<string> {
  const file = join(folder, name);
  writeFileSync(file, text);
  try {
    const fleet = await fleetOfFile(file, changes);
    for (const _ of fleet.messages({ count: 3 }));
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message.replaceAll(`${folder}/`, '');
  }
  return 'none';
}

describe('a mistake in a file', () => {
  it.each([
    ['a.json', '{\n  "signals": { "a": "walk(20)" }\n}', /^a\.json:2:22: signals\.a: walk\(from,/],
    // JSON is stricter than YAML.
    ['b.json', '{\n  "signals": { a: 1 }\n}', /^b\.json:\d:\d+: .*JSON/],
    ['c.json', '{ "signals": ', /^c\.json:1:14: /],
    ['d.yaml', 'signals: { a: 1\n', /^d\.yaml:2:1: /],
    [
      'e.yaml',
      'fleets:\n  - signals: { a: 1 }\n  - signals: { a: 1 }\n    cuont: 2\n',
      /^e\.yaml:4:12: 1\.cuont: a fleet has no "cuont", did you mean "count"\?/,
    ],
    ['f.yaml', 'fleets:\n  - signals: { a: b }\n', /^f\.yaml:2:19: signals\.a: "b" is no field/],
    [
      'g.yaml',
      'recording: none.csv\nsignals: { a: 1 }\n',
      /^g\.yaml:1:12: recording: none\.csv cannot be read: there is no such file/,
    ],
    [
      'h.yaml',
      'recording: .\nsignals: { a: 1 }\n',
      /^h\.yaml:1:12: recording: \. cannot be read: it is a folder/,
    ],
    ['i.toml', 'x = 1', /^i\.toml: a definition is a file that ends with/],
  ])('%s is told with its place', async (name, text, expected) => {
    expect(await mistakeIn(name, text)).toMatch(expected);
  });

  it('is told when there is no file', async () => {
    await expect(fleetOfFile(join(folder, 'none.yaml'), {})).rejects.toThrow(
      'none.yaml cannot be read: there is no such file',
    );
  });

  it('is one where the command line asks for what the file cannot do', async () => {
    const listed = 'devices: [a, b]\nsignals: { a: 1 }\n';
    expect(await mistakeIn('j.yaml', listed, { devices: 3 })).toBe(
      '--devices: the fleet "fleet" lists its devices one by one',
    );
    expect(await mistakeIn('k.yaml', 'signals: { a: 1 }\n', { devices: 0 })).toContain(
      'count: must be a whole number from 1',
    );
  });
});
