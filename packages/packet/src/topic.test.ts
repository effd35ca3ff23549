import { describe, expect, it } from 'vitest';
import { matches, sharedSubscription, topicFilterProblem, topicNameProblem } from './topic.ts';

describe('topicNameProblem', () => {
  it('takes every name of at least one character without wildcards', () => {
    for (const name of ['a', '/', '//', ' ', 'a//b/', '$SYS/x', '$share/g/x', 'é日😀', '\ufeffa']) {
      expect(topicNameProblem(name)).toBeUndefined();
    }
  });

  it('[MQTT-4.7.3-1] refuses the empty name', () => {
    expect(topicNameProblem('')).toBe('must not be empty');
  });

  it('[MQTT-4.7.0-1] refuses wildcards wherever they stand', () => {
    expect(topicNameProblem('a/+')).toBe('must not contain wildcards, found "+" at index 2');
    expect(topicNameProblem('a#b')).toBe('must not contain wildcards, found "#" at index 1');
  });

  it('[MQTT-4.7.3-2] [MQTT-1.5.4-1] refuses U+0000 and lone surrogates', () => {
    expect(topicNameProblem('a\0')).toBe('must not contain U+0000, found at index 1');
    expect(topicNameProblem('a\ud800')).toMatch(/lone surrogate U\+D800 at index 1/);
    expect(topicNameProblem('\udc00b')).toMatch(/lone surrogate U\+DC00 at index 0/);
    expect(topicNameProblem('\ud800\ud800\udc00')).toMatch(/lone surrogate U\+D800 at index 0/);
  });

  it('[MQTT-4.7.3-3] counts bytes, not characters, up to 65,535', () => {
    expect(topicNameProblem('a'.repeat(65_535))).toBeUndefined();
    expect(topicNameProblem('a'.repeat(65_536))).toMatch(
      /at most 65535 bytes of UTF-8, found 65536/,
    );
    expect(topicNameProblem('é'.repeat(32_767))).toBeUndefined();
    expect(topicNameProblem('é'.repeat(32_768))).toMatch(/found 65536/);
    expect(topicNameProblem('日'.repeat(21_845))).toBeUndefined();
    expect(topicNameProblem('😀'.repeat(16_384))).toMatch(/found 65536/);
  });
});

describe('topicFilterProblem', () => {
  it('takes wildcards that stand alone in their levels', () => {
    const filters = [
      '#',
      'a/#',
      '/#',
      '+',
      '+/+',
      '/+',
      'a/+/b',
      '+/a/#',
      '+/#',
      '+/',
      'a//+',
      '/',
    ];
    for (const filter of filters) expect(topicFilterProblem(filter)).toBeUndefined();
  });

  it('[MQTT-4.7.1-1] refuses "#" beside other characters or before the last level', () => {
    for (const filter of ['a#', '#a', '##', '/a#', 'a/#b', '+#', '#+']) {
      expect(topicFilterProblem(filter)).toMatch(/alone in its level/);
    }
    for (const filter of ['a/#/b', '#/a', '#/', '#/#']) {
      expect(topicFilterProblem(filter)).toMatch(/in its last level only/);
    }
  });

  it('[MQTT-4.7.1-2] refuses "+" beside other characters', () => {
    for (const filter of ['a+', '+a', 'a/b+/c', '++', 'a/+b']) {
      expect(topicFilterProblem(filter)).toMatch(/alone in its level/);
    }
  });

  it('refuses the empty filter, U+0000, lone surrogates and more than 65,535 bytes', () => {
    expect(topicFilterProblem('')).toBe('must not be empty');
    expect(topicFilterProblem('a\0')).toMatch(/U\+0000/);
    expect(topicFilterProblem('a/\udfff')).toMatch(/lone surrogate/);
    expect(topicFilterProblem(`${'a'.repeat(65_534)}/#`)).toMatch(/found 65536/);
  });

  it('takes shared subscriptions with a share name and a filter', () => {
    const filters = [
      '$share/g/a',
      '$share/g//',
      '$share/g//a',
      '$share/g/#',
      '$share/g/+/x',
      '$share/é/a',
    ];
    for (const filter of filters) expect(topicFilterProblem(filter)).toBeUndefined();
  });

  it('[MQTT-4.8.2-1] [MQTT-4.8.2-2] refuses shared subscriptions without one of them', () => {
    expect(topicFilterProblem('$share/')).toMatch(/share name of at least one character/);
    expect(topicFilterProblem('$share//a')).toMatch(/share name of at least one character/);
    expect(topicFilterProblem('$share/g')).toMatch(/"\/" and a topic filter/);
    expect(topicFilterProblem('$share/g/')).toMatch(/"\/" and a topic filter/);
    expect(topicFilterProblem('$share/+/a')).toMatch(/share name .* found "\+"/);
    expect(topicFilterProblem('$share/g#/a')).toMatch(/share name .* found "#"/);
    expect(topicFilterProblem('$share/#')).toMatch(/share name .* found "#"/);
    expect(topicFilterProblem('$share/g/a#')).toMatch(/alone in its level/);
    expect(topicFilterProblem('$share/g/#/a')).toMatch(/in its last level only/);
  });

  it('has "$share" for a prefix with its slash only', () => {
    for (const filter of ['$share', '$shared/x', '$SHARE/+/a', 'a/$share/+']) {
      expect(topicFilterProblem(filter)).toBeUndefined();
    }
  });
});

