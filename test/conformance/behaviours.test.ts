import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { behaviours, exceptedBehaviours, lastBehaviour } from './behaviours.ts';

const folder = new URL('./', import.meta.url);

function textOf(file: string): string {
  return readFileSync(new URL(file, folder), 'utf8');
}

/** The titles of the tests of a file, as they are written. */
function titlesOf(file: string): string[] {
  const text = textOf(`${file}.test.ts`);
  // After `it(` or after the closing bracket of `it.each(...)`.
  const titles = text.matchAll(
    /(?:\bit|\))\(\s*(?:'((?:[^'\\\n]|\\.)+)'|"((?:[^"\\\n]|\\.)+)")\s*,/g,
  );
  return [...titles].map(([, single, double]) => single ?? double ?? '');
}

describe('the table of behaviours', () => {
  it('has every behaviour, but for those that are excepted', () => {
    const wanted = Array.from({ length: lastBehaviour }, (_, index) => index + 1);
    const missing = wanted.filter(
      (number) => behaviours[number] === undefined && !exceptedBehaviours.includes(number),
    );
    expect(missing).toEqual([]);
    expect(exceptedBehaviours.filter((number) => behaviours[number] !== undefined)).toEqual([]);
  });

  it('names at least one test for each, and only tests that exist', () => {
    const known = new Map<string, string[]>();
    const wrong: string[] = [];
    for (const [number, { tests }] of Object.entries(behaviours)) {
      expect(tests.flatMap(([, ...titles]) => titles).length, `tests of ${number}`).toBeGreaterThan(
        0,
      );
      for (const [file, ...titles] of tests) {
        const existing = known.get(file) ?? titlesOf(file);
        known.set(file, existing);
        for (const title of titles) {
          if (!existing.some((other) => other.startsWith(title)))
            wrong.push(`${number}: ${file}: ${title}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('tags of normative statements', () => {
  it('name statements of their list', () => {
    const ids = (file: string): Set<string> =>
      new Set(
        (JSON.parse(textOf(file)) as { statements: { id: string }[] }).statements.map(
          ({ id }) => id,
        ),
      );
    const lists = { MQTT: ids('mqtt-5.0.json'), MQTT3: ids('mqtt-3.1.1.json') };
    const wrong: string[] = [];
    for (const file of readdirSync(folder, { recursive: true }) as string[]) {
      if (!file.endsWith('.ts')) continue;
      for (const [, list, rest] of textOf(file).matchAll(/\[(MQTT3?)-(\d[\d.]*-\d+)\]/g)) {
        const known = lists[list as 'MQTT' | 'MQTT3'];
        if (!known.has(`MQTT-${rest}`)) wrong.push(`${file}: ${list}-${rest}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
