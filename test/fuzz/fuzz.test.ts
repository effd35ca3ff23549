import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { bundle, describeFailure, fuzz, standard } from './fuzz.mjs';
import { packetTypes } from './streams.ts';

let program = '';
let remove = (): void => {};

beforeAll(async () => {
  ({ program, remove } = await bundle());
});
afterAll(() => remove());

describe('the fuzzer', () => {
  it('finds nothing in a million inputs, and gets everywhere', async () => {
    const { failures, counts, refusals } = await fuzz(program, standard);
    expect(failures.map(describeFailure)).toEqual([]);
    const sum = (...parts: readonly RegExp[]): number =>
      Object.entries(counts)
        .filter(([name]) => parts.every((part) => part.test(name)))
        .reduce((total, [, times]) => total + times, 0);
    expect(sum(/ type /)).toBe(standard.inputs);
    expect(sum(/^engine /)).toBe(standard.engineInputs);
    // Every type is taken and refused in both directions and both versions where it may be.
    for (const type of packetTypes) {
      for (const version of type === 15 ? [/^5\.0/] : [/^3\.1\.1/, /^5\.0/]) {
        const those = new RegExp(` type ${type} `);
        expect(sum(version, those, /taken/), `type ${type} taken, ${version}`).toBeGreaterThan(100);
        for (const sender of [/ server /, / client /]) {
          expect(sum(version, those, sender, /refused/)).toBeGreaterThan(100);
        }
      }
    }
    const spoiled = Object.keys(counts).filter((name) => name.startsWith('spoiled by '));
    expect(spoiled).toHaveLength(17);
    for (const name of spoiled) expect(counts[name], name).toBeGreaterThan(10_000);
    for (const code of ['81', '82', '84', '85', '8f', '90', '94', '95']) {
      expect(counts[`refused with 0x${code}`], `0x${code}`).toBeGreaterThan(0);
    }
    expect(refusals).toBeGreaterThan(900);
    expect(sum(/^difference to mqtt-packet/)).toBeGreaterThan(5_000);
    for (const part of [/ goes on/, /breach 0x81/, /breach 0x82/, / refused/, /foreignSession/]) {
      expect(sum(/^engine /, part), String(part)).toBeGreaterThan(0);
    }
    expect(counts).toMatchObject({
      growth: 1,
      retention: 1,
      assembly: 1,
      'prototypes compared': 1,
    });
  }, 500_000);

  it('gives the same inputs for the same seed, and replays one', async () => {
    const few = { ...standard, inputs: 2_000, engineInputs: 50, bounds: false };
    const [one, again, other] = await Promise.all([
      fuzz(program, few),
      fuzz(program, few),
      fuzz(program, { ...few, seed: 2 }),
    ]);
    expect(again.counts).toEqual(one.counts);
    expect(other.counts).not.toEqual(one.counts);
    const replay = 'decoder:5.0:server:3003000161';
    expect(await fuzz(program, { ...few, replay })).toMatchObject({ failures: [] });
  }, 240_000);

  it.each([
    {
      what: 'text is decoded loosely',
      file: 'packet/src/utf8-string.ts',
      find: 'fatal: true',
      replace: 'fatal: false',
      says: /when encoded again.*decoder:/s,
    },
    {
      what: 'a packet identifier of 0 is taken',
      file: 'packet/src/reader.ts',
      find: 'if (identifier === 0) this',
      replace: 'if (identifier < 0) this',
      says: /InvalidPacketError: .*packet identifier is 0.*decoder:/s,
    },
    {
      what: 'the engine lets errors of the decoder out',
      file: 'engine/src/client-engine.ts',
      find: 'error instanceof ProtocolBreach || error instanceof MalformedPacketError',
      replace: 'error instanceof ProtocolBreach',
      says: /MalformedPacketError: .*engine:/s,
    },
  ])(
    'finds a planted bug, and a command that shows it: $what',
    async ({ file, find, replace, says }) => {
      const folder = temporaryFolder('planted');
      for (const name of ['packet', 'engine', 'core', 'testkit']) {
        const path = join('packages', name, 'src');
        cpSync(path, join(folder, path), { recursive: true });
      }
      const target = join(folder, 'packages', file);
      const source = readFileSync(target, 'utf8');
      expect(source.split(find)).toHaveLength(2);
      writeFileSync(target, source.replace(find, replace));
      const planted = await bundle(folder);
      const few = { ...standard, inputs: 10_000, engineInputs: 100, bounds: false };
      const { failures } = await fuzz(planted.program, few);
      planted.remove();
      expect(failures.map(describeFailure).join('\n')).toMatch(says);
    },
    240_000,
  );
});
