import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageFolders, read, root } from './tree.ts';

/** Names that a file gives to whoever imports it, with whether a docstring stands before each. */
function exportsOf(path: string): Map<string, boolean> {
  const text = read(path);
  const found = new Map<string, boolean>();
  const declaration =
    /(\*\/\n)?export (?:declare )?(?:abstract )?(?:async )?(?:const enum|function\*?|class|interface|type|const|let|var)\s+(\w+)/g;
  for (const [, docstring, name = ''] of text.matchAll(declaration)) {
    // Of several signatures of one function the first has the docstring; of a type and a value with one name, one.
    found.set(name, (found.get(name) ?? false) || docstring !== undefined);
  }
  for (const [, names, from] of text.matchAll(/export (?:type )?\{([^}]*)\} from '(\.[^']+)'/g)) {
    const target = exportsOf(posix.join(posix.dirname(path), from ?? ''));
    for (const part of (names ?? '').split(',')) {
      const [, inner, outer] = /(?:type\s+)?(\w+)(?:\s+as\s+(\w+))?/.exec(part.trim()) ?? [];
      if (inner !== undefined) found.set(outer ?? inner, target.get(inner) ?? false);
    }
  }
  for (const [, from] of text.matchAll(/export (?:type )?\* from '(\.[^']+)'/g)) {
    for (const [name, documented] of exportsOf(posix.join(posix.dirname(path), from ?? '')))
      found.set(name, documented);
  }
  return found;
}

const entries = packageFolders()
  .filter((folder) => folder.startsWith('packages/'))
  .filter((folder) => !JSON.parse(read(`${folder}/package.json`)).private)
  .flatMap((folder) => [`${folder}/src/index.ts`, `${folder}/src/index.browser.ts`])
  .filter((path) => existsSync(join(root, path)));

describe('docstrings', () => {
  it('tells a documented export from a bare one', () => {
    const exported = exportsOf('packages/core/src/index.ts');
    expect(exported.size).toBeGreaterThan(30);
    expect(exported.get('MqttClient')).toBe(true);
  });

  it.each(entries)('stand on everything public: %s', (entry) => {
    const bare = [...exportsOf(entry)]
      .filter(([, documented]) => !documented)
      .map(([name]) => name);
    expect(bare).toEqual([]);
  });
});
