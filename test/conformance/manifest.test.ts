import { describe, expect, it } from 'vitest';
import {
  knownTags,
  notApplicable,
  rowsOf,
  statementsOf,
  taggedTitles,
  taggedTitlesIn,
  versions,
} from './manifest.mjs';
import { literalsOf } from './manifest-literals.mjs';

const titles = taggedTitles();
const place = ({ file, line }: { file: string; line: number }): string => `${file}:${line}`;

describe('the manifest', () => {
  it.each(versions)('has a test for every statement of %s that binds a client', (version) => {
    const open = rowsOf(version, titles).filter(({ state }) => state === 'open');
    expect(open.map(({ tag, statement }) => `${tag}: ${statement.says}`)).toEqual([]);
  });

  it('has no tag without a statement', () => {
    const known = knownTags();
    const unknown = titles.flatMap((title) =>
      title.tags.filter((tag) => !known.has(tag)).map((tag) => `${place(title)}: ${tag}`),
    );
    expect(unknown).toEqual([]);
  });

  it('has its tags at the beginning of titles of tests that run, and nowhere else', () => {
    const wrong = titles.filter(({ problem }) => problem !== undefined);
    expect(wrong.map((title) => `${place(title)}: ${title.problem}`)).toEqual([]);
  });

  it.each(versions)(
    'calls nothing of %s not applicable that is proved, unknown or without a reason',
    (version) => {
      const reasons = Object.entries(notApplicable()[version]);
      const ids = statementsOf(version)
        .filter(({ side }) => side !== 'server')
        .map(({ id }) => id);
      const proved = rowsOf(version, titles)
        .filter(({ state }) => state === 'proved')
        .map(({ statement }) => statement.id);
      for (const [id, reason] of reasons) {
        expect(ids).toContain(id);
        expect(proved).not.toContain(id);
        expect(reason.length).toBeGreaterThan(20);
      }
      expect(reasons.length).toBeLessThanOrEqual(10);
    },
  );
});

describe('the reader of titles', () => {
  const read = (text: string) => taggedTitlesIn(text, 'x.test.ts');
  // Put together here, so that this file has no tags of its own.
  const one = `${'[MQTT'}-1.5.4-1]`;
  const other = `${'[MQTT3'}-1.5.3-1]`;

  it('takes tests, tables of tests and rows', () => {
    const texts = [
      `it('${one} ${other} says it', () => {});`,
      `it.each([1, 2])(\n  '${one} ${other} says it %i',\n  () => {});`,
      `const rows = [['${one} ${other} says it', 1]];`,
      `test("${one} ${other} says it", () => {});`,
      `it(\`${one} ${other} says it \${version}\`, () => {});`,
    ];
    for (const text of texts) {
      expect(read(text), text).toMatchObject([
        { tags: ['MQTT-1.5.4-1', 'MQTT3-1.5.3-1'], problem: undefined },
      ]);
    }
  });

  it('sees no comment, and no regular expression', () => {
    const text = `// it('${one} says it')\n/* '${one} says it' */ const a = /'/; it('plain', b);`;
    expect(read(text)).toEqual([]);
    expect(read(`${text} // it's\nit('${one} says it', c);`)).toMatchObject([{ line: 3 }]);
  });

  it('refuses what proves nothing', () => {
    for (const [text, problem] of [
      [`it.${'skip'}('${one} says it', f);`, 'its test does not run'],
      [`it.${'todo'}('${one} says it');`, 'its test does not run'],
      [`describe('${one} says it', f);`, 'a group is no test'],
      [`const a = '${one} says it';`, 'it is no title of a test'],
      [`it('says ${one}', f);`, 'its tags do not stand at the beginning'],
      [`it('${one} says it ${other}', f);`, 'it has tags behind other words'],
      [`it('${one}', f);`, 'it says nothing besides its tags'],
    ] as const) {
      expect(read(text), text).toMatchObject([{ problem }]);
    }
  });

  it('does not take a division for a regular expression', () => {
    const values = literalsOf("const a = b / c; f('one'); const d = (e) / 2; g('two');");
    expect(values.map(({ value }) => value)).toEqual(['one', 'two']);
  });
});