describe('matches', () => {
  const table: readonly [filter: string, name: string, expected: boolean][] = [
    ['a', 'a', true],
    ['a', 'A', false],
    ['a', 'ab', false],
    ['ab', 'a', false],
    ['a/b', 'a/b', true],
    ['a/b', 'a/b/', false],
    ['a/', 'a', false],
    ['/', '/', true],
    ['/', '//', false],
    // [MQTT-4.7.1-1]: "#" takes its parent and all levels below.
    ['#', 'a', true],
    ['#', '/', true],
    ['#', 'a/b/c', true],
    ['a/#', 'a', true],
    ['a/#', 'a/', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'ab', false],
    ['a/#', 'b', false],
    ['a//#', 'a', false],
    ['a//#', 'a/', true],
    ['/#', '/a', true],
    ['/#', 'a', false],
    ['+/#', 'a', true],
    ['+/+/#', 'a', false],
    // [MQTT-4.7.1-2]: "+" takes one level, which may be empty.
    ['+', 'a', true],
    ['+', '/a', false],
    ['+', 'a/', false],
    ['+/+', '/a', true],
    ['+/+', 'a/b', true],
    ['+/+', 'a/b/c', false],
    ['/+', '/a', true],
    ['/+', '/', true],
    ['a/+', 'a', false],
    ['a/+', 'a/', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a//c', true],
    ['a/+/c', 'a/b/d', false],
    ['+/b/#', 'a/b', true],
    ['+/b/#', 'a/c', false],
    ['house/+/temperature', 'house/kitchen/temperature', true],
    ['house/+/temperature', 'house/kitchen/humidity', false],
    // [MQTT-4.7.2-1]: a wildcard in the first level does not take names that begin with "$".
    ['#', '$SYS/x', false],
    ['+', '$SYS', false],
    ['+/x', '$SYS/x', false],
    ['+/#', '$SYS/x', false],
    ['/+', '/$SYS', true],
    ['$SYS/#', '$SYS/x', true],
    ['$SYS/#', '$SYS', true],
    ['$SYS/+/x', '$SYS/a/x', true],
    // 4.8.2: the filter of a shared subscription matches without its prefix.
    ['$share/g/a', 'a', true],
    ['$share/g/a', '$share/g/a', false],
    ['$share/g/a/#', 'a', true],
    ['$share/g//a', '/a', true],
    ['$share/g/+/b', 'a/b', true],
    ['$share/g/#', 'a/b', true],
    ['$share/g/#', '$SYS/x', false],
    ['$share/g/+/x', '$SYS/x', false],
    ['$share/g/$SYS/#', '$SYS/x', true],
    ['$shared/#', '$shared/x', true],
    // [MQTT-4.7.3-4]: nothing is normalised.
    ['caf\u00e9', 'cafe\u0301', false],
    ['\ufeffa', 'a', false],
  ];
  for (const [filter, name, expected] of table) {
    it(`"${filter}" ${expected ? 'matches' : 'does not match'} "${name}"`, () => {
      expect(matches(filter, name)).toBe(expected);
    });
  }

  it('agrees with a comparison level by level', () => {
    const parts = ['', 'a', 'b', '$x'];
    const filterParts = [...parts, '+'];
    const names = parts.flatMap((first) => [
      first,
      ...parts.flatMap((second) => [
        `${first}/${second}`,
        ...parts.map((third) => `${first}/${second}/${third}`),
      ]),
    ]);
    const filters = filterParts.flatMap((first) => [
      first,
      `${first}/#`,
      ...filterParts.flatMap((second) => [
        `${first}/${second}`,
        `${first}/${second}/#`,
        ...filterParts.map((third) => `${first}/${second}/${third}`),
      ]),
    ]);
    for (const filter of ['#', ...filters].filter(
      (each) => topicFilterProblem(each) === undefined,
    )) {
      for (const name of names.filter((each) => topicNameProblem(each) === undefined)) {
        expect(`${filter} ${name} ${matches(filter, name)}`).toBe(
          `${filter} ${name} ${matchesByLevel(filter.split('/'), name.split('/'))}`,
        );
      }
    }
  });
});

function matchesByLevel(filter: readonly string[], name: readonly string[]): boolean {
  if (name[0]?.startsWith('$') && (filter[0] === '+' || filter[0] === '#')) return false;
  const open = filter.at(-1) === '#';
  const levels = open ? filter.slice(0, -1) : filter;
  if (open ? name.length < levels.length : name.length !== levels.length) return false;
  return levels.every((level, index) => level === '+' || level === name[index]);
}

describe('sharedSubscription', () => {
  it('gives the parts of a shared subscription', () => {
    expect(sharedSubscription('$share/g/a/#')).toStrictEqual({
      shareName: 'g',
      topicFilter: 'a/#',
    });
    expect(sharedSubscription('$share/g//')).toStrictEqual({ shareName: 'g', topicFilter: '/' });
  });

  it('gives nothing for any other filter', () => {
    for (const filter of ['a', '#', '$share', '$shared/g/a', 'x/$share/g/a']) {
      expect(sharedSubscription(filter)).toBeUndefined();
    }
  });
});
