import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, with a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What builds, tests and installations leave: no part of the tree. As in .gitignore, besides .git. */
const leftOut = new Set(['.git', 'node_modules', 'dist', '.scratch', 'coverage']);

/** Every file under a folder of the repository, as paths from the root, sorted. */
export function filesUnder(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '.' ? entry.name : `${folder}/${entry.name}`;
    if (leftOut.has(entry.name) || /\.(tsbuildinfo|tgz)$/.test(entry.name)) continue;
    if (entry.isDirectory()) found.push(...filesUnder(path));
    else found.push(path);
  }
  return found.sort();
}

/** The folders of what pnpm knows as packages. */
export function packageFolders(): string[] {
  return filesUnder('.')
    .filter((path) => /^(packages|apps)\/[^/]+\/package\.json$/.test(path))
    .map((path) => path.replace('/package.json', ''));
}

/** Source files of the packages and programs that are shipped, without their tests. */
export function shippedSources(): string[] {
  return filesUnder('.').filter(
    (path) => /^(packages|apps)\/[^/]+\/src\/.*\.ts$/.test(path) && !isTest(path),
  );
}

export function isTest(path: string): boolean {
  return /\.test(-support)?\.ts$|\/src\/testing\//.test(path) || path.startsWith('test/');
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export interface Line {
  readonly path: string;
  readonly number: number;
  readonly text: string;
}

/** The lines of a file, numbered from 1. */
export function linesOf(path: string): Line[] {
  return read(path)
    .split('\n')
    .map((text, index) => ({ path, number: index + 1, text }));
}

/** `path:line: text` of each line that a pattern finds: what a failing rule shows. */
export function findings(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    linesOf(path)
      .filter((line) => pattern.test(line.text))
      .map((line) => `${line.path}:${line.number}: ${line.text.trim()}`),
  );
}

/** Code without its comments, every line kept in its place. Good enough for sources without `//` inside strings. */
export function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}
