import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeBlocks, documents, prose } from './markdown.ts';
import { filesUnder, packageFolders, read, root } from './tree.ts';

describe('README.md', () => {
  it('is short, and shows something to run on the first screen', () => {
    expect(read('README.md').split('\n').length).toBeLessThan(200);
    const [first] = codeBlocks('README.md');
    expect(first?.line).toBeLessThan(25);
    expect(first?.language).toBe('sh');
  });

  it('gives no figure without the command that measures it', () => {
    const sections = prose('README.md').split(/^## /m);
    const figure = /\d\s?(×|x\b|times\b|%|[µmn]s\b|[kKM]i?B\b|msg\/s|messages\/s)/;
    const command = /pnpm (bench|size|test)\b/;
    expect(sections.filter((text) => figure.test(text) && !command.test(text))).toEqual([]);
  });
});

describe('documents', () => {
  it.each(documents)('%s has no dead link', (path) => {
    const links = [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].map((found) => found[1] ?? '');
    const dead = links
      .filter((link) => !/^(https?:|mailto:)/.test(link))
      .filter((link) => {
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? path : posix.join(posix.dirname(path), file);
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && !anchorsOf(target).includes(anchor);
      });
    expect(dead).toEqual([]);
  });

  it('are there for every package, and say what it is', () => {
    const missing = packageFolders()
      .filter((folder) => folder.startsWith('packages/'))
      .filter((folder) => !documents.includes(`${folder}/README.md`));
    expect(missing).toEqual([]);
  });

  it('list every decision in the index', () => {
    const decisions = filesUnder('docs/adr').filter((path) => /\/\d{4}-.*\.md$/.test(path));
    const index = read('docs/adr/README.md');
    expect(decisions.length).toBeGreaterThan(0);
    expect(decisions.filter((path) => !index.includes(`(${posix.basename(path)})`))).toEqual([]);
  });
});

function anchorsOf(path: string): string[] {
  return [...prose(path).matchAll(/^#+ (.*)$/gm)].map((found) =>
    (found[1] ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}
