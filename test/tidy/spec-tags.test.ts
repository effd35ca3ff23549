import { describe, expect, it } from 'vitest';
import { filesUnder, linesOf, read } from './tree.ts';

interface StatementList {
  readonly count: number;
  readonly statements: readonly { readonly id: string }[];
}

function idsOf(path: string): Set<string> {
  const list: StatementList = JSON.parse(read(path));
  return new Set(list.statements.map((statement) => statement.id));
}

const ids5 = idsOf('test/conformance/mqtt-5.0.json');
const ids311 = idsOf('test/conformance/mqtt-3.1.1.json');

/** Whether what stands in brackets is the id of a normative statement. */
function exists(tag: string): boolean {
  return tag.startsWith('MQTT3-') ? ids311.has(tag.replace('MQTT3-', 'MQTT-')) : ids5.has(tag);
}

describe('tags of normative statements', () => {
  it('knows every statement of both versions', () => {
    expect([ids5.size, ids311.size]).toEqual([251, 141]);
  });

  it('tells an id that exists from one that does not', () => {
    expect(exists('MQTT-3.3.1-2')).toBe(true);
    expect(exists('MQTT3-3.1.0-2')).toBe(true);
    expect(exists('MQTT-99.3.1-2')).toBe(false);
  });

  it('finds every tag of the tree in the list of its version', () => {
    const unknown = filesUnder('.')
      .filter((path) => /\.(ts|js|mjs|md)$/.test(path) && !path.startsWith('test/tidy/'))
      .flatMap((path) =>
        linesOf(path).flatMap(({ number, text }) =>
          [...text.matchAll(/\[(MQTT3?-[^\]]*)\]/g)]
            .filter(
              (found) => !exists(found[1] ?? '') && !/^MQTT3?-(x|\.\.\.)$/.test(found[1] ?? ''),
            )
            .map((found) => `${path}:${number}: ${found[0]}`),
        ),
      );
    expect(unknown).toEqual([]);
  });
});
